//! A person sends money to a card of their own.

use domain::{
    CardId, HoldId, Rejection, WalletEvent,
    hold::{Payer, Purpose},
    wallet::{Payment, Placement},
};
use ledger::Money;
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Places a withdrawal: the amount and its fee leave the balance. [`Commands::settle_hold`] has the bank pay it out.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`], [`Rejection::NotAuthorized`], [`Rejection::InsufficientFunds`],
    /// [`CommandError::NotConnected`].
    pub async fn withdraw(
        &self,
        caller: &Caller,
        card: CardId,
        amount: Money,
        authorization: Uuid,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        if self.bank.is_none() {
            return Err(CommandError::NotConnected("bank"));
        }
        let (hold, policy) = (HoldId::new(), &self.policy.money);
        policy.check_amount(amount)?;
        self.run_paying(&self.streams.wallets, owner, begun, |wallet, now| {
            wallet.card(card)?;
            let fee = wallet.withdrawal_fee(amount, policy).map_err(Rejection::from_money)?;
            let credited = self.accounts.credited(Payer::Person(owner), amount.currency());
            let payment = Payment { owner, credited, authorization: Some((authorization, device)), now, policy };
            let whole = amount.checked_add(fee).map_err(Rejection::from_money)?;
            wallet
                .place(&payment, &Placement { hold, purpose: Purpose::Withdrawal { card, amount, fee }, amount: whole })
        })
        .await
    }
}
