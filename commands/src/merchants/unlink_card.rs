//! The owner of a merchant no longer wants its money on a card.

use domain::{CardId, MerchantEvent, MerchantId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Unlinks a card from a merchant. Money on its way to it still arrives.
    ///
    /// # Errors
    /// [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::MerchantOwnerOnly`],
    /// [`domain::Rejection::CardNotFound`].
    pub async fn unlink_merchant_card(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        card: CardId,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.merchants, merchant, begun, |state, _| state.unlink_card(by, card)).await
    }
}
