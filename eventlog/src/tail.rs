//! The tail mark: a note, beside the store, of the last position that was acknowledged.
//!
//! A store that finds its end damaged may quietly cut it off when it recovers. The mark tells such a cut from
//! a write that never finished: it is moved only after a batch's barrier, so it is never ahead of what is durable.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use crate::port::Position;

/// First bytes of the file.
const MAGIC: [u8; 8] = *b"THTAIL01";
const MARK_BYTES: usize = 20;

/// The open file that holds the mark: magic, position, CRC-32 of both, 20 bytes in all.
pub(crate) struct TailMark {
    file: File,
}

impl TailMark {
    /// Opens the mark and tells its position; none when there is no such file.
    pub(crate) fn open(path: &Path) -> io::Result<Option<(Self, Position)>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::with_capacity(MARK_BYTES);
        file.read_to_end(&mut bytes)?;
        let position =
            decode(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the tail mark is damaged"))?;
        Ok(Some((Self { file }, position)))
    }

    /// Makes a new mark, durable but for its name.
    pub(crate) fn create(path: &Path, position: Position) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let mark = Self { file };
        mark.advance(position)?;
        mark.file.sync_all()?;
        Ok(mark)
    }

    /// Moves the mark. Without a barrier of its own: after a power cut an older mark is still a true one.
    pub(crate) fn advance(&self, position: Position) -> io::Result<()> {
        self.file.write_all_at(&encode(position), 0)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(position: Position) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    let fields = MAGIC.into_iter().chain(position.0.to_be_bytes());
    bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    if let Some((marked, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32fast::hash(marked).to_be_bytes();
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Position> {
    let bytes: &[u8; MARK_BYTES] = bytes.try_into().ok()?;
    let position = bytes.get(MAGIC.len()..)?.first_chunk::<8>()?;
    let position = Position(u64::from_be_bytes(*position));
    (*bytes == encode(position)).then_some(position)
}
