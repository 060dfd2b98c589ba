//! What writer, readers and followers of one local log share.

use std::{fs::File, sync::Arc};

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;

use crate::{
    follower::{CATCH_UP_EVENTS, Followed, Follower},
    live::Live,
    pages,
    port::{AppendError, Position, ReadError, StreamName, Subscription},
    record::{RecordedEvent, Stored},
    store::Store,
    tail::TailMark,
};

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
        let log: Arc<dyn Followed> = self.clone();
        Box::new(Follower::new(log, after))
    }
}

impl Followed for Core {
    fn live(&self) -> &Live {
        &self.live
    }

    fn stored(self: Arc<Self>, after: Position) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        off_the_runtime(move || self.page(after, CATCH_UP_EVENTS)).boxed()
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
