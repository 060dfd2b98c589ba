//! The queue between the conductor and one projection: bounded in bytes, taken in as large pieces as wait.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::Fact;

/// Events in the order of the log, shared by all projections.
pub(crate) type Batch = Arc<[Arc<Fact>]>;

/// Most bytes that wait for one projection. The events are shared, so all queues together hold little more. Large
/// enough that a slow projection's pauses don't hold the others up.
const WAITING_BYTES: usize = 48 * 1024 * 1024;
/// What an event costs in memory besides its bytes.
const EVENT_OVERHEAD_BYTES: usize = 256;
/// Most events taken at once: more don't make a write batch any cheaper.
const TAKEN_EVENTS: usize = 16 * 1024;

/// So many waiting bytes are taken at once, whatever the pace.
const PACED_BYTES: usize = 512 * 1024;

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The log was read as far as was wanted; what still waits is to be taken in.
    Drained,
    /// The projection is to stop at once.
    Stopped,
    /// The projection is to stop at once, and its view to be served until a rebuilt one takes over.
    HandedOver,
    /// The log can't be read any further.
    Failed(String),
}

/// What a projection finds in its queue.
pub(crate) enum Taken {
    Batches(Vec<Batch>),
    /// None came in time.
    Nothing,
    End(End),
}

/// When what waits is taken, while it is little.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Not before this.
    pub(crate) not_before: Instant,
    /// Not before this either, unless somebody is in a hurry.
    pub(crate) at_leisure: Instant,
}

impl Pace {
    /// As soon as something waits.
    pub(crate) fn at_once() -> Self {
        Self::from_now(Duration::ZERO, Duration::ZERO)
    }

    /// A while after now, and another one for whom nobody waits.
    pub(crate) fn from_now(pace: Duration, leisure: Duration) -> Self {
        let now = Instant::now();
        Self { not_before: now + pace, at_leisure: now + leisure }
    }
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    bytes: usize,
    end: Option<End>,
    /// How many are in a hurry.
    hurried: usize,
}

/// The queue of one projection.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    /// Told when one that keeps a pace need not wait any longer.
    pressing: Condvar,
    emptied: Condvar,
}

impl Queue {
    /// Adds a batch; waits while the queue is full. False when it has ended, and the batch is dropped.
    pub(crate) fn push(&self, batch: Batch) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.bytes > WAITING_BYTES && waiting.end.is_none() {
            self.emptied.wait(&mut waiting);
        }
        if waiting.end.is_some() {
            return false;
        }
        waiting.bytes += weight(&batch);
        waiting.batches.push_back(batch);
        let pressing = waiting.bytes >= PACED_BYTES;
        drop(waiting);
        self.filled.notify_one();
        if pressing {
            self.pressing.notify_one();
        }
        true
    }

    /// Ends the queue; the first end holds, unless a later one says to stop at once.
    pub(crate) fn end(&self, end: End) {
        let mut waiting = self.waiting.lock();
        if matches!(end, End::Stopped | End::HandedOver) {
            waiting.batches.clear();
            waiting.bytes = 0;
            waiting.end = Some(end);
        } else {
            waiting.end.get_or_insert(end);
        }
        drop(waiting);
        self.filled.notify_all();
        self.pressing.notify_all();
        self.emptied.notify_all();
    }

    /// Has what waits be taken without leisure for as long as the answer is held.
    pub(crate) fn hurry(&self) -> Hurry<'_> {
        self.waiting.lock().hurried += 1;
        self.pressing.notify_one();
        Hurry(self)
    }

    /// Takes what waits at a pace, unless much waits. Waits for something: for ever, or as long as the patience lasts.
    pub(crate) fn take(&self, pace: Pace, patience: Option<Duration>) -> Taken {
        let mut waiting = self.waiting.lock();
        while waiting.bytes < PACED_BYTES && waiting.end.is_none() {
            let until = if waiting.hurried > 0 { pace.not_before } else { pace.at_leisure };
            if self.pressing.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        while waiting.batches.is_empty() {
            if let Some(end) = &waiting.end {
                return Taken::End(end.clone());
            }
            match patience {
                None => self.filled.wait(&mut waiting),
                Some(patience) => {
                    if self.filled.wait_for(&mut waiting, patience).timed_out() && waiting.batches.is_empty() {
                        return waiting.end.clone().map_or(Taken::Nothing, Taken::End);
                    }
                }
            }
        }
        let mut events = 0;
        let mut taken = vec![];
        while let Some(batch) = waiting.batches.pop_front() {
            events += batch.len();
            waiting.bytes = waiting.bytes.saturating_sub(weight(&batch));
            taken.push(batch);
            let next = waiting.batches.front().map_or(0, |next| next.len());
            if events + next > TAKEN_EVENTS {
                break;
            }
        }
        drop(waiting);
        self.emptied.notify_all();
        Taken::Batches(taken)
    }
}

/// Somebody who is in a hurry for what waits in a queue.
pub(crate) struct Hurry<'a>(&'a Queue);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().hurried -= 1;
    }
}

fn weight(batch: &Batch) -> usize {
    batch.iter().map(|fact| fact.record.canonical_bytes().len() + EVENT_OVERHEAD_BYTES).sum()
}
