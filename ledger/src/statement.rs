//! One account's statement.

use crate::{
    account::Account,
    amounts::Amounts,
    balances::{Balances, on_normal_side},
    journal::{Booked, Timestamp},
    money::{Money, MoneyError},
};

/// One line of a statement, as the account's owner sees it: amounts are on the account's normal side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The entry's position in the log.
    pub position: u64,
    /// When it was booked.
    pub at: Timestamp,
    /// What came in (positive) or went out (negative).
    pub change: Money,
    /// The balance of the same currency after it.
    pub balance: Money,
}

/// A running statement: turns the journal, entry by entry, into one account's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    account: Account,
    balance: Amounts,
}

impl Statement {
    /// A statement that opens with what `account` stands at in `balances` (those just before the first entry).
    #[must_use]
    pub fn opening(account: Account, balances: &Balances) -> Self {
        Self { balance: balances.all_of(&account), account }
    }

    /// The lines of one entry: none when it doesn't touch the account, else one per currency.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn post(&mut self, booked: &Booked) -> Result<Vec<StatementLine>, MoneyError> {
        let mut lines = Vec::new();
        for posting in booked.entry.postings().iter().filter(|posting| *posting.account() == self.account) {
            let change = on_normal_side(&self.account, posting.amount());
            self.balance.add(change)?;
            let balance = self.balance.of(change.currency());
            lines.push(StatementLine { position: booked.position, at: booked.at, change, balance });
        }
        Ok(lines)
    }

    /// The balances after the last line: the closing balances.
    #[must_use]
    pub const fn balance(&self) -> &Amounts {
        &self.balance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{currency::Currency::CNY, entry::Entry};

    #[test]
    fn every_line_carries_the_balance_after_it_from_the_owners_side() {
        let (alice, bob) = (Account::wallet("ALICE").unwrap(), Account::wallet("BOB").unwrap());
        let yuan = |text| Money::parse(text, CNY).unwrap();
        let entry = |debit: &Account, credit: &Account, amount| {
            Entry::transfer(debit.clone(), credit.clone(), yuan(amount)).unwrap()
        };
        let mut balances = Balances::default();
        balances.post(&entry(&Account::Settlement, &alice, "5.00")).unwrap();
        let mut statement = Statement::opening(alice.clone(), &balances);
        let entries =
            [entry(&alice, &bob, "1.25"), entry(&Account::Settlement, &bob, "9.00"), entry(&bob, &alice, "0.50")];
        let mut lines = Vec::new();
        for (position, entry) in (7..).zip(entries) {
            lines.extend(statement.post(&Booked { position, at: Timestamp(0), entry }).unwrap());
        }
        let line = |position, change, balance| StatementLine {
            position,
            at: Timestamp(0),
            change: yuan(change),
            balance: yuan(balance),
        };
        assert_eq!(lines, [line(7, "-1.25", "3.75"), line(9, "0.50", "4.25")]);
        assert_eq!(statement.balance().to_string(), "4.25 CNY");
    }
}
