//! An operator publishes a sticker pack.

use domain::{StickerPackEvent, StickerPackId, sticker_pack::StickerPackPublished};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Publishes a sticker pack, for everybody to use. Only operators get here.
    ///
    /// # Errors
    /// Fields that break their rules, [`domain::Rejection::StickerPackExists`].
    pub async fn publish_sticker_pack(
        &self,
        caller: &Caller,
        id: StickerPackId,
        pack: StickerPackPublished,
    ) -> Result<Committed<StickerPackEvent>, CommandError> {
        let begun = begin!(self, caller);
        self.run(&self.streams.sticker_packs, id, begun, |state, _| state.publish(pack.clone())).await
    }
}
