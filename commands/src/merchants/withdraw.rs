//! A merchant sends money to a card that its owner has linked.

use domain::{CardId, HoldId, MerchantEvent, MerchantId, hold::Payer, merchant::Withdrawal};
use ledger::Money;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Places a withdrawal: the amount and its fee leave the merchant's balance. [`Commands::settle_hold`] has the bank pay
    /// it out.
    ///
    /// # Errors
    /// [`domain::Rejection::NotAnOperator`], [`domain::Rejection::CardNotFound`],
    /// [`domain::Rejection::InsufficientFunds`], [`CommandError::NotConnected`].
    pub async fn withdraw_from_merchant(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        card: CardId,
        amount: Money,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        if self.bank.is_none() {
            return Err(CommandError::NotConnected("bank"));
        }
        self.check_acting(by, merchant).await?;
        let (owner, hold, policy) = (Payer::Merchant(merchant), HoldId::new(), &self.policy.money);
        policy.check_amount(amount)?;
        self.run_paying(&self.streams.merchants, merchant, begun, |state, now| {
            let credited = self.accounts.credited(owner, amount.currency());
            state.withdraw(by, &Withdrawal { merchant, hold, card, amount, credited, now, policy })
        })
        .await
    }
}
