//! Refunds: what was given back of what was paid. The sums are kept here, in the stream that gives the money, so that
//! several refunds at once can never exceed what was paid.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use ledger::{Entry, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Merchant, MerchantEvent, Refunded, number::check_number};
use crate::{MerchantId, MoneyPolicy, PaymentId, Rejection, UserId, accounts, rejection::check_line};

/// Longest reason, in characters.
const REASON_CHARS: usize = 80;

/// What was paid to a merchant: it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The order, or the payment to the static code.
    pub paid: Uuid,
    /// Who had paid.
    pub payer: UserId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: DateTime<Utc>,
}

/// A refund that is asked for.
#[derive(Clone, Debug)]
pub struct Refund<'a> {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number of it: a repeated one is the same refund.
    pub out_refund_no: &'a str,
    /// Of what.
    pub sale: Sale,
    /// How much.
    pub amount: Money,
    /// The merchant's words.
    pub reason: &'a str,
    /// All that ever came into the account, as far as it is known.
    pub credited: Money,
    /// When.
    pub now: DateTime<Utc>,
    /// The rules.
    pub policy: &'a MoneyPolicy,
}

/// What was given back of one sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedSale {
    /// In all.
    pub sum: Money,
    /// In so many parts.
    pub parts: usize,
    until: DateTime<Utc>,
    refunds: Vec<PaymentId>,
}

/// Refunds of all sales of which more could still be given back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Refunds {
    sales: BTreeMap<Uuid, RefundedSale>,
    refunds: BTreeMap<PaymentId, (Uuid, Money)>,
    /// The sales by when their time for refunds is over, so that they are forgotten then.
    ends: BTreeSet<(DateTime<Utc>, Uuid)>,
}

impl Merchant {
    /// Gives a payer money back. A number that was used for the same refund before changes nothing.
    ///
    /// # Errors
    /// [`Rejection::RefundDiffers`], [`Rejection::RefundTooLate`], [`Rejection::TooManyRefunds`],
    /// [`Rejection::RefundTooLarge`], [`Rejection::InsufficientFunds`]; fields that break their rules.
    pub fn refund(&self, by: UserId, refund: &Refund<'_>) -> Result<Vec<MerchantEvent>, Rejection> {
        self.check_acting(by)?;
        check_number("out_refund_no", refund.out_refund_no)?;
        check_line("reason", refund.reason, REASON_CHARS)?;
        let id = PaymentId::of_refund(refund.merchant, refund.out_refund_no);
        let Refund { sale, amount, policy, .. } = refund;
        if let Some(known) = self.refunds.refunds.get(&id) {
            return if *known == (sale.paid, *amount) { Ok(vec![]) } else { Err(Rejection::RefundDiffers) };
        }
        policy.check_amount(*amount)?;
        let until = sale.at + TimeDelta::seconds(policy.refund_seconds);
        if until <= refund.now {
            return Err(Rejection::RefundTooLate { days: policy.refund_seconds / 86_400 });
        }
        let left = self.left_of(sale, policy)?;
        if amount.minor() > left.minor() {
            return Err(Rejection::RefundTooLarge { left: left.to_string() });
        }
        let there = refund.credited.checked_sub(self.debited(amount.currency())).map_err(Rejection::from_money)?;
        if there.minor() < amount.minor() {
            return Err(Rejection::InsufficientFunds { available: there.to_string() });
        }
        let entry = Entry::transfer(accounts::merchant(refund.merchant), accounts::wallet(sale.payer), *amount)
            .map_err(Rejection::from_entry)?;
        let refunded = Refunded {
            refund: id,
            out_refund_no: refund.out_refund_no.to_owned(),
            paid: sale.paid,
            payer: sale.payer,
            reason: refund.reason.to_owned(),
            until,
            amount: *amount,
            entry,
        };
        Ok(vec![refunded.into()])
    }

    /// What was given back of a sale; none where nothing was, or where the time for it is long over.
    #[must_use]
    pub fn refunded(&self, paid: Uuid) -> Option<&RefundedSale> {
        self.refunds.sales.get(&paid)
    }

    /// What can still be given back of a sale.
    fn left_of(&self, sale: &Sale, policy: &MoneyPolicy) -> Result<Money, Rejection> {
        let Some(refunded) = self.refunds.sales.get(&sale.paid) else { return Ok(sale.amount) };
        if refunded.parts >= policy.refunds_max {
            return Err(Rejection::TooManyRefunds { max: policy.refunds_max });
        }
        sale.amount.checked_sub(refunded.sum).map_err(Rejection::from_money)
    }
}

impl Refunds {
    pub(super) fn evolve(&mut self, refunded: &Refunded, at: DateTime<Utc>) {
        let Refunded { refund, paid, until, amount, .. } = refunded;
        while let Some((end, old)) = self.ends.first().copied().filter(|(end, _)| *end <= at) {
            self.ends.remove(&(end, old));
            for id in self.sales.remove(&old).into_iter().flat_map(|sale| sale.refunds) {
                self.refunds.remove(&id);
            }
        }
        let fresh = || RefundedSale { sum: Money::zero(amount.currency()), parts: 0, until: *until, refunds: vec![] };
        let sale = self.sales.entry(*paid).or_insert_with(fresh);
        // The decider has checked that the sum fits into what was paid.
        sale.sum = sale.sum.checked_add(*amount).unwrap_or(sale.sum);
        sale.parts += 1;
        sale.refunds.push(*refund);
        self.ends.insert((sale.until, *paid));
        self.refunds.insert(*refund, (*paid, *amount));
    }
}
