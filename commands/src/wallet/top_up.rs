//! A person fetches money from a card.

use domain::{CardId, PaymentId, WalletEvent};
use ledger::Money;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Asks for money from a card. [`Commands::settle_top_up`] has the bank decide.
    ///
    /// # Errors
    /// [`domain::Rejection::CardNotFound`], an amount that breaks its rule, [`CommandError::NotConnected`].
    pub async fn request_top_up(
        &self,
        caller: &Caller,
        card: CardId,
        amount: Money,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        if self.bank.is_none() {
            return Err(CommandError::NotConnected("bank"));
        }
        let top_up = PaymentId::new();
        self.run(&self.streams.wallets, user, begun, |wallet, _| {
            wallet.request_top_up(top_up, card, amount, &self.policy.money)
        })
        .await
    }
}
