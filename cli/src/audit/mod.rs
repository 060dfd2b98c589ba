//! `teahouse audit`: looking at a log without trusting whoever kept it.
//!
//! # Layout
//! - [`source`]: where records come from: a data directory, a running server (`remote`), an export (`export_file`).
//! - `line`: a record as a line of JSON; [`filter`]: which events are meant.
//! - one file per command: `verify`, `events`, `export`, `restore`, `replay`.

mod events;
mod export;
mod export_file;
pub(crate) mod filter;
mod line;
mod remote;
mod replay;
mod restore;
pub(crate) mod source;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    audit::{events::EventFormat, filter::Filter, source::SourceArgs},
    error::{Ending, Error},
    layout::DataDir,
    settings::{Settings, Store},
};

/// What to look at, and how.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check every record: CRC, hash chain, versions, decodability
    ///
    /// Names each breach with its position, its stream and the rule broken. Exit code 0 when all rules hold, 1 on a
    /// breach, 2 when it could not look.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        #[command(flatten)]
        source: SourceArgs,
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
}

/// What to restore, and where.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The export
    #[arg(long, value_name = "EXPORT")]
    file: PathBuf,
    /// The new data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The engine of the new log; the configured one unless named
    #[arg(long, value_enum)]
    store: Option<Store>,
}

const VERIFY_EXAMPLES: &str = "Examples:
  teahouse audit verify --data teahouse-data
  teahouse audit verify --server http://127.0.0.1:8080 --token TOKEN
  teahouse audit verify --file log.export";

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
  teahouse audit restore --file log.export --data new-data --store sled";

/// Runs an audit.
///
/// # Errors
/// A breach that keeps it from going on, or anything that keeps it from looking.
pub(crate) fn run(audit: Audit, settings: &Settings) -> Result<Ending, Error> {
    match audit {
        Audit::Verify { source } => verify::verify(source::open(&source, settings)?.as_mut()),
        Audit::Events { source, filter, format, limit } => {
            events::list(source::open(&source, settings)?.as_mut(), &filter, format, limit)
        }
        Audit::Export { source, out } => export::export(source::open(&source, settings)?.as_mut(), &out),
        Audit::Replay(args) => replay::run(&args, settings),
        Audit::Restore(Restore { file, data, store }) => {
            restore::restore(&file, &DataDir::new(data), store.unwrap_or(settings.store).into())
        }
    }
}
