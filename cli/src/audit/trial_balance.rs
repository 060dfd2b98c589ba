//! `teahouse audit trial-balance`: all accounts on two sides.

use clap::{Args, ValueEnum};
use ledger::{Balances, TrialBalance};
use serde_json::json;

use super::{
    filter::{Until, parse_until},
    journal,
    source::{self, SourceArgs},
    table::Rows,
};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped},
    settings::Settings,
};

/// As of when.
#[derive(Args, Debug)]
pub(crate) struct TrialBalanceArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// As things stood at this position, or at this time
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_until)]
    at: Option<Until>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = FiguresFormat::Table)]
    format: FiguresFormat,
}

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FiguresFormat {
    /// For people
    Table,
    /// Comma-separated values
    Csv,
    /// One JSON object
    Json,
}

/// Writes every account that is not at zero, and the totals of both sides.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where it is out of reach.
pub(super) fn run(args: &TrialBalanceArgs, settings: &Settings) -> Result<Ending, Error> {
    let mut source = source::open(&args.source, settings)?;
    let progress = Progress::begin("adding up", source.last().map(|last| last.0));
    let mut balances = Balances::default();
    let read = journal::read(source.as_mut(), args.at.map(Until::as_of), Some(&progress), |moved| {
        balances.post(&moved.booked.entry).map_err(|error| Error::failed("the balances can't be added up", error))
    })?;
    progress.end();
    let trial = TrialBalance::of(&balances).map_err(|error| Error::failed("the balances can't be added up", error))?;
    match args.format {
        FiguresFormat::Table => table(&trial, read.position).unwrap_or_else(|error| output::stop(&error)),
        FiguresFormat::Csv => csv(&trial),
        FiguresFormat::Json => output::line(&json_object(&trial, read.position).to_string()),
    }
    Ok(if trial.is_balanced() { Ending::Well } else { Ending::Breach })
}

fn table(trial: &TrialBalance, position: u64) -> std::io::Result<()> {
    let mut rows = Rows::new(["account", "debit", "credit", "currency"], &[1, 2]);
    for row in &trial.rows {
        let side = |money: ledger::Money| if money.is_zero() { String::new() } else { money.amount().to_string() };
        rows.add([row.account.to_string(), side(row.debit), side(row.credit), row.debit.currency().to_string()])?;
    }
    for (currency, total) in &trial.totals {
        let [debit, credit] = [total.debit, total.credit].map(|money| money.amount().to_string());
        rows.add(["total".to_owned(), debit, credit, currency.to_string()])?;
    }
    rows.end()?;
    let verdict = if trial.is_balanced() { "the sides are equal" } else { "the sides are NOT equal" };
    output::line(&format!("{} accounts up to position {position}: {verdict}", grouped(trial.rows.len() as u64)));
    Ok(())
}

fn csv(trial: &TrialBalance) {
    output::line("account,debit,credit,currency");
    for row in &trial.rows {
        let (debit, credit) = (row.debit.amount(), row.credit.amount());
        output::line(&format!("{},{debit},{credit},{}", row.account, row.debit.currency()));
    }
}

fn json_object(trial: &TrialBalance, position: u64) -> serde_json::Value {
    let rows: Vec<_> = trial
        .rows
        .iter()
        .map(|row| json!({ "account": row.account, "debit": row.debit, "credit": row.credit }))
        .collect();
    let totals: Vec<_> =
        trial.totals.values().map(|total| json!({ "debit": total.debit, "credit": total.credit })).collect();
    json!({ "position": position, "balanced": trial.is_balanced(), "accounts": rows, "totals": totals })
}
