//! Where a merchant's money may go, and sending it there. The owner says where; whoever acts for the merchant may send.

use chrono::{DateTime, Utc};
use ledger::{Money, MoneyError};
use rust_decimal::RoundingStrategy;

use super::{Merchant, MerchantEvent, WithdrawalPlaced};
use crate::{
    CardId, HoldId, MerchantId, MoneyPolicy, Rejection, UserId,
    cards::CardLinked,
    hold::{Payer, Purpose, Terms},
};

/// A withdrawal that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// Whose.
    pub merchant: MerchantId,
    /// The hold that the money goes into until the bank has it.
    pub hold: HoldId,
    /// To which card.
    pub card: CardId,
    /// What the card is to get; the fee comes on top.
    pub amount: Money,
    /// All that ever came into the account, as far as it is known.
    pub credited: Money,
    /// When.
    pub now: DateTime<Utc>,
    /// The rules.
    pub policy: &'a MoneyPolicy,
}

impl Merchant {
    /// Checks that somebody may link another card, before the bank is asked.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`], [`Rejection::TooManyCards`].
    pub fn check_may_link(&self, by: UserId, policy: &MoneyPolicy) -> Result<(), Rejection> {
        self.check_owner(by)?;
        self.cards.check_room(policy.cards_max)
    }

    /// Links a card that the bank has confirmed. Operators can't: the merchant's money goes only where its owner has said.
    ///
    /// # Errors
    /// As [`Self::check_may_link`], and [`Rejection::CardLinkedAlready`].
    pub fn link_card(
        &self,
        by: UserId,
        card: CardLinked,
        policy: &MoneyPolicy,
    ) -> Result<Vec<MerchantEvent>, Rejection> {
        self.check_owner(by)?;
        Ok(vec![self.cards.link(card, policy.cards_max)?.into()])
    }

    /// Unlinks a card.
    ///
    /// # Errors
    /// [`Rejection::MerchantNotFound`], [`Rejection::MerchantOwnerOnly`], [`Rejection::CardNotFound`].
    pub fn unlink_card(&self, by: UserId, card: CardId) -> Result<Vec<MerchantEvent>, Rejection> {
        self.check_owner(by)?;
        Ok(vec![self.cards.unlink(card)?.into()])
    }

    /// What the bank calls a card that is or was linked.
    #[must_use]
    pub fn card_token(&self, id: CardId) -> Option<&str> {
        self.cards.token(id)
    }

    /// Puts an amount and its fee into a hold, from which the bank pays it out. Closed merchants may withdraw as well.
    ///
    /// # Errors
    /// [`Rejection::NotAnOperator`], [`Rejection::CardNotFound`], an amount that breaks its rule,
    /// [`Rejection::InsufficientFunds`].
    pub fn withdraw(&self, by: UserId, withdrawal: &Withdrawal<'_>) -> Result<Vec<MerchantEvent>, Rejection> {
        let Withdrawal { merchant, hold, card, amount, credited, now, policy } = *withdrawal;
        self.check_acting(by)?;
        self.cards.card(card)?;
        policy.check_amount(amount)?;
        let fee = fee(amount, policy).map_err(Rejection::from_money)?;
        let whole = amount.checked_add(fee).map_err(Rejection::from_money)?;
        let there = credited.checked_sub(self.debited(amount.currency())).map_err(Rejection::from_money)?;
        if there.minor() < whole.minor() {
            return Err(Rejection::InsufficientFunds { available: there.to_string() });
        }
        let purpose = Purpose::Withdrawal { card, amount, fee };
        let (payer, deadline) = (Payer::Merchant(merchant), purpose.deadline(now, policy));
        let terms = Terms { hold, payer, purpose, amount: whole, placed_at: now, deadline };
        let entry = terms.entry().map_err(Rejection::from_entry)?;
        Ok(vec![WithdrawalPlaced { hold, card, amount, fee, entry }.into()])
    }

    pub(super) fn evolve_withdrawal(&mut self, placed: &WithdrawalPlaced) {
        // A sum that no longer fits leaves the merchant unable to pay, which is the safe side.
        let whole = placed.amount.checked_add(placed.fee);
        let _ = whole.and_then(|whole| self.debited.add(whole));
    }
}

/// What withdrawing an amount costs a merchant.
fn fee(amount: Money, policy: &MoneyPolicy) -> Result<Money, MoneyError> {
    amount.times_rounded(policy.merchant_withdrawal_rate, RoundingStrategy::MidpointAwayFromZero)
}
