//! Statements: an owner's lines, in pages, and such as fit a filter.

use chrono::{DateTime, TimeDelta, Utc};
use domain::hold::Payer;
use ledger::Money;

use super::{
    Line, LineKind, WalletView,
    rows::{Tables, line_key},
};
use crate::ProjectionError;

/// Most lines that are looked at for one page.
const SCAN_MAX: usize = 5_000;

/// Which lines of a statement are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Only lines of that kind.
    pub kind: Option<LineKind>,
    /// Only lines with that counterparty's id, or biller's name.
    pub counterparty: Option<String>,
    /// Not before that time.
    pub from: Option<DateTime<Utc>>,
    /// Before that time.
    pub to: Option<DateTime<Utc>>,
    /// At least so much came in or went out.
    pub at_least: Option<Money>,
    /// At most so much came in or went out.
    pub at_most: Option<Money>,
}

impl LineFilter {
    fn takes(&self, line: &Line) -> bool {
        let size = line.amount.minor().abs();
        self.kind.is_none_or(|kind| line.kind == kind)
            && self.from.is_none_or(|from| line.at >= from)
            && self.to.is_none_or(|to| line.at < to)
            && self.at_least.is_none_or(|least| size >= least.minor())
            && self.at_most.is_none_or(|most| size <= most.minor())
            && self.counterparty.as_ref().is_none_or(|wanted| {
                line.counterparty.as_ref().is_some_and(|party| party.id().eq_ignore_ascii_case(wanted))
            })
    }
}

/// A page of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinePage {
    /// The lines, the latest first.
    pub lines: Vec<Line>,
    /// Before which position to go on; none at the end.
    pub next: Option<u64>,
}

impl WalletView {
    /// A page of a statement, the latest line first: lines before a position, at most `limit`. Where few lines fit the
    /// filter, a page may have less than that, also none, and yet tell where to go on.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn statement(
        &self,
        owner: Payer,
        before: Option<u64>,
        filter: &LineFilter,
        limit: usize,
    ) -> Result<LinePage, ProjectionError> {
        let range = line_key(owner, 0)..line_key(owner, before.unwrap_or(u64::MAX));
        let rows = self.tables.lines.range(range).rev();
        gather(rows.map(|row| Tables::line(&row.into_inner()?.1)), filter, limit, SCAN_MAX)
    }

    /// One line of a statement: the receipt of what it is about.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn line(&self, owner: Payer, position: u64) -> Result<Option<Line>, ProjectionError> {
        self.tables.lines.get(line_key(owner, position))?.map(|value| Tables::line(&value)).transpose()
    }
}

/// The lines that fit, out of lines that go back in time, of which no more than `scan` are looked at.
fn gather(
    lines: impl Iterator<Item = Result<Line, ProjectionError>>,
    filter: &LineFilter,
    limit: usize,
    scan: usize,
) -> Result<LinePage, ProjectionError> {
    let (mut page, mut last) = (LinePage::default(), None);
    for (seen, line) in lines.enumerate() {
        if page.lines.len() >= limit || seen >= scan {
            page.next = last;
            break;
        }
        let line = line?;
        // Lines are in the order of the log, whose times hardly ever go back: well before the time there is nothing more.
        if filter.from.is_some_and(|from| line.at + TimeDelta::days(1) < from) {
            break;
        }
        last = Some(line.position);
        if filter.takes(&line) {
            page.lines.push(line);
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use ledger::Currency::CNY;
    use uuid::Uuid;

    use super::*;

    /// The line at a position, one hour after the one before; every fourth is a top-up.
    fn line(position: u64) -> Line {
        let amount = Money::from_minor(i128::from(position) * if position.is_multiple_of(4) { 1 } else { -1 }, CNY);
        Line {
            position,
            at: DateTime::UNIX_EPOCH + TimeDelta::hours(i64::try_from(position).unwrap()),
            kind: if position.is_multiple_of(4) { LineKind::TopUp } else { LineKind::Payment },
            amount: amount.unwrap(),
            balance: Money::zero(CNY),
            reference: Uuid::nil(),
            counterparty: None,
            note: String::new(),
        }
    }

    fn page(before: Option<u64>, filter: &LineFilter, limit: usize, scan: usize) -> (Vec<u64>, Option<u64>) {
        let lines = (1..before.unwrap_or(101)).rev().map(|position| Ok(line(position)));
        let page = gather(lines, filter, limit, scan).unwrap();
        (page.lines.iter().map(|line| line.position).collect(), page.next)
    }

    #[test]
    fn pages_follow_one_another_and_the_last_one_names_no_next() {
        let all = LineFilter::default();
        assert_eq!(page(None, &all, 3, 9), (vec![100, 99, 98], Some(98)));
        assert_eq!(page(Some(4), &all, 3, 9), (vec![3, 2, 1], None));
        assert_eq!(page(Some(1), &all, 3, 9), (vec![], None));
    }

    #[test]
    fn where_few_lines_fit_a_page_ends_early_and_tells_where_to_go_on() {
        let top_ups = LineFilter { kind: Some(LineKind::TopUp), ..LineFilter::default() };
        assert_eq!(page(None, &top_ups, 3, 6), (vec![100, 96], Some(95)));
        assert_eq!(page(Some(95), &top_ups, 3, 2), (vec![], Some(93)));
        let (mut found, mut next) = page(None, &top_ups, 3, 6);
        while next.is_some() {
            let (more, then) = page(next, &top_ups, 3, 6);
            found.extend(more);
            next = then;
        }
        assert_eq!(found, (1..=25).rev().map(|n| n * 4).collect::<Vec<_>>());
    }

    #[test]
    fn times_and_amounts_are_met_at_their_bounds() {
        let hour = |hours: i64| Some(DateTime::UNIX_EPOCH + TimeDelta::hours(hours));
        let times = LineFilter { from: hour(50), to: hour(53), ..LineFilter::default() };
        assert_eq!(page(None, &times, 9, 1_000), (vec![52, 51, 50], None));
        let cents = |minor| Some(Money::from_minor(minor, CNY).unwrap());
        let sizes = LineFilter { at_least: cents(7), at_most: cents(9), ..LineFilter::default() };
        assert_eq!(page(None, &sizes, 9, 1_000), (vec![9, 8, 7], None));
    }
}
