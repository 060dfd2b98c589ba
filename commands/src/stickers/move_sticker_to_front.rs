//! A person puts one of their stickers before all others.

use domain::{MediumId, StickerCollectionEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Puts a sticker of the caller's collection before all others there.
    ///
    /// # Errors
    /// [`domain::Rejection::StickerNotFound`].
    pub async fn move_sticker_to_front(
        &self,
        caller: &Caller,
        sticker: MediumId,
    ) -> Result<Committed<StickerCollectionEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.sticker_collections, by, begun, |state, _| state.move_to_front(sticker)).await
    }
}
