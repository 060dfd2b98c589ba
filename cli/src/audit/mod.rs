//! `teahouse audit`: looking at a log without trusting whoever kept it.
//!
//! # Layout
//! - [`source`]: where records come from: a data directory, a running server (`remote`), an export (`export_file`).
//! - `line`: a record as a line of JSON; [`filter`]: which events are meant.
//! - `journal`: the entries of a log, one by one; `money`: the rules of money; `media`: the bytes of media; `table`: tables for people.
//! - one file per command: `verify`, `events`, `export`, `restore`, `replay`; of money: `trial_balance`, `account`, `holds`,
//!   `export_books`, `reconcile`.

mod account;
#[cfg(test)]
mod bars;
mod events;
mod export;
mod export_books;
mod export_file;
pub(crate) mod filter;
mod holds;
mod journal;
mod line;
mod media;
mod money;
mod reconcile;
mod remote;
mod replay;
mod restore;
#[cfg(test)]
mod sample_books;
pub(crate) mod source;
mod table;
#[cfg(test)]
mod tests;
mod trial_balance;
mod verify;

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use crate::{
    audit::{events::EventFormat, filter::Filter, source::SourceArgs},
    error::{Ending, Error},
    layout::DataDir,
    log::connect,
    settings::{Settings, Store},
};

/// What to look at, and how.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check every record: CRC, hash chain, versions, decodability; and the books at every position
    ///
    /// Names each breach with its position, its stream and the rule broken. A hold that is past its deadline when the log
    /// ends is an alarm, and after its grace a breach. Exit code 0 when all rules hold, 1 on a breach, 2 when it could
    /// not look.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        #[command(flatten)]
        source: SourceArgs,
        /// Hours after its deadline from which an open hold is a breach
        #[arg(long, value_name = "HOURS", default_value_t = 72)]
        hold_grace_hours: u32,
        /// Also read the bytes of all media in the data directory: each must be there, and what was brought
        #[arg(long)]
        media: bool,
    },
    /// List events, all or some
    #[command(after_help = EVENTS_EXAMPLES)]
    Events {
        #[command(flatten)]
        source: SourceArgs,
        #[command(flatten)]
        filter: Filter,
        /// How to write them
        #[arg(long, value_enum, default_value_t = EventFormat::Table)]
        format: EventFormat,
        /// At most so many
        #[arg(long, value_name = "NUMBER")]
        limit: Option<u64>,
    },
    /// Write the whole log to one file: compressed JSON lines
    ///
    /// An export that was interrupted goes on where it was when the command is given again. `zstdcat EXPORT` shows it.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export {
        #[command(flatten)]
        source: SourceArgs,
        /// The file to write, which must not exist
        #[arg(long, value_name = "EXPORT")]
        out: PathBuf,
    },
    /// Build the read models again from the log, aside, and say how fast
    ///
    /// With --compare, names every row that differs from the read models in the data directory; exit code 1 where one
    /// does.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(replay::Replay),
    /// Make a log again from an export, in an empty data directory
    ///
    /// Every hash is checked on the way. The read models are made by the server when it starts.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(Restore),
    /// All accounts on two sides, and that the sides are equal
    #[command(after_help = TRIAL_BALANCE_EXAMPLES)]
    TrialBalance(trial_balance::TrialBalanceArgs),
    /// One account's statement, each line with the balance after it
    ///
    /// Amounts are as the account's owner sees them.
    #[command(after_help = ACCOUNT_EXAMPLES)]
    Account(account::AccountArgs),
    /// Money on its way: how much, since when, by when it must have moved on
    ///
    /// Exit code 1 where a hold is past its deadline.
    #[command(after_help = HOLDS_EXAMPLES)]
    Holds(holds::HoldsArgs),
    /// Write the books for beancount, hledger or ledger-cli
    ///
    /// A control-account book, and sub-ledgers day by day that add up to it, each asserting what its accounts stand at. A
    /// README.md beside them says how to check all that without trusting Teahouse.
    #[command(after_help = EXPORT_BOOKS_EXAMPLES)]
    ExportBooks(export_books::ExportBooks),
    /// Compare the bank's statement with what our entries moved at the bank
    ///
    /// Lines are matched by request. Exit code 1 on any difference.
    #[command(after_help = RECONCILE_EXAMPLES)]
    Reconcile(reconcile::Reconcile),
}

