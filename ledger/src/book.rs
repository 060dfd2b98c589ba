//! A book: balances, open holds, and the position up to which both were read.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    account::Account,
    amounts::Amounts,
    balances::Balances,
    journal::{AsOf, Booked, Timestamp},
    money::MoneyError,
};

/// Money on its way: an open hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The position of the entry that opened it.
    pub position: u64,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By when its money must have moved on. That of the entry that opened it: putting more in doesn't buy time.
    pub deadline: Timestamp,
}

impl Hold {
    /// How long it has been open, in microseconds.
    #[must_use]
    pub const fn age_micros(&self, now: Timestamp) -> i64 {
        now.micros_since(self.opened_at)
    }

    /// Whether its deadline has passed. At the deadline itself there is still time.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now > self.deadline
    }
}

/// The fold of a journal, in the order of its positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    balances: Balances,
    holds: BTreeMap<Account, Hold>,
    position: Option<u64>,
}

/// Why an entry is not taken into a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BookError {
    /// A position that was read already, or passed over.
    #[error("the entry at position {given} comes after the one at {last}")]
    OutOfOrder {
        /// The last position in the book.
        last: u64,
        /// The entry's.
        given: u64,
    },
    /// A sum that doesn't fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Book {
    /// The book as it stood: all of `journal` that `as_of` includes.
    ///
    /// # Errors
    /// Any [`BookError`].
    pub fn as_of<'a>(journal: impl IntoIterator<Item = &'a Booked>, as_of: AsOf) -> Result<Self, BookError> {
        let mut book = Self::default();
        let mut included = journal.into_iter().filter(|booked| as_of.includes(booked.position, booked.at));
        included.try_for_each(|booked| book.post(booked))?;
        Ok(book)
    }

    /// Takes one more entry in.
    ///
    /// # Errors
    /// Any [`BookError`]; nothing has changed then.
    pub fn post(&mut self, booked: &Booked) -> Result<(), BookError> {
        let given = booked.position;
        if let Some(last) = self.position.filter(|last| given <= *last) {
            return Err(BookError::OutOfOrder { last, given });
        }
        self.balances.post(&booked.entry)?;
        self.position = Some(given);
        for account in
            booked.entry.postings().iter().map(|posting| posting.account()).filter(|account| account.is_hold())
        {
            if self.balances.all_of(account).is_zero() {
                self.holds.remove(account);
            } else if let Some(deadline) = booked.entry.deadline() {
                let hold = Hold { position: given, opened_at: booked.at, deadline };
                self.holds.entry(account.clone()).or_insert(hold);
            }
        }
        Ok(())
    }

    /// What every account stands at.
    #[must_use]
    pub const fn balances(&self) -> &Balances {
        &self.balances
    }

    /// The last position taken in.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.position
    }

    /// The open holds by account, with what they hold.
    pub fn holds(&self) -> impl Iterator<Item = (&Account, Hold, Amounts)> {
        self.holds.iter().map(|(account, hold)| (account, *hold, self.balances.all_of(account)))
    }

    /// The open holds whose deadline has passed.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = (&Account, Hold, Amounts)> {
        self.holds().filter(move |(_, hold, _)| hold.is_overdue(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        currency::Currency::CNY,
        entry::{Entry, Posting},
        money::Money,
    };

    fn yuan(text: &str) -> Money {
        Money::parse(text, CNY).unwrap()
    }

    fn booked(position: u64, at: i64, entry: Entry) -> Booked {
        Booked { position, at: Timestamp(at), entry }
    }

    fn held(payer: &Account, hold: &Account, amount: &str, deadline: i64) -> Entry {
        let debit = Posting::debit(payer.clone(), yuan(amount)).unwrap();
        let credit = Posting::credit(hold.clone(), yuan(amount)).unwrap();
        Entry::holding_until(Timestamp(deadline), vec![debit, credit]).unwrap()
    }

    /// A top-up of 10.00, a hold of 6.00 with two second legs, and the accounts involved.
    fn packet() -> (Vec<Booked>, Account, Account, Account) {
        let (alice, bob) = (Account::wallet("ALICE").unwrap(), Account::wallet("BOB").unwrap());
        let hold = Account::hold("RedPacket", "P1").unwrap();
        let pay = |debit: &Account, credit: &Account, amount| {
            Entry::transfer(debit.clone(), credit.clone(), yuan(amount)).unwrap()
        };
        let journal = vec![
            booked(3, 100, pay(&Account::Settlement, &alice, "10.00")),
            booked(5, 200, held(&alice, &hold, "6.00", 1_000)),
            booked(6, 190, pay(&hold, &bob, "2.50")),
            booked(9, 900, pay(&hold, &alice, "3.50")),
        ];
        (journal, alice, bob, hold)
    }

    #[test]
    fn a_hold_is_open_until_its_last_cent_has_moved_on() {
        let (journal, alice, bob, hold) = packet();
        let mut book = Book::default();
        let open = |book: &Book| book.holds().map(|(_, hold, held)| (hold, held.to_string())).collect::<Vec<_>>();
        let expected = Hold { position: 5, opened_at: Timestamp(200), deadline: Timestamp(1_000) };
        for (booked, held) in journal.iter().zip([None, Some("6.00 CNY"), Some("3.50 CNY"), None]) {
            book.post(booked).unwrap();
            assert_eq!(open(&book), held.map(|held| (expected, held.to_owned())).into_iter().collect::<Vec<_>>());
        }
        assert_eq!(book.balances().balance(&alice, CNY), yuan("7.50"));
        assert_eq!(book.balances().balance(&bob, CNY), yuan("2.50"));
        assert_eq!(book.balances().balance(&hold, CNY), yuan("0"));
    }

    #[test]
    fn a_hold_is_overdue_after_its_deadline_and_more_money_does_not_buy_time() {
        let (journal, alice, _, hold) = packet();
        let mut book = Book::as_of(&journal, AsOf::Position(5)).unwrap();
        book.post(&booked(6, 300, held(&alice, &hold, "1.00", 5_000))).unwrap();
        assert_eq!(book.overdue(Timestamp(1_000)).count(), 0);
        let (account, overdue, amounts) = book.overdue(Timestamp(1_001)).next().unwrap();
        assert_eq!(
            (account, overdue.age_micros(Timestamp(1_001)), amounts.to_string().as_str()),
            (&hold, 801, "7.00 CNY")
        );
    }

    #[test]
    fn a_book_as_of_a_position_or_a_time_holds_what_had_happened_by_then() {
        let (journal, alice, bob, _) = packet();
        let at = |as_of| {
            let book = Book::as_of(&journal, as_of).unwrap();
            let balance = |account| book.balances().balance(account, CNY).amount().to_string();
            (book.position(), balance(&alice), balance(&bob))
        };
        let expected = |position, alice: &str, bob: &str| (position, alice.to_owned(), bob.to_owned());
        assert_eq!(at(AsOf::Position(2)), expected(None, "0.00", "0.00"));
        assert_eq!(at(AsOf::Position(5)), expected(Some(5), "4.00", "0.00"));
        assert_eq!(at(AsOf::Position(8)), expected(Some(6), "4.00", "2.50"));
        assert_eq!(at(AsOf::Time(Timestamp(100))), expected(Some(3), "10.00", "0.00"));
        // A clock that ran behind: what happened at 190 counts, though it was booked after what happened at 200.
        assert_eq!(at(AsOf::Time(Timestamp(195))), expected(Some(6), "10.00", "2.50"));
        assert_eq!(at(AsOf::Time(Timestamp(900))), expected(Some(9), "7.50", "2.50"));
    }

    #[test]
    fn a_position_is_taken_once_and_in_order() {
        let (journal, ..) = packet();
        let mut book = Book::as_of(&journal, AsOf::Position(6)).unwrap();
        let before = book.clone();
        for (again, given) in [(&journal[2], 6), (&journal[1], 5)] {
            assert_eq!(book.post(again), Err(BookError::OutOfOrder { last: 6, given }));
        }
        assert_eq!(book, before);
    }
}
