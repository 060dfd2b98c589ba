//! A log in memory, for the tests of whatever stands above the port.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures::future::{self, BoxFuture, FutureExt};
use parking_lot::{Mutex, RwLock};

use crate::{
    committer::Committer,
    core::Core,
    limits,
    port::{Append, AppendError, Appended, EventLog, Position, ReadError, StreamName, Subscription},
    record::{RecordedEvent, Stored},
    store::{ScanError, Store, StoreError, Visit},
};

/// An event log that forgets everything when it is dropped. It needs no runtime and no thread: an append has
/// happened when the call returns.
pub struct MemoryLog {
    core: Arc<Core>,
    committer: Mutex<Committer>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        Self {
            core: Arc::new(Core::new(Arc::clone(&store), Position::START, None)),
            committer: Mutex::new(Committer::new(store, Position::START)),
        }
    }

    fn commit(&self, append: &Append) -> Result<Appended, AppendError> {
        limits::check(append)?;
        let mut committer = self.committer.lock();
        let mut batch = Vec::with_capacity(append.events.len());
        let appended = committer.add(append, &mut batch)?;
        self.core.commit(batch)?;
        Ok(appended)
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl EventLog for MemoryLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        future::ready(self.commit(&append)).boxed()
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        future::ready(self.core.stream_page(stream, after, limit)).boxed()
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        future::ready(self.core.page(after, limit)).boxed()
    }

    fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
        self.core.subscribe(after)
    }

    fn last_position(&self) -> Position {
        self.core.live.last()
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        self.core.poisoned()
    }
}

#[derive(Default)]
struct Shelves {
    /// The value at position p is at p - 1.
    values: Vec<Bytes>,
    /// The position of a stream's version v is at v - 1.
    streams: HashMap<Box<str>, Vec<Position>>,
}

#[derive(Default)]
struct MemoryStore(RwLock<Shelves>);

/// Where something numbered from 1 stands.
fn slot(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

impl Store for MemoryStore {
    fn write(&self, batch: &[Stored]) -> Result<(), StoreError> {
        let mut shelves = self.0.write();
        for Stored { record, value } in batch {
            shelves.values.push(value.clone());
            let positions = match shelves.streams.get_mut(record.stream()) {
                Some(positions) => positions,
                None => shelves.streams.entry(record.stream().into()).or_default(),
            };
            positions.push(record.position());
        }
        Ok(())
    }

    fn last(&self) -> Result<Position, StoreError> {
        Ok(Position(self.0.read().values.len() as u64))
    }

    fn get(&self, position: Position) -> Result<Option<Bytes>, StoreError> {
        let shelves = self.0.read();
        Ok(slot(position.0).and_then(|slot| shelves.values.get(slot).cloned()))
    }

    fn scan(&self, after: Position, until: Position, limit: usize, visit: Visit<'_>) -> Result<(), ScanError> {
        let shelves = self.0.read();
        let start = usize::try_from(after.0).unwrap_or(usize::MAX);
        let values = shelves.values.get(start..).unwrap_or_default();
        for (position, value) in (after.0.saturating_add(1)..=until.0).zip(values).take(limit) {
            visit(Position(position), value.clone()).map_err(ScanError::Visit)?;
        }
        Ok(())
    }

    fn index(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<(u64, Position)>, StoreError> {
        let shelves = self.0.read();
        let positions = shelves.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        let following = positions.get(start..).unwrap_or_default();
        Ok((after.saturating_add(1)..).zip(following.iter().copied()).take(limit).collect())
    }

    fn index_at(&self, stream: &str, version: u64) -> Result<Option<Position>, StoreError> {
        let shelves = self.0.read();
        let positions = shelves.streams.get(stream).map_or(&[][..], Vec::as_slice);
        Ok(slot(version).and_then(|slot| positions.get(slot).copied()))
    }

    fn index_tail(&self, stream: &str) -> Result<Option<(u64, Position)>, StoreError> {
        let shelves = self.0.read();
        let tail = shelves.streams.get(stream).and_then(|positions| {
            let last = positions.last()?;
            Some((positions.len() as u64, *last))
        });
        Ok(tail)
    }
}
