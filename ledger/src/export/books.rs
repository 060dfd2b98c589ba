//! The books as files: the control-account book, and the sub-ledgers day by day.
//!
//! | file (`X`: the dialect's extension) | what it holds |
//! |---|---|
//! | `control.X` | the control-account book, whole: a day's entries of a kind are one transaction |
//! | `book.X` | includes `accounts.X` and all days: the sub-ledgers, whole |
//! | `accounts.X` | declares currencies and accounts as they come into use |
//! | `days/DATE.X` | the entries of a day, and what the accounts that they touched stand at when it ends |
//! | `days/DATE.opening.X` | what these accounts stood at when it began |
//! | `days/DATE.alone.X` | includes the two, so that a day can be checked by itself |

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{BuildHasher, RandomState},
};

use chrono::NaiveDate;
use thiserror::Error;

use crate::{
    balances::Balances,
    currency::Currency,
    export::{
        control::{ControlDay, Key, control_account},
        date,
        dialect::Dialect,
        origin::Origin,
        sub_ledger::{SubLedgerDay, transaction},
    },
    journal::Booked,
    money::{Money, MoneyError},
};

/// Where the files of books go.
pub trait Shelf {
    /// Why text can't be put there.
    type Error;

    /// Adds text to the end of a file, which is made at its first text. Paths have `/` and no `..`.
    ///
    /// # Errors
    /// Whatever keeps the text from being written.
    fn append(&mut self, file: &str, text: &str) -> Result<(), Self::Error>;

    /// Says that a file gets no more text.
    ///
    /// # Errors
    /// Whatever keeps the text from being written.
    fn complete(&mut self, file: &str) -> Result<(), Self::Error>;
}

/// How deep the books go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The control-account book only.
    Control,
    /// And the sub-ledgers.
    SubLedgers,
}

/// Why books can't be written.
#[derive(Debug, Error)]
pub enum BooksError<E> {
    /// A sum that doesn't fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The shelf took no more.
    #[error("{0}")]
    Shelf(E),
}

/// Books that are being written. Memory grows with the accounts, and with what a day touches; not with the entries.
#[derive(Debug)]
pub struct Books<S> {
    dialect: Dialect,
    depth: Depth,
    shelf: S,
    balances: Balances,
    control: BTreeMap<Key, Money>,
    control_accounts: BTreeSet<String>,
    currencies: BTreeSet<Currency>,
    /// Hashes of the accounts declared so far: there is one for every hold that ever was, so their names would be much.
    declared: HashSet<u64>,
    hasher: RandomState,
    day: Option<Day>,
    exported: Exported,
}

/// The day that is being written.
#[derive(Debug)]
struct Day {
    date: NaiveDate,
    control: ControlDay,
    sub_ledger: SubLedgerDay,
}

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many entries.
    pub entries: u64,
    /// On how many days.
    pub days: u64,
    /// The position of the last one; 0 where there is none.
    pub last_position: u64,
    /// The last day that has entries.
    pub last_day: Option<NaiveDate>,
}

impl<S: Shelf> Books<S> {
    /// Begins books.
    ///
    /// # Errors
    /// [`BooksError::Shelf`].
    pub fn begin(dialect: Dialect, depth: Depth, shelf: S) -> Result<Self, BooksError<S::Error>> {
        let mut books = Self {
            dialect,
            depth,
            shelf,
            balances: Balances::default(),
            control: BTreeMap::new(),
            control_accounts: BTreeSet::new(),
            currencies: BTreeSet::new(),
            declared: HashSet::new(),
            hasher: RandomState::new(),
            day: None,
            exported: Exported::default(),
        };
        books.append("control", &dialect.preamble("Control accounts"))?;
        if depth == Depth::SubLedgers {
            let include = dialect.include(&books.file("accounts"));
            books.append("book", &format!("{}{include}", dialect.preamble("Every account")))?;
            books.append("accounts", "")?;
        }
        Ok(books)
    }

