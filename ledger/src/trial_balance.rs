//! The trial balance: all accounts on two sides.

use std::collections::BTreeMap;

use crate::{
    account::Account,
    balances::Balances,
    currency::Currency,
    money::{Money, MoneyError},
};

/// One account in one currency. One of the two sides is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialRow {
    /// The account.
    pub account: Account,
    /// Its balance when it is on the debit side.
    pub debit: Money,
    /// Its balance when it is on the credit side.
    pub credit: Money,
}

/// Both sides of one currency, summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialTotal {
    /// All debit balances.
    pub debit: Money,
    /// All credit balances.
    pub credit: Money,
}

/// Every account that is not at zero, and the totals of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    /// By account, then by currency.
    pub rows: Vec<TrialRow>,
    /// By currency.
    pub totals: BTreeMap<Currency, TrialTotal>,
}

impl TrialBalance {
    /// The trial balance of `balances`.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn of(balances: &Balances) -> Result<Self, MoneyError> {
        let mut trial = Self::default();
        for (account, posted) in balances.iter().flat_map(|(account, sums)| sums.iter().map(move |sum| (account, sum)))
        {
            let zero = Money::zero(posted.currency());
            let (debit, credit) = if posted.is_negative() { (zero, posted.negated()) } else { (posted, zero) };
            let total = trial.totals.entry(posted.currency()).or_insert(TrialTotal { debit: zero, credit: zero });
            total.debit = total.debit.checked_add(debit)?;
            total.credit = total.credit.checked_add(credit)?;
            trial.rows.push(TrialRow { account: account.clone(), debit, credit });
        }
        Ok(trial)
    }

    /// Whether both sides are equal in every currency.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.totals.values().all(|total| total.debit == total.credit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{currency::Currency::CNY, entry::Entry};

    #[test]
    fn each_account_stands_on_one_side_and_the_sides_are_equal() {
        let yuan = |text| Money::parse(text, CNY).unwrap();
        let (alice, fees) = (Account::wallet("ALICE").unwrap(), Account::fees("Withdrawal").unwrap());
        let mut balances = Balances::default();
        for (debit, credit, amount) in [(&Account::Settlement, &alice, "20.00"), (&alice, &fees, "0.10")] {
            balances.post(&Entry::transfer(debit.clone(), credit.clone(), yuan(amount)).unwrap()).unwrap();
        }
        let mut trial = TrialBalance::of(&balances).unwrap();
        let row = |account: &Account, debit, credit| TrialRow {
            account: account.clone(),
            debit: yuan(debit),
            credit: yuan(credit),
        };
        let rows = [row(&Account::Settlement, "20", "0"), row(&fees, "0", "0.10"), row(&alice, "0", "19.90")];
        assert_eq!(trial.rows, rows);
        assert_eq!(trial.totals.get(&CNY), Some(&TrialTotal { debit: yuan("20"), credit: yuan("20") }));
        assert!(trial.is_balanced());
        trial.totals.insert(CNY, TrialTotal { debit: yuan("20"), credit: yuan("19.99") });
        assert!(!trial.is_balanced());
    }
}
