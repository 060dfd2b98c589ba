//! Codes that a payer shows at the counter: good for a minute and once.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};

use super::{PayCodeIssued, PayCodePresented, Payment, Placement, Wallet, WalletEvent, local_date};
use crate::{Rejection, hold::Purpose, policy::MoneyPolicy};

/// Most codes kept at a time; further ones push out the oldest.
const KEPT: usize = 8;

/// A code that was shown and not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayCode {
    hash: String,
    expires_at: DateTime<Utc>,
}

impl Wallet {
    /// Issues a code, of which only a keyed hash is kept.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`].
    pub fn issue_pay_code(
        &self,
        hash: String,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_open()?;
        Ok(vec![PayCodeIssued { code: hash, expires_at: now + TimeDelta::seconds(policy.pay_code_seconds) }.into()])
    }

    /// An operator has read a code: pays the order at once where no PIN is needed, else asks the payer to confirm. Either
    /// way the code is used.
    ///
    /// # Errors
    /// [`Rejection::PayCodeInvalid`]; as [`Wallet::place`].
    pub fn pay_with_code(
        &self,
        payment: &Payment<'_>,
        placement: &Placement,
        hash: &str,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        let live = |code: &&PayCode| code.hash == hash && code.expires_at > payment.now;
        self.pay_codes.iter().find(live).ok_or(Rejection::PayCodeInvalid)?;
        let Purpose::Order { order, merchant } = placement.purpose else { return Err(Rejection::OrderNotFound) };
        if self.needs_pin(placement.amount, payment) {
            let (code, amount) = (hash.to_owned(), placement.amount);
            return Ok(vec![PayCodePresented { code, order, merchant, amount }.into()]);
        }
        let mut events = self.place(payment, placement)?;
        for event in &mut events {
            if let WalletEvent::HoldPlaced(placed) = event {
                placed.pay_code = Some(hash.to_owned());
            }
        }
        Ok(events)
    }

    fn needs_pin(&self, amount: Money, payment: &Payment<'_>) -> bool {
        let policy = payment.policy;
        let today = self.spent.on(local_date(payment.now, policy)).without_pin_today();
        amount.amount() > policy.without_pin || today >= policy.without_pin_day_max
    }

    pub(super) fn evolve_code_issued(&mut self, issued: &PayCodeIssued, at: DateTime<Utc>) {
        self.pay_codes.retain(|code| code.expires_at > at);
        if self.pay_codes.len() >= KEPT {
            self.pay_codes.remove(0);
        }
        self.pay_codes.push(PayCode { hash: issued.code.clone(), expires_at: issued.expires_at });
    }

    pub(super) fn use_pay_code(&mut self, hash: &str) {
        self.pay_codes.retain(|code| code.hash != hash);
    }
}
