//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    audit::{self, Audit},
    error::{Ending, Error},
    settings::{Flags, Settings},
};

const EXAMPLES: &str = "Examples:
  teahouse audit verify --data teahouse-data   check every event that was ever written

Settings come from a file (--config), then from the environment (TEAHOUSE_LISTEN, TEAHOUSE_LOG__FORMAT, ...), then from
flags. teahouse.example.toml lists them all.";

/// A social server on one log of events that nobody can alter unnoticed.
#[derive(Debug, Parser)]
#[command(name = "teahouse", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A file with settings, in TOML
    #[arg(long, global = true, value_name = "FILE", env = "TEAHOUSE_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a log without trusting whoever kept it
    #[command(subcommand)]
    Audit(Audit),
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// Whatever kept it from being done.
    pub(crate) fn run(self) -> Result<Ending, Error> {
        match self.command {
            Command::Audit(audit) => audit::run(audit, &Settings::load(self.config.as_deref(), &Flags::default())?),
        }
    }
}
