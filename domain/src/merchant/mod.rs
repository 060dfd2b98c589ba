//! A merchant: who may act for it, where its money may go, and everything that takes money out of its account.
//!
//! The owner rule holds here as for wallets: money leaves a merchant's account only by events of this stream. Money comes
//! in from the payers' and the orders' streams, so a merchant whom many pay at once is no hot spot.

mod events;
mod number;
mod refunds;
#[cfg(test)]
mod tests;
mod withdrawals;

use std::collections::BTreeSet;

use ledger::{Amounts, Currency, Money};
use serde::{Deserialize, Serialize};

pub use events::{
    MerchantClosed, MerchantEvent, MerchantRegistered, OperatorAdded, OperatorRemoved, Refunded, WithdrawalPlaced,
};
pub use number::{NUMBER_CHARS, check_number};
pub use refunds::{Refund, RefundedSale, Sale};
pub use withdrawals::Withdrawal;

use self::refunds::Refunds;
use crate::{
    MerchantId, MoneyPolicy, Rejection, UserId,
    cards::Cards,
    event::{Aggregate, EventMeta},
    rejection::check_name,
};

/// Longest name, in characters.
pub const NAME_CHARS: usize = 60;

/// A shop.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Merchant {
    name: String,
    owner: Option<UserId>,
    operators: BTreeSet<UserId>,
    closed: bool,
    /// All that ever left the account.
    debited: Amounts,
    refunds: Refunds,
    #[serde(default)]
    cards: Cards,
}

impl Merchant {
    /// Opens the shop. Where there is one already, this is a late repetition of the same command.
    ///
    /// # Errors
    /// A name that breaks its rule.
    pub fn register(&self, merchant: MerchantId, name: &str, owner: UserId) -> Result<Vec<MerchantEvent>, Rejection> {
        check_name("name", name, NAME_CHARS)?;
        if self.owner.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![MerchantRegistered { merchant, name: name.to_owned(), owner }.into()])
    }

    /// Lets somebody act for it.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`], [`Rejection::TooManyOperators`].
    pub fn add_operator(
        &self,
        by: UserId,
        user: UserId,
        policy: &MoneyPolicy,
    ) -> Result<Vec<MerchantEvent>, Rejection> {
        self.check_owner(by)?;
        if self.owner == Some(user) || self.operators.contains(&user) {
            return Ok(vec![]);
        }
        if self.operators.len() >= policy.operators_max {
            return Err(Rejection::TooManyOperators { max: policy.operators_max });
        }
        Ok(vec![OperatorAdded { user }.into()])
    }

    /// Lets somebody act for it no longer; operators may go by themselves.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`].
    pub fn remove_operator(&self, by: UserId, user: UserId) -> Result<Vec<MerchantEvent>, Rejection> {
        if by == user {
            self.check_acting(by)?;
        } else {
            self.check_owner(by)?;
        }
        Ok(if self.operators.contains(&user) { vec![OperatorRemoved { user }.into()] } else { vec![] })
    }

    /// Takes no payments any more. What is there can still be given back and withdrawn.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`].
    pub fn close(&self, by: UserId) -> Result<Vec<MerchantEvent>, Rejection> {
        self.check_owner(by)?;
        Ok(if self.closed { vec![] } else { vec![MerchantClosed {}.into()] })
    }

    /// Checks that it takes payments.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantClosed`].
    pub fn check_open(&self) -> Result<(), Rejection> {
        match (self.owner, self.closed) {
            (None, _) => Err(Rejection::MerchantNotFound),
            (_, true) => Err(Rejection::MerchantClosed),
            _ => Ok(()),
        }
    }

    /// Checks that somebody may act for it.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::NotAnOperator`].
    pub fn check_acting(&self, by: UserId) -> Result<(), Rejection> {
        let owner = self.owner.ok_or(Rejection::MerchantNotFound)?;
        if owner == by || self.operators.contains(&by) { Ok(()) } else { Err(Rejection::NotAnOperator) }
    }

    /// All that ever left the account in a currency.
    #[must_use]
    pub fn debited(&self, currency: Currency) -> Money {
        self.debited.of(currency)
    }

    fn check_owner(&self, by: UserId) -> Result<(), Rejection> {
        let owner = self.owner.ok_or(Rejection::MerchantNotFound)?;
        if owner == by { Ok(()) } else { Err(Rejection::MerchantOwnerOnly) }
    }
}

impl Aggregate for Merchant {
    type Id = MerchantId;
    type Event = MerchantEvent;
    const CATEGORY: &'static str = "merchant";

    fn evolve(&mut self, event: &MerchantEvent, meta: &EventMeta) {
        match event {
            MerchantEvent::MerchantRegistered(registered) => {
                self.name.clone_from(&registered.name);
                self.owner = Some(registered.owner);
            }
            MerchantEvent::OperatorAdded(added) => {
                self.operators.insert(added.user);
            }
            MerchantEvent::OperatorRemoved(removed) => {
                self.operators.remove(&removed.user);
            }
            MerchantEvent::MerchantClosed(_) => self.closed = true,
            MerchantEvent::Refunded(refunded) => {
                // A sum that no longer fits leaves the merchant unable to pay, which is the safe side.
                let _ = self.debited.add(refunded.amount);
                self.refunds.evolve(refunded, meta.at);
            }
            MerchantEvent::CardLinked(linked) => self.cards.evolve_linked(linked),
            MerchantEvent::CardUnlinked(unlinked) => self.cards.evolve_unlinked(unlinked),
            MerchantEvent::WithdrawalPlaced(placed) => self.evolve_withdrawal(placed),
        }
    }
}
