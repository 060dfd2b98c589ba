//! Books of a random busy week, in the hands of the three tools that they are written for: they agree with us on every
//! balance, and they find what was spoiled.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "what fails here fails the test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use ledger::{
    Account, Balances, Booked, Currency, Entry, Money, Posting, Timestamp,
    export::{Books, Depth, Dialect, Exported, Origin, Shelf, control::control_account, date::BookingTime},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

const DIALECTS: [Dialect; 3] = [Dialect::Beancount, Dialect::Hledger, Dialect::Ledger];
const ENTRIES: u64 = 1_500;
const DAY: i64 = 86_400_000_000;
/// Some Monday.
const MONDAY: i64 = 1_699_833_600_000_000;

/// Files in a directory.
struct Folder<'a>(&'a Path);

impl Shelf for Folder<'_> {
    type Error = std::io::Error;

    fn append(&mut self, file: &str, text: &str) -> std::io::Result<()> {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap())?;
        fs::File::options().append(true).create(true).open(path)?.write_all(text.as_bytes())
    }

    fn complete(&mut self, file: &str) -> std::io::Result<()> {
        assert!(self.0.join(file).is_file(), "{file} is complete, but was never begun");
        Ok(())
    }
}

/// What people did in a week, and what it left.
struct Week {
    journal: Vec<(Booked, Origin)>,
    balances: Balances,
}

impl Week {
    fn random(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut week = Self { journal: Vec::new(), balances: Balances::default() };
        let mut time = BookingTime::new();
        for step in 0..ENTRIES {
            // Clocks of several nodes: now and then one is a minute behind.
            let behind = if random.random_ratio(1, 5) { 60_000_000 } else { 0 };
            let at = Timestamp(MONDAY + (step as i64 * 7 * DAY) / ENTRIES as i64 - behind);
            let Some((kind, entry)) = week.deed(&mut random, at, step) else { continue };
            week.balances.post(&entry).unwrap();
            let origin = Origin {
                kind: kind.to_owned(),
                stream: format!("wallet-{step}"),
                version: 1,
                at,
                event: format!("01930000-0000-7000-8000-{step:012}"),
                hash: format!("{:064x}", random.random::<u128>()),
            };
            week.journal.push((Booked { position: 3 * step + 1, at: time.of(at), entry }, origin));
        }
        week
    }

    /// Something that somebody can do, given what there is.
    fn deed(&self, random: &mut StdRng, at: Timestamp, step: u64) -> Option<(&'static str, Entry)> {
        let person = |random: &mut StdRng| Account::wallet(&format!("U{}", random.random_range(0..40))).unwrap();
        let merchant = |random: &mut StdRng| Account::merchant(&format!("M{}", random.random_range(0..5))).unwrap();
        let currency =
            *[Currency::CNY, Currency::CNY, Currency::JPY, Currency::BHD].get(random.random_range(0..4)).unwrap();
        let (payer, payee) = (person(random), person(random));
        let holds: Vec<Account> =
            self.balances.iter().map(|(account, _)| account).filter(|account| account.is_hold()).cloned().collect();
        let some_of = |random: &mut StdRng, account: &Account| {
            let there = self.balances.balance(account, currency).minor();
            (there > 0).then(|| Money::from_minor(random.random_range(1..=there), currency).unwrap())
        };
        let transfer = |debit: Account, credit: Account, amount| Entry::transfer(debit, credit, amount).ok();
        match random.random_range(0..10) {
            0..=2 => {
                let amount = Money::from_minor(random.random_range(1..1_000_000), currency).unwrap();
                Some(("wallet.topped-up", transfer(Account::Settlement, payer, amount)?))
            }
            3 | 4 => Some(("wallet.paid", transfer(payer.clone(), merchant(random), some_of(random, &payer)?)?)),
            5 => {
                let amount = some_of(random, &payer)?;
                let fee = Money::from_minor(1.max(amount.minor() / 1_000), currency).unwrap();
                let postings = vec![
                    Posting::debit(payer, amount).ok()?,
                    Posting::credit(Account::Settlement, amount.checked_sub(fee).ok()?).ok()?,
                    Posting::credit(Account::fees("Withdrawal").unwrap(), fee).ok()?,
                ];
                Some(("withdrawal.settled", Entry::new(postings).ok()?))
            }
            6 | 7 => {
                let amount = some_of(random, &payer)?;
                let kind = *["Transfer", "RedPacket"].get(random.random_range(0..2)).unwrap();
                let hold = Account::hold(kind, &format!("H{step}")).unwrap();
                let postings = vec![Posting::debit(payer, amount).ok()?, Posting::credit(hold, amount).ok()?];
                Some(("transfer.sent", Entry::holding_until(Timestamp(at.0 + DAY), postings).ok()?))
            }
            _ => {
                let hold = holds.get(random.random_range(0..holds.len().max(1)))?.clone();
                // Either all of it, which empties the hold, or a part.
                let all = self.balances.balance(&hold, currency);
                let amount = if random.random_ratio(2, 3) { Some(all) } else { some_of(random, &hold) };
                Some(("transfer.accepted", transfer(hold, payee, amount?)?))
            }
        }
    }

