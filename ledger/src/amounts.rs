//! Amounts of several currencies side by side.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    currency::Currency,
    money::{Money, MoneyError},
};

/// At most one amount per currency. A currency at zero is not kept, so equal holdings are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Money>", into = "Vec<Money>")]
pub struct Amounts {
    // By currency, none zero. Nearly always of length one: an account has few currencies.
    by_currency: Vec<Money>,
}

impl Amounts {
    /// The amount of one currency, zero when there is none.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Money {
        self.find(currency).ok().and_then(|at| self.by_currency.get(at)).copied().unwrap_or(Money::zero(currency))
    }

    /// Adds an amount.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`]; nothing has changed then.
    pub fn add(&mut self, money: Money) -> Result<(), MoneyError> {
        let sum = self.of(money.currency()).checked_add(money)?;
        self.set(sum);
        Ok(())
    }

    /// Whether there is nothing of any currency.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.by_currency.is_empty()
    }

    /// The amounts that are not zero, by currency.
    pub fn iter(&self) -> impl Iterator<Item = Money> + '_ {
        self.by_currency.iter().copied()
    }

    /// The same amounts with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { by_currency: self.iter().map(Money::negated).collect() }
    }

    /// Replaces the amount of `money`'s currency.
    pub(crate) fn set(&mut self, money: Money) {
        match (self.find(money.currency()), money.is_zero()) {
            (Ok(at), true) => drop(self.by_currency.remove(at)),
            (Ok(at), false) => self.by_currency.get_mut(at).into_iter().for_each(|kept| *kept = money),
            (Err(_), true) => {}
            (Err(at), false) => self.by_currency.insert(at, money),
        }
    }

    fn find(&self, currency: Currency) -> Result<usize, usize> {
        self.by_currency.binary_search_by_key(&currency, |money| money.currency())
    }
}

impl From<Amounts> for Vec<Money> {
    fn from(amounts: Amounts) -> Self {
        amounts.by_currency
    }
}

impl TryFrom<Vec<Money>> for Amounts {
    type Error = MoneyError;

    fn try_from(list: Vec<Money>) -> Result<Self, MoneyError> {
        let mut amounts = Self::default();
        list.into_iter().try_for_each(|money| amounts.add(money))?;
        Ok(amounts)
    }
}

impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        for (at, money) in self.iter().enumerate() {
            write!(f, "{}{money}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Currency::{CNY, EUR, USD};

    #[test]
    fn currencies_are_kept_apart_and_vanish_at_zero() {
        let money = |minor, currency| Money::from_minor(minor, currency).unwrap();
        let mut amounts = Amounts::default();
        for (minor, currency) in [(500, USD), (100, CNY), (-200, EUR), (23, CNY)] {
            amounts.add(money(minor, currency)).unwrap();
        }
        assert_eq!(amounts.to_string(), "1.23 CNY, -2.00 EUR, 5.00 USD");
        assert_eq!(amounts.negated().to_string(), "-1.23 CNY, 2.00 EUR, -5.00 USD");
        amounts.add(money(200, EUR)).unwrap();
        assert_eq!(amounts.iter().map(Money::currency).collect::<Vec<_>>(), [CNY, USD]);
        assert_eq!(amounts.of(EUR), Money::zero(EUR));
        for remaining in amounts.negated().iter() {
            amounts.add(remaining).unwrap();
        }
        assert_eq!(amounts, Amounts::default());
    }
}
