//! The file of an export: compressed JSON lines, in frames that each stand alone.
//!
//! The first line says what the file is, then comes one line for each record, the last line says how many there were.
//! A frame ends after some records and is synced, so that an interrupted export goes on behind its last whole frame.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

use eventlog::{Breach, Position, RecordedEvent, verify::Rule};
use serde::{Deserialize, Serialize};
use zstd::{bulk::Compressor, stream::read::Decoder, zstd_safe::CParameter};

use super::{
    line::Line,
    source::{PAGE, Source, SourceError},
};
use crate::error::Error;

/// The first line.
const HEADER: &[u8] = b"{\"teahouse_export\":1}\n";
/// What the last line begins with; no record's line does.
const END: &str = "{\"end\":";
/// A frame ends once it has as many bytes of lines.
const FRAME_BYTES: usize = 4 * 1024 * 1024;
/// No line of ours is longer.
const LINE_BYTES: u64 = 1024 * 1024;
/// A good ratio at a speed that a disk keeps up with.
const LEVEL: i32 = 3;

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EndLine {
    end: Extent,
}

/// How far an export goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    /// How many records.
    pub(super) records: u64,
    /// Position of the last one; 0 where there is none.
    pub(super) last_position: u64,
}

/// Writes an export, or goes on with one.
pub(super) struct ExportWriter {
    path: PathBuf,
    part: PathBuf,
    file: File,
    compressor: Compressor<'static>,
    /// Lines of the frame that is being gathered.
    frame: Vec<u8>,
    written: Extent,
    /// The last record that an interrupted export had; it must be in the log that the rest comes from.
    resumed: Option<RecordedEvent>,
}

impl ExportWriter {
    /// Begins an export, or goes on behind what an interrupted one left beside `path`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the file exists, or what is beside it is something else or in use.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path.exists() {
            return Err(Error::Unavailable(format!("{} exists already and is not overwritten", path.display())));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let failed = |error: io::Error| Error::unavailable(part.display(), error);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&part).map_err(failed)?;
        file.try_lock().map_err(|_| Error::Unavailable(format!("another export writes to {}", part.display())))?;
        let found = survey(&file).map_err(|reason| Error::unavailable(part.display(), reason))?;
        file.set_len(found.bytes).map_err(failed)?;
        file.seek(io::SeekFrom::Start(found.bytes)).map_err(failed)?;
        let mut compressor = Compressor::new(LEVEL).map_err(failed)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true)).map_err(failed)?;
        let frame = if found.bytes == 0 { HEADER.to_vec() } else { Vec::new() };
        let (path, written, resumed) = (path.to_owned(), found.extent, found.last);
        Ok(Self { path, part, file, compressor, frame, written, resumed })
    }

    /// The last record that an interrupted export had, if this goes on with one.
    pub(super) fn resumed(&self) -> Option<&RecordedEvent> {
        self.resumed.as_ref()
    }

    /// How far it has come.
    pub(super) fn written(&self) -> Extent {
        self.written
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: &RecordedEvent) -> io::Result<()> {
        serde_json::to_writer(&mut self.frame, &Line::of(record))?;
        self.frame.push(b'\n');
        self.written.records += 1;
        self.written.last_position = record.position().0;
        if self.frame.len() >= FRAME_BYTES { self.end_frame() } else { Ok(()) }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if !self.frame.is_empty() {
            self.file.write_all(&self.compressor.compress(&self.frame)?)?;
            self.file.sync_data()?;
            self.frame.clear();
        }
        Ok(())
    }

    /// Says that nothing follows, and gives the file its name. Gives its length in bytes.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        serde_json::to_writer(&mut self.frame, &EndLine { end: self.written })?;
        self.frame.push(b'\n');
        self.end_frame()?;
        self.file.sync_all()?;
        // Unlike a rename, a link never replaces a file that has come about meanwhile.
        fs::hard_link(&self.part, &self.path)?;
        fs::remove_file(&self.part)?;
        Ok(self.file.metadata()?.len())
    }
}

/// What an interrupted export left.
#[derive(Debug, Default)]
struct Found {
    /// Length of its whole frames.
    bytes: u64,
    extent: Extent,
    last: Option<RecordedEvent>,
}

