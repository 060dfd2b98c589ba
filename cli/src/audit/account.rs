//! `teahouse audit account`: one account's statement.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Seek, Write},
};

use clap::{Args, ValueEnum};
use ledger::{
    Account, AccountError, Amounts, AsOf, Balances, Currency, Money, Statement, StatementLine, Timestamp,
    export::{
        Camt053, Origin,
        camt053::{Period, Turnover},
        date,
        statement::{CsvStatement, JsonStatement},
    },
};

use super::{
    filter::{Until, parse_until},
    journal::{self, ReadTo},
    source::{self, SourceArgs},
    table::Rows,
};
use crate::{
    error::{Ending, Error},
    output,
    settings::Settings,
};

/// Which account, and when.
#[derive(Args, Debug)]
pub(crate) struct AccountArgs {
    /// The account's name, such as Liabilities:Wallet:01930000-0000-7000-8000-000000000000
    #[arg(value_name = "NAME", value_parser = |name: &str| name.parse::<Account>().map_err(|error: AccountError| error.to_string()))]
    account: Account,
    #[command(flatten)]
    source: SourceArgs,
    /// From this position on, or from this time on
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_until)]
    from: Option<Until>,
    /// Up to this position, or to what was booked before this time
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_until)]
    to: Option<Until>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = StatementFormat::Table)]
    format: StatementFormat,
}

/// How a statement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatementFormat {
    /// For people
    Table,
    /// Comma-separated values
    Csv,
    /// One JSON object
    Json,
    /// ISO 20022, as banks give it
    Camt053,
}

/// Writes what the account opened with, each entry that touched it with the balance after it, and what it closed with.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where it is out of reach.
pub(super) fn run(args: &AccountArgs, settings: &Settings) -> Result<Ending, Error> {
    let mut source = source::open(&args.source, settings)?;
    let mut statement = Statement::opening(args.account.clone(), &Balances::default());
    let mut paper = Paper::new(args)?;
    let mut begun = false;
    let summed = |error| Error::failed("the balance can't be added up", error);
    let read = journal::read(source.as_mut(), args.to.map(up_to), None, |moved| {
        let opening = (!begun).then(|| statement.balance().clone());
        let lines = statement.post(moved.booked).map_err(summed)?;
        if args.from.is_some_and(|from| is_before(from, moved.booked.position, moved.booked.at)) {
            return Ok(());
        }
        if let Some(opening) = opening {
            paper.begin(&opening).unwrap_or_else(|error| output::stop(&error));
            begun = true;
        }
        let origin = moved.origin();
        lines.iter().try_for_each(|line| paper.line(line, &origin))
    })?;
    if !begun {
        paper.begin(statement.balance()).unwrap_or_else(|error| output::stop(&error));
    }
    paper.end(statement.balance(), read, args)?;
    Ok(Ending::Well)
}

/// The last that `--to` includes.
fn up_to(to: Until) -> AsOf {
    match to {
        Until::Position(position) => AsOf::Position(position.0),
        Until::Time(time) => AsOf::Time(Timestamp(time.timestamp_micros().saturating_sub(1))),
    }
}

fn is_before(from: Until, position: u64, at: Timestamp) -> bool {
    match from {
        Until::Position(first) => position < first.0,
        Until::Time(time) => at.0 < time.timestamp_micros(),
    }
}

/// What a statement is written on.
enum Paper {
    Table(Box<Rows<7>>),
    Csv(BufWriter<io::Stdout>),
    Json(BufWriter<io::Stdout>, Account, JsonStatement),
    Camt053(Camt053, BTreeMap<Currency, Spool>, Option<Timestamp>),
}

/// The entries of one currency, kept aside until their totals are known.
struct Spool {
    turnover: Turnover,
    entries: BufWriter<File>,
}

impl Spool {
    fn new(opening: Money) -> io::Result<Self> {
        Ok(Self { turnover: Turnover::opening(opening), entries: BufWriter::new(tempfile::tempfile()?) })
    }
}

impl Paper {
    fn new(args: &AccountArgs) -> Result<Self, Error> {
        let out = || BufWriter::new(io::stdout());
        Ok(match args.format {
            StatementFormat::Table => {
                let header = ["position", "booked", "kind", "change", "balance", "currency", "stream"];
                Self::Table(Box::new(Rows::new(header, &[0, 3, 4])))
            }
            StatementFormat::Csv => Self::Csv(out()),
            StatementFormat::Json => Self::Json(out(), args.account.clone(), JsonStatement::default()),
            StatementFormat::Camt053 => {
                let message = Camt053::new(&args.account).map_err(|error| Error::Usage(error.to_string()))?;
                Self::Camt053(message, BTreeMap::new(), None)
            }
        })
    }

