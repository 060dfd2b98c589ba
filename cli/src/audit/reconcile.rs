//! `teahouse audit reconcile`: the bank's statement against what our entries moved at the bank.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use ledger::{Account, Amounts, Currency, Money};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    journal::{self, Moved},
    source::{self, SourceArgs},
    table::Rows,
};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped},
    settings::Settings,
};

/// No line of a statement is longer.
const LINE_BYTES: u64 = 64 * 1024;

/// Which statement.
#[derive(Args, Debug)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    source: SourceArgs,
    /// The bank's statement of the settlement account, whole, as JSON lines
    #[arg(long, value_name = "FILE")]
    bank: PathBuf,
}

/// A line of the bank's statement.
#[derive(Clone, Debug, Deserialize)]
struct BankLine {
    /// The bank's own reference.
    reference: String,
    /// What we asked for.
    request_id: Uuid,
    /// What moved, signed from our side: positive is ours afterwards.
    amount: Money,
    /// What we had there afterwards.
    balance: Money,
}

/// What one of our entries moved at the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ours {
    amount: Money,
    position: u64,
}

/// How the two sides differ about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    MissingHere,
    MissingThere,
    Different,
    TwiceHere,
    TwiceThere,
    /// An entry of ours that no request of ours explains.
    NoRequest,
    /// The bank's balance is not the one before and what moved.
    BankSum,
}

impl Difference {
    const fn name(self) -> &'static str {
        match self {
            Self::MissingHere => "missing here",
            Self::MissingThere => "missing there",
            Self::Different => "different",
            Self::TwiceHere => "twice here",
            Self::TwiceThere => "twice there",
            Self::NoRequest => "without a request here",
            Self::BankSum => "wrong sum there",
        }
    }
}

/// A difference with what each side says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    what: Difference,
    request: Option<Uuid>,
    ours: Option<Ours>,
    bank: Option<Money>,
    reference: String,
}

/// Matches every line with the entry of the same request.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where log or statement are out of reach.
pub(super) fn run(args: &Reconcile, settings: &Settings) -> Result<Ending, Error> {
    let mut source = source::open(&args.source, settings)?;
    let statement = Lines::open(&args.bank)?;
    let progress = Progress::begin("reading", source.last().map(|last| last.0));
    let mut sides = Sides::default();
    journal::read(source.as_mut(), None, Some(&progress), |moved| sides.take_ours(moved))?;
    progress.end();
    for line in statement {
        sides.take_theirs(line?)?;
    }
    let matched = sides.matched;
    let (ours, bank) = (sides.ours_sum.clone(), sides.bank_sum.clone());
    let findings = sides.end();
    show(&findings).unwrap_or_else(|error| output::stop(&error));
    output::line(&format!(
        "matched: {}, differences: {}; ours at the bank: {ours}; the bank's statement: {bank}",
        grouped(matched),
        grouped(findings.len() as u64),
    ));
    Ok(if findings.is_empty() { Ending::Well } else { Ending::Breach })
}

/// Both sides, as far as they were read: ours first, whole.
#[derive(Default)]
struct Sides {
    /// Ours by request, and whether the bank has it.
    ours: HashMap<Uuid, (Ours, bool)>,
    ours_sum: Amounts,
    bank_sum: Amounts,
    bank_balances: BTreeMap<Currency, Money>,
    matched: u64,
    findings: Vec<Finding>,
}

impl Sides {
    fn take_ours(&mut self, moved: &Moved<'_>) -> Result<(), Error> {
        let at_bank = moved.booked.entry.postings().iter().filter(|posting| *posting.account() == Account::Settlement);
        for posting in at_bank {
            let ours = Ours { amount: posting.amount(), position: moved.booked.position };
            self.add_ours(moved.event.bank_request(), ours)?;
        }
        Ok(())
    }

    fn add_ours(&mut self, request: Option<Uuid>, ours: Ours) -> Result<(), Error> {
        self.ours_sum.add(ours.amount).map_err(sum)?;
        let finding = |what| Finding { what, request, ours: Some(ours), bank: None, reference: String::new() };
        match request.map(|request| self.ours.entry(request)) {
            None => self.findings.push(finding(Difference::NoRequest)),
            Some(Entry::Occupied(_)) => self.findings.push(finding(Difference::TwiceHere)),
            Some(Entry::Vacant(fresh)) => drop(fresh.insert((ours, false))),
        }
        Ok(())
    }

    fn take_theirs(&mut self, line: BankLine) -> Result<(), Error> {
        let BankLine { reference, request_id, amount, balance } = line;
        self.bank_sum.add(amount).map_err(sum)?;
        let finding = |what, ours| Finding {
            what,
            request: Some(request_id),
            ours,
            bank: Some(amount),
            reference: reference.clone(),
        };
        // A statement of a part of the time opens with some balance; from then on it must add up.
        let before = self.bank_balances.insert(balance.currency(), balance);
        let adds_up = match before {
            Some(before) => before.checked_add(amount) == Ok(balance),
            None => balance.currency() == amount.currency(),
        };
        if !adds_up {
            self.findings.push(finding(Difference::BankSum, None));
        }
        match self.ours.get_mut(&request_id) {
            None => self.findings.push(finding(Difference::MissingHere, None)),
            Some((ours, true)) => self.findings.push(finding(Difference::TwiceThere, Some(*ours))),
            Some((ours, there)) => {
                *there = true;
                if ours.amount == amount {
                    self.matched += 1;
                } else {
                    self.findings.push(finding(Difference::Different, Some(*ours)));
                }
            }
        }
        Ok(())
    }

