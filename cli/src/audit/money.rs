//! The money rules of `teahouse audit verify`: what docs/ledger.md says must be true of the books at every position.

use chrono::TimeDelta;
use domain::DomainEvent;
use eventlog::RecordedEvent;
use ledger::{
    Book, Booked, Timestamp,
    export::date::{self, BookingTime},
    invariants,
};

use super::journal::time_of;

/// The fold of a log's journal that names every violation.
#[derive(Default)]
pub(super) struct MoneyRules {
    book: Book,
    time: BookingTime,
    entries: u64,
    latest: Option<Timestamp>,
}

/// What is found when the log ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AtEnd {
    /// Rules that do not hold.
    pub(super) breaches: Vec<String>,
    /// Holds past their deadline that still have time before that counts as a breach.
    pub(super) alarms: Vec<String>,
}

impl MoneyRules {
    /// Takes the next event of the log and gives the rules that are broken with it.
    pub(super) fn check(&mut self, record: &RecordedEvent, event: &DomainEvent) -> Vec<String> {
        self.latest = Some(self.time.of(time_of(record)));
        match event.entry() {
            Some(entry) => {
                let at = self.latest.unwrap_or(Timestamp(0));
                let booked = Booked { position: record.position().0, at, entry: entry.clone() };
                self.post(&booked, record.stream())
            }
            None => Vec::new(),
        }
    }

    fn post(&mut self, booked: &Booked, stream: &str) -> Vec<String> {
        self.entries += 1;
        let place = |what: &dyn std::fmt::Display| format!("position {}, stream {stream}: {what}", booked.position);
        let mut violations = invariants::entry_sums_to_zero(booked.entry.postings());
        match self.book.post(booked) {
            // The sum of all accounts was zero and the entry's is: so it is zero still. At the end it is added up.
            Ok(()) => violations.extend(invariants::touched_accounts_not_negative(self.book.balances(), &booked.entry)),
            Err(error) => return vec![place(&error)],
        }
        violations.iter().map(|violation| place(violation)).collect()
    }

    /// How many entries there were.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Looks at the whole book as the log leaves it. A hold is overdue there if its deadline is before the last event.
    pub(super) fn at_end(&self, grace: TimeDelta) -> AtEnd {
        let mut found = AtEnd::default();
        let Some(now) = self.latest else { return found };
        let mut violations = invariants::accounts_sum_to_zero(self.book.balances());
        violations.extend(invariants::owned_accounts_not_negative(self.book.balances()));
        found.breaches.extend(violations.iter().map(|violation| format!("at the log's end: {violation}")));
        let grace = grace.num_microseconds().unwrap_or(i64::MAX);
        for (account, hold, held) in self.book.overdue(now) {
            let (position, deadline) = (hold.position, date::text(hold.deadline));
            let line = format!("position {position}: {account} still holds {held}, its deadline was {deadline}");
            if now.micros_since(hold.deadline) > grace { &mut found.breaches } else { &mut found.alarms }.push(line);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Account, Currency, Entry, Money, Posting};

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn yuan(text: &str) -> Money {
        Money::parse(text, Currency::CNY).unwrap()
    }

    fn wallet(id: &str) -> Account {
        Account::wallet(id).unwrap()
    }

    fn post(rules: &mut MoneyRules, position: u64, at: i64, entry: Entry) -> Vec<String> {
        rules.latest = Some(rules.time.of(Timestamp(at)));
        rules.post(&Booked { position, at: Timestamp(at), entry }, "wallet-a")
    }

    fn top_up(amount: &str) -> Entry {
        Entry::transfer(Account::Settlement, wallet("A"), yuan(amount)).unwrap()
    }

    fn hold(amount: &str, deadline: i64) -> Entry {
        let hold = Account::hold("Transfer", "T1").unwrap();
        let postings =
            vec![Posting::debit(wallet("A"), yuan(amount)).unwrap(), Posting::credit(hold, yuan(amount)).unwrap()];
        Entry::holding_until(Timestamp(deadline), postings).unwrap()
    }

    #[test]
    fn an_overdraft_is_named_where_it_happens_though_it_is_made_good_later() {
        let mut rules = MoneyRules::default();
        assert_eq!(post(&mut rules, 3, 0, top_up("5.00")), [""; 0]);
        let payment = Entry::transfer(wallet("A"), wallet("B"), yuan("5.01")).unwrap();
        let found = post(&mut rules, 7, 1, payment);
        assert_eq!(found, ["position 7, stream wallet-a: Liabilities:Wallet:A is at -0.01 CNY"]);
        assert_eq!(rules.at_end(TimeDelta::zero()).breaches.len(), 1);
        assert_eq!(post(&mut rules, 9, 2, top_up("5.00")), [""; 0]);
        assert_eq!(rules.at_end(TimeDelta::zero()), AtEnd::default());
        assert_eq!(rules.entries(), 3);
    }

    #[test]
    fn an_entry_that_comes_twice_is_named_and_counted_once() {
        let mut rules = MoneyRules::default();
        assert_eq!(post(&mut rules, 3, 0, top_up("5.00")), [""; 0]);
        let found = post(&mut rules, 3, 0, top_up("5.00"));
        assert_eq!(found, ["position 3, stream wallet-a: the entry at position 3 comes after the one at 3"]);
        assert_eq!(rules.book.balances().balance(&wallet("A"), Currency::CNY), yuan("5.00"));
    }

    #[test]
    fn a_hold_past_its_deadline_is_an_alarm_and_after_its_grace_a_breach() {
        let mut rules = MoneyRules::default();
        let _ = post(&mut rules, 1, 0, top_up("9.00"));
        assert_eq!(post(&mut rules, 2, 1, hold("9.00", HOUR)), [""; 0]);
        let grace = TimeDelta::hours(2);
        for (at, alarms, breaches) in [(HOUR, 0, 0), (HOUR + 1, 1, 0), (3 * HOUR, 1, 0), (3 * HOUR + 1, 0, 1)] {
            rules.latest = Some(Timestamp(at));
            let found = rules.at_end(grace);
            assert_eq!((found.alarms.len(), found.breaches.len()), (alarms, breaches), "{at}: {found:?}");
        }
        let back = Entry::transfer(Account::hold("Transfer", "T1").unwrap(), wallet("A"), yuan("9.00")).unwrap();
        let _ = post(&mut rules, 5, 9 * HOUR, back);
        assert_eq!(rules.at_end(grace), AtEnd::default());
    }
}
