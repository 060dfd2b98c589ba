//! Balances: the fold of entries.

use std::collections::BTreeMap;

use crate::{
    account::{Account, Side},
    amounts::Amounts,
    currency::Currency,
    entry::Entry,
    money::{Money, MoneyError},
};

/// What every account stands at, in every currency. An account at zero is the same as one never used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    // Signed from the debit side, none empty.
    accounts: BTreeMap<Account, Amounts>,
}

impl Balances {
    /// Folds one more entry in.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`]; nothing has changed then.
    pub fn post(&mut self, entry: &Entry) -> Result<(), MoneyError> {
        // All sums first, so that a failure leaves nothing half posted. No account is in an entry twice in one currency.
        let sums: Vec<Money> = entry
            .postings()
            .iter()
            .map(|posting| self.posted(posting.account(), posting.currency()).checked_add(posting.amount()))
            .collect::<Result<_, _>>()?;
        for (posting, sum) in entry.postings().iter().zip(sums) {
            self.set(posting.account(), sum);
        }
        Ok(())
    }

    /// What the account has on its normal side: what is owed to the owner of a wallet, what there is in the bank.
    #[must_use]
    pub fn balance(&self, account: &Account, currency: Currency) -> Money {
        on_normal_side(account, self.posted(account, currency))
    }

    /// The sum of all that was posted to the account, signed from the debit side.
    #[must_use]
    pub fn posted(&self, account: &Account, currency: Currency) -> Money {
        self.accounts.get(account).map_or(Money::zero(currency), |amounts| amounts.of(currency))
    }

    /// The account's balances on its normal side, in all currencies.
    #[must_use]
    pub fn all_of(&self, account: &Account) -> Amounts {
        match (self.accounts.get(account), account.class().normal_side()) {
            (None, _) => Amounts::default(),
            (Some(amounts), Side::Debit) => amounts.clone(),
            (Some(amounts), Side::Credit) => amounts.negated(),
        }
    }

    /// Every account that is not at zero, in order, with its sums signed from the debit side.
    pub fn iter(&self) -> impl Iterator<Item = (&Account, &Amounts)> {
        self.accounts.iter()
    }

    /// The sum of all accounts: nothing, in books that balance.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn sum(&self) -> Result<Amounts, MoneyError> {
        let mut sum = Amounts::default();
        self.accounts.values().flat_map(Amounts::iter).try_for_each(|money| sum.add(money))?;
        Ok(sum)
    }

    /// Replaces what stands in the account in the sum's currency, whatever the other accounts say.
    pub(crate) fn set(&mut self, account: &Account, sum: Money) {
        if let Some(amounts) = self.accounts.get_mut(account) {
            amounts.set(sum);
            if amounts.is_zero() {
                self.accounts.remove(account);
            }
        } else if !sum.is_zero() {
            let mut amounts = Amounts::default();
            amounts.set(sum);
            self.accounts.insert(account.clone(), amounts);
        }
    }
}

/// An amount signed from the debit side, as seen from the account's normal side.
pub(crate) fn on_normal_side(account: &Account, amount: Money) -> Money {
    match account.class().normal_side() {
        Side::Debit => amount,
        Side::Credit => amount.negated(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Posting;
    use Currency::{CNY, USD};

    #[test]
    fn an_account_has_a_balance_per_currency_on_its_normal_side() {
        let alice = Account::wallet("ALICE").unwrap();
        let mut balances = Balances::default();
        for (minor, currency) in [(1_000, CNY), (250, USD)] {
            let amount = Money::from_minor(minor, currency).unwrap();
            balances.post(&Entry::transfer(Account::Settlement, alice.clone(), amount).unwrap()).unwrap();
        }
        assert_eq!(balances.all_of(&alice).to_string(), "10.00 CNY, 2.50 USD");
        assert_eq!(balances.all_of(&Account::Settlement), balances.all_of(&alice));
        assert_eq!(balances.posted(&alice, CNY).to_string(), "-10.00 CNY");
        assert_eq!(balances.balance(&Account::Opening, CNY), Money::zero(CNY));
    }

    #[test]
    fn money_sent_there_and_back_leaves_no_trace() {
        let (alice, bob) = (Account::wallet("ALICE").unwrap(), Account::wallet("BOB").unwrap());
        let amount = Money::from_minor(1, CNY).unwrap();
        let mut balances = Balances::default();
        balances.post(&Entry::transfer(alice.clone(), bob.clone(), amount).unwrap()).unwrap();
        assert_eq!(balances.iter().count(), 2);
        balances.post(&Entry::transfer(bob, alice, amount).unwrap()).unwrap();
        assert_eq!(balances, Balances::default());
    }

    #[test]
    fn an_entry_that_cannot_be_summed_changes_nothing() {
        let (alice, bob, carol) =
            (Account::wallet("A").unwrap(), Account::wallet("B").unwrap(), Account::wallet("C").unwrap());
        let largest = Money::from_minor((1 << 96) - 1, CNY).unwrap();
        let one = Money::from_minor(1, CNY).unwrap();
        let mut balances = Balances::default();
        balances.post(&Entry::transfer(alice.clone(), bob.clone(), largest).unwrap()).unwrap();
        let before = balances.clone();
        // The second posting fails, after the first would have gone through.
        let entry = Entry::new(vec![Posting::debit(carol, one).unwrap(), Posting::credit(bob, one).unwrap()]).unwrap();
        assert_eq!(balances.post(&entry), Err(MoneyError::TooLarge(CNY)));
        assert_eq!(balances, before);
    }
}