    fn export(&self, dialect: Dialect, depth: Depth, dir: &Path) -> Exported {
        let mut books = Books::begin(dialect, depth, Folder(dir)).unwrap();
        for (booked, origin) in &self.journal {
            books.post(booked, origin).unwrap();
        }
        books.finish().unwrap().1
    }

    /// What stands in each account, by name; or in each control account.
    fn expected(&self, name: impl Fn(&Account) -> String) -> BTreeMap<(String, String), i128> {
        let mut sums = BTreeMap::new();
        for (account, money) in
            self.balances.iter().flat_map(|(account, sums)| sums.iter().map(move |sum| (account, sum)))
        {
            *sums.entry((name(account), money.currency().code().to_owned())).or_default() += money.minor();
        }
        sums.retain(|_, minor| *minor != 0);
        sums
    }
}

fn seed() -> u64 {
    let seed = std::env::var("TEAHOUSE_TEST_SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().unwrap());
    println!("TEAHOUSE_TEST_SEED={seed} repeats this run");
    seed
}

/// A tool of beancount, which `tests/run` installs into an environment of its own unless there is one.
fn of_beancount(name: &str) -> PathBuf {
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools/bin").join(name);
    if installed.is_file() { installed } else { PathBuf::from(name) }
}

fn run(dir: &Path, command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    command.current_dir(dir).output().unwrap_or_else(|error| panic!("{shown}: {error}; tests/run installs it"))
}

/// Gives a book to its tool as the documentation says.
fn check(dialect: Dialect, dir: &Path, book: &str) -> Output {
    let line = dialect.check(&format!("{book}.{}", dialect.extension()));
    let mut words = line.split(' ');
    let tool = words.next().unwrap();
    let tool = if dialect == Dialect::Beancount { of_beancount(tool) } else { tool.into() };
    let mut command = Command::new(tool);
    // Without a cache: books that are spoiled the moment after they were checked must be read again.
    command.args(words).env("BEANCOUNT_DISABLE_LOAD_CACHE", "1");
    run(dir, &mut command)
}

#[track_caller]
fn assert_agrees(dialect: Dialect, dir: &Path, book: &str) {
    let output = check(dialect, dir, book);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{dialect:?} does not agree with {book}:\n{text}");
}

/// Every balance of a book that is not zero, in minor units, as the tool computes it.
fn balances(dialect: Dialect, dir: &Path, book: &str) -> BTreeMap<(String, String), i128> {
    let file = format!("{book}.{}", dialect.extension());
    let output = match dialect {
        Dialect::Beancount => {
            let script = "import sys, collections\n\
                from beancount import loader\n\
                sums = collections.Counter()\n\
                for entry in loader.load_file(sys.argv[1])[0]:\n\
                \x20   for posting in getattr(entry, 'postings', []):\n\
                \x20       sums[posting.account, posting.units.currency] += posting.units.number\n\
                for (account, currency), number in sums.items():\n\
                \x20   print(account, number, currency, sep='\\t')\n";
            run(dir, Command::new(of_beancount("python3")).args(["-c", script, &file]))
        }
        Dialect::Hledger => run(
            dir,
            Command::new("hledger").args([
                "-f",
                &file,
                "balance",
                "--flat",
                "--no-total",
                "--layout=tidy",
                "-O",
                "csv",
            ]),
        ),
        Dialect::Ledger => {
            let format = "%(account)\\t%(scrub(display_total))\\n";
            run(dir, Command::new("ledger").args(["-f", &file, "balance", "--flat", "--no-total", "--format", format]))
        }
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let mut sums = BTreeMap::new();
    let mut account = String::new();
    for line in text.lines() {
        let (number, currency) = match dialect {
            Dialect::Hledger => {
                let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
                if cells.first() == Some(&"account") {
                    continue;
                }
                account = cells[0].to_owned();
                (cells[cells.len() - 1].to_owned(), cells[cells.len() - 2].to_owned())
            }
            Dialect::Beancount | Dialect::Ledger => {
                let cells = line.replace('\t', " ");
                let cells: Vec<&str> = cells.split_whitespace().collect();
                if let [name, ..] = cells[..]
                    && cells.len() == 3
                {
                    account = name.to_owned();
                }
                (cells[cells.len() - 2].to_owned(), cells[cells.len() - 1].to_owned())
            }
        };
        let known: Currency = currency.parse().unwrap_or_else(|_| panic!("{line:?} has no currency"));
        let minor = Money::parse(&number, known).unwrap().minor();
        if minor != 0 {
            assert_eq!(sums.insert((account.clone(), currency), minor), None, "{account} twice");
        }
    }
    sums
}

#[test]
fn each_tool_agrees_with_us_on_every_balance_of_a_random_busy_week() {
    let week = Week::random(seed());
    for dialect in DIALECTS {
        let dir = TempDir::new().unwrap();
        let exported = week.export(dialect, Depth::SubLedgers, dir.path());
        let days: BTreeSet<i64> = week.journal.iter().map(|(booked, _)| booked.at.0.div_euclid(DAY)).collect();
        assert!(days.len() >= 7);
        assert_eq!((exported.days, exported.entries), (days.len() as u64, week.journal.len() as u64));
        for (book, expected) in [
            ("book", week.expected(ToString::to_string)),
            ("control", week.expected(|account| control_account(account).into_owned())),
        ] {
            assert_agrees(dialect, dir.path(), book);
            assert_eq!(balances(dialect, dir.path(), book), expected, "{dialect:?} {book}");
        }
    }
}

#[test]
fn each_day_stands_alone_and_ends_where_the_accounts_that_it_touched_stood() {
    let week = Week::random(seed());
    for dialect in DIALECTS {
        let dir = TempDir::new().unwrap();
        let exported = week.export(dialect, Depth::SubLedgers, dir.path());
        let last = exported.last_day.unwrap();
        let days = dir.path().join("days");
        for book in [last.pred_opt().unwrap(), last].map(|day| format!("{day}.alone")) {
            assert_agrees(dialect, &days, &book);
        }
        let (all, day) = (week.expected(ToString::to_string), balances(dialect, &days, &format!("{last}.alone")));
        let of_day: Vec<_> = day.iter().filter(|((account, _), _)| account != "Equity:Untouched").collect();
        assert!(of_day.len() > 3, "{dialect:?}");
        assert!(of_day.into_iter().all(|(account, minor)| all.get(account) == Some(minor)), "{dialect:?}");
    }
}

#[test]
fn a_rolled_up_export_is_the_control_book_alone() {
    let week = Week::random(seed());
    let (whole, rolled_up) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let exported = week.export(Dialect::Hledger, Depth::SubLedgers, whole.path());
    assert_eq!(week.export(Dialect::Hledger, Depth::Control, rolled_up.path()), exported);
    let files: Vec<_> = fs::read_dir(rolled_up.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["control.journal"]);
    let read = |dir: &TempDir| fs::read_to_string(dir.path().join("control.journal")).unwrap();
    assert_eq!(read(&whole), read(&rolled_up));
}

#[test]
fn a_spoiled_export_fails_in_each_tool() {
    let week = Week::random(seed());
    for dialect in DIALECTS {
        let dir = TempDir::new().unwrap();
        let day = week.export(dialect, Depth::SubLedgers, dir.path()).last_day.unwrap().pred_opt().unwrap();
        let path = dir.path().join(format!("days/{day}.{}", dialect.extension()));
        let whole = fs::read_to_string(&path).unwrap();
        for (how, spoiled) in spoiled(&whole) {
            assert_ne!(spoiled, whole, "{how}");
            fs::write(&path, spoiled).unwrap();
            let output = check(dialect, dir.path(), "book");
            assert!(!output.status.success(), "{dialect:?} takes a book with {how}");
        }
        fs::write(&path, &whole).unwrap();
        assert_agrees(dialect, dir.path(), "book");
    }
}

/// A day's file with one thing wrong, in several ways.
fn spoiled(day: &str) -> Vec<(&'static str, String)> {
    let payment = day.split_inclusive("\n\n").find(|block| block.contains("wallet.topped-up")).unwrap();
    let postings: Vec<&str> = payment.lines().filter(|line| line.starts_with("    ") && !line.contains("; ")).collect();
    let [debit, credit] = postings[..] else { panic!("two postings: {payment}") };
    // The last digit, one up or down: the least that can be wrong.
    let out = |line: &str| {
        let at = line.rfind(|char: char| char.is_ascii_digit()).unwrap();
        let digit = if &line[at..=at] == "0" { "1" } else { "0" };
        format!("{}{digit}{}", &line[..at], &line[at + 1..])
    };
    let asserted = day.lines().rfind(|line| line.contains(" ~ 0 ") || line.contains(" = ")).unwrap();
    // beancount's tolerance stands behind the amount.
    let misstated = match asserted.split_once(" ~ ") {
        Some((balance, tolerance)) => format!("{} ~ {tolerance}", out(balance)),
        None => out(asserted),
    };
    let undeclared = credit.replace("Liabilities:Wallet:U", "Liabilities:Wallet:X");
    vec![
        ("an entry that is out by its last digit", day.replacen(debit, &out(debit), 1)),
        ("an entry that moved another amount", {
            let other = payment.replace(debit, &out(debit)).replace(credit, &out(credit));
            day.replacen(payment, &other, 1)
        }),
        ("an entry removed", day.replacen(payment, "", 1)),
        ("an entry repeated", day.replacen(payment, &payment.repeat(2), 1)),
        ("a closing balance that is out by its last digit", day.replacen(asserted, &misstated, 1)),
        ("an account that is not declared", day.replacen(credit, &undeclared, 1)),
    ]
}
