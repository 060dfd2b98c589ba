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
use eventlog::{EventLog, ExpectedVersion, RecordedEvent, StreamName};
use lru::LruCache;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    CommandError,
    engine::ATTEMPTS,
    others::{Heard, Recent},
    ports::Snapshots,
};

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
#[derive(Debug, Default)]
pub(crate) struct Cached<A> {
    /// The state.
    pub(crate) state: A,
    /// The version of the last event in the state.
    pub(crate) version: u64,
    /// The id of that event; none where there is none.
    last: Option<Uuid>,
    /// The version that the last snapshot was taken at.
    snapshot: u64,
    /// Whose commands these events answer, as far as they came from the log; empty where nobody else writes.
    pub(crate) recent: Recent,
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
    /// Notes that all up to `version` is durable.
    pub(crate) fn reached(&self, version: u64) {
        self.progress.send_modify(|progress| progress.durable = progress.durable.max(version));
    }

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
    heard: Arc<Heard>,
    shards: Vec<Shard<A>>,
}

impl<A: Aggregate> Repository<A> {
    /// A repository that keeps about `capacity` streams in memory.
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        snapshots: Arc<dyn Snapshots>,
        heard: Arc<Heard>,
        capacity: usize,
    ) -> Self {
        let each = NonZeroUsize::new(capacity / SHARDS).unwrap_or(NonZeroUsize::MIN);
        let shards = (0..SHARDS).map(|_| Mutex::new(LruCache::new(each))).collect();
        Self { log, snapshots, heard, shards }
    }

    /// The name of an aggregate's stream.
    pub(crate) fn stream(id: A::Id) -> Result<StreamName, CommandError> {
        Ok(StreamName::new(format!("{}-{id}", A::CATEGORY))?)
    }

    /// The stream's cell, folded from the log where it is not cached. It holds whatever this node knows of others' events.
    pub(crate) async fn load(&self, id: A::Id) -> Result<Arc<Cell<A>>, CommandError> {
        if self.heard.is_shared() {
            self.heard.all().await?;
        }
        let shard = self.shard(id);
        loop {
            if let Some(cell) = shard.lock().get(&id) {
                return Ok(cell.clone());
            }
            let folded = self.fold(id).await?;
            let version = folded.version;
            let progress = watch::Sender::new(Progress { durable: version, dead: false });
            let new = Arc::new(Cell { cached: Mutex::new(folded), progress });
            // Whoever was faster may have decided on its cell already, so that one stays.
            let cell = shard.lock().get_or_insert(id, || new.clone()).clone();
            // What was heard while the stream was folded found no cell to go into. From here on it does.
            let is_whole = !Arc::ptr_eq(&cell, &new) || self.ends_at(id, version).await?;
            if is_whole || cell.cached.lock().version > version {
                return Ok(cell);
            }
            self.forget(id, &cell);
        }
    }

    /// Looks at the present state.
    pub(crate) async fn look<T>(&self, id: A::Id, look: impl FnOnce(&A) -> T) -> Result<T, CommandError> {
        let cell = self.load(id).await?;
        let cached = cell.cached.lock();
        Ok(look(&cached.state))
    }

    /// Looks at the present state, when all that is in it is durable: for what is decided in another stream.
    pub(crate) async fn look_settled<T>(&self, id: A::Id, look: impl Fn(&A) -> T) -> Result<T, CommandError> {
        for _ in 0..ATTEMPTS {
            let cell = self.load(id).await?;
            let (seen, version) = {
                let cached = cell.cached.lock();
                (look(&cached.state), cached.version)
            };
            if cell.settled(version).await {
                return Ok(seen);
            }
            self.forget(id, &cell);
        }
        Err(CommandError::Contended)
    }

    /// Whether the present state is such: before that is denied, the log is asked whether this is all there is.
    pub(crate) async fn look_twice(&self, id: A::Id, look: impl Fn(&A) -> bool) -> Result<bool, CommandError> {
        let cell = self.load(id).await?;
        let (pleases, version) = {
            let cached = cell.cached.lock();
            (look(&cached.state), cached.version)
        };
        if pleases || self.ends_at(id, version).await? {
            return Ok(pleases);
        }
        self.forget(id, &cell);
        self.look(id, look).await
    }

    /// Takes an event into its stream's state, where that is cached and does not have it. A state that holds an event of
    /// this node's own in the place of this one is dropped: that one will never be.
    pub(crate) fn hear(&self, record: &RecordedEvent) {
        let key = record.stream().strip_prefix(A::CATEGORY).and_then(|rest| rest.strip_prefix('-'));
        let Some(id) = key.and_then(|key| key.parse::<A::Id>().ok()) else { return };
        let Some(cell) = self.shard(id).lock().peek(&id).cloned() else { return };
        let mut cached = cell.cached.lock();
        if record.version() < cached.version {
            // If another's event stands there, the last one in the state stands on one that never was, and will be found so.
            return;
        }
        if record.version() == cached.version && cached.last == Some(record.event_id()) {
            drop(cached);
            cell.reached(record.version());
            return;
        }
        // Behind what is still under way nothing can be known to follow.
        let is_settled = cell.progress.borrow().durable >= cached.version;
        match decode::<A::Event>(record) {
            Ok(event) if record.version() == cached.version + 1 && is_settled => {
                cached.take_in(record, &event);
                cached.recent.note(record);
                drop(cached);
                cell.reached(record.version());
            }
            // Something is missing, or else than it was taken to be, or can't be read: whoever needs the stream asks the log.
            _ => {
                drop(cached);
                self.forget(id, &cell);
            }
        }
    }

    /// Whether a stream ends with that version, by the log itself where others write to it.
    pub(crate) async fn ends_at(&self, id: A::Id, version: u64) -> Result<bool, CommandError> {
        if !self.heard.is_shared() {
            return Ok(true);
        }
        Ok(self.log.read_stream(&Self::stream(id)?, version, 1).await?.is_empty())
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
                cached.take_in(record, &event);
                if self.heard.is_shared() {
                    cached.recent.note(record);
                }
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
        let empty = Cached::<A>::default();
        let Some(bytes) = self.snapshots.load(stream.as_str()) else { return Ok(empty) };
        let Ok(snapshot) = serde_json::from_slice::<Snapshot<A>>(&bytes) else { return Ok(empty) };
        let Some(before) = snapshot.version.checked_sub(1).filter(|_| snapshot.shape == A::SHAPE) else {
            return Ok(empty);
        };
        let record = self.log.read_stream(stream, before, 1).await?;
        let Some(last) = record.first().filter(|record| record.event_id() == snapshot.event_id) else {
            return Ok(empty);
        };
        let recent = if self.heard.is_shared() { Recent::behind(last.position()) } else { Recent::default() };
        let Snapshot { version, event_id, state, .. } = snapshot;
        Ok(Cached { state, version, last: Some(event_id), snapshot: version, recent })
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
    /// Takes an event of the log into the state.
    fn take_in(&mut self, record: &RecordedEvent, event: &A::Event) {
        self.state.evolve(event, &meta_of(record));
        self.version = record.version();
        self.last = Some(record.event_id());
    }

    /// Takes submitted events, with their ids, into the state.
    pub(crate) fn evolve(&mut self, events: &[(Uuid, A::Event)], actor: Option<UserId>, at: DateTime<Utc>) {
        for (event_id, event) in events {
            self.version += 1;
            self.last = Some(*event_id);
            self.state.evolve(event, &EventMeta { actor, at, version: self.version });
        }
    }

    /// What the next append must find: with events of this state still under way, it is of worth only behind these very ones.
    pub(crate) fn expected(&self) -> ExpectedVersion {
        match self.last {
            Some(event_id) => ExpectedVersion::After { version: self.version, event_id },
            None => ExpectedVersion::NoStream,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Duty, EventFamily, Lease, LeaseEvent, lease::LeaseTaken};
    use eventlog::{
        Append, AppendError, Appended, MemoryLog, NewEvent, PayloadEncoding, Position, ReadError, Subscription,
    };
    use futures::{
        FutureExt,
        executor::block_on,
        future::{self, BoxFuture},
    };

    use super::*;

    /// A log that others write to, while somebody reads.
    struct Busy {
        log: MemoryLog,
        /// What is written behind the next read.
        meanwhile: Mutex<Vec<Append>>,
    }

    impl EventLog for Busy {
        fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
            self.log.append(append)
        }

        fn read_stream(
            &self,
            stream: &StreamName,
            after: u64,
            limit: usize,
        ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
            let read = self.log.read_stream(stream, after, limit).now_or_never().unwrap();
            if let Some(append) = self.meanwhile.lock().pop() {
                self.log.append(append).now_or_never().unwrap().unwrap();
            }
            future::ready(read).boxed()
        }

        fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
            self.log.read_all(after, limit)
        }

        fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
            self.log.subscribe(after)
        }

        fn last_position(&self) -> Position {
            Position::START
        }

        fn refusing_writes(&self) -> Option<Arc<str>> {
            None
        }

        fn is_shared(&self) -> bool {
            true
        }
    }

    struct NoSnapshots;

    impl Snapshots for NoSnapshots {
        fn load(&self, _: &str) -> Option<Vec<u8>> {
            None
        }

        fn save(&self, _: &str, _: &[u8]) {}
    }

    fn taken(version: u64) -> Append {
        let event = LeaseEvent::from(LeaseTaken { holder: Uuid::now_v7(), until: DateTime::UNIX_EPOCH });
        let command = Uuid::now_v7();
        Append {
            stream: StreamName::new("lease-timers").unwrap(),
            expected: if version == 1 { ExpectedVersion::NoStream } else { ExpectedVersion::Exact(version - 1) },
            time: DateTime::UNIX_EPOCH,
            actor: None,
            command_id: command,
            fingerprint: None,
            correlation_id: command,
            causation_id: None,
            events: vec![NewEvent {
                event_id: Uuid::now_v7(),
                event_type: event.event_type(),
                schema: event.schema(),
                encoding: PayloadEncoding::Json,
                payload: event.to_json().unwrap().into(),
            }],
        }
    }

    /// Leases in a log whose one stream has one event.
    fn leases(meanwhile: Vec<Append>) -> (Arc<dyn EventLog>, Repository<Lease>) {
        let busy = Busy { log: MemoryLog::new(), meanwhile: Mutex::new(meanwhile) };
        block_on(busy.log.append(taken(1))).unwrap();
        let log: Arc<dyn EventLog> = Arc::new(busy);
        let leases =
            Repository::<Lease>::new(log.clone(), Arc::new(NoSnapshots), Arc::new(Heard::new(log.clone())), 16);
        (log, leases)
    }

    fn loaded(leases: &Repository<Lease>) -> Arc<Cell<Lease>> {
        block_on(leases.load(Duty::Timers)).unwrap()
    }

    /// Takes an event into a state as a command does that submits it; gives its id.
    fn submitted(cell: &Cell<Lease>) -> Uuid {
        let event_id = Uuid::now_v7();
        let event = LeaseTaken { holder: Uuid::now_v7(), until: DateTime::UNIX_EPOCH };
        cell.cached.lock().evolve(&[(event_id, event.into())], None, DateTime::UNIX_EPOCH);
        event_id
    }

    /// What other nodes append, as it is heard.
    fn heard(log: &Arc<dyn EventLog>, appends: Vec<Append>) -> Vec<RecordedEvent> {
        for append in appends {
            block_on(log.append(append)).unwrap();
        }
        block_on(log.read_all(Position(1), 10)).unwrap()
    }

    fn is_dead(cell: &Cell<Lease>) -> bool {
        cell.progress.borrow().dead
    }

    #[test]
    fn what_others_write_while_a_stream_is_folded_is_not_missed() {
        let (_, leases) = leases(vec![taken(3), taken(2)]);
        assert_eq!(loaded(&leases).cached.lock().version, 3);
    }

    #[test]
    fn a_state_with_an_own_event_in_the_place_of_anothers_is_dropped_before_more_is_taken_in() {
        for own in [1, 2] {
            let (log, leases) = leases(vec![]);
            let cell = loaded(&leases);
            for _ in 0..own {
                submitted(&cell);
            }
            heard(&log, vec![taken(2), taken(3)]).iter().for_each(|record| leases.hear(record));
            assert!(is_dead(&cell));
            let anew = loaded(&leases);
            assert!(!Arc::ptr_eq(&anew, &cell));
            assert_eq!((anew.cached.lock().version, anew.progress.borrow().durable), (3, 3));
        }
    }

    #[test]
    fn an_own_event_that_is_heard_is_durable_and_what_follows_it_is_taken_in() {
        let (log, leases) = leases(vec![]);
        let cell = loaded(&leases);
        let mut own = taken(2);
        own.events[0].event_id = submitted(&cell);
        heard(&log, vec![own, taken(3)]).iter().for_each(|record| leases.hear(record));
        assert!(!is_dead(&cell));
        assert_eq!((cell.cached.lock().version, cell.progress.borrow().durable), (3, 3));
    }

    #[test]
    fn what_is_decided_on_elsewhere_is_seen_only_when_it_is_durable() {
        let (_, leases) = leases(vec![]);
        let cell = loaded(&leases);
        let holder = |lease: &Lease| serde_json::to_string(lease).unwrap();
        let durable = holder(&cell.cached.lock().state);
        submitted(&cell);
        let mut seen = Box::pin(leases.look_settled(Duty::Timers, holder));
        assert!(seen.as_mut().now_or_never().is_none());
        leases.forget(Duty::Timers, &cell);
        assert_eq!(block_on(seen).unwrap(), durable);
    }
}
