//! A person unlinks a card.

use domain::{CardId, WalletEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Unlinks a card. Money on its way to it still arrives.
    ///
    /// # Errors
    /// [`domain::Rejection::CardNotFound`].
    pub async fn unlink_card(&self, caller: &Caller, card: CardId) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.wallets, user, begun, |wallet, _| wallet.unlink_card(card)).await
    }
}
