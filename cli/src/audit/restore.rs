//! `teahouse audit restore`: a log again from an export.

use std::{fs, io, path::Path, sync::Arc};

use eventlog::{ClusterLog, DiskLog, ImportError, Position, RecordedEvent, StoreKind, Verifier};
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

/// Brings an export's records into a new log in an empty data directory, byte for byte. Their positions stay, unless they
/// are to be given `anew`, as those of a cluster's log have to be.
///
/// # Errors
/// A breach where the export has one; the directory is then left marked as unfinished. [`Error::Unavailable`] where the
/// export can't be read or the directory is not empty.
pub(super) fn restore(file: &Path, data: &DataDir, store: StoreKind, anew: bool) -> Result<Ending, Error> {
    let mut source = ExportReader::open(file)?;
    let failed = |error: io::Error| Error::unavailable(data.root().display(), error);
    prepare(data)?;
    data.begin_restore().map_err(failed)?;
    let log = opened(store.open(data.log(), None))?;
    let progress = Progress::begin("restoring", None);
    let extent = import(&mut source, &Target::Disk(log.clone()), &progress)?;
    // Positions are part of what clients remember, so they have to be the same again.
    if extent.landed != extent.last && !anew {
        let Extent { last, landed, .. } = extent;
        return Err(Error::Failed(format!(
            "position {last} would become {landed}: the export lacks records, or is of a cluster, whose log gets new \
             positions with --new-positions"
        )));
    }
    log.close();
    drop(log);
    data.end_restore().map_err(failed)?;
    let (took, _) = progress.end();
    output::line(&format!(
        "{} events restored to {} ({store}), {}; every hash holds",
        grouped(extent.records),
        data.root().display(),
        rate(extent.records, took)
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

/// Brings an export's records into the log of a cluster that has none, byte for byte, or goes on with an interrupted
/// restore.
///
/// # Errors
/// As [`restore`].
pub(super) fn restore_to_cluster(file: &Path, log: Arc<ClusterLog>) -> Result<Ending, Error> {
    let mut source = ExportReader::open(file)?;
    let progress = Progress::begin("restoring", None);
    let extent = import(&mut source, &Target::Cluster(log), &progress)?;
    let (took, _) = progress.end();
    output::line(&format!(
        "{} events restored to the cluster, {}; every hash holds, positions are the cluster's own",
        grouped(extent.records),
        rate(extent.records, took)
    ));
    Ok(Ending::Well)
}

/// Where records are brought.
pub(super) enum Target {
    /// Into a new log on this machine.
    Disk(Arc<DiskLog>),
    /// Into the log of a cluster.
    Cluster(Arc<ClusterLog>),
}

/// How much was brought there.
pub(super) struct Extent {
    /// How many records.
    pub(super) records: u64,
    /// The last one's position in the source.
    pub(super) last: Position,
    /// The last one's position where it was brought.
    pub(super) landed: Position,
}

/// Brings all records of a source into a new log.
pub(super) fn import(source: &mut dyn Source, target: &Target, progress: &Progress) -> Result<Extent, Error> {
    let mut verifier = Verifier::new();
    let mut extent = Extent { records: 0, last: Position::START, landed: Position::START };
    loop {
        let page = source.page(extent.last)?;
        let Some(last) = page.last().map(RecordedEvent::position) else { return Ok(extent) };
        let count = page.len() as u64;
        let outcome = match target {
            Target::Disk(log) => block_on(log.import(page)),
            Target::Cluster(log) => {
                if let Some(breach) = page.iter().find_map(|record| verifier.check(record)) {
                    return Err(Error::Breach(breach));
                }
                block_on(log.import(page))
            }
        };
        extent.landed = outcome.map_err(|error| match error {
            ImportError::Breach(breach) => Error::Breach(breach),
            other => Error::failed("the records can't be written", other),
        })?;
        extent.last = last;
        extent.records += count;
        progress.advance(count);
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
            restore(&path, &data, kind, false).unwrap();
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
        assert!(matches!(restore(&path, &data, StoreKind::Fjall, false), Err(Error::Unavailable(_))));
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
        assert!(matches!(restore(&path, &data, StoreKind::Fjall, false), Err(Error::Breach(_))));
        assert!(data.is_being_restored());
        fs::write(&path, &whole).unwrap();
        restore(&path, &data, StoreKind::Fjall, false).unwrap();
        assert!(!data.is_being_restored());
    }
}
