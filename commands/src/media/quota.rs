//! How much each person may bring. What the log tells of counts, what has begun in parts with all that was announced, and
//! what is on its way in: so bytes for which there is no room are refused before they come, and as many uploads at a time as
//! somebody begins bring no more together than they might one after the other.
//!
//! What is on its way in, each node knows of itself only: on a cluster, uploads to several nodes at a time can bring more
//! than the quota allows, by what was on its way at the others.

use std::{collections::HashMap, sync::Arc};

use domain::{Rejection, UserId};
use parking_lot::Mutex;

use super::{MediaUse, UploadStore};
use crate::CommandError;

/// After how many further bytes of what does not say how long it is it is asked anew what else there is: each time waits for
/// the read model. The last word has whoever writes the medium down.
const ASK_EVERY: u64 = 1024 * 1024;

/// How much each person may bring.
pub(crate) struct Quota {
    /// Most bytes of one person.
    bytes: u64,
    media_use: Arc<dyn MediaUse>,
    uploads: Arc<dyn UploadStore>,
    /// How many bytes of each person there is room held for.
    held: Mutex<HashMap<UserId, u128>>,
}

impl Quota {
    pub(crate) fn new(bytes: u64, media_use: Arc<dyn MediaUse>, uploads: Arc<dyn UploadStore>) -> Self {
        Self { bytes, media_use, uploads, held: Mutex::default() }
    }

    /// Holds room for bytes that a person is about to bring.
    ///
    /// # Errors
    /// [`Rejection::QuotaReached`].
    pub(crate) async fn room(self: &Arc<Self>, owner: UserId, bytes: u64) -> Result<Room, CommandError> {
        let mut room = Room { quota: self.clone(), owner, bytes: 0, asked: None };
        room.widen(bytes).await?;
        Ok(room)
    }

    /// Holds more; tells for how many bytes room was held before.
    fn hold(&self, owner: UserId, more: u64) -> u128 {
        let mut held = self.held.lock();
        let theirs = held.entry(owner).or_default();
        let before = *theirs;
        *theirs += u128::from(more);
        before
    }
}

/// Room for what a person is about to bring, held until this is dropped: until the log tells of it, or it comes no more.
pub(crate) struct Room {
    quota: Arc<Quota>,
    owner: UserId,
    bytes: u64,
    /// What was told and begun when it was last asked, and how many bytes this was for then.
    asked: Option<(u128, u64)>,
}

impl Room {
    /// Makes it room for so many bytes in all, if it is less.
    ///
    /// # Errors
    /// [`Rejection::QuotaReached`], after which it is to be dropped.
    pub(crate) async fn widen(&mut self, bytes: u64) -> Result<(), CommandError> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else { return Ok(()) };
        // Held before anything is asked: whatever ends from now on to be on its way, the log or the parts tell of.
        let on_its_way = self.quota.hold(self.owner, more);
        self.bytes = bytes;
        let there = match self.asked {
            Some((there, at)) if bytes - at < ASK_EVERY => there,
            _ => self.ask().await?,
        };
        if there + on_its_way + u128::from(more) > u128::from(self.quota.bytes) {
            return Err(Rejection::QuotaReached { bytes: self.quota.bytes }.into());
        }
        Ok(())
    }

    /// How much the log and the parts tell of.
    async fn ask(&mut self) -> Result<u128, CommandError> {
        let begun = self.quota.uploads.uploads_of(self.owner);
        let begun: u128 = begun.iter().map(|upload| u128::from(upload.announced.bytes)).sum();
        let there = begun + u128::from(self.quota.media_use.bytes_of(self.owner).await?);
        self.asked = Some((there, self.bytes));
        Ok(there)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.quota.held.lock();
        if let Some(theirs) = held.get_mut(&self.owner) {
            *theirs -= u128::from(self.bytes);
            if *theirs == 0 {
                held.remove(&self.owner);
            }
        }
    }
}
