//! The owner of a merchant says where its money may go.

use domain::{MerchantEvent, MerchantId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin, wallet::CardToLink};

impl Commands {
    /// Has the bank confirm a card and links it to a merchant.
    ///
    /// # Errors
    /// Fields that break their rules, [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::MerchantOwnerOnly`],
    /// [`domain::Rejection::CardRefused`], [`domain::Rejection::TooManyCards`],
    /// [`domain::Rejection::CardLinkedAlready`], [`CommandError::NotConnected`], [`CommandError::GatewaySilent`].
    pub async fn link_merchant_card(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        card: CardToLink,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let policy = &self.policy.money;
        self.streams.merchants.look(merchant, |state| state.check_may_link(by, policy)).await??;
        card.check()?;
        let card = self.confirm_card(caller, card).await?;
        self.run(&self.streams.merchants, merchant, begun, |state, _| state.link_card(by, card.clone(), policy)).await
    }
}
