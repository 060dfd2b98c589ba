//! The commands about money, on exports of small logs.

use std::{fs, io::Write, path::Path};

use clap::Parser;
use tempfile::TempDir;

use super::{
    Audit, run,
    sample_books::{Sample, TOP_UP, WITHDRAWAL, exported},
    source::SourceArgs,
};
use crate::{
    error::{Ending, Error},
    settings::Settings,
};

/// The arguments of an audit, as they are typed.
#[derive(Parser)]
struct Typed {
    #[command(subcommand)]
    audit: Audit,
}

fn audit(source: &SourceArgs, words: &[&str]) -> Result<Ending, Error> {
    let file = source.which.file.as_ref().unwrap().display().to_string();
    let words = [&["audit"], words, &["--file", &file]].concat();
    run(Typed::try_parse_from(words).unwrap().audit, &Settings::default())
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[test]
fn books_that_balance_pass_and_an_overdraft_is_a_breach() {
    let home = TempDir::new().unwrap();
    for (sample, ending) in
        [(Sample::Whole, Ending::Well), (Sample::Stuck, Ending::Well), (Sample::Overdrawn, Ending::Breach)]
    {
        assert_eq!(audit(&exported(sample, home.path()), &["verify"]).unwrap(), ending, "{sample:?}");
    }
}

#[test]
fn a_hold_past_its_deadline_is_an_alarm_and_without_grace_a_breach() {
    let home = TempDir::new().unwrap();
    let stuck = exported(Sample::Stuck, home.path());
    assert_eq!(audit(&stuck, &["verify", "--hold-grace-hours", "0"]).unwrap(), Ending::Breach);
    assert_eq!(audit(&stuck, &["holds"]).unwrap(), Ending::Breach);
    // At the position that opened it, and at its deadline, it is not late.
    assert_eq!(audit(&stuck, &["holds", "--at", "3"]).unwrap(), Ending::Well);
    assert_eq!(audit(&stuck, &["holds", "--at", "2026-11-23T01:00:00Z"]).unwrap(), Ending::Well);
    assert_eq!(audit(&stuck, &["holds", "--at", "2026-11-23T01:00:01Z", "--format", "json"]).unwrap(), Ending::Breach);
    assert_eq!(audit(&exported(Sample::Whole, home.path()), &["holds", "--format", "csv"]).unwrap(), Ending::Well);
}

#[test]
fn the_sides_of_every_trial_balance_are_equal() {
    let home = TempDir::new().unwrap();
    let whole = exported(Sample::Whole, home.path());
    for at in ["0", "1", "4", "2026-11-22"] {
        for format in ["table", "csv", "json"] {
            let ending = audit(&whole, &["trial-balance", "--at", at, "--format", format]).unwrap();
            assert_eq!(ending, Ending::Well, "{at} {format}");
        }
    }
}

#[test]
fn an_account_that_is_not_in_the_chart_is_refused_before_anything_is_read() {
    let words = ["audit", "account", "Liabilities:Purse:A", "--file", "nowhere"];
    assert!(Typed::try_parse_from(words).is_err());
    let home = TempDir::new().unwrap();
    let whole = exported(Sample::Whole, home.path());
    for format in ["table", "csv", "json", "camt053"] {
        let words = ["account", "Assets:Bank:Settlement", "--from", "2", "--format", format];
        assert_eq!(audit(&whole, &words).unwrap(), Ending::Well, "{format}");
    }
    let long = format!("Liabilities:Wallet:{}", "A".repeat(40));
    assert!(matches!(audit(&whole, &["account", &long, "--format", "camt053"]), Err(Error::Usage(_))));
}

#[test]
fn exported_books_hold_each_day_and_are_sealed_by_their_hashes() {
    let home = TempDir::new().unwrap();
    let whole = exported(Sample::Whole, home.path());
    let out = home.path().join("books");
    let shown = out.display().to_string();
    let words = ["export-books", "--format", "ledger", "--out", &shown];
    assert_eq!(audit(&whole, &words).unwrap(), Ending::Well);
    let (first, second) = (read(out.join("days/2026-11-21.ledger")), read(out.join("days/2026-11-22.ledger")));
    assert!(first.contains("* wallet.topped-up") && first.contains("* wallet.paid"), "{first}");
    assert!(first.contains("Assets:Bank:Settlement  0.00 CNY = 100.00 CNY"), "{first}");
    assert!(second.contains("; deadline: 2026-11-23T01:00:00.000000Z"), "{second}");
    assert!(second.contains("Assets:Bank:Settlement  0.00 CNY = 50.00 CNY"), "{second}");
    assert!(second.contains("; position: 4\n"), "{second}");
    let sums = read(out.join("SHA256SUMS"));
    let mut files: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(files.len(), 3 + 2 * 3 + 1);
    assert!(files.is_sorted());
    files.retain(|file| !out.join(file).is_file());
    assert!(files.is_empty(), "{files:?}");
    // What is there already is never written over.
    assert!(matches!(audit(&whole, &words), Err(Error::Unavailable(_))));
    let rolled_up = home.path().join("rolled-up");
    let shown = rolled_up.display().to_string();
    let words = ["export-books", "--format", "ledger", "--out", &shown, "--rollup"];
    assert_eq!(audit(&whole, &words).unwrap(), Ending::Well);
    assert_eq!(read(rolled_up.join("control.ledger")), read(out.join("control.ledger")));
    assert!(!read(rolled_up.join("control.ledger")).contains("8000"), "a person's account is in the control book");
    assert_eq!(fs::read_dir(rolled_up).unwrap().count(), 3);
}

#[test]
fn a_bank_that_says_the_same_is_reconciled_and_one_that_does_not_is_a_breach() {
    let home = TempDir::new().unwrap();
    let whole = exported(Sample::Whole, home.path());
    let statement = home.path().join("statement.jsonl");
    let shown = statement.display().to_string();
    let line = |request: uuid::Uuid, amount: &str, balance: &str| {
        format!(
            r#"{{"reference":"S","request_id":"{request}","at":"2026-11-22T00:00:00Z","kind":"collect","amount":{{"amount":"{amount}","currency":"CNY"}},"balance":{{"amount":"{balance}","currency":"CNY"}}}}"#
        )
    };
    let (in_, out) = (line(TOP_UP, "100.00", "100.00"), line(WITHDRAWAL, "-50.00", "50.00"));
    let more = line(WITHDRAWAL, "-50.10", "49.90");
    for (lines, ending) in [
        (vec![&in_, &out], Ending::Well),
        (vec![&in_], Ending::Breach),
        (vec![&in_, &more], Ending::Breach),
        (vec![&in_, &out, &out], Ending::Breach),
    ] {
        let mut file = fs::File::create(&statement).unwrap();
        lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
        assert_eq!(audit(&whole, &["reconcile", "--bank", &shown]).unwrap(), ending, "{lines:?}");
    }
    fs::write(&statement, "nonsense\n").unwrap();
    assert!(matches!(audit(&whole, &["reconcile", "--bank", &shown]), Err(Error::Unavailable(_))));
}
