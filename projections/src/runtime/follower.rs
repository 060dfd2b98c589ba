//! A follower: gets what happens as soon as it is in the log, on a thread of its own, and keeps no rows.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use eventlog::Position;

use super::{
    Fact,
    queue::{End, Pace, Queue, Taken},
};

/// What a follower does with events: in the order of the log, each once. It may block; the projections go on meanwhile.
pub type Follow = Box<dyn FnMut(&[Arc<Fact>]) + Send>;

/// A running follower.
pub(crate) struct Follower {
    pub(crate) queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

/// Ends a queue when its follower's thread ends, however that comes.
struct Ends<'a>(&'a Queue);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end(End::Stopped);
    }
}

impl Follower {
    /// Starts a thread that gives `follow` what happens behind `after`, at least `pace` from batch to batch.
    pub(crate) fn spawn(name: &str, after: Position, pace: Duration, mut follow: Follow) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let taken = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Also when `follow` panics: a queue that nobody empties would hold up every read model.
            let _ends = Ends(&taken);
            let mut next = Pace::at_once();
            loop {
                match taken.take(next, None) {
                    Taken::Batches(batches) => {
                        next = Pace::from_now(pace, pace);
                        for batch in batches {
                            // The group's conductor starts at the lowest checkpoint.
                            let fresh = batch.partition_point(|fact| fact.position() <= after);
                            follow(batch.get(fresh..).unwrap_or_default());
                        }
                    }
                    Taken::Nothing => {}
                    Taken::End(_) => return,
                }
            }
        })?;
        Ok(Self { queue, thread })
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(self) {
        self.queue.end(End::Stopped);
        if self.thread.join().is_err() {
            tracing::error!("a follower's thread panicked");
        }
    }
}