    fn begin(&mut self, opening: &Amounts) -> io::Result<()> {
        match self {
            Self::Table(rows) => balance_rows(rows, "opening-balance", opening),
            Self::Csv(out) => out.write_all(CsvStatement::begin(opening).as_bytes()),
            Self::Json(out, account, statement) => out.write_all(statement.begin(account, opening).as_bytes()),
            Self::Camt053(_, spools, _) => opening.iter().try_for_each(|money| {
                spools.insert(money.currency(), Spool::new(money)?);
                Ok(())
            }),
        }
    }

    fn line(&mut self, line: &StatementLine, origin: &Origin) -> Result<(), Error> {
        let written = match self {
            Self::Table(rows) => rows.add([
                line.position.to_string(),
                date::text(line.at),
                origin.kind.clone(),
                line.change.amount().to_string(),
                line.balance.amount().to_string(),
                line.change.currency().to_string(),
                origin.stream.clone(),
            ]),
            Self::Csv(out) => out.write_all(CsvStatement::line(line, origin).as_bytes()),
            Self::Json(out, _, statement) => out.write_all(statement.line(line, origin).as_bytes()),
            Self::Camt053(_, spools, first) => {
                first.get_or_insert(line.at);
                return spool(spools, line, origin);
            }
        };
        written.unwrap_or_else(|error| output::stop(&error));
        Ok(())
    }

    fn end(self, closing: &Amounts, read: ReadTo, args: &AccountArgs) -> Result<(), Error> {
        let written = match self {
            Self::Table(mut rows) => balance_rows(&mut rows, "closing-balance", closing).and_then(|()| rows.end()),
            Self::Csv(mut out) => out.write_all(CsvStatement::end(closing).as_bytes()).and_then(|()| out.flush()),
            Self::Json(mut out, _, statement) => {
                out.write_all(statement.end(closing).as_bytes()).and_then(|()| out.flush())
            }
            Self::Camt053(message, spools, first) => {
                let time = |until: Option<Until>| match until {
                    Some(Until::Time(time)) => Some(Timestamp(time.timestamp_micros())),
                    _ => None,
                };
                let to = time(args.to).unwrap_or(read.at);
                let from = time(args.from).or(first).unwrap_or(to);
                return message_of(&message, spools, read, Period { from, to });
            }
        };
        written.unwrap_or_else(|error| output::stop(&error));
        Ok(())
    }
}

fn balance_rows(rows: &mut Rows<7>, kind: &str, balances: &Amounts) -> io::Result<()> {
    balances.iter().try_for_each(|money| {
        let (amount, currency) = (money.amount().to_string(), money.currency().to_string());
        let none = String::new;
        rows.add([none(), none(), kind.to_owned(), none(), amount, currency, none()])
    })
}

fn aside(error: impl std::fmt::Display) -> Error {
    Error::failed("the entries can't be kept aside", error)
}

fn spool(spools: &mut BTreeMap<Currency, Spool>, line: &StatementLine, origin: &Origin) -> Result<(), Error> {
    let currency = line.change.currency();
    let spool = match spools.entry(currency) {
        std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::btree_map::Entry::Vacant(fresh) => {
            fresh.insert(Spool::new(Money::zero(currency)).map_err(aside)?)
        }
    };
    spool.turnover.count(line).map_err(aside)?;
    spool.entries.write_all(Camt053::entry(line, origin).as_bytes()).map_err(aside)
}

fn message_of(
    message: &Camt053,
    mut spools: BTreeMap<Currency, Spool>,
    read: ReadTo,
    period: Period,
) -> Result<(), Error> {
    // The standard wants a statement even where there is nothing to state.
    if spools.is_empty() {
        spools.insert(Currency::CNY, Spool::new(Money::zero(Currency::CNY)).map_err(aside)?);
    }
    let mut out = BufWriter::new(io::stdout());
    let mut write = |text: &str| out.write_all(text.as_bytes()).unwrap_or_else(|error| output::stop(&error));
    write(&message.begin(read.position, read.at));
    for spool in spools.into_values() {
        write(&message.begin_statement(read.position, period, &spool.turnover).map_err(aside)?);
        let mut entries = spool.entries.into_inner().map_err(aside)?;
        entries.rewind().map_err(aside)?;
        for line in io::BufRead::lines(io::BufReader::new(entries)) {
            write(&line.map_err(aside)?);
            write("\n");
        }
        write(Camt053::end_statement());
    }
    write(Camt053::end());
    out.flush().unwrap_or_else(|error| output::stop(&error));
    Ok(())
}
