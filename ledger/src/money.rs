//! An exact amount of one currency.

use std::{borrow::Cow, cmp::Ordering, fmt};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::currency::{Currency, UnknownCurrency};

/// An amount of a currency, always with exactly that currency's decimals. Arithmetic is exact or refused; the one
/// method that rounds is told how.
///
/// Serialised as `{"amount":"12.30","currency":"CNY"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "MoneyText", into = "MoneyText")]
pub struct Money {
    // Its scale is the currency's decimals, so its mantissa counts minor units.
    amount: Decimal,
    currency: Currency,
}

/// Why an amount is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The text is not an optional `-`, digits, and optionally a point with digits.
    #[error("not an amount: write it like 12.30")]
    NotAnAmount,
    /// The value is finer than the currency's smallest unit.
    #[error("{0} has {decimals} decimals, the amount has more", decimals = .0.decimals())]
    TooManyDecimals(Currency),
    /// The value, or the result, is beyond what is represented exactly (about 28 digits).
    #[error("an amount of {0} is too large")]
    TooLarge(Currency),
    /// Two currencies in one operation.
    #[error("{0} and {1} are different currencies")]
    CurrencyMismatch(Currency, Currency),
    /// The currency's code is not known.
    #[error(transparent)]
    UnknownCurrency(#[from] UnknownCurrency),
}

impl Money {
    /// `amount` of `currency`. Trailing zeros don't matter: 12.3, 12.30 and 12.300 are the same.
    ///
    /// # Errors
    /// [`MoneyError::TooManyDecimals`] rather than rounding; [`MoneyError::TooLarge`].
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let shortest = amount.normalize();
        let missing = currency.decimals().checked_sub(shortest.scale()).ok_or(MoneyError::TooManyDecimals(currency))?;
        let minor = shortest.mantissa().checked_mul(10_i128.pow(missing)).ok_or(MoneyError::TooLarge(currency))?;
        Self::from_minor(minor, currency)
    }

    /// `minor` of the currency's smallest units: 1230 of `CNY` is 12.30.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn from_minor(minor: i128, currency: Currency) -> Result<Self, MoneyError> {
        match Decimal::try_from_i128_with_scale(minor, currency.decimals()) {
            Ok(amount) => Ok(Self { amount, currency }),
            Err(_) => Err(MoneyError::TooLarge(currency)),
        }
    }

    /// Reads an amount such as `12.30`, `-5` or `0.1`. No sign `+`, no exponent, no grouping, no spaces.
    ///
    /// # Errors
    /// [`MoneyError::NotAnAmount`], [`MoneyError::TooManyDecimals`], [`MoneyError::TooLarge`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(MoneyError::NotAnAmount);
        }
        match Decimal::from_str_exact(text) {
            Ok(amount) => Self::new(amount, currency),
            Err(rust_decimal::Error::Underflow) => Err(MoneyError::TooManyDecimals(currency)),
            Err(_) => Err(MoneyError::TooLarge(currency)),
        }
    }

    /// Nothing of `currency`.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::from_parts(0, 0, 0, false, currency.decimals()), currency }
    }

    /// The amount, with exactly the currency's decimals.
    #[must_use]
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The amount in the currency's smallest units.
    #[must_use]
    pub const fn minor(self) -> i128 {
        self.amount.mantissa()
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether nothing is left or owed.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor() == 0
    }

    /// Whether the amount is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor() > 0
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor() < 0
    }

    /// The same amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        // A zero keeps its sign, so that there is one zero only.
        if self.is_zero() { self } else { Self { amount: -self.amount, ..self } }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        // Decimal's own addition would drop decimals of a huge sum; minor units are below 2^96, so this can't overflow.
        Self::from_minor(self.minor() + other.minor(), self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }

    /// The amount times `rate` (0.001 is 0.1 %), computed exactly and then rounded once, as told.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] when the exact product doesn't fit.
    pub fn times_rounded(self, rate: Decimal, rounding: RoundingStrategy) -> Result<Self, MoneyError> {
        let too_large = MoneyError::TooLarge(self.currency);
        let rate = rate.normalize();
        let mantissa = self.minor().checked_mul(rate.mantissa()).ok_or(too_large)?;
        match Decimal::try_from_i128_with_scale(mantissa, self.amount.scale() + rate.scale()) {
            Ok(exact) => Self::new(exact.round_dp_with_strategy(self.currency.decimals(), rounding), self.currency),
            Err(_) => Err(too_large),
        }
    }

    /// Which of two amounts is larger. There is no `<` between amounts: it would have to answer for unlike currencies.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor().cmp(&other.minor()))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// The serialised form: the amount is text, so that no reader makes a float of it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
