//! The writer: one thread that gathers waiting appends into batches, so that they share a barrier.

use std::{collections::VecDeque, io, sync::Arc, thread};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{
    committer::{Committer, Outcome},
    core::Core,
    import::ImportError,
    limits,
    port::{Append, AppendError, Position},
    record::{RecordedEvent, Stored},
};

/// Appends that may wait; one more is refused.
const MOST_WAITING: usize = 16 * 1024;
/// Bytes that may wait; an append that would exceed them is refused.
const MOST_WAITING_BYTES: usize = 128 * 1024 * 1024;
/// A batch takes no further append once it has as many records.
const BATCH_RECORDS: usize = 4096;
/// A batch takes no further append once it has as many bytes.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Where an import's outcome goes.
pub(crate) type ImportReply = oneshot::Sender<Result<Position, ImportError>>;

/// Something for the writer to do.
enum Task {
    Append { append: Append, reply: oneshot::Sender<Outcome> },
    Import { records: Vec<RecordedEvent>, reply: ImportReply },
}

impl Task {
    fn weight(&self) -> usize {
        match self {
            Self::Append { append, .. } => limits::weight(append),
            Self::Import { records, .. } => records.iter().map(|r| r.canonical_bytes().len()).sum(),
        }
    }
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    bytes: usize,
    closed: bool,
}

/// The bounded queue in front of the writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Signalled when a task comes to an empty queue, and when the queue is closed.
    changed: Condvar,
}

impl Queue {
    /// Puts an append into line; its place there is its place in the log.
    pub(crate) fn append(&self, append: Append) -> Result<oneshot::Receiver<Outcome>, AppendError> {
        let (reply, outcome) = oneshot::channel();
        self.push(Task::Append { append, reply })?;
        Ok(outcome)
    }

    /// Puts records to import into line.
    pub(crate) fn import(
        &self,
        records: Vec<RecordedEvent>,
    ) -> Result<oneshot::Receiver<Result<Position, ImportError>>, AppendError> {
        let (reply, outcome) = oneshot::channel();
        self.push(Task::Import { records, reply })?;
        Ok(outcome)
    }

    fn push(&self, task: Task) -> Result<(), AppendError> {
        let weight = task.weight();
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(closing());
        }
        // A task heavier than the bound is still taken when it is alone.
        let heavy = !waiting.tasks.is_empty() && waiting.bytes + weight > MOST_WAITING_BYTES;
        if heavy || waiting.tasks.len() >= MOST_WAITING {
            return Err(AppendError::Overloaded);
        }
        waiting.bytes += weight;
        waiting.tasks.push_back(task);
        if waiting.tasks.len() == 1 {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits for tasks and moves a batch's worth of them into `taken`; false when closed and empty.
    fn take(&self, taken: &mut Vec<Task>) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.tasks.is_empty() {
            if waiting.closed {
                return false;
            }
            self.changed.wait(&mut waiting);
        }
        let (mut records, mut bytes) = (0, 0);
        while records < BATCH_RECORDS && bytes < BATCH_BYTES {
            let Some(task) = waiting.tasks.pop_front() else {
                break;
            };
            let weight = task.weight();
            waiting.bytes = waiting.bytes.saturating_sub(weight);
            bytes += weight;
            records += match &task {
                Task::Append { append, .. } => append.events.len(),
                Task::Import { records, .. } => records.len(),
            };
            taken.push(task);
        }
        true
    }

    /// Takes nothing more and drops what waits, which tells the callers.
    fn abandon(&self) {
        let mut waiting = self.waiting.lock();
        waiting.closed = true;
        waiting.tasks.clear();
    }

    /// Takes nothing more; what waits is still written.
    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.changed.notify_all();
    }
}

/// What is told to who comes after the end.
pub(crate) fn closing() -> AppendError {
    AppendError::Unavailable("the event log is closing".into())
}

/// Starts the writer's thread, which ends after the queue is closed and empty.
pub(crate) fn start(core: Arc<Core>, queue: Arc<Queue>, committer: Committer) -> io::Result<thread::JoinHandle<()>> {
    let writer = Writer { core, queue, committer };
    thread::Builder::new().name("eventlog-writer".to_owned()).spawn(move || writer.run())
}

