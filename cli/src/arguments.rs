//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    audit::{self, Audit},
    bench::{self, BenchArgs},
    error::{Ending, Error},
    listen::{self, Listen},
    logging,
    sandbox::{self, Sandbox},
    serve,
    settings::{Flags, Settings, Store},
};

const EXAMPLES: &str = "Examples:
  teahouse serve --demo                        a server with a sample community, on http://127.0.0.1:8080
  teahouse audit verify --data teahouse-data   check every event that was ever written
  teahouse bench chat --seconds 10             how many messages a second this machine takes

Settings come from a file (--config), then from the environment (TEAHOUSE_DATA, TEAHOUSE_API__LISTEN, ...), then from
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
    /// Run the server
    ///
    /// It keeps everything in one directory, and stops in good order on SIGTERM or Ctrl-C.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Show what a device is pushed, as it happens
    Listen(Listen),
    /// Look at a log without trusting whoever kept it
    #[command(subcommand)]
    Audit(Audit),
    /// Measure how fast this machine runs Teahouse
    ///
    /// Each bench works on fresh directories and deletes them. Servers run in processes of their own, over loopback.
    Bench(BenchArgs),
    /// Run a bank or billers to try a wallet with
    ///
    /// They keep their own books, and misbehave when told to.
    #[command(subcommand)]
    Sandbox(Sandbox),
}

/// How to serve.
#[derive(Debug, Args)]
struct Serve {
    /// The data directory, made if it is not there [default: teahouse-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes any that is free [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The engine of the event log [default: fjall]
    #[arg(long, value_enum)]
    store: Option<Store>,
    /// The cluster that keeps the log, esdb://HOST:PORT, for servers that share one [default: none]
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Bring in a sample community to try things with
    #[arg(long)]
    demo: bool,
}

const SERVE_EXAMPLES: &str = "Examples:
  teahouse serve --demo
  teahouse serve --data /var/lib/teahouse --listen 0.0.0.0:8080
  TEAHOUSE_OPERATOR_TOKEN=... teahouse serve --config /etc/teahouse.toml
  TEAHOUSE_SECRET_KEY=... teahouse serve --data node1 --log 'esdb://db1:2113,db2:2113,db3:2113?tlsCaFile=ca.crt'";

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// Whatever kept it from being done.
    pub(crate) fn run(self) -> Result<Ending, Error> {
        let file = self.config.as_deref();
        match self.command {
            Command::Serve(Serve { data, listen, store, log, demo }) => {
                let settings = Settings::load(file, &Flags { data, listen, store, cluster: log })?;
                logging::start(&settings.log)?;
                serve::serve(&settings, demo)
            }
            Command::Listen(listen) => listen::run(&listen),
            Command::Bench(args) => bench::run(args, file),
            Command::Sandbox(sandbox) => sandbox::run(sandbox, &Settings::load(file, &Flags::default())?),
            Command::Audit(audit) => audit::run(audit, &Settings::load(file, &Flags::default())?),
        }
    }
}
