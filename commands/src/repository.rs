//! The repository: aggregates folded from their streams, cached, and ready to decide.
//!
//! A decision takes its events into the cached state as soon as they are submitted, not only once they are durable, so
//! that the next command on the same stream need not wait for the barrier: the log keeps the order of submission. If an
//! append fails, the cached state is dropped and whoever decided on it decides again. What a command answers, be it a
//! refusal or "nothing to do", leaves only after everything it was decided on is durable.
//!
//! Long streams are folded from a snapshot. It is taken only of a state that is wholly durable, and used only where the
//! log still has, at that version, the very event that the snapshot ends with.

use std::{num::NonZeroUsize, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{Aggregate, EventFamily, EventMeta, UserId};
use eventlog::{EventLog, RecordedEvent, StreamName};
use lru::LruCache;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{CommandError, ports::Snapshots};

/// How many events are read at a time while a stream is folded.
const PAGE: usize = 1_000;
/// After how many further events a stream is worth another snapshot.
const SNAPSHOT_EVERY: u64 = 512;
/// Over how many locks the cache is spread.
const SHARDS: usize = 16;

/// How far the appends of a cached stream have come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Every event up to this version is durable.
    pub(crate) durable: u64,
    /// An append failed: the state holds events that never happened.
    pub(crate) dead: bool,
}

/// A stream's state, with decisions that may not be durable yet.
#[derive(Debug)]
pub(crate) struct Cached<A> {
    /// The state.
    pub(crate) state: A,
    /// The version of the last event in the state.
    pub(crate) version: u64,
    /// The version that the last snapshot was taken at.
    snapshot: u64,
}

/// A state, kept to fold a long stream from.
#[derive(Serialize, Deserialize)]
struct Snapshot<A> {
    shape: u32,
    version: u64,
    /// The event of that version.
    event_id: Uuid,
    state: A,
}

/// One cached stream.
#[derive(Debug)]
pub(crate) struct Cell<A> {
    /// The state; locked while a command decides and submits, never across a wait.
    pub(crate) cached: Mutex<Cached<A>>,
    /// How far its appends have come.
    pub(crate) progress: watch::Sender<Progress>,
}

impl<A> Cell<A> {
    /// Waits until all up to `version` is durable; false when that will never be.
    pub(crate) async fn settled(&self, version: u64) -> bool {
        let mut progress = self.progress.subscribe();
        let reached = progress.wait_for(|progress| progress.dead || progress.durable >= version).await;
        reached.is_ok_and(|progress| !progress.dead)
    }
}

type Shard<A> = Mutex<LruCache<<A as Aggregate>::Id, Arc<Cell<A>>>>;

/// Cached aggregates of one kind.
pub(crate) struct Repository<A: Aggregate> {
    log: Arc<dyn EventLog>,
    snapshots: Arc<dyn Snapshots>,
    shards: Vec<Shard<A>>,
}

impl<A: Aggregate> Repository<A> {
    /// A repository that keeps about `capacity` streams in memory.
    pub(crate) fn new(log: Arc<dyn EventLog>, snapshots: Arc<dyn Snapshots>, capacity: usize) -> Self {
        let each = NonZeroUsize::new(capacity / SHARDS).unwrap_or(NonZeroUsize::MIN);
        Self { log, snapshots, shards: (0..SHARDS).map(|_| Mutex::new(LruCache::new(each))).collect() }
    }

    /// The name of an aggregate's stream.
    pub(crate) fn stream(id: A::Id) -> Result<StreamName, CommandError> {
        Ok(StreamName::new(format!("{}-{id}", A::CATEGORY))?)
    }

    /// The stream's cell, folded from the log where it is not cached.
    pub(crate) async fn load(&self, id: A::Id) -> Result<Arc<Cell<A>>, CommandError> {
        let shard = self.shard(id);
        if let Some(cell) = shard.lock().get(&id) {
            return Ok(cell.clone());
        }
        let folded = self.fold(id).await?;
        let progress = watch::Sender::new(Progress { durable: folded.version, dead: false });
        let cell = Arc::new(Cell { cached: Mutex::new(folded), progress });
        // Whoever was faster may have decided on its cell already, so that one stays.
        Ok(shard.lock().get_or_insert(id, || cell).clone())
    }

