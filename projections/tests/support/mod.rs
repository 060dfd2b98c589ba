//! What the tests of read models share: appending events, logs that misbehave, a projection to try the runtime with.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this")]

pub mod history;
pub mod tally;

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{EventFamily, UserId};
use eventlog::{
    Append, AppendError, Appended, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position,
    ReadError, RecordedEvent, StreamName, Subscription,
};
use futures::{executor::block_on, future::BoxFuture};
use parking_lot::Mutex;
use projections::{Fact, Projection};
use tokio::sync::watch;
use uuid::Uuid;

/// Longer than anything here takes; a wait that reaches it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A point in time that tests count from.
pub fn epoch() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Writes events at a time of its own.
pub struct Writer {
    pub log: Arc<MemoryLog>,
    pub now: DateTime<Utc>,
}

impl Writer {
    pub fn new() -> Self {
        Self { log: Arc::new(MemoryLog::new()), now: epoch() }
    }

    pub fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log) as Arc<dyn EventLog>
    }

    pub fn pass(&mut self, time: TimeDelta) {
        self.now += time;
    }

    pub fn append<E: EventFamily>(&self, stream: String, actor: Option<UserId>, events: &[E]) -> Position {
        self.command(stream, actor, events, Uuid::now_v7(), None)
    }

    pub fn command<E: EventFamily>(
        &self,
        stream: String,
        actor: Option<UserId>,
        events: &[E],
        command_id: Uuid,
        fingerprint: Option<[u8; 16]>,
    ) -> Position {
        let new = |event: &E| NewEvent {
            event_id: Uuid::now_v7(),
            event_type: event.event_type(),
            schema: event.schema(),
            encoding: PayloadEncoding::Json,
            payload: event.to_json().unwrap().into(),
        };
        self.put(stream, actor, events.iter().map(new).collect(), command_id, fingerprint)
    }

    /// An event that no domain knows.
    pub fn odd(&self, stream: &str, event_type: &'static str) -> Position {
        let payload = Bytes::from_static(b"{}");
        let encoding = PayloadEncoding::Json;
        let event = NewEvent { event_id: Uuid::now_v7(), event_type, schema: 1, encoding, payload };
        self.put(stream.to_owned(), None, vec![event], Uuid::now_v7(), None)
    }

    fn put(
        &self,
        stream: String,
        actor: Option<UserId>,
        events: Vec<NewEvent>,
        command_id: Uuid,
        fingerprint: Option<[u8; 16]>,
    ) -> Position {
        let append = Append {
            stream: StreamName::new(stream).unwrap(),
            expected: ExpectedVersion::Any,
            time: self.now,
            actor: actor.map(|user| user.0),
            command_id,
            fingerprint,
            correlation_id: command_id,
            causation_id: None,
            events,
        };
        block_on(self.log.append(append)).unwrap().position
    }

    pub fn last(&self) -> Position {
        self.log.last_position()
    }

    pub fn facts(&self, after: Position) -> Vec<Arc<Fact>> {
        let records = block_on(self.log.read_all(after, usize::MAX)).unwrap();
        records.into_iter().map(|record| Arc::new(Fact::new(record))).collect()
    }

    /// Opens a projection and has it take everything in at once.
    pub fn fold<P: Projection>(&self, dir: &Path) -> P {
        let mut projection = P::open(dir).unwrap();
        let facts = self.facts(projection.checkpoint());
        projection.apply(&facts).unwrap();
        projection
    }
}

/// How a [`StrangeLog`] behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Fine,
    /// Nothing behind the position can be read for now.
    Holding(Position),
    /// A record behind the position is damaged.
    Damaged(Position),
    /// The log can't be reached.
    Away,
}

/// A log with moods.
pub struct StrangeLog {
    inner: Arc<MemoryLog>,
    mood: watch::Sender<Mood>,
    /// How often it was asked to read everything.
    pub reads: Mutex<u64>,
}

impl StrangeLog {
    pub fn over(inner: &Arc<MemoryLog>, mood: Mood) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), mood: watch::Sender::new(mood), reads: Mutex::new(0) })
    }

    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

impl EventLog for StrangeLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        self.inner.append(append)
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        self.inner.read_stream(stream, after, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        *self.reads.lock() += 1;
        let (inner, mut mood) = (Arc::clone(&self.inner), self.mood.subscribe());
        Box::pin(async move {
            let now = *mood.borrow_and_update();
            match now {
                Mood::Away => return Err(ReadError::Unavailable("away".into())),
                Mood::Damaged(at) if after >= at => {
                    return Err(ReadError::Damaged { position: at, stream: None, rule: "a test".into() });
                }
                Mood::Holding(at) if after >= at => {
                    mood.wait_for(|mood| *mood == Mood::Fine).await.unwrap();
                }
                Mood::Holding(at) | Mood::Damaged(at) => {
                    let mut page = inner.read_all(after, limit).await?;
                    page.retain(|record| record.position() <= at);
                    return Ok(page);
                }
                Mood::Fine => {}
            }
            inner.read_all(after, limit).await
        })
    }

    fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
        match *self.mood.borrow() {
            Mood::Fine => self.inner.subscribe(after),
            _ => Box::new(Pages { log: StrangeLog::over(&self.inner, Mood::Fine), mood: self.mood.subscribe(), after }),
        }
    }

    fn last_position(&self) -> Position {
        self.inner.last_position()
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        None
    }
}

/// A subscription that gives nothing until the log is fine.
struct Pages {
    log: Arc<StrangeLog>,
    mood: watch::Receiver<Mood>,
    after: Position,
}

impl Subscription for Pages {
    fn next(&mut self) -> BoxFuture<'_, Result<Arc<[RecordedEvent]>, ReadError>> {
        Box::pin(async move {
            let mood = *self.mood.wait_for(|mood| !matches!(mood, Mood::Holding(_))).await.unwrap();
            match mood {
                Mood::Fine => {
                    let batch = self.log.inner.subscribe(self.after).next().await?;
                    self.after = batch.last().unwrap().position();
                    Ok(batch)
                }
                Mood::Damaged(at) => Err(ReadError::Damaged { position: at, stream: None, rule: "a test".into() }),
                _ => Err(ReadError::Unavailable("away".into())),
            }
        })
    }
}
