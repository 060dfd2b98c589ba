//! `teahouse audit restore`: a log again from an export.

use std::{fs, io, path::Path, sync::Arc};

use eventlog::{DiskLog, ImportError, Position, RecordedEvent, StoreKind};
use futures::executor::block_on;

use super::{
    export_file::ExportReader,
    source::{Source, opened},
};
use crate::{
    error::{Ending, Error},
    layout::DataDir,
    output,
    progress::{Progress, grouped, rate},
};

/// Brings an export's records into a new log in an empty data directory, byte for byte.
///
/// # Errors
/// A breach where the export has one; the directory is then left marked as unfinished. [`Error::Unavailable`] where the
/// export can't be read or the directory is not empty.
pub(super) fn restore(file: &Path, data: &DataDir, store: StoreKind) -> Result<Ending, Error> {
    let mut source = ExportReader::open(file)?;
    let failed = |error: io::Error| Error::unavailable(data.root().display(), error);
    prepare(data)?;
    data.begin_restore().map_err(failed)?;
    let log = opened(store.open(data.log(), None))?;
    let progress = Progress::begin("restoring", None);
    let imported = import(&mut source, &log, &progress)?;
    log.close();
    drop(log);
    data.end_restore().map_err(failed)?;
    let (took, _) = progress.end();
    output::line(&format!(
        "{} events restored to {} ({store}), {}; every hash holds",
        grouped(imported.0),
        data.root().display(),
        rate(imported.0, took)
    ));
    Ok(Ending::Well)
}

/// Sees to it that nothing is in the way but the remainder of a restore.
fn prepare(data: &DataDir) -> Result<(), Error> {
    let failed = |error: io::Error| Error::unavailable(data.root().display(), error);
    if data.is_being_restored() {
        output::line("an earlier restore into this directory was interrupted; beginning anew");
        return match fs::remove_dir_all(data.log()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    match fs::read_dir(data.root()).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Error::Unavailable(format!("{} is not empty; restore into a new directory", data.root().display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Brings all records of a source into a new log; gives the last position.
pub(super) fn import(source: &mut dyn Source, log: &Arc<DiskLog>, progress: &Progress) -> Result<Position, Error> {
    let mut after = Position::START;
    loop {
        let page = source.page(after)?;
        let Some(last) = page.last().map(RecordedEvent::position) else { return Ok(after) };
        let count = page.len() as u64;
        let landed = block_on(log.import(page)).map_err(|error| match error {
            ImportError::Breach(breach) => Error::Breach(breach),
            other => Error::failed("the records can't be written", other),
        })?;
        // Positions are part of what clients remember, so they have to be the same again.
        if landed != last {
            return Err(Error::Failed(format!("the export lacks records: position {last} would become {landed}")));
        }
        progress.advance(count);
        after = last;
    }
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;

    use super::*;
    use crate::audit::{export::export, line::tests::sample_log, source::MemorySource};

    #[test]
    fn a_restored_log_has_the_same_bytes_on_either_engine() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let log = sample_log();
        let records = block_on(log.read_all(Position::START, 100)).unwrap();
        export(&mut MemorySource(log), &path).unwrap();
        for kind in [StoreKind::Fjall, StoreKind::Sled] {
            let data = DataDir::new(dir.path().join(kind.to_string()));
            restore(&path, &data, kind).unwrap();
            assert_eq!(data.store(), Some(kind));
            let restored = kind.open(data.log(), None).unwrap();
            assert_eq!(block_on(restored.read_all(Position::START, 100)).unwrap(), records);
        }
    }

    #[test]
    fn a_directory_with_anything_in_it_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        export(&mut MemorySource(sample_log()), &path).unwrap();
        let data = DataDir::new(dir.path().to_owned());
        assert!(matches!(restore(&path, &data, StoreKind::Fjall), Err(Error::Unavailable(_))));
        assert!(!data.is_being_restored());
    }

    #[test]
    fn an_interrupted_restore_is_recognised_and_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        export(&mut MemorySource(sample_log()), &path).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let data = DataDir::new(dir.path().join("data"));
        assert!(matches!(restore(&path, &data, StoreKind::Fjall), Err(Error::Breach(_))));
        assert!(data.is_being_restored());
        fs::write(&path, &whole).unwrap();
        restore(&path, &data, StoreKind::Fjall).unwrap();
        assert!(!data.is_being_restored());
    }
}