struct MoneyText {
    /// A decimal number with no more decimals than the currency has.
    #[schema(example = "12.30")]
    amount: String,
    /// ISO 4217.
    currency: Currency,
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        MoneyText::schema()
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self { amount: money.amount.to_string(), currency: money.currency }
    }
}

impl TryFrom<MoneyText> for Money {
    type Error = MoneyError;

    fn try_from(text: MoneyText) -> Result<Self, MoneyError> {
        Self::parse(&text.amount, text.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Currency::{BHD, CLF, CNY, JPY, USD};

    fn money(text: &str, currency: Currency) -> Money {
        Money::parse(text, currency).unwrap()
    }

    #[test]
    fn an_amount_is_shown_with_exactly_its_currencys_decimals() {
        for (text, currency, shown) in [
            ("12.3", CNY, "12.30 CNY"),
            ("-0.00", CNY, "0.00 CNY"),
            ("007", CNY, "7.00 CNY"),
            ("12.000", JPY, "12 JPY"),
            ("-1.5", BHD, "-1.500 BHD"),
            ("0.0001", CLF, "0.0001 CLF"),
        ] {
            assert_eq!(money(text, currency).to_string(), shown);
        }
    }

    #[test]
    fn an_amount_finer_than_its_currency_is_refused_and_not_rounded() {
        for (text, currency) in
            [("12.345", CNY), ("0.5", JPY), ("0.0001", BHD), ("0.1000000000000000000000000000001", CNY)]
        {
            assert_eq!(Money::parse(text, currency), Err(MoneyError::TooManyDecimals(currency)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_plain_decimal_number_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e3", "1_000", "1,000", " 1", "1 ", "--1", "1.2.3", "１２", "NaN"]
        {
            assert_eq!(Money::parse(text, CNY), Err(MoneyError::NotAnAmount), "{text:?}");
        }
    }

    #[test]
    fn a_sum_that_would_lose_decimals_is_refused() {
        let largest = Money::from_minor((1 << 96) - 1, CNY).unwrap();
        let cent = money("0.01", CNY);
        assert_eq!(largest.checked_add(cent), Err(MoneyError::TooLarge(CNY)));
        assert_eq!(largest.checked_sub(cent).unwrap().checked_add(cent), Ok(largest));
        assert_eq!(Money::parse("79228162514264337593543950335", CNY), Err(MoneyError::TooLarge(CNY)));
        assert_eq!(Money::parse(&"9".repeat(40), CNY), Err(MoneyError::TooLarge(CNY)));
    }

    #[test]
    fn different_currencies_are_neither_added_nor_compared() {
        let mismatch = MoneyError::CurrencyMismatch(CNY, USD);
        assert_eq!(money("1", CNY).checked_add(money("1", USD)), Err(mismatch));
        assert_eq!(money("1", CNY).compare(money("1", USD)), Err(mismatch));
        assert_eq!(money("1", CNY).compare(money("1.01", CNY)), Ok(Ordering::Less));
    }

    #[test]
    fn a_product_is_rounded_once_and_as_told() {
        let rate = Decimal::new(1, 3);
        let fee = |text, rounding| money(text, CNY).times_rounded(rate, rounding).unwrap().amount().to_string();
        assert_eq!(fee("1234.00", RoundingStrategy::AwayFromZero), "1.24");
        assert_eq!(fee("1234.00", RoundingStrategy::ToZero), "1.23");
        assert_eq!(fee("1235.00", RoundingStrategy::MidpointNearestEven), "1.24");
        assert_eq!(fee("0.00", RoundingStrategy::AwayFromZero), "0.00");
        let huge = Money::from_minor(1 << 95, CNY).unwrap();
        assert_eq!(huge.times_rounded(Decimal::TWO, RoundingStrategy::ToZero), Err(MoneyError::TooLarge(CNY)));
    }

    #[test]
    fn json_carries_the_amount_as_text_and_is_checked_when_read() {
        let json = r#"{"amount":"12.30","currency":"CNY"}"#;
        assert_eq!(serde_json::to_string(&money("12.3", CNY)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), money("12.30", CNY));
        for bad in [
            r#"{"amount":"12.345","currency":"CNY"}"#,
            r#"{"amount":12.3,"currency":"CNY"}"#,
            r#"{"amount":"1","currency":"RMB"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }
}
