//! Appends: in order within a stream, in parallel between streams.
//!
//! Each stream that is being written to has a lane. One append to the server is under way in it at a time; what comes
//! meanwhile waits and then goes together, so that a busy stream costs one call for many appends. Records are laid out
//! here, on the hash of the stream's last record, and the server takes them only if that still is the last one.
//!
//! An append is acknowledged when its events were read back: from then on their positions are known, and that it was
//! these bytes and not an earlier attempt with the same ids.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{AGAIN_AFTER, Inner, connection::Fault, envelope::Envelope, records};
use crate::{
    committer::{Outcome, conflict, expected, guess, repeats_from},
    heads::Head,
    port::{Append, AppendError, Appended, Position, StreamName},
    record::RecordedEvent,
};

/// Appends that may wait; one more is refused.
const MOST_WAITING: usize = 16 * 1024;
/// Bytes of one append to the server, as many as servers take by default (`MaxAppendSize`).
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// About what a record's fields take, packed, besides payload and names.
const FIELD_BYTES: usize = 400;
/// How long the feed may take to bring what was appended before it is read back instead.
const FEED_TIME: Duration = Duration::from_millis(500);

/// An append and who waits for its outcome.
struct Waiting {
    append: Append,
    bytes: usize,
    reply: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct Queues {
    /// What waits, by stream. A stream is here for as long as its lane is open.
    waiting: HashMap<StreamName, VecDeque<Waiting>>,
    /// How many appends wait or are under way.
    count: usize,
}

/// The lanes that are open.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<Queues>);

/// What a round in a lane came to.
enum Round {
    /// The first appends that waited are in the log: how many that is, with what each is told.
    Written(Vec<Appended>),
    /// This is what the first one that waited is told.
    First(Outcome),
    /// What was known of the stream's end does not hold: the server has to be asked.
    Ask,
    /// It was tried for as long as patience lasted.
    GivenUp(String),
}

/// Records laid out for one append to the server.
#[derive(Default)]
struct Laid {
    records: Vec<RecordedEvent>,
    /// For each append, which record is its last one.
    ends: Vec<usize>,
}

impl Inner {
    /// Puts an append into its stream's lane, at the time of the call.
    pub(crate) fn submit(self: &Arc<Self>, append: Append) -> Result<oneshot::Receiver<Outcome>, AppendError> {
        let bytes = bytes(&append);
        if bytes > MOST_BYTES {
            return Err(AppendError::Invalid("an append to a cluster has at most 1 MiB"));
        }
        if self.health.gone(self.patience) {
            return Err(AppendError::Unavailable("the cluster does not answer".into()));
        }
        let (reply, outcome) = oneshot::channel();
        let stream = append.stream.clone();
        let waiting = Waiting { append, bytes, reply };
        let mut queues = self.lanes.0.lock();
        if queues.count >= MOST_WAITING {
            return Err(AppendError::Overloaded);
        }
        queues.count += 1;
        match queues.waiting.get_mut(&stream) {
            Some(lane) => lane.push_back(waiting),
            None => {
                queues.waiting.insert(stream.clone(), VecDeque::from([waiting]));
                self.runtime.spawn(self.clone().run(stream));
            }
        }
        Ok(outcome)
    }

    /// Works in a lane until nothing waits in it.
    async fn run(self: Arc<Self>, stream: StreamName) {
        while let Some(batch) = self.take(&stream) {
            self.settle(&stream, batch).await;
        }
    }

    /// As much as goes together; none when nothing waits, by which the lane is closed.
    fn take(&self, stream: &StreamName) -> Option<VecDeque<Waiting>> {
        let mut queues = self.lanes.0.lock();
        let lane = queues.waiting.get_mut(stream)?;
        let (mut batch, mut bytes) = (VecDeque::new(), 0);
        while let Some(next) = lane.pop_front_if(|next| batch.is_empty() || bytes + next.bytes <= MOST_BYTES) {
            bytes += next.bytes;
            batch.push_back(next);
        }
        if batch.is_empty() {
            queues.waiting.remove(stream);
            return None;
        }
        queues.count -= batch.len();
        Some(batch)
    }

