//! The process manager of media: what nothing names is discarded, and bytes that nobody needs are deleted.
//!
//! Bytes are deleted only where no medium has them and they were last written long ago. Whoever brings them again writes
//! them again, so they are fresh when the event that names them is appended.

use std::sync::atomic::{AtomicU8, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MediumId, Rejection};

use crate::{Caller, CommandError, Commands, engine::Begun};

/// Most media discarded in one round.
const ROUND: usize = 500;

/// Which part of the store is looked through next.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    next: AtomicU8,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Media that nothing had named for long.
    pub media: usize,
    /// Blobs that no medium had.
    pub blobs: usize,
    /// Media that were brought in parts, and not finished in time.
    pub uploads: usize,
}

impl Commands {
    /// Discards media that nothing has named for long, and deletes their bytes; then looks through one of the 256 parts of
    /// the store for bytes that no medium has: those of uploads that a crash ended before their event. What is brought in
    /// parts and was not finished in time is deleted too.
    ///
    /// # Errors
    /// When the log, a read model or the store does not answer.
    pub async fn discard_unnamed(&self) -> Result<Discarded, CommandError> {
        let long_ago = self.now() - TimeDelta::seconds(self.policy.media.unnamed_seconds);
        let mut done = Discarded { uploads: self.uploads.delete_expired(self.now()).await?, ..Discarded::default() };
        for medium in self.media_use.unnamed_before(long_ago, ROUND).await? {
            if let Some(hash) = self.discard(medium).await? {
                done.media += 1;
                done.blobs += usize::from(self.delete_unneeded(&hash, long_ago).await?);
            }
        }
        let part = self.sweep.next.fetch_add(1, Ordering::Relaxed);
        for hash in self.store.blobs_before(part, long_ago).await? {
            done.blobs += usize::from(self.delete_unneeded(&hash, long_ago).await?);
        }
        Ok(done)
    }

    /// Discards a medium, unless it was kept meanwhile; gives the hash of its bytes.
    async fn discard(&self, medium: MediumId) -> Result<Option<String>, CommandError> {
        let Some(uploaded) = self.medium(medium).await? else { return Ok(None) };
        let begun = Begun::unkeyed(&Caller::SERVER);
        let policy = &self.policy.media;
        let discard = |state: &domain::Medium, now| Ok::<_, Rejection>(state.discard(policy, now));
        let committed = self.run(&self.streams.media, medium, begun, discard).await?;
        Ok((!committed.events.is_empty()).then_some(uploaded.hash))
    }

    async fn delete_unneeded(&self, hash: &str, long_ago: DateTime<Utc>) -> Result<bool, CommandError> {
        if self.media_use.is_needed(hash).await? {
            return Ok(false);
        }
        self.store.delete_before(hash, long_ago).await
    }
}
