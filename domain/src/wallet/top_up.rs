//! Money coming from a card: asked for, then handed over or refused by the bank.

use ledger::{Account, Entry, Money};

use super::{TopUpDeclined, TopUpRequested, ToppedUp, Wallet, WalletEvent, account_of};
use crate::{CardId, PaymentId, Rejection, UserId, policy::MoneyPolicy};

impl Wallet {
    /// Asks for money from a card.
    ///
    /// # Errors
    /// [`Rejection::CardNotFound`], an amount that breaks its rule, [`Rejection::TooManyTopUps`].
    pub fn request_top_up(
        &self,
        top_up: PaymentId,
        card: CardId,
        amount: Money,
        policy: &MoneyPolicy,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_open()?;
        policy.check_amount(amount)?;
        self.card(card)?;
        if self.top_ups.len() >= policy.top_ups_max {
            return Err(Rejection::TooManyTopUps { max: policy.top_ups_max });
        }
        Ok(vec![TopUpRequested { top_up, card, amount }.into()])
    }

    /// A top-up that the bank has not settled yet.
    #[must_use]
    pub fn open_top_up(&self, id: PaymentId) -> Option<&TopUpRequested> {
        self.top_ups.iter().find(|open| open.top_up == id)
    }

    /// The bank has handed the money over. Heard twice, it counts once.
    ///
    /// # Errors
    /// An amount that the ledger does not take.
    pub fn complete_top_up(
        &self,
        owner: UserId,
        id: PaymentId,
        reference: &str,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        let Some(open) = self.open_top_up(id) else { return Ok(vec![]) };
        let entry = bank_to_wallet(owner, open.amount)?;
        Ok(vec![ToppedUp { top_up: id, reference: reference.to_owned(), entry }.into()])
    }

    /// The bank has refused.
    #[must_use]
    pub fn decline_top_up(&self, id: PaymentId, code: &str, reason: &str) -> Vec<WalletEvent> {
        if self.open_top_up(id).is_none() {
            return vec![];
        }
        vec![TopUpDeclined { top_up: id, code: code.to_owned(), reason: reason.to_owned() }.into()]
    }
}

fn bank_to_wallet(owner: UserId, amount: Money) -> Result<Entry, Rejection> {
    Entry::transfer(Account::Settlement, account_of(owner), amount).map_err(Rejection::from_entry)
}