    /// Tells everyone in a batch what came of their append.
    async fn settle(&self, stream: &StreamName, mut batch: VecDeque<Waiting>) {
        let until = Instant::now() + self.patience;
        let mut ask = false;
        while !batch.is_empty() {
            let round = match self.head(stream, &batch, ask, until).await {
                Ok((head, certain)) => self.round(stream, &batch, head, certain, until).await,
                Err(fault) => Round::GivenUp(fault.to_string()),
            };
            ask = matches!(round, Round::Ask);
            match round {
                Round::Written(appended) => {
                    self.health.wrote();
                    let told = batch.drain(..appended.len().min(batch.len()));
                    told.zip(appended).for_each(|(waiting, appended)| {
                        // Who went away wants no answer.
                        let _ = waiting.reply.send(Ok(appended));
                    });
                }
                Round::First(outcome) => {
                    if let Some(first) = batch.pop_front() {
                        let _ = first.reply.send(outcome);
                    }
                }
                Round::Ask if Instant::now() < until => {}
                Round::Ask => self.give_up(stream, &mut batch, "the stream changes all the time"),
                Round::GivenUp(reason) => self.give_up(stream, &mut batch, &reason),
            }
        }
    }

    fn give_up(&self, stream: &StreamName, batch: &mut VecDeque<Waiting>, reason: &str) {
        self.health.not_written(reason);
        self.heads.lock().pop(stream);
        for waiting in batch.drain(..) {
            let _ = waiting.reply.send(Err(AppendError::Unavailable(reason.into())));
        }
    }

    /// The stream's end and whether the server was asked for it just now.
    async fn head(
        &self,
        stream: &StreamName,
        batch: &VecDeque<Waiting>,
        ask: bool,
        until: Instant,
    ) -> Result<(Head, bool), Fault> {
        if !ask {
            if let Some(head) = self.heads.lock().get(stream) {
                return Ok((*head, false));
            }
            if batch.front().is_some_and(|first| guess(first.append.expected) == Some(0)) {
                return Ok((Head::ABSENT, false));
            }
        }
        let last = loop {
            match self.connection.read_last(stream).await {
                Err(Fault::Passing(_)) if Instant::now() < until => sleep(AGAIN_AFTER).await,
                last => break last?,
            }
        };
        let record = last.map(|found| found.record()).transpose();
        let record = record.map_err(|error| Fault::Lasting(error.to_string()))?.flatten();
        let head = record.as_ref().map_or(Head::ABSENT, Head::of);
        self.heads.lock().put(stream.clone(), head);
        Ok((head, true))
    }

    async fn round(
        &self,
        stream: &StreamName,
        batch: &VecDeque<Waiting>,
        head: Head,
        certain: bool,
        until: Instant,
    ) -> Round {
        match lay_out(batch, head) {
            Ok(laid) if laid.records.is_empty() => match batch.front() {
                Some(first) => self.judge(&first.append, head, certain, until).await,
                None => Round::Ask,
            },
            Ok(laid) => self.write(stream, head.version, &laid, until).await,
            Err(error) => Round::First(Err(error)),
        }
    }

    /// What an append is told that does not hold on a stream that ends so: a repetition or a conflict.
    async fn judge(&self, append: &Append, head: Head, certain: bool, until: Instant) -> Round {
        let Some(first) = repeats_from(append, head) else {
            // Streams only grow: one that was longer still is.
            let ahead = guess(append.expected).is_some_and(|version| version > head.version);
            return if ahead && !certain { Round::Ask } else { Round::First(Err(conflict(append, head))) };
        };
        // Of a stream that is shorter than the append there is nothing more to wait for.
        let count =
            usize::try_from(head.version + 1 - first).map_or(append.events.len(), |n| n.min(append.events.len()));
        let there = match self.read_back(&append.stream, first - 1, count, until).await {
            Ok(there) => there,
            Err(fault) => return Round::GivenUp(fault.to_string()),
        };
        let same = there.len() == append.events.len()
            && there.iter().zip(&append.events).all(|(record, event)| record.event_id() == event.event_id);
        Round::First(match there.last().filter(|_| same) {
            Some(last) => {
                self.acknowledge(last.position());
                Ok(Appended { position: last.position(), version: last.version(), repeated: true })
            }
            None => Err(conflict(append, head)),
        })
    }

