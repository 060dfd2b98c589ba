//! How much may leave a wallet: per day, per year, for life; and what a withdrawal costs.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ledger::{Money, MoneyError};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{Wallet, local_date};
use crate::{Rejection, policy::MoneyPolicy};

/// What somebody of a tier of verification may spend from the balance, in the currency of the wallets. Withdrawals to
/// one's own card don't count (PBoC notice 43 of 2015).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Linked cards that it takes.
    pub cards: usize,
    /// Most in one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Decimal>,
    /// Most in one year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<Decimal>,
    /// Most for life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Decimal>,
}

impl Tier {
    /// The highest tier that so many cards give.
    #[must_use]
    pub fn of(tiers: &[Self], cards: usize) -> &Self {
        const UNLIMITED: &Tier = &Tier { cards: 0, day: None, year: None, life: None };
        tiers.iter().filter(|tier| tier.cards <= cards).max_by_key(|tier| tier.cards).unwrap_or(UNLIMITED)
    }
}

/// What was spent towards the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    day: Option<NaiveDate>,
    /// On that day.
    today: Decimal,
    /// On that day to static codes.
    static_today: Decimal,
    /// Payments of that day that took no PIN.
    without_pin_today: u32,
    /// In that day's year.
    this_year: Decimal,
    life: Decimal,
    withdrawn: Decimal,
}

impl Spent {
    /// The same on another day: what no longer counts is gone.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Self {
        let same_day = self.day == Some(date);
        let same_year = self.day.is_some_and(|day| day.year() == date.year());
        let of_the_day = if same_day { self.clone() } else { Self::default() };
        Self {
            day: Some(date),
            this_year: if same_year { self.this_year } else { Decimal::ZERO },
            life: self.life,
            withdrawn: self.withdrawn,
            ..of_the_day
        }
    }

    /// In the day that this is of.
    #[must_use]
    pub fn today(&self) -> Decimal {
        self.today
    }

    /// In the year that this is of.
    #[must_use]
    pub fn this_year(&self) -> Decimal {
        self.this_year
    }

    /// Ever.
    #[must_use]
    pub fn life(&self) -> Decimal {
        self.life
    }

    /// Withdrawn to cards, ever.
    #[must_use]
    pub fn withdrawn(&self) -> Decimal {
        self.withdrawn
    }

    /// Payments of the day that took no PIN.
    #[must_use]
    pub fn without_pin_today(&self) -> u32 {
        self.without_pin_today
    }

    pub(super) fn add(&mut self, date: NaiveDate, amount: Money, static_code: bool, without_pin: bool) {
        *self = self.on(date);
        let amount = amount.amount();
        self.today += amount;
        self.this_year += amount;
        self.life += amount;
        if static_code {
            self.static_today += amount;
        }
        if without_pin {
            self.without_pin_today += 1;
        }
    }

    pub(super) fn add_withdrawal(&mut self, amount: Money) {
        self.withdrawn += amount.amount();
    }

    pub(super) fn withdrawal_failed(&mut self, amount: Money) {
        self.withdrawn = (self.withdrawn - amount.amount()).max(Decimal::ZERO);
    }
}

impl Wallet {
    /// Checks an amount against the limits of the day, the year and the life.
    ///
    /// # Errors
    /// [`Rejection::LimitReached`] with what is left.
    pub(super) fn check_limits(
        &self,
        amount: Money,
        static_code: bool,
        now: DateTime<Utc>,
        policy: &MoneyPolicy,
    ) -> Result<(), Rejection> {
        let (spent, tier) = (self.spent.on(local_date(now, policy)), self.tier(policy));
        let limits = [
            ("static-code-day", static_code.then_some(policy.static_code_day), spent.static_today),
            ("day", tier.day, spent.today),
            ("year", tier.year, spent.this_year),
            ("life", tier.life, spent.life),
        ];
        for (period, max, used) in limits {
            if let Some(left) = max.map(|max| (max - used).max(Decimal::ZERO)).filter(|left| amount.amount() > *left) {
                return Err(Rejection::LimitReached { period, left: left.to_string() });
            }
        }
        Ok(())
    }

    /// What withdrawing an amount costs: nothing within the free amount that everybody has once, then a share of what
    /// is beyond it, at least the smallest fee.
    ///
    /// # Errors
    /// When the amount is too large to be multiplied.
    pub fn withdrawal_fee(&self, amount: Money, policy: &MoneyPolicy) -> Result<Money, MoneyError> {
        let free_left = (policy.withdrawal_free - self.spent.withdrawn).max(Decimal::ZERO);
        let charged = (amount.amount() - free_left).max(Decimal::ZERO);
        let currency = amount.currency();
        if charged.is_zero() {
            return Ok(Money::zero(currency));
        }
        let charged = Money::new(charged, currency)?;
        let fee = charged.times_rounded(policy.withdrawal_rate, RoundingStrategy::MidpointAwayFromZero)?;
        let least = Money::new(policy.withdrawal_fee_min, currency)?;
        Ok(if fee.minor() < least.minor() { least } else { fee })
    }
}
