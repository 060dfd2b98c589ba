//! A day of the sub-ledgers: every entry on the accounts that it names.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use crate::{
    account::Account,
    amounts::Amounts,
    balances::Balances,
    currency::Currency,
    export::{
        date,
        dialect::{Dialect, Note},
        origin::Origin,
    },
    journal::Booked,
    money::{Money, MoneyError},
};

/// Takes the place of all accounts that a day doesn't touch, where that day stands alone.
const UNTOUCHED: &str = "Equity:Untouched";

/// What a day has touched so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubLedgerDay {
    /// What each account opened with, signed from the debit side.
    opening: BTreeMap<(Account, Currency), Money>,
}

impl SubLedgerDay {
    /// Takes note of what an entry is about to touch; `balances` are those before it.
    pub(crate) fn touch(&mut self, booked: &Booked, balances: &Balances) {
        for posting in booked.entry.postings() {
            let key = (posting.account().clone(), posting.currency());
            self.opening.entry(key).or_insert_with(|| balances.posted(posting.account(), posting.currency()));
        }
    }

    /// Asserts what the touched accounts stand at in `balances`, those at the day's end.
    pub(crate) fn closing(&self, dialect: Dialect, day: NaiveDate, balances: &Balances) -> String {
        let closing: Vec<(String, Money)> = self
            .opening
            .keys()
            .map(|(account, currency)| (account.to_string(), balances.posted(account, *currency)))
            .collect();
        let mut out = String::new();
        dialect.closing(&mut out, day, closing.iter().map(|(name, balance)| (name.as_str(), *balance)));
        out
    }

    /// What the day needs to stand alone: its accounts, and one transaction that gives them what they opened with.
    pub(crate) fn opening(&self, dialect: Dialect, day: NaiveDate) -> Result<String, MoneyError> {
        let before = day.checked_sub_days(Days::new(1)).unwrap_or(day);
        let mut out = String::new();
        for currency in self.opening.keys().map(|(_, currency)| currency).collect::<BTreeSet<_>>() {
            out.push_str(&dialect.currency(*currency, before));
        }
        for account in self.opening.keys().map(|(account, _)| account).collect::<BTreeSet<_>>() {
            out.push_str(&dialect.account(&account.to_string(), before));
        }
        out.push_str(&dialect.account(UNTOUCHED, before));
        out.push('\n');
        let mut sum = Amounts::default();
        let mut postings = Vec::new();
        for ((account, _), money) in self.opening.iter().filter(|(_, money)| !money.is_zero()) {
            sum.add(*money)?;
            postings.push((account.to_string(), *money));
        }
        postings.extend(sum.negated().iter().map(|rest| (UNTOUCHED.to_owned(), rest)));
        if !postings.is_empty() {
            let postings = postings.iter().map(|(name, money)| (name.as_str(), *money));
            dialect.transaction(&mut out, before, "opening-balances", &[], postings);
        }
        Ok(out)
    }
}

/// The transaction of an entry, booked on `day`.
pub(crate) fn transaction(dialect: Dialect, day: NaiveDate, booked: &Booked, origin: &Origin) -> String {
    let mut notes: Vec<Note> = vec![
        ("position", booked.position.to_string()),
        ("stream", origin.stream.clone()),
        ("version", origin.version.to_string()),
        ("event", origin.event.clone()),
        ("hash", origin.hash.clone()),
        ("time", date::text(origin.at)),
    ];
    notes.extend(booked.entry.deadline().map(|deadline| ("deadline", date::text(deadline))));
    let postings: Vec<(String, Money)> =
        booked.entry.postings().iter().map(|posting| (posting.account().to_string(), posting.amount())).collect();
    let mut out = String::new();
    dialect.transaction(&mut out, day, &origin.kind, &notes, postings.iter().map(|(name, sum)| (name.as_str(), *sum)));
    out
}
