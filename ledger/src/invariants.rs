//! What must be true of every book, at every position. Tests and audits call the same functions.
//!
//! Each gives the violations that it found, so an empty answer is a pass, and takes only what it judges: the audit runs
//! [`entry_sums_to_zero`] and [`touched_accounts_not_negative`] after every entry at a cost that doesn't grow with the
//! book, and [`of_book`] where it wants the whole.

use thiserror::Error;

use crate::{
    account::Account,
    amounts::Amounts,
    balances::{Balances, on_normal_side},
    book::Book,
    entry::{self, Entry, Posting},
    journal::Timestamp,
    money::{Money, MoneyError},
};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// Postings of one entry don't sum to zero.
    #[error("an entry sums to {0}, not to zero")]
    EntryNotZero(Amounts),
    /// All accounts together don't sum to zero.
    #[error("all accounts together sum to {0}, not to zero")]
    AccountsNotZero(Amounts),
    /// Somebody's account is below zero.
    #[error("{account} is at {balance}")]
    Negative {
        /// Whose.
        account: Account,
        /// What it stands at, on its normal side.
        balance: Money,
    },
    /// A hold is still open after its deadline.
    #[error("{account} still holds {held}, {micros} microseconds after its deadline")]
    HoldOverdue {
        /// The hold.
        account: Account,
        /// What it holds.
        held: Amounts,
        /// By how much it is late.
        micros: i64,
    },
    /// A sum that cannot be computed can't be shown to be zero.
    #[error(transparent)]
    NoSum(#[from] MoneyError),
}

/// An entry's postings sum to zero in every currency.
#[must_use]
pub fn entry_sums_to_zero(postings: &[Posting]) -> Vec<Violation> {
    zero(entry::sum(postings), Violation::EntryNotZero)
}

/// All accounts together sum to zero in every currency.
#[must_use]
pub fn accounts_sum_to_zero(balances: &Balances) -> Vec<Violation> {
    zero(balances.sum(), Violation::AccountsNotZero)
}

/// No account that holds somebody's money is below zero in any currency.
#[must_use]
pub fn owned_accounts_not_negative(balances: &Balances) -> Vec<Violation> {
    negative(
        balances
            .iter()
            .flat_map(|(account, posted)| posted.iter().map(move |money| (account, on_normal_side(account, money)))),
    )
}

/// The same for only the accounts that `entry`, just posted, has touched.
#[must_use]
pub fn touched_accounts_not_negative(balances: &Balances, entry: &Entry) -> Vec<Violation> {
    negative(
        entry
            .postings()
            .iter()
            .map(|posting| (posting.account(), balances.balance(posting.account(), posting.currency()))),
    )
}

/// Every hold is at zero, or open and not past its deadline.
fn holds_settled_in_time(book: &Book, now: Timestamp) -> Vec<Violation> {
    book.overdue(now)
        .map(|(account, hold, held)| {
            let micros = now.micros_since(hold.deadline);
            Violation::HoldOverdue { account: account.clone(), held, micros }
        })
        .collect()
}

/// All that can be asked of a whole book.
#[must_use]
pub fn of_book(book: &Book, now: Timestamp) -> Vec<Violation> {
    let mut violations = accounts_sum_to_zero(book.balances());
    violations.extend(owned_accounts_not_negative(book.balances()));
    violations.extend(holds_settled_in_time(book, now));
    violations
}

fn zero(sum: Result<Amounts, MoneyError>, violation: fn(Amounts) -> Violation) -> Vec<Violation> {
    match sum {
        Ok(sum) if sum.is_zero() => Vec::new(),
        Ok(sum) => vec![violation(sum)],
        Err(error) => vec![error.into()],
    }
}

