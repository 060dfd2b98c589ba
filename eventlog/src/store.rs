//! What a place to keep records must offer; everything else is shared by all adapters.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    port::{Position, ReadError},
    record::Stored,
};

/// Called with each stored value of a scan, in order; an error ends the scan.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Position, Bytes) -> Result<(), ReadError>;

/// A place that keeps records by position and an index of them by stream. One thread writes; many read.
pub(crate) trait Store: Send + Sync + 'static {
    /// Writes a batch whole and returns once it is behind a durability barrier.
    fn write(&self, batch: &[Stored]) -> Result<(), StoreError>;

    /// Position of the last record; [`Position::START`] when there is none.
    fn last(&self) -> Result<Position, StoreError>;

    /// The stored value at a position.
    fn get(&self, position: Position) -> Result<Option<Bytes>, StoreError>;

    /// Visits up to `limit` stored values with `after < position <= until`, in order.
    fn scan(&self, after: Position, until: Position, limit: usize, visit: Visit<'_>) -> Result<(), ScanError>;

    /// Up to `limit` index entries of a stream, (version, position), with a version above `after`, in order.
    fn index(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<(u64, Position)>, StoreError>;

    /// Position of a version of a stream.
    fn index_at(&self, stream: &str, version: u64) -> Result<Option<Position>, StoreError>;

    /// The index entry of a stream's last event.
    fn index_tail(&self, stream: &str) -> Result<Option<(u64, Position)>, StoreError>;
}

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What it holds is not what was written.
    #[error("{0}")]
    Damaged(Arc<str>),
    /// It can't be read or written now.
    #[error("{0}")]
    Failed(Arc<str>),
}

impl StoreError {
    /// As a read error, for a reader that was looking for `position`.
    pub(crate) fn at(self, position: Position, stream: Option<&str>) -> ReadError {
        match self {
            Self::Damaged(rule) => {
                ReadError::Damaged { position, stream: stream.map(str::to_owned), rule: rule.to_string() }
            }
            Self::Failed(reason) => ReadError::Unavailable(reason),
        }
    }
}

/// Why a scan ended early.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The store failed.
    Store(StoreError),
    /// The visitor did not accept a value.
    Visit(ReadError),
}

impl From<StoreError> for ScanError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Bytes of an index entry's key.
pub(crate) const INDEX_KEY_BYTES: usize = 20;

/// The key of an index entry: the first 12 bytes of the BLAKE3 hash of the stream's name, then the version.
///
/// Short keys of even length keep the index small and quick, also where names are long and begin alike. Should
/// two names ever share a key, the record that is found has the other name, which every reader checks.
pub(crate) fn index_key(stream: &str, version: u64) -> [u8; INDEX_KEY_BYTES] {
    let mut key = [0; INDEX_KEY_BYTES];
    if let Some((name, number)) = key.split_last_chunk_mut::<8>() {
        let hash = blake3::hash(stream.as_bytes());
        name.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        *number = version.to_be_bytes();
    }
    key
}

/// A big-endian number at the end of a key or value.
pub(crate) fn trailing_u64(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes
        .last_chunk::<8>()
        .map(|chunk| u64::from_be_bytes(*chunk))
        .ok_or_else(|| StoreError::Damaged("a key or index entry is too short".into()))
}