/// Reads the whole frames of an unfinished export. A frame with an end line is left out, to be written again.
fn survey(file: &File) -> Result<Found, String> {
    const FOREIGN: &str = "this is no unfinished export; it is left as it is";
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut reader = BufReader::new(file);
    let mut found = Found::default();
    while found.bytes < length {
        let Ok(frame) = whole_frame(&mut reader) else { break };
        let lines = if found.bytes == 0 { frame.strip_prefix(HEADER).ok_or(FOREIGN)? } else { &frame };
        let lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
        let Some(last) = lines.last().filter(|last| !last.starts_with(END.as_bytes())) else { break };
        let line: Line = serde_json::from_slice(last).map_err(|error| error.to_string())?;
        let record = line.into_record().map_err(|breach| breach.to_string())?;
        found.extent.records += lines.len() as u64;
        found.extent.last_position = record.position().0;
        found.last = Some(record);
        found.bytes = reader.stream_position().map_err(|error| error.to_string())?;
    }
    if found.bytes == 0 && length > 0 && !begins_like_a_frame(file).unwrap_or(false) {
        return Err(FOREIGN.to_owned());
    }
    Ok(found)
}

/// The lines of the next frame; an error where it was not written to its end.
fn whole_frame(reader: &mut BufReader<&File>) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    let decoder = Decoder::with_buffer(reader)?.single_frame();
    decoder.take(2 * (FRAME_BYTES as u64 + LINE_BYTES)).read_to_end(&mut frame)?;
    Ok(frame)
}

/// Whether a file begins as every file of this compression does, as far as it was written.
fn begins_like_a_frame(mut file: &File) -> io::Result<bool> {
    let magic = zstd::zstd_safe::MAGICNUMBER.to_le_bytes();
    let mut beginning = Vec::new();
    file.rewind()?;
    file.take(magic.len() as u64).read_to_end(&mut beginning)?;
    Ok(magic.starts_with(&beginning))
}

/// Reads an export.
pub(super) struct ExportReader {
    lines: BufReader<Decoder<'static, BufReader<File>>>,
    read: Extent,
    /// A breach that was met behind records which had to be handed out first.
    stashed: Option<SourceError>,
    ended: bool,
    /// Whether a record was handed out. Only before that are records skipped; later ones out of order are a breach,
    /// which the caller judges.
    begun: bool,
}

impl ExportReader {
    /// Opens an export.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where it can't be read or is something else.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::unavailable(path.display(), error);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let decoder = Decoder::new(file).map_err(|error| failed(&error))?;
        let lines = BufReader::new(decoder);
        let mut reader = Self { lines, read: Extent::default(), stashed: None, ended: false, begun: false };
        match reader.line() {
            Ok(Some(first)) if first.as_bytes() == HEADER => Ok(reader),
            Ok(_) => Err(failed(&"this is no export of a Teahouse log")),
            Err(error) => Err(failed(&format!("this is no export of a Teahouse log ({error})"))),
        }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = (&mut self.lines).take(LINE_BYTES).read_line(&mut line)?;
        Ok((length > 0).then_some(line))
    }

    /// The next record; none at the end.
    fn record(&mut self) -> Result<Option<RecordedEvent>, SourceError> {
        if self.ended {
            return Ok(None);
        }
        // Nothing behind a broken or missing line can be told apart from it.
        let line = match self.line() {
            Ok(Some(line)) => line,
            Ok(None) => return Err(self.cut("the export has no end mark: it was interrupted or cut off".to_owned())),
            Err(error) => return Err(self.cut(format!("the export's bytes are damaged or cut off: {error}"))),
        };
        if line.starts_with(END) {
            let end: Option<EndLine> = serde_json::from_str(&line).ok();
            // The last frame's checksum is read and compared only when its end is reached.
            let at_end = matches!(self.line(), Ok(None));
            self.ended = true;
            return match end {
                Some(EndLine { end }) if end == self.read && at_end => Ok(None),
                _ => Err(self.cut(format!("the export's end mark doesn't fit its {} records", self.read.records))),
            };
        }
        let line: Line = match serde_json::from_str(&line) {
            Ok(line) => line,
            Err(error) => return Err(self.cut(format!("a line of the export can't be read: {error}"))),
        };
        self.read.records += 1;
        self.read.last_position = line.position().0;
        line.into_record().map(Some).map_err(SourceError::Breach)
    }

    fn cut(&mut self, rule: String) -> SourceError {
        self.ended = true;
        let position = Position(self.read.last_position + 1);
        SourceError::Breach(Breach { position, stream: None, rule: Rule::Stored(rule) })
    }
}

impl Source for ExportReader {
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError> {
        if let Some(error) = self.stashed.take() {
            return Err(error);
        }
        let mut page = Vec::with_capacity(PAGE);
        while page.len() < PAGE {
            match self.record() {
                Ok(Some(record)) if !self.begun && record.position() <= after => {}
                Ok(Some(record)) => {
                    self.begun = true;
                    page.push(record);
                }
                Ok(None) => break,
                Err(error) if page.is_empty() => return Err(error),
                Err(error) => {
                    self.stashed = Some(error);
                    break;
                }
            }
        }
        Ok(page)
    }