/// An outcome that waits for its batch's barrier.
enum Pending {
    Append(oneshot::Sender<Outcome>, Outcome),
    Import(ImportReply, Result<Position, ImportError>),
}

struct Writer {
    core: Arc<Core>,
    queue: Arc<Queue>,
    committer: Committer,
}

impl Drop for Writer {
    fn drop(&mut self) {
        if thread::panicking() {
            // An engine's own checks failed. Whoever waits must hear of it rather than wait for ever.
            self.core.poison("the writer panicked".into());
            self.queue.abandon();
        }
        self.core.live.close();
        self.core.settle();
    }
}

impl Writer {
    fn run(mut self) {
        let mut tasks = Vec::new();
        while self.queue.take(&mut tasks) {
            let mut batch = Vec::with_capacity(tasks.len());
            let pending: Vec<_> = tasks.drain(..).map(|task| self.add(task, &mut batch)).collect();
            let durable = self.core.commit(batch);
            for waiting in pending {
                waiting.tell(&durable);
            }
        }
    }

    fn add(&mut self, task: Task, batch: &mut Vec<Stored>) -> Pending {
        match task {
            Task::Append { append, reply } => {
                let outcome = self.committer.add(&append, batch);
                Pending::Append(reply, outcome)
            }
            Task::Import { records, reply } => {
                let mut outcome = Ok(self.core.live.last());
                for record in &records {
                    outcome = self.committer.import(record, batch);
                    if outcome.is_err() {
                        break;
                    }
                }
                Pending::Import(reply, outcome)
            }
        }
    }
}

impl Pending {
    /// Answers the caller. When the batch failed, nothing that was decided on top of it holds.
    fn tell(self, durable: &Result<(), AppendError>) {
        let failure = durable.clone().err();
        // A caller that went away wants no answer.
        match self {
            Self::Append(reply, outcome) => drop(reply.send(failure.map_or(outcome, Err))),
            Self::Import(reply, outcome) => {
                let outcome = failure.map_or(outcome, |error| Err(error.into()));
                drop(reply.send(outcome));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::port::{ExpectedVersion, NewEvent, PayloadEncoding, StreamName};

    fn append(payload_bytes: usize) -> Append {
        let event = NewEvent {
            event_id: Uuid::nil(),
            event_type: "test.happened",
            schema: 1,
            encoding: PayloadEncoding::Json,
            payload: Bytes::from(vec![b'x'; payload_bytes]),
        };
        Append {
            stream: StreamName::new("s").unwrap(),
            expected: ExpectedVersion::Any,
            time: DateTime::UNIX_EPOCH,
            actor: None,
            command_id: Uuid::nil(),
            fingerprint: None,
            correlation_id: Uuid::nil(),
            causation_id: None,
            events: vec![event],
        }
    }

    #[test]
    fn a_full_queue_refuses_until_the_writer_has_taken_some() {
        let queue = Queue::default();
        for _ in 0..MOST_WAITING {
            queue.append(append(1)).unwrap();
        }
        assert_eq!(queue.append(append(1)).unwrap_err(), AppendError::Overloaded);
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken));
        assert_eq!(taken.len(), BATCH_RECORDS);
        assert!(queue.append(append(1)).is_ok());
    }

    #[test]
    fn a_queue_heavy_with_bytes_refuses_too() {
        let queue = Queue::default();
        let heavy = MOST_WAITING_BYTES / 3;
        for _ in 0..2 {
            queue.append(append(heavy)).unwrap();
        }
        assert_eq!(queue.append(append(heavy)).unwrap_err(), AppendError::Overloaded);
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken));
        assert_eq!(taken.len(), 1, "one such append fills a batch");
        assert!(queue.append(append(heavy)).is_ok());
    }

    #[test]
    fn a_closed_queue_gives_out_what_waits_and_takes_nothing_more() {
        let queue = Queue::default();
        queue.append(append(1)).unwrap();
        queue.close();
        assert_eq!(queue.append(append(1)).unwrap_err(), closing());
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken));
        assert!(!queue.take(&mut taken));
    }

    #[test]
    fn whoever_waits_when_the_writer_dies_is_told() {
        let queue = Queue::default();
        let mut outcome = queue.append(append(1)).unwrap();
        queue.abandon();
        assert_eq!(outcome.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(queue.append(append(1)).unwrap_err(), closing());
    }
}
