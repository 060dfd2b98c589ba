//! A log in a directory of its own, whichever engine keeps the records.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use futures::future::{self, BoxFuture, FutureExt};
use parking_lot::Mutex;

use crate::{
    committer::Committer,
    core::{Core, off_the_runtime},
    directory::{self, Engine, OpenError, Opened},
    import::ImportError,
    limits,
    port::{Append, AppendError, Appended, EventLog, Position, ReadError, StreamName, Subscription},
    record::RecordedEvent,
    writer::{self, Queue},
};

/// An event log on a local disk: the engine's files, a tail mark beside them, and a writer thread.
///
/// Dropping it writes what waits and ends the writer.
pub struct DiskLog {
    core: Arc<Core>,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl DiskLog {
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Result<Arc<Self>, OpenError> {
        let Opened { store, last, tail, lock } = directory::open(dir, engine)?;
        let core = Arc::new(Core::new(Arc::clone(&store), last, Some((tail, lock))));
        let queue = Arc::new(Queue::default());
        let committer = Committer::new(store, last);
        let writer = writer::start(Arc::clone(&core), Arc::clone(&queue), committer)
            .map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
        Ok(Arc::new(Self { core, queue, writer: Mutex::new(Some(writer)) }))
    }

    /// Appends records of another log in their order, keeping every byte; only their positions are given anew.
    /// Works on a log that was empty when it was opened, as often as needed, until something else is appended.
    /// Gives the position of the last record.
    ///
    /// # Errors
    /// When the log held something else, when a record doesn't follow from its predecessors (those before it
    /// are imported), or when they can't be written.
    pub fn import(&self, records: Vec<RecordedEvent>) -> BoxFuture<'static, Result<Position, ImportError>> {
        match self.queue.import(records) {
            Ok(outcome) => async move { outcome.await.unwrap_or_else(|_| Err(writer::closing().into())) }.boxed(),
            Err(error) => future::ready(Err(error.into())).boxed(),
        }
    }

    /// Writes what waits, takes nothing more and ends the writer. Reads go on.
    pub fn close(&self) {
        self.queue.close();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the event log's writer panicked");
        }
    }
}

impl Drop for DiskLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl EventLog for DiskLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let submitted = match (limits::check(&append), self.core.poisoned()) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(reason)) => Err(AppendError::Poisoned(reason)),
            (Ok(()), None) => self.queue.append(append),
        };
        match submitted {
            Ok(outcome) => async move { outcome.await.unwrap_or_else(|_| Err(writer::closing())) }.boxed(),
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let (core, stream) = (Arc::clone(&self.core), stream.clone());
        off_the_runtime(move || core.stream_page(&stream, after, limit)).boxed()
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let core = Arc::clone(&self.core);
        off_the_runtime(move || core.page(after, limit)).boxed()
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
