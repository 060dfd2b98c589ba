//! What a withdrawal costs.

use ledger::{Money, MoneyError};
use rust_decimal::{Decimal, RoundingStrategy};

use super::Wallet;
use crate::policy::MoneyPolicy;

/// What a withdrawal would cost now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawalQuote {
    /// What the card would get.
    pub amount: Money,
    /// What would be kept.
    pub fee: Money,
    /// What would leave the balance: both together.
    pub total: Money,
    /// What may still be withdrawn without a fee, this amount not counted.
    pub free_left: Money,
    /// The most that the card could get at once, the fee paid.
    pub most: Money,
}

impl Wallet {
    /// What withdrawing an amount would cost, out of so much that is there.
    ///
    /// # Errors
    /// When an amount is too large to be reckoned with.
    pub fn withdrawal_quote(
        &self,
        amount: Money,
        available: Money,
        policy: &MoneyPolicy,
    ) -> Result<WithdrawalQuote, MoneyError> {
        let fee = self.withdrawal_fee(amount, policy)?;
        Ok(WithdrawalQuote {
            amount,
            fee,
            total: amount.checked_add(fee)?,
            free_left: Money::new(self.withdrawal_free(policy), amount.currency())?,
            most: self.withdrawal_most(available, policy)?,
        })
    }

    /// What may still be withdrawn without a fee.
    pub(super) fn withdrawal_free(&self, policy: &MoneyPolicy) -> Decimal {
        (policy.withdrawal_free - self.spent.withdrawn()).max(Decimal::ZERO)
    }

    /// What withdrawing an amount costs: nothing within the free amount that everybody has once, then a share of what
    /// is beyond it, at least the smallest fee.
    ///
    /// # Errors
    /// When the amount is too large to be multiplied.
    pub fn withdrawal_fee(&self, amount: Money, policy: &MoneyPolicy) -> Result<Money, MoneyError> {
        let charged = (amount.amount() - self.withdrawal_free(policy)).max(Decimal::ZERO);
        let currency = amount.currency();
        if charged.is_zero() {
            return Ok(Money::zero(currency));
        }
        let charged = Money::new(charged, currency)?;
        let fee = charged.times_rounded(policy.withdrawal_rate, RoundingStrategy::MidpointAwayFromZero)?;
        let least = Money::new(policy.withdrawal_fee_min, currency)?;
        Ok(if fee.minor() < least.minor() { least } else { fee })
    }

    /// The most that can be withdrawn out of so much, within what may be moved at once. A larger amount never costs less,
    /// so halving what is in question finds it.
    fn withdrawal_most(&self, available: Money, policy: &MoneyPolicy) -> Result<Money, MoneyError> {
        let currency = available.currency();
        let whole = available.minor().min(Money::new(policy.payment, currency)?.minor());
        let (mut fits, mut above) = (0, whole.max(0) + 1);
        while above - fits > 1 {
            let middle = Money::from_minor((fits + above) / 2, currency)?;
            let total = middle.checked_add(self.withdrawal_fee(middle, policy)?)?;
            if total.minor() <= whole {
                fits = middle.minor();
            } else {
                above = middle.minor();
            }
        }
        Money::from_minor(fits, currency)
    }
}

#[cfg(test)]
mod tests {
    use ledger::Currency::CNY;

    use super::*;

    fn yuan(text: &str) -> Money {
        Money::parse(text, CNY).unwrap()
    }

    fn quote(wallet: &Wallet, amount: &str, available: &str) -> [String; 4] {
        let quote = wallet.withdrawal_quote(yuan(amount), yuan(available), &MoneyPolicy::default()).unwrap();
        [quote.fee, quote.total, quote.free_left, quote.most].map(|money| money.amount().to_string())
    }

    fn having_withdrawn(amount: &str) -> Wallet {
        let mut wallet = Wallet::default();
        wallet.spent.add_withdrawal(yuan(amount));
        wallet
    }

    #[test]
    fn the_first_thousand_is_free_and_then_a_thousandth_is_kept_but_at_least_a_dime() {
        let new = Wallet::default();
        assert_eq!(quote(&new, "1000.00", "1000.00"), ["0.00", "1000.00", "1000.00", "1000.00"]);
        assert_eq!(quote(&new, "1000.01", "1000.09"), ["0.10", "1000.11", "1000.00", "1000.00"]);
        let used_up = having_withdrawn("1000.00");
        assert_eq!(quote(&used_up, "100.00", "500.00"), ["0.10", "100.10", "0.00", "499.50"]);
        assert_eq!(quote(&used_up, "1234.50", "0.10"), ["1.23", "1235.73", "0.00", "0.00"]);
        assert_eq!(quote(&having_withdrawn("999.50"), "1.00", "0.50"), ["0.10", "1.10", "0.50", "0.50"]);
    }

    #[test]
    fn the_most_that_is_told_can_be_withdrawn_and_a_cent_more_can_not() {
        let policy = MoneyPolicy::default();
        for withdrawn in ["0.00", "500.00", "999.99", "1000.00"] {
            let wallet = having_withdrawn(withdrawn);
            for cents in (1..200_000).step_by(997) {
                let available = Money::from_minor(cents, CNY).unwrap();
                let most = wallet.withdrawal_most(available, &policy).unwrap();
                let total = |cents: i128| {
                    let amount = Money::from_minor(cents, CNY).unwrap();
                    cents + wallet.withdrawal_fee(amount, &policy).unwrap().minor()
                };
                assert!(total(most.minor()) <= cents, "{withdrawn} {cents}");
                assert!(total(most.minor() + 1) > cents, "{withdrawn} {cents}");
            }
        }
        let rich = yuan("100000000.00");
        let most = having_withdrawn("1000.00").withdrawal_most(rich, &policy).unwrap();
        assert!(most.amount() < policy.payment, "amount and fee are moved at once");
    }
}