    /// All differences: those met on the way, and then what the bank doesn't have, in the log's order.
    fn end(mut self) -> Vec<Finding> {
        let mut missing: Vec<_> = self.ours.into_iter().filter(|(_, (_, there))| !there).collect();
        missing.sort_by_key(|(_, (ours, _))| ours.position);
        self.findings.extend(missing.into_iter().map(|(request, (ours, _))| Finding {
            what: Difference::MissingThere,
            request: Some(request),
            ours: Some(ours),
            bank: None,
            reference: String::new(),
        }));
        self.findings
    }
}

fn sum(error: ledger::MoneyError) -> Error {
    Error::failed("the amounts can't be added up", error)
}

fn show(findings: &[Finding]) -> io::Result<()> {
    let mut rows = Rows::new(["difference", "request", "ours", "the bank's", "position", "reference"], &[2, 3, 4]);
    let none = || "-".to_owned();
    for finding in findings {
        rows.add([
            finding.what.name().to_owned(),
            finding.request.map_or_else(none, |request| request.to_string()),
            finding.ours.map_or_else(none, |ours| ours.amount.to_string()),
            finding.bank.map_or_else(none, |amount| amount.to_string()),
            finding.ours.map_or_else(none, |ours| ours.position.to_string()),
            if finding.reference.is_empty() { none() } else { finding.reference.clone() },
        ])?;
    }
    rows.end()
}

/// The lines of a statement.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::unavailable(path.display(), error))?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), number: 0 })
    }

    fn read(&mut self) -> Result<Option<BankLine>, Error> {
        loop {
            let mut line = String::new();
            self.number += 1;
            let (path, number) = (self.path.display(), self.number);
            let failed = |error: &dyn std::fmt::Display| Error::Unavailable(format!("{path}, line {number}: {error}"));
            let read = (&mut self.reader).take(LINE_BYTES).read_line(&mut line).map_err(|error| failed(&error))?;
            if read == 0 {
                return Ok(None);
            }
            if !line.trim().is_empty() {
                return serde_json::from_str(&line).map(Some).map_err(|error| failed(&error));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<BankLine, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yuan(text: &str) -> Money {
        Money::parse(text, Currency::CNY).unwrap()
    }

    fn ours(sides: &mut Sides, request: u128, amount: &str, position: u64) {
        sides.add_ours(Some(Uuid::from_u128(request)), Ours { amount: yuan(amount), position }).unwrap();
    }

    fn theirs(sides: &mut Sides, request: u128, amount: &str, balance: &str) {
        let (amount, balance, request_id) = (yuan(amount), yuan(balance), Uuid::from_u128(request));
        sides.take_theirs(BankLine { reference: format!("S{request}"), request_id, amount, balance }).unwrap();
    }

    fn found(sides: Sides) -> Vec<(Difference, Option<u128>)> {
        sides
            .end()
            .into_iter()
            .map(|finding| (finding.what, finding.request.map(|request| request.as_u128())))
            .collect()
    }

    #[test]
    fn sides_that_agree_in_another_order_have_no_difference() {
        let mut sides = Sides::default();
        ours(&mut sides, 1, "10.00", 5);
        ours(&mut sides, 2, "-4.00", 7);
        theirs(&mut sides, 2, "-4.00", "-4.00");
        theirs(&mut sides, 1, "10.00", "6.00");
        assert_eq!((sides.matched, sides.ours_sum.to_string()), (2, sides.bank_sum.to_string()));
        assert_eq!(found(sides), []);
    }

    #[test]
    fn every_kind_of_difference_is_named_with_its_request() {
        let mut sides = Sides::default();
        ours(&mut sides, 1, "10.00", 5);
        ours(&mut sides, 1, "10.00", 6);
        ours(&mut sides, 2, "3.00", 7);
        ours(&mut sides, 9, "1.00", 9);
        ours(&mut sides, 8, "1.00", 8);
        sides.add_ours(None, Ours { amount: yuan("2.00"), position: 10 }).unwrap();
        theirs(&mut sides, 1, "10.00", "10.00");
        theirs(&mut sides, 2, "3.01", "13.01");
        theirs(&mut sides, 3, "5.00", "18.01");
        theirs(&mut sides, 1, "10.00", "28.01");
        theirs(&mut sides, 4, "1.00", "29.02");
        assert_eq!(sides.matched, 1);
        let expected = [
            (Difference::TwiceHere, Some(1)),
            (Difference::NoRequest, None),
            (Difference::Different, Some(2)),
            (Difference::MissingHere, Some(3)),
            (Difference::TwiceThere, Some(1)),
            (Difference::BankSum, Some(4)),
            (Difference::MissingHere, Some(4)),
            (Difference::MissingThere, Some(8)),
            (Difference::MissingThere, Some(9)),
        ];
        assert_eq!(found(sides), expected);
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("statement.jsonl");
        let line = r#"{"reference":"S1","request_id":"01930000-0000-7000-8000-000000000001","at":"2026-11-22T00:00:00Z",
            "kind":"collect","amount":{"amount":"1.00","currency":"CNY"},"balance":{"amount":"1.00","currency":"CNY"}}"#;
        std::fs::write(&path, format!("{}\n\nnonsense\n", line.replace('\n', " "))).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().amount, yuan("1.00"));
        assert!(lines.next().unwrap().unwrap_err().to_string().contains("line 3"));
    }
}
