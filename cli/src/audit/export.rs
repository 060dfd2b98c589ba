//! `teahouse audit export`: the whole log as one file that anybody can read.

use std::path::Path;

use eventlog::{Position, RecordedEvent};

use super::{export_file::ExportWriter, source::Source};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped, rate},
};

/// Writes all records to a file, or goes on with an interrupted export.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where source or file are out of reach.
pub(super) fn export(source: &mut dyn Source, out: &Path) -> Result<Ending, Error> {
    let mut writer = ExportWriter::open(out)?;
    let progress = Progress::begin("exporting", source.last().map(|last| last.0));
    let mut after = Position::START;
    if let Some(resumed) = writer.resumed().cloned() {
        // Read along, to see that the beginning came from this log.
        after = Position(resumed.position().0.saturating_sub(1));
        output::line(&format!("going on with {}.part behind position {}", out.display(), resumed.position()));
    }
    let begun = writer.written();
    progress.advance(begun.records);
    loop {
        let page = source.page(after)?;
        let mut records = page.as_slice();
        if let Some(resumed) = writer.resumed().filter(|resumed| after < resumed.position()) {
            match records.split_first() {
                Some((first, rest)) if first == resumed => records = rest,
                _ => return Err(of_another_log(out)),
            }
        }
        let Some(last) = page.last().map(RecordedEvent::position) else { break };
        for record in records {
            writer.add(record).map_err(|error| Error::failed("the export can't be written", error))?;
        }
        progress.advance(records.len() as u64);
        after = last;
    }
    let extent = writer.written();
    let bytes = writer.finish().map_err(|error| Error::failed("the export can't be finished", error))?;
    let (took, _) = progress.end();
    output::line(&format!(
        "{} events up to position {} in {} ({} bytes), {}",
        grouped(extent.records),
        extent.last_position,
        out.display(),
        grouped(bytes),
        rate(extent.records - begun.records, took),
    ));
    Ok(Ending::Well)
}

fn of_another_log(out: &Path) -> Error {
    Error::Unavailable(format!("{}.part was begun from another log; remove it to begin anew", out.display()))
}

#[cfg(test)]
mod tests {
    use eventlog::MemoryLog;

    use super::*;
    use crate::audit::{line::tests::sample_log, source::MemorySource};

    #[test]
    fn an_interrupted_export_of_another_log_is_not_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let mut source = MemorySource(sample_log());
        export(&mut source, &path).unwrap();
        // As if it had been interrupted: without the end line, and under the other name.
        let text = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
        let end = text.len() - text.split_inclusive(|byte| *byte == b'\n').next_back().unwrap().len();
        std::fs::remove_file(&path).unwrap();
        let part = dir.path().join("log.export.part");
        std::fs::write(&part, zstd::bulk::compress(&text[..end], 3).unwrap()).unwrap();
        assert!(matches!(export(&mut MemorySource(sample_log()), &path), Err(Error::Unavailable(_))));
        assert!(matches!(export(&mut MemorySource(MemoryLog::new()), &path), Err(Error::Unavailable(_))));
        assert_eq!(export(&mut source, &path).unwrap(), Ending::Well);
        assert_eq!(zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap(), text);
    }
}
