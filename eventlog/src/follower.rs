//! Following a log: what is kept in memory for its followers, or else what is stored.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::{
    live::{Found, Live, Progress},
    port::{Position, ReadError, Subscription},
    record::RecordedEvent,
};

/// Events that a follower takes from what is stored at a time.
pub(crate) const CATCH_UP_EVENTS: usize = 1024;

/// A log whose last batches are kept for those who follow it.
pub(crate) trait Followed: Send + Sync + 'static {
    /// What was written last.
    fn live(&self) -> &Live;

    /// Up to [`CATCH_UP_EVENTS`] events after a position, from where all are.
    fn stored(self: Arc<Self>, after: Position) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>>;
}

/// A subscription to such a log.
pub(crate) struct Follower {
    log: Arc<dyn Followed>,
    progress: watch::Receiver<Progress>,
    /// Position of the last event handed out.
    at: Position,
}

impl Follower {
    /// Follows a log behind a position.
    pub(crate) fn new(log: Arc<dyn Followed>, after: Position) -> Self {
        Self { progress: log.live().follow(), log, at: after }
    }

    async fn advance(&mut self) -> Result<Arc<[RecordedEvent]>, ReadError> {
        loop {
            // Marked as seen before looking, so that what comes after the look wakes the wait below.
            let closed = self.progress.borrow_and_update().closed;
            let batch = match self.log.live().after(self.at) {
                Found::Batch(batch) => batch,
                Found::Stored => Arc::clone(&self.log).stored(self.at).await?.into(),
                Found::Nothing if closed => {
                    return Err(ReadError::Unavailable("the event log was closed".into()));
                }
                Found::Nothing => {
                    // The sender lives in the log, which this follower holds.
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
