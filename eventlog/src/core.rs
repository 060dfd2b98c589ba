//! What writer, readers and followers of one local log share.

use std::{fs::File, sync::Arc};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    live::{Found, Live, Progress},
    pages,
    port::{AppendError, Position, ReadError, StreamName, Subscription},
    record::{RecordedEvent, Stored},
    store::Store,
    tail::TailMark,
};

/// Events that a follower takes from the store at a time.
const CATCH_UP_EVENTS: usize = 1024;

/// A store, how far it has come, and whether it may still be written to.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) live: Live,
    /// Where the last acknowledged position is noted; none in memory.
    tail: Option<TailMark>,
    /// Keeps other processes out while anything here can still be read.
    _lock: Option<File>,
    poison: Mutex<Option<Arc<str>>>,
}

impl Core {
    pub(crate) fn new(store: Arc<dyn Store>, last: Position, beside: Option<(TailMark, File)>) -> Self {
        let (tail, lock) = beside.unzip();
        Self { store, live: Live::new(last), tail, _lock: lock, poison: Mutex::default() }
    }

    /// Makes a batch durable and shows it to everyone.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`], from then on for every batch, since nobody knows what a failed write left.
    pub(crate) fn commit(&self, batch: Vec<Stored>) -> Result<(), AppendError> {
        // Also for an empty batch: what was decided on top of a failed write must not be told.
        if let Some(reason) = self.poisoned() {
            return Err(AppendError::Poisoned(reason));
        }
        let Some(last) = batch.last().map(|stored| stored.record.position()) else {
            return Ok(());
        };
        if let Err(error) = self.store.write(&batch) {
            return Err(self.poison(error.to_string().into()));
        }
        if let Some(Err(error)) = self.tail.as_ref().map(|tail| tail.advance(last)) {
            return Err(self.poison(format!("the tail mark: {error}").into()));
        }
        let records = batch.into_iter().map(|stored| stored.record).collect();
        self.live.publish(records);
        Ok(())
    }

    pub(crate) fn poisoned(&self) -> Option<Arc<str>> {
        self.poison.lock().clone()
    }

    pub(crate) fn poison(&self, reason: Arc<str>) -> AppendError {
        tracing::error!(%reason, "a write failed: the event log takes no more writes until it is opened anew");
        AppendError::Poisoned(Arc::clone(self.poison.lock().get_or_insert(reason)))
    }

    /// Puts the tail mark itself behind a barrier, for a clean end.
    pub(crate) fn settle(&self) {
        if let Some(Err(error)) = self.tail.as_ref().map(TailMark::sync) {
            tracing::warn!(%error, "the tail mark could not be synced");
        }
    }

    pub(crate) fn page(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        pages::all(self.store.as_ref(), after, self.live.last(), limit)
    }

    pub(crate) fn stream_page(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        pages::stream(self.store.as_ref(), stream, after, self.live.last(), limit)
    }

    pub(crate) fn subscribe(self: &Arc<Self>, after: Position) -> Box<dyn Subscription> {
        Box::new(Follower { progress: self.live.follow(), core: Arc::clone(self), at: after })
    }
}

/// Runs a read where it blocks no async worker; in place outside of a runtime.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime
            .spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string().into()))),
        Err(_) => read(),
    }
}

/// A subscription to a local log.
struct Follower {
    core: Arc<Core>,
    progress: watch::Receiver<Progress>,
    /// Position of the last event handed out.
    at: Position,
}

impl Follower {
    async fn advance(&mut self) -> Result<Arc<[RecordedEvent]>, ReadError> {
        loop {
            // Marked as seen before looking, so that what comes after the look wakes the wait below.
            let closed = self.progress.borrow_and_update().closed;
            let batch = match self.core.live.after(self.at) {
                Found::Batch(batch) => batch,
                Found::OnDisk => {
                    let (core, at) = (Arc::clone(&self.core), self.at);
                    off_the_runtime(move || core.page(at, CATCH_UP_EVENTS)).await?.into()
                }
                Found::Nothing if closed => {
                    return Err(ReadError::Unavailable("the event log was closed".into()));
                }
                Found::Nothing => {
                    // The sender lives in the core, which this follower holds.
                    let _ = self.progress.changed().await;
                    continue;
                }
            };
            if let Some(last) = batch.last() {
                self.at = last.position();
                return Ok(batch);
            }
        }
    }
}

impl Subscription for Follower {
    fn next(&mut self) -> BoxFuture<'_, Result<Arc<[RecordedEvent]>, ReadError>> {
        Box::pin(self.advance())
    }
}
