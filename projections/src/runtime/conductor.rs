//! The conductor: reads the log once for a group of projections and hands every batch to all of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use eventlog::{EventLog, Position, ReadError, RecordedEvent};
use tokio::sync::Notify;

use super::{
    Fact,
    queue::{Batch, End, Queue},
};

/// Events that are read at a time while catching up.
pub(crate) const PAGE_EVENTS: usize = 4096;
/// How long to wait before asking a log again that could not be reached.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Stop {
    wanted: AtomicBool,
    told: Notify,
}

/// A thread that follows the log.
pub(crate) struct Conductor {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

impl Conductor {
    /// Follows the log behind a position, for as long as one of the queues takes anything.
    pub(crate) fn start(log: Arc<dyn EventLog>, after: Position, queues: Vec<Arc<Queue>>) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        // A runtime of its own: a log may need one to read, and the queues block.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("conductor".into()).spawn(move || {
            let mut following = Following { log, at: after, queues };
            let told = async {
                while !stopped.wanted.load(Ordering::Acquire) {
                    stopped.told.notified().await;
                }
            };
            let followed = async {
                tokio::select! {
                    biased;
                    () = told => Ok(()),
                    outcome = following.follow() => outcome,
                }
            };
            if let Err(error) = runtime.block_on(followed) {
                tracing::error!(%error, "the log can't be read any further; the read models stop");
                following.queues.iter().for_each(|queue| queue.end(End::Failed(error.to_string())));
            }
            // A page that is still being read has nobody left who wants it.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops following. The queues must have been ended before, lest the conductor waits for room in one of them.
    pub(crate) fn stop(self) {
        self.stop.wanted.store(true, Ordering::Release);
        self.stop.told.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the conductor's thread panicked");
        }
    }
}

struct Following {
    log: Arc<dyn EventLog>,
    /// The last event handed out.
    at: Position,
    queues: Vec<Arc<Queue>>,
}

impl Following {
    async fn follow(&mut self) -> Result<(), ReadError> {
        while !self.queues.is_empty() {
            match self.catch_up_and_follow().await {
                Ok(()) => {}
                Err(damaged @ ReadError::Damaged { .. }) => return Err(damaged),
                Err(ReadError::Unavailable(reason)) => {
                    tracing::warn!(%reason, "the log can't be reached; the read models wait for it");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
        Ok(())
    }

    /// Returns when nobody listens any more.
    async fn catch_up_and_follow(&mut self) -> Result<(), ReadError> {
        loop {
            let page = self.log.read_all(self.at, PAGE_EVENTS).await?;
            let whole = page.len() == PAGE_EVENTS;
            self.hand_out(page.into_iter());
            if !whole {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut subscription = self.log.subscribe(self.at);
        while !self.queues.is_empty() {
            let batch = subscription.next().await?;
            self.hand_out(batch.iter().cloned());
        }
        Ok(())
    }

    fn hand_out(&mut self, records: impl Iterator<Item = RecordedEvent>) {
        let batch = batch_of(records);
        if let Some(last) = batch.last() {
            self.at = last.position();
            self.queues.retain(|queue| queue.push(Arc::clone(&batch)));
        }
    }
}

/// Makes facts of records.
pub(crate) fn batch_of(records: impl Iterator<Item = RecordedEvent>) -> Batch {
    records.map(|record| Arc::new(Fact::new(record))).collect()
}
