//! The ends of the streams that were written to last.

use std::num::NonZeroUsize;

use lru::LruCache;
use uuid::Uuid;

use crate::{
    port::{Hash, Position, ReadError, StreamName},
    record::RecordedEvent,
    store::{Store, StoreError},
};

/// How many heads are kept. More than one batch can touch, so that the head of a stream that is being written
/// is never looked up on a disk that doesn't have it yet.
pub(crate) const KEPT_HEADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(128 * 1024 - 1);

/// The end of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Version of the last event; 0 for an absent stream.
    pub(crate) version: u64,
    /// What the next event names as its predecessor.
    pub(crate) hash: Hash,
    /// Id of the last event.
    pub(crate) event_id: Uuid,
}

impl Head {
    /// Of a stream that is not there.
    pub(crate) const ABSENT: Head = Head { version: 0, hash: Hash::ZERO, event_id: Uuid::nil() };

    pub(crate) fn of(record: &RecordedEvent) -> Self {
        Self { version: record.version(), hash: record.hash(), event_id: record.event_id() }
    }
}

/// A bounded memory of stream heads in front of the store.
pub(crate) struct Heads {
    kept: LruCache<StreamName, Head>,
}

impl Heads {
    pub(crate) fn new() -> Self {
        Self { kept: LruCache::new(KEPT_HEADS) }
    }

    /// The end of a stream, from memory or else from the store. `guess` is the version that the caller takes it
    /// to be at; when that is right, the store has less to search.
    pub(crate) fn get(
        &mut self,
        stream: &StreamName,
        guess: Option<u64>,
        store: &dyn Store,
    ) -> Result<Head, ReadError> {
        if let Some(head) = self.kept.get(stream) {
            return Ok(*head);
        }
        let head = stored_head(stream.as_str(), guess, store)?;
        self.kept.put(stream.clone(), head);
        Ok(head)
    }

    /// Notes what was just laid out to be written.
    pub(crate) fn advance(&mut self, stream: &StreamName, head: Head) {
        self.kept.put(stream.clone(), head);
    }
}

fn stored_head(stream: &str, guess: Option<u64>, store: &dyn Store) -> Result<Head, ReadError> {
    let tail = index_tail(stream, guess, store).map_err(|error| error.at(Position::START, Some(stream)))?;
    let Some((version, position)) = tail else {
        return Ok(Head::ABSENT);
    };
    let record = indexed_record(stream, version, position, store)?;
    Ok(Head::of(&record))
}

/// The last index entry of a stream. Versions are dense, so the one that has no successor is the last.
fn index_tail(stream: &str, guess: Option<u64>, store: &dyn Store) -> Result<Option<(u64, Position)>, StoreError> {
    if let Some(version) = guess
        && let Some(next) = version.checked_add(1)
        && store.index_at(stream, next)?.is_none()
    {
        if version == 0 {
            return Ok(None);
        }
        if let Some(position) = store.index_at(stream, version)? {
            return Ok(Some((version, position)));
        }
    }
    store.index_tail(stream)
}

/// The record that an index entry points to, checked to be the one it claims.
pub(crate) fn indexed_record(
    stream: &str,
    version: u64,
    position: Position,
    store: &dyn Store,
) -> Result<RecordedEvent, ReadError> {
    let damaged = |rule: &str| ReadError::Damaged { position, stream: Some(stream.to_owned()), rule: rule.to_owned() };
    let value = store
        .get(position)
        .map_err(|error| error.at(position, Some(stream)))?
        .ok_or_else(|| damaged("the stream's index names a record that is missing"))?;
    let record = RecordedEvent::from_stored(position, value)?;
    if record.stream() != stream || record.version() != version {
        return Err(damaged("the stream's index names another record"));
    }
    Ok(record)
}