/// What to restore, and where.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The export
    #[arg(long, value_name = "EXPORT")]
    file: PathBuf,
    /// The new data directory
    #[arg(long, value_name = "DIR", required_unless_present = "log", conflicts_with = "log")]
    data: Option<PathBuf>,
    /// The cluster to restore to, esdb://HOST:PORT, whose log must be empty
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Give records new positions, which a log that comes from a cluster needs; clients have to read everything anew
    #[arg(long, conflicts_with = "log")]
    new_positions: bool,
    /// The engine of the new log; the configured one unless named
    #[arg(long, value_enum)]
    store: Option<Store>,
}

const VERIFY_EXAMPLES: &str = "Examples:
  teahouse audit verify --data teahouse-data
  teahouse audit verify --server http://127.0.0.1:8080 --token TOKEN
  teahouse audit verify --file log.export
  teahouse audit verify --data teahouse-data --media";

const EVENTS_EXAMPLES: &str = "Examples:
  teahouse audit events --type 'group.*' --since 2026-11-01
  teahouse audit events --stream 'user-*' --actor 01930000-0000-7000-8000-000000000000
  teahouse audit events --from 1000 --to 2000 --format jsonl | jq .payload";

const EXPORT_EXAMPLES: &str = "Examples:
  teahouse audit export --data teahouse-data --out log.export
  teahouse audit export --server https://tea.example --token TOKEN --out log.export";

const REPLAY_EXAMPLES: &str = "Examples:
  teahouse audit replay --data teahouse-data --compare
  teahouse audit replay --data teahouse-data --only people --to 2026-11-22
  teahouse audit replay --file log.export";

const RESTORE_EXAMPLES: &str = "Examples:
  teahouse audit restore --file log.export --data new-data
  teahouse audit restore --file log.export --data new-data --store sled
  teahouse audit restore --file log.export --log 'esdb://db1:2113,db2:2113,db3:2113?tlsCaFile=ca.crt'";

const TRIAL_BALANCE_EXAMPLES: &str = "Examples:
  teahouse audit trial-balance --data teahouse-data
  teahouse audit trial-balance --at 2026-11-22 --format csv";

const ACCOUNT_EXAMPLES: &str = "Examples:
  teahouse audit account Assets:Bank:Settlement --from 2026-11-01 --to 2026-12-01
  teahouse audit account Liabilities:Wallet:01930000-0000-7000-8000-000000000000 --format camt053";

const HOLDS_EXAMPLES: &str = "Examples:
  teahouse audit holds --server http://127.0.0.1:8080 --token TOKEN
  teahouse audit holds --at 2026-11-22T12:00:00Z --format json | jq .overdue";

const EXPORT_BOOKS_EXAMPLES: &str = "Examples:
  teahouse audit export-books --format hledger --out books && hledger -f books/book.journal check -s ordereddates
  teahouse audit export-books --format beancount --out books --rollup && bean-check books/control.beancount";

const RECONCILE_EXAMPLES: &str = "Examples:
  teahouse audit reconcile --data teahouse-data --bank statement.jsonl";

/// Runs an audit.
///
/// # Errors
/// A breach that keeps it from going on, or anything that keeps it from looking.
pub(crate) fn run(audit: Audit, settings: &Settings) -> Result<Ending, Error> {
    match audit {
        Audit::Verify { source, hold_grace_hours, media } => {
            let grace = TimeDelta::hours(i64::from(hold_grace_hours));
            let data = DataDir::new(source.which.data.clone().unwrap_or_else(|| settings.data.clone()));
            let media = media.then(|| media::Media::in_store(&data.media(), &settings.media)).transpose()?;
            verify::verify(source::open(&source, settings)?.as_mut(), grace, media)
        }
        Audit::Events { source, filter, format, limit } => {
            events::list(source::open(&source, settings)?.as_mut(), &filter, format, limit)
        }
        Audit::Export { source, out } => export::export(source::open(&source, settings)?.as_mut(), &out),
        Audit::Replay(args) => replay::run(&args, settings),
        Audit::Restore(Restore { file, log: Some(url), .. }) => {
            restore::restore_to_cluster(&file, connect(&url.into(), settings)?)
        }
        Audit::Restore(Restore { file, data, store, new_positions, .. }) => {
            let data = DataDir::new(data.unwrap_or_else(|| settings.data.clone()));
            restore::restore(&file, &data, store.unwrap_or(settings.store).into(), new_positions)
        }
        Audit::TrialBalance(args) => trial_balance::run(&args, settings),
        Audit::Account(args) => account::run(&args, settings),
        Audit::Holds(args) => holds::run(&args, settings),
        Audit::ExportBooks(args) => export_books::run(&args, settings),
        Audit::Reconcile(args) => reconcile::run(&args, settings),
    }
}