    /// Looks at the present state.
    pub(crate) async fn look<T>(&self, id: A::Id, look: impl FnOnce(&A) -> T) -> Result<T, CommandError> {
        let cell = self.load(id).await?;
        let cached = cell.cached.lock();
        Ok(look(&cached.state))
    }

    /// Drops a cell whose append failed.
    pub(crate) fn forget(&self, id: A::Id, cell: &Arc<Cell<A>>) {
        cell.progress.send_modify(|progress| progress.dead = true);
        let mut shard = self.shard(id).lock();
        if shard.peek(&id).is_some_and(|present| Arc::ptr_eq(present, cell)) {
            shard.pop(&id);
        }
    }

    async fn fold(&self, id: A::Id) -> Result<Cached<A>, CommandError> {
        let stream = Self::stream(id)?;
        let mut cached = self.load_snapshot(&stream).await?;
        let mut last = None;
        loop {
            let page = self.log.read_stream(&stream, cached.version, PAGE).await?;
            for record in &page {
                let event = decode::<A::Event>(record)?;
                cached.state.evolve(&event, &meta_of(record));
                cached.version = record.version();
            }
            last = page.last().map(RecordedEvent::event_id).or(last);
            if page.len() < PAGE {
                break;
            }
        }
        if let Some(event_id) = last {
            self.keep_snapshot(&stream, &mut cached, event_id);
        }
        Ok(cached)
    }

    /// The state of the stream's snapshot; an empty one where there is none that fits the log.
    async fn load_snapshot(&self, stream: &StreamName) -> Result<Cached<A>, CommandError> {
        let empty = Cached { state: A::default(), version: 0, snapshot: 0 };
        let Some(bytes) = self.snapshots.load(stream.as_str()) else { return Ok(empty) };
        let Ok(snapshot) = serde_json::from_slice::<Snapshot<A>>(&bytes) else { return Ok(empty) };
        let Some(before) = snapshot.version.checked_sub(1).filter(|_| snapshot.shape == A::SHAPE) else {
            return Ok(empty);
        };
        let record = self.log.read_stream(stream, before, 1).await?;
        if record.first().is_none_or(|record| record.event_id() != snapshot.event_id) {
            return Ok(empty);
        }
        Ok(Cached { state: snapshot.state, version: snapshot.version, snapshot: snapshot.version })
    }

    /// Takes a snapshot where one is due. The event is the last one in the state, and durable.
    pub(crate) fn keep_snapshot(&self, stream: &StreamName, cached: &mut Cached<A>, event_id: Uuid) {
        if cached.version < cached.snapshot + SNAPSHOT_EVERY {
            return;
        }
        let snapshot = Snapshot { shape: A::SHAPE, version: cached.version, event_id, state: &cached.state };
        // A state that can't be written is folded from the log the next time, as if there were no snapshots.
        if let Ok(bytes) = serde_json::to_vec(&snapshot) {
            self.snapshots.save(stream.as_str(), &bytes);
        }
        cached.snapshot = cached.version;
    }

    fn shard(&self, id: A::Id) -> &Shard<A> {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        #[allow(clippy::indexing_slicing, reason = "the index is a remainder by the number of shards")]
        &self.shards[index]
    }
}

/// What a record says besides its payload.
pub(crate) fn meta_of(record: &RecordedEvent) -> EventMeta {
    EventMeta { actor: record.actor().map(UserId), at: record.time(), version: record.version() }
}

/// The event of a record of a stream of that family.
pub(crate) fn decode<E: EventFamily>(record: &RecordedEvent) -> Result<E, CommandError> {
    let undecodable = |error| CommandError::Undecodable { stream: record.stream().to_owned(), error };
    match E::from_json(record.event_type(), record.schema(), record.payload()) {
        Ok(Some(event)) => Ok(event),
        Ok(None) => Err(undecodable(domain::DecodeError::UnknownType(record.event_type().to_owned()))),
        Err(error) => Err(undecodable(error)),
    }
}

impl<A> Cached<A>
where
    A: Aggregate,
{
    /// Takes submitted events into the state.
    pub(crate) fn evolve(&mut self, events: &[A::Event], actor: Option<UserId>, at: DateTime<Utc>) {
        for event in events {
            self.version += 1;
            self.state.evolve(event, &EventMeta { actor, at, version: self.version });
        }
    }
}
