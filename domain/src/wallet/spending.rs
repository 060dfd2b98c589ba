//! Money leaving the wallet: paid at once, or placed in a hold.

use chrono::{DateTime, Utc};
use ledger::{Account, Entry, Money};
use uuid::Uuid;

use super::{ArrivalChosen, HoldPlaced, Paid, Wallet, WalletEvent, account_of, local_date};
use crate::{
    DeviceId, HoldId, MerchantId, PaymentId, Rejection, UserId, accounts,
    hold::{Payer, Purpose, Terms, check_packet},
    policy::MoneyPolicy,
};

/// What every way of spending names.
#[derive(Clone, Copy, Debug)]
pub struct Payment<'a> {
    /// Whose wallet.
    pub owner: UserId,
    /// All that ever came into the account, as far as it is known.
    pub credited: Money,
    /// What the PIN was proved with; none where no PIN is needed.
    pub authorization: Option<(Uuid, DeviceId)>,
    /// When.
    pub now: DateTime<Utc>,
    /// The rules.
    pub policy: &'a MoneyPolicy,
}

/// A hold to be placed.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its id.
    pub hold: HoldId,
    /// What for.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
}

impl Wallet {
    /// Pays a merchant at once.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], an amount that breaks its rule, [`Rejection::NotAuthorized`],
    /// [`Rejection::LimitReached`], [`Rejection::InsufficientFunds`].
    pub fn pay(
        &self,
        payment: &Payment<'_>,
        id: PaymentId,
        merchant: MerchantId,
        amount: Money,
        note: &str,
    ) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_spending(payment, amount)?;
        self.check_limits(amount, true, payment.now, payment.policy)?;
        let entry = Entry::transfer(account_of(payment.owner), accounts::merchant(merchant), amount)
            .map_err(Rejection::from_entry)?;
        let authorization = payment.authorization.map(|(id, _)| id);
        let day = local_date(payment.now, payment.policy);
        Ok(vec![Paid { payment: id, merchant, authorization, note: note.to_owned(), day, entry }.into()])
    }

    /// Puts money into a hold: the first leg of whatever can still fail.
    ///
    /// # Errors
    /// As [`Self::pay`].
    pub fn place(&self, payment: &Payment<'_>, placement: &Placement) -> Result<Vec<WalletEvent>, Rejection> {
        let Placement { hold, purpose, amount } = placement.clone();
        if let Purpose::RedPacket { packet, shares, .. } = &purpose {
            check_packet(*packet, *shares, amount, payment.policy)?;
        }
        self.check_spending(payment, amount)?;
        if !purpose.is_withdrawal() {
            self.check_limits(amount, false, payment.now, payment.policy)?;
        }
        let (payer, deadline) = (Payer::Person(payment.owner), purpose.deadline(payment.now, payment.policy));
        let terms = Terms { hold, payer, purpose, amount, placed_at: payment.now, deadline };
        let entry = terms.entry().map_err(Rejection::from_entry)?;
        let authorization = payment.authorization.map(|(id, _)| id);
        let day = local_date(payment.now, payment.policy);
        let purpose = terms.purpose;
        Ok(vec![HoldPlaced { hold, purpose, authorization, pay_code: None, day, entry }.into()])
    }

    /// Chooses how long transfers wait after they were accepted.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], a time that can't be chosen.
    pub fn choose_arrival(&self, seconds: i64, policy: &MoneyPolicy) -> Result<Vec<WalletEvent>, Rejection> {
        self.check_open()?;
        if !policy.arrival_seconds.contains(&seconds) {
            return Err(Rejection::InvalidField {
                field: "arrival_seconds",
                rule: "is one of the times that can be chosen",
            });
        }
        Ok(if self.arrival_seconds == seconds { vec![] } else { vec![ArrivalChosen { seconds }.into()] })
    }

    fn check_spending(&self, payment: &Payment<'_>, amount: Money) -> Result<(), Rejection> {
        self.check_open()?;
        payment.policy.check_amount(amount)?;
        if let Some((authorization, device)) = payment.authorization {
            self.check_authorized(authorization, device, amount, payment.now)?;
        }
        let available = payment.credited.checked_sub(self.debited(amount.currency())).map_err(Rejection::from_money)?;
        if available.minor() < amount.minor() {
            return Err(Rejection::InsufficientFunds { available: available.to_string() });
        }
        Ok(())
    }

    pub(super) fn evolve_paid(&mut self, paid: &Paid) {
        let Some((owner, amount)) = payer(&paid.entry) else { return };
        self.count(owner, &paid.entry);
        self.use_authorization(paid.authorization, amount);
        self.spent.add(paid.day, amount, true, paid.authorization.is_none());
    }

    pub(super) fn evolve_placed(&mut self, placed: &HoldPlaced) {
        let Some((owner, amount)) = payer(&placed.entry) else { return };
        self.count(owner, &placed.entry);
        self.use_authorization(placed.authorization, amount);
        if let Some(hash) = &placed.pay_code {
            self.use_pay_code(hash);
        }
        match &placed.purpose {
            Purpose::Withdrawal { amount, .. } => self.spent.add_withdrawal(*amount),
            _ => self.spent.add(placed.day, amount, false, placed.authorization.is_none()),
        }
    }
}

/// Whose wallet an entry takes money from, and how much.
fn payer(entry: &Entry) -> Option<(UserId, Money)> {
    entry.postings().iter().find_map(|posting| match posting.account() {
        Account::Wallet(id) if posting.amount().is_positive() => Some((accounts::owner(id)?, posting.amount())),
        _ => None,
    })
}