    /// Has records appended behind a version, however often that must be tried: the server knows them by their ids.
    async fn write(&self, stream: &StreamName, version: u64, laid: &Laid, until: Instant) -> Round {
        let before = self.live.last();
        let mut brought: Vec<_> = laid.last_records().map(|record| self.await_event(record)).collect();
        let events: Vec<_> = laid.records.iter().map(Envelope::of).collect();
        let mut wait = AGAIN_AFTER;
        let written = loop {
            match self.connection.append(stream, version, events.clone()).await {
                Err(Fault::Passing(_)) if Instant::now() < until => {
                    sleep(wait).await;
                    wait = (wait * 2).min(AGAIN_AFTER * 8);
                }
                written => break written,
            }
        };
        let round = match written {
            Ok(position) => {
                self.wake.notify_one();
                // An earlier position is the answer to an earlier attempt: the feed is past it.
                let time = if position > before { FEED_TIME } else { Duration::ZERO };
                let brought = timeout(time, join_all(&mut brought)).await.unwrap_or_default();
                let brought: Vec<_> = brought.into_iter().filter_map(Result::ok).collect();
                self.confirm(stream, version, laid, brought, until).await
            }
            Err(Fault::Conflict | Fault::NoStream) => Round::Ask,
            Err(Fault::TooLarge) => Round::First(Err(AppendError::Invalid("the cluster takes no append as large"))),
            Err(fault) => Round::GivenUp(fault.to_string()),
        };
        let mut awaited = self.awaited.lock();
        laid.last_records().for_each(|record| drop(awaited.remove(&record.event_id())));
        round
    }

    fn await_event(&self, record: &RecordedEvent) -> oneshot::Receiver<RecordedEvent> {
        let (sender, receiver) = oneshot::channel();
        self.awaited.lock().insert(record.event_id(), sender);
        receiver
    }

    /// Makes sure that what was laid out is what is in the log, and where.
    async fn confirm(
        &self,
        stream: &StreamName,
        version: u64,
        laid: &Laid,
        mut brought: Vec<RecordedEvent>,
        until: Instant,
    ) -> Round {
        if brought.len() < laid.ends.len() {
            brought = match self.read_back(stream, version, laid.records.len(), until).await {
                Ok(there) => laid.ends.iter().filter_map(|end| there.get(*end).cloned()).collect(),
                Err(fault) => return Round::GivenUp(fault.to_string()),
            };
        }
        let (Some(last), true) = (brought.last(), brought.len() == laid.ends.len()) else {
            // Not to be written once more: they are there.
            return Round::GivenUp("what was written could not be read".to_owned());
        };
        let same = |(there, laid): (&RecordedEvent, &RecordedEvent)| there.canonical_bytes() == laid.canonical_bytes();
        if !brought.iter().zip(laid.last_records()).all(same) {
            // An attempt from before with the same ids, by another node perhaps, is what is in the log.
            return Round::Ask;
        }
        self.note_head(stream, last);
        self.acknowledge(last.position());
        let told =
            |there: &RecordedEvent| Appended { position: there.position(), version: there.version(), repeated: false };
        Round::Written(brought.iter().map(told).collect())
    }

    /// Reads records that the server has: a read that ends before them broke off, however well it ended.
    async fn read_back(
        &self,
        stream: &StreamName,
        after: u64,
        count: usize,
        until: Instant,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        loop {
            match self.connection.read_stream(stream, after, count).await {
                Err(Fault::Passing(_)) if Instant::now() < until => sleep(AGAIN_AFTER).await,
                Ok(found) if found.len() < count && Instant::now() < until => sleep(AGAIN_AFTER).await,
                found => return records(stream, after, found?).map_err(|error| Fault::Lasting(error.to_string())),
            }
        }
    }

    pub(super) fn acknowledge(&self, position: Position) {
        self.acknowledged.fetch_max(position.0, Ordering::AcqRel);
    }
}

impl Laid {
    /// The last record of each append.
    fn last_records(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.ends.iter().filter_map(|end| self.records.get(*end))
    }
}

/// Lays out as many of the first appends as hold one after the other; an error where the first has no place in a record.
fn lay_out(batch: &VecDeque<Waiting>, mut head: Head) -> Result<Laid, AppendError> {
    let mut laid = Laid::default();
    for Waiting { append, .. } in batch {
        if repeats_from(append, head).is_some() || !expected(append, head) {
            break;
        }
        let start = laid.records.len();
        for event in &append.events {
            // The position is the server's to give.
            match RecordedEvent::encode(append, event, Position::START, head.version + 1, head.hash) {
                Ok(stored) => {
                    head = Head::of(&stored.record);
                    laid.records.push(stored.record);
                }
                Err(_) if start == 0 => return Err(AppendError::Invalid("a field has no place in a record")),
                Err(_) => {
                    laid.records.truncate(start);
                    return Ok(laid);
                }
            }
        }
        laid.ends.push(laid.records.len() - 1);
    }
    Ok(laid)
}

/// About how many bytes the server counts for an append.
fn bytes(append: &Append) -> usize {
    let names = |event_type: &str| 3 * event_type.len() + 2 * append.stream.as_str().len();
    append.events.iter().map(|event| event.payload.len() + names(event.event_type) + FIELD_BYTES).sum()
}
