//! How much may leave a wallet: per day, per year, for life.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ledger::Money;
use rust_decimal::Decimal;
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

/// Payments to static codes have a limit of their own for the day.
const STATIC_CODE_DAY: &str = "static-code-day";

/// A limit of what may leave the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of which time: `static-code-day`, `day`, `year` or `life`.
    pub period: &'static str,
    /// How much in all.
    pub most: Decimal,
    /// How much is left of it.
    pub left: Decimal,
}

/// What a person may still spend from the balance. Amounts are in the currency of the wallets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsLeft {
    /// The limits that there are.
    pub limits: Vec<Limit>,
    /// What may still be withdrawn without a fee.
    pub withdrawal_free: Decimal,
    /// How often a shown code may still pay without a PIN today.
    pub without_pin: u32,
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
        let limits = self.limits(now, policy).into_iter().flatten();
        let mut limits = limits.filter(|limit| static_code || limit.period != STATIC_CODE_DAY);
        match limits.find(|limit| amount.amount() > limit.left) {
            Some(Limit { period, left, .. }) => Err(Rejection::LimitReached { period, left: left.to_string() }),
            None => Ok(()),
        }
    }

    /// The limits of what may leave the balance, and what is left of each; none where there is no such limit.
    fn limits(&self, now: DateTime<Utc>, policy: &MoneyPolicy) -> [Option<Limit>; 4] {
        let (spent, tier) = (self.spent.on(local_date(now, policy)), self.tier(policy));
        let limits = [
            (STATIC_CODE_DAY, Some(policy.static_code_day), spent.static_today),
            ("day", tier.day, spent.today),
            ("year", tier.year, spent.this_year),
            ("life", tier.life, spent.life),
        ];
        let left = |most: Decimal, used: Decimal| (most - used).max(Decimal::ZERO);
        limits.map(|(period, most, used)| most.map(|most| Limit { period, most, left: left(most, used) }))
    }

    /// What may still be spent now.
    #[must_use]
    pub fn limits_left(&self, now: DateTime<Utc>, policy: &MoneyPolicy) -> LimitsLeft {
        let today = self.spent.on(local_date(now, policy));
        LimitsLeft {
            limits: self.limits(now, policy).into_iter().flatten().collect(),
            withdrawal_free: self.withdrawal_free(policy),
            without_pin: policy.without_pin_day_max.saturating_sub(today.without_pin_today),
        }
    }
}
