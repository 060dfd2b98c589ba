//! What was written last, kept in memory for those who follow the log.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{port::Position, record::RecordedEvent};

/// Most bytes of records that are kept for followers; who falls further behind reads the store.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Most batches that are kept, since a batch of one small event costs more than its bytes.
const KEPT_BATCHES: usize = 16 * 1024;

/// How far the log has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Position of the last durable event.
    pub(crate) last: Position,
    /// Nothing will come any more.
    pub(crate) closed: bool,
}

/// A batch and the bytes it holds in memory.
struct Kept {
    /// The batch follows this position, with nothing in between.
    after: Position,
    batch: Arc<[RecordedEvent]>,
    bytes: usize,
}

#[derive(Default)]
struct Recent {
    batches: VecDeque<Kept>,
    bytes: usize,
}

/// What a follower at some position finds.
pub(crate) enum Found {
    /// The events that come next.
    Batch(Arc<[RecordedEvent]>),
    /// They are no longer in memory.
    Stored,
    /// There are none yet.
    Nothing,
}

/// The last durable position and the batches that led to it.
pub(crate) struct Live {
    /// The same number as in `progress`, for readers that must not touch the watch's lock.
    last: AtomicU64,
    recent: Mutex<Recent>,
    progress: watch::Sender<Progress>,
}

impl Live {
    pub(crate) fn new(last: Position) -> Self {
        Self {
            last: AtomicU64::new(last.0),
            recent: Mutex::default(),
            progress: watch::Sender::new(Progress { last, closed: false }),
        }
    }

    pub(crate) fn last(&self) -> Position {
        Position(self.last.load(Ordering::Acquire))
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Shows a durable batch to everyone; it follows what was shown before, with nothing in between.
    pub(crate) fn publish(&self, batch: Arc<[RecordedEvent]>) {
        let Some(last) = batch.last().map(RecordedEvent::position) else {
            return;
        };
        let bytes = batch.iter().map(|record| record.canonical_bytes().len() + size_of::<RecordedEvent>()).sum();
        let mut recent = self.recent.lock();
        recent.batches.push_back(Kept { after: self.last(), batch, bytes });
        recent.bytes += bytes;
        while recent.bytes > KEPT_BYTES || recent.batches.len() > KEPT_BATCHES {
            match recent.batches.pop_front() {
                Some(oldest) => recent.bytes -= oldest.bytes,
                None => break,
            }
        }
        drop(recent);
        self.last.store(last.0, Ordering::Release);
        self.progress.send_modify(|progress| progress.last = last);
    }

    /// Tells followers that nothing more comes.
    pub(crate) fn close(&self) {
        self.progress.send_modify(|progress| progress.closed = true);
    }

    /// What follows a position.
    pub(crate) fn after(&self, position: Position) -> Found {
        if position >= self.last() {
            return Found::Nothing;
        }
        let recent = self.recent.lock();
        let next =
            recent.batches.partition_point(|kept| kept.batch.last().map(RecordedEvent::position) <= Some(position));
        let Some(kept) = recent.batches.get(next) else {
            return Found::Stored;
        };
        let (after, batch) = (kept.after, Arc::clone(&kept.batch));
        drop(recent);
        if after > position {
            return Found::Stored;
        }
        match batch.first().map(RecordedEvent::position) {
            // The follower stopped in the middle of what was one batch.
            Some(first) if first <= position => {
                let rest = batch.iter().filter(|record| record.position() > position).cloned().collect();
                Found::Batch(rest)
            }
            _ => Found::Batch(batch),
        }
    }
}