    /// Takes the next entry in. It is booked on the day of its time (see [`date::BookingTime`]), or on the day that is being
    /// written where that one is closed already.
    ///
    /// # Errors
    /// Any [`BooksError`]; the books are of no use then.
    pub fn post(&mut self, booked: &Booked, origin: &Origin) -> Result<(), BooksError<S::Error>> {
        let date = date::day(booked.at);
        let ended = self.day.as_ref().is_none_or(|day| day.date < date);
        if ended {
            self.end_day()?;
            self.begin_day(date)?;
        }
        let Some(mut day) = self.day.take() else { return Ok(()) };
        day.control.post(booked.position, &origin.kind, &booked.entry)?;
        self.declare(booked, day.date)?;
        if self.depth == Depth::SubLedgers {
            day.sub_ledger.touch(booked, &self.balances);
            self.balances.post(&booked.entry)?;
            let text = transaction(self.dialect, day.date, booked, origin);
            self.append(&format!("days/{}", day.date), &text)?;
        }
        self.exported.entries += 1;
        self.exported.last_position = booked.position;
        self.day = Some(day);
        Ok(())
    }

    /// Ends the last day and all files. Gives the shelf back, and what was exported.
    ///
    /// # Errors
    /// Any [`BooksError`].
    pub fn finish(mut self) -> Result<(S, Exported), BooksError<S::Error>> {
        self.end_day()?;
        for name in ["control", "book", "accounts"] {
            if self.depth == Depth::SubLedgers || name == "control" {
                self.complete(name)?;
            }
        }
        Ok((self.shelf, self.exported))
    }

    fn begin_day(&mut self, date: NaiveDate) -> Result<(), BooksError<S::Error>> {
        self.day = Some(Day { date, control: ControlDay::default(), sub_ledger: SubLedgerDay::default() });
        self.exported.days += 1;
        self.exported.last_day = Some(date);
        if self.depth == Depth::SubLedgers {
            let include = self.dialect.include(&self.file(&format!("days/{date}")));
            self.append("book", &include)?;
        }
        Ok(())
    }

    fn end_day(&mut self) -> Result<(), BooksError<S::Error>> {
        let Some(Day { date, control, sub_ledger }) = self.day.take() else { return Ok(()) };
        let text = control.end(self.dialect, date, &mut self.control)?;
        self.append("control", &text)?;
        if self.depth == Depth::Control {
            return Ok(());
        }
        let dialect = self.dialect;
        let [day, opening, alone] = ["", ".opening", ".alone"].map(|part| format!("days/{date}{part}"));
        self.append(&day, &sub_ledger.closing(dialect, date, &self.balances))?;
        self.append(&opening, &sub_ledger.opening(dialect, date)?)?;
        let [first, second] = [".opening", ""].map(|part| dialect.include(&self.file(&format!("{date}{part}"))));
        self.append(&alone, &format!("{}{first}{second}", dialect.preamble(&format!("{date} alone"))))?;
        [day, opening, alone].iter().try_for_each(|name| self.complete(name))
    }

    /// Declares what comes into use with an entry.
    fn declare(&mut self, booked: &Booked, since: NaiveDate) -> Result<(), BooksError<S::Error>> {
        for posting in booked.entry.postings() {
            let (account, currency) = (posting.account(), posting.currency());
            if self.currencies.insert(currency) {
                let text = self.dialect.currency(currency, since);
                self.append("control", &text)?;
                self.append_deep("accounts", &text)?;
            }
            let control = control_account(account);
            if !self.control_accounts.contains(control.as_ref()) {
                self.append("control", &self.dialect.account(&control, since))?;
                self.control_accounts.insert(control.into_owned());
            }
            if self.depth == Depth::SubLedgers && self.declared.insert(self.hasher.hash_one(account)) {
                self.append("accounts", &self.dialect.account(&account.to_string(), since))?;
            }
        }
        Ok(())
    }

    fn append_deep(&mut self, name: &str, text: &str) -> Result<(), BooksError<S::Error>> {
        if self.depth == Depth::SubLedgers { self.append(name, text) } else { Ok(()) }
    }

    fn append(&mut self, name: &str, text: &str) -> Result<(), BooksError<S::Error>> {
        self.shelf.append(&self.file(name), text).map_err(BooksError::Shelf)
    }

    fn complete(&mut self, name: &str) -> Result<(), BooksError<S::Error>> {
        self.shelf.complete(&self.file(name)).map_err(BooksError::Shelf)
    }

    fn file(&self, name: &str) -> String {
        format!("{name}.{}", self.dialect.extension())
    }
}