    fn last(&self) -> Option<Position> {
        None
    }
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;
    use futures::executor::block_on;

    use super::*;
    use crate::audit::line::tests::{append, sample_log};

    fn records(count: usize) -> Vec<RecordedEvent> {
        let log = sample_log();
        for _ in 12..count {
            block_on(log.append(append("conversation-b", r#"{"name":"n"}"#, true))).unwrap();
        }
        block_on(log.read_all(Position::START, count)).unwrap()
    }

    fn write(path: &Path, records: &[RecordedEvent]) {
        let mut writer = ExportWriter::open(path).unwrap();
        records.iter().for_each(|record| writer.add(record).unwrap());
        writer.finish().unwrap();
    }

    fn read(path: &Path) -> (Vec<RecordedEvent>, Option<SourceError>) {
        let mut reader = ExportReader::open(path).unwrap();
        let mut all = vec![];
        loop {
            match reader.page(Position::START) {
                Ok(page) if page.is_empty() => return (all, None),
                Ok(page) => all.extend(page),
                Err(error) => return (all, Some(error)),
            }
        }
    }

    /// Where the unfinished export lies.
    fn part_of(path: &Path) -> PathBuf {
        path.with_file_name("log.export.part")
    }

    #[test]
    fn an_export_gives_back_the_records_that_went_into_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let records = records(9_000);
        write(&path, &records);
        let (found, error) = read(&path);
        assert!(error.is_none());
        assert_eq!(found, records);
        assert!(!part_of(&path).exists());
    }

    #[test]
    fn an_interrupted_export_goes_on_behind_its_last_whole_frame() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let records = records(300);
        for torn in [0, 1, 5, 40] {
            // Interrupted after two frames, with some bytes of a third.
            let mut writer = ExportWriter::open(&path).unwrap();
            for part in records[..200].chunks(100) {
                part.iter().for_each(|record| writer.add(record).unwrap());
                writer.end_frame().unwrap();
            }
            let whole = writer.file.metadata().unwrap().len();
            writer.add(&records[200]).unwrap();
            writer.end_frame().unwrap();
            writer.file.set_len(whole + torn).unwrap();
            drop(writer);

            let mut writer = ExportWriter::open(&path).unwrap();
            assert_eq!(writer.written(), Extent { records: 200, last_position: 200 });
            assert_eq!(writer.resumed(), Some(&records[199]));
            records[200..].iter().for_each(|record| writer.add(record).unwrap());
            writer.finish().unwrap();
            let (found, error) = read(&path);
            assert!(error.is_none(), "{error:?}");
            assert_eq!(found, records);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn an_export_whose_name_could_not_be_given_is_finished_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let records = records(20);
        write(&path, &records);
        std::fs::rename(&path, part_of(&path)).unwrap();
        write(&path, &records);
        assert_eq!(read(&path).0, records);
    }

    #[test]
    fn nothing_else_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        std::fs::write(&path, "a diary").unwrap();
        assert!(ExportWriter::open(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(part_of(&path), "a diary").unwrap();
        assert!(ExportWriter::open(&path).is_err());
        assert_eq!(std::fs::read(part_of(&path)).unwrap(), b"a diary");
        std::fs::write(part_of(&path), zstd::bulk::compress(b"a long diary\n", 3).unwrap()).unwrap();
        assert!(ExportWriter::open(&path).is_err());
        assert!(ExportReader::open(&part_of(&path)).is_err());
    }

    #[test]
    fn an_export_that_is_written_to_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let _first = ExportWriter::open(&path).unwrap();
        assert!(ExportWriter::open(&path).is_err());
    }

    #[test]
    fn an_export_cut_anywhere_is_a_breach() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let records = records(50);
        write(&path, &records);
        let whole = std::fs::read(&path).unwrap();
        for length in [whole.len() - 1, whole.len() / 2] {
            std::fs::write(&path, &whole[..length]).unwrap();
            if let Ok(mut reader) = ExportReader::open(&path) {
                let mut last = Ok(vec![]);
                for _ in 0..3 {
                    last = reader.page(Position::START);
                    if last.is_err() {
                        break;
                    }
                }
                assert!(matches!(last, Err(SourceError::Breach(_))), "cut to {length} bytes");
            }
        }
    }

    #[test]
    fn an_export_without_its_end_mark_is_a_breach() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.export");
        let mut writer = ExportWriter::open(&path).unwrap();
        let records = records(30);
        records.iter().for_each(|record| writer.add(record).unwrap());
        writer.end_frame().unwrap();
        drop(writer);
        let (found, error) = read(&part_of(&path));
        assert_eq!(found, records);
        assert!(matches!(error, Some(SourceError::Breach(breach)) if breach.position == Position(31)));
    }
}
