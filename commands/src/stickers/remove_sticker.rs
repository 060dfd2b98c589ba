//! A person takes a sticker out of their collection.

use domain::{MediumId, StickerCollectionEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes a sticker out of the caller's collection. Messages that show it go on doing so.
    ///
    /// # Errors
    /// [`domain::Rejection::StickerNotFound`].
    pub async fn remove_sticker(
        &self,
        caller: &Caller,
        sticker: MediumId,
    ) -> Result<Committed<StickerCollectionEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.sticker_collections, by, begun, |state, _| state.remove(sticker)).await
    }
}