fn negative<'a>(balances: impl Iterator<Item = (&'a Account, Money)>) -> Vec<Violation> {
    balances
        .filter(|(account, balance)| account.is_owned() && balance.is_negative())
        .map(|(account, balance)| Violation::Negative { account: account.clone(), balance })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        currency::Currency::{CNY, USD},
        journal::Booked,
    };

    fn wallet(id: &str) -> Account {
        Account::wallet(id).unwrap()
    }

    fn yuan(text: &str) -> Money {
        Money::parse(text, CNY).unwrap()
    }

    fn shown(violations: &[Violation]) -> Vec<String> {
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn postings_that_do_not_sum_to_zero_are_a_violation() {
        let debit = Posting::debit(wallet("A"), yuan("1.00")).unwrap();
        let credit = |text| Posting::credit(wallet("B"), yuan(text)).unwrap();
        assert_eq!(entry_sums_to_zero(&[debit.clone(), credit("1.00")]), []);
        let found = entry_sums_to_zero(&[debit, credit("0.99")]);
        assert_eq!(shown(&found), ["an entry sums to 0.01 CNY, not to zero"]);
    }

    #[test]
    fn a_balance_that_no_entry_made_is_a_violation() {
        let mut balances = Balances::default();
        balances.post(&Entry::transfer(Account::Settlement, wallet("A"), yuan("5.00")).unwrap()).unwrap();
        assert_eq!(accounts_sum_to_zero(&balances), []);
        balances.set(&wallet("A"), yuan("-5.01"));
        assert_eq!(shown(&accounts_sum_to_zero(&balances)), ["all accounts together sum to -0.01 CNY, not to zero"]);
    }

    #[test]
    fn only_owned_accounts_may_not_be_below_zero() {
        let mut balances = Balances::default();
        let dollar = Money::parse("1", USD).unwrap();
        // The bank owes, equity and income are negative: that is a poor house, not a broken book.
        for credit in [Account::wallet("A"), Account::merchant("M"), Account::hold("Order", "O")] {
            let postings = vec![
                Posting::debit(Account::Opening, dollar).unwrap(),
                Posting::credit(credit.unwrap(), dollar).unwrap(),
            ];
            let entry = Entry::holding_until(Timestamp(1), postings.clone()).or_else(|_| Entry::new(postings)).unwrap();
            balances.post(&entry).unwrap();
        }
        balances.post(&Entry::transfer(Account::fees("F").unwrap(), Account::Settlement, yuan("3")).unwrap()).unwrap();
        assert_eq!(owned_accounts_not_negative(&balances), []);

        // Each of them has a dollar, and that doesn't pay a yuan.
        for owned in [Account::wallet("A"), Account::merchant("M"), Account::hold("Order", "O")] {
            let entry = Entry::transfer(owned.unwrap(), Account::Settlement, yuan("0.01")).unwrap();
            let mut overdrawn = balances.clone();
            overdrawn.post(&entry).unwrap();
            let account = entry.postings()[0].account().clone();
            let expected = [Violation::Negative { account, balance: yuan("-0.01") }];
            assert_eq!(owned_accounts_not_negative(&overdrawn), expected);
            assert_eq!(touched_accounts_not_negative(&overdrawn, &entry), expected);
        }
    }

    #[test]
    fn a_hold_that_outlives_its_deadline_is_a_violation_until_it_is_settled() {
        let hold = Account::hold("Bill", "B1").unwrap();
        let postings = vec![
            Posting::debit(Account::Settlement, yuan("8.00")).unwrap(),
            Posting::credit(hold.clone(), yuan("8.00")).unwrap(),
        ];
        let entry = Entry::holding_until(Timestamp(50), postings).unwrap();
        let mut book = Book::default();
        book.post(&Booked { position: 0, at: Timestamp(10), entry }).unwrap();
        assert_eq!(of_book(&book, Timestamp(50)), []);
        let late = "Liabilities:Hold:Bill:B1 still holds 8.00 CNY, 7 microseconds after its deadline";
        assert_eq!(shown(&of_book(&book, Timestamp(57))), [late]);
        let entry = Entry::transfer(hold, Account::merchant("M").unwrap(), yuan("8.00")).unwrap();
        book.post(&Booked { position: 1, at: Timestamp(60), entry }).unwrap();
        assert_eq!(of_book(&book, Timestamp(60)), []);
    }
}
