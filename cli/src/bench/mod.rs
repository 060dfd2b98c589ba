//! `teahouse bench`: how fast this machine runs Teahouse.
//!
//! # Layout
//! - one file per bench: `log`, `http`, `chat`, `push`, `replay`, `moments`, `media`, `official` with `callbacks`, `calls`, `sfu`,
//!   `cluster` on a `log_server`; of money `pay`, `ledger`, `red_packet`, `statement`.
//! - the load: `load` (connections in a loop or at a pace), `messages` and `payments` (what they send), of which
//!   `numbered` is made, `client` (HTTP), `sockets` (WebSockets).
//! - the measured side: `server` (this binary again, in a process of its own), `ceiling` (the same without a domain),
//!   `world` (the people in it), `market` (their money), `process` (what it uses),
//!   `program` (what it calls).
//! - straight into the log: `direct`: payments; `feed`: friends and posts.
//! - `figure`: what comes out; `latency`: quantiles.

mod callbacks;
mod calls;
mod ceiling;
mod chat;
mod client;
mod cluster;
mod direct;
mod feed;
mod figure;
mod http;
mod latency;
mod ledger;
mod load;
mod log;
mod log_server;
mod market;
mod media;
mod messages;
mod moments;
mod numbered;
mod official;
mod pay;
mod payments;
mod process;
mod program;
mod push;
mod red_packet;
mod replay;
mod server;
mod sfu;
mod sockets;
mod statement;
mod world;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use tempfile::TempDir;

use crate::{
    error::{Ending, Error},
    settings::{Flags, Settings, Store},
};

/// Connections that put load on a server.
const CONNECTIONS: usize = 64;

/// Events that are replayed for each second asked for, unless a number is given: the pace that is expected at least.
const REPLAYED_PER_SECOND: u64 = 200_000;

/// Lines in the book that statements are asked of, unless a number is given.
const LINES: u64 = 1_000_000;

/// Posts that are stored for `moments`, unless a number is given.
const POSTS: u64 = 1_000_000;

/// Followers of the account of `official`, unless a number is given.
const FOLLOWERS: u64 = 1_000_000;

/// Events that an empty server of a cluster follows, unless a number is given.
const FOLLOWED: u64 = 200_000;

const EXAMPLES: &str = "Examples:
  teahouse bench chat --seconds 30
  teahouse bench pay --seconds 30
  teahouse bench log --seconds 10 --events 20000000 --json >> figures.jsonl
  teahouse bench replay --events 2000000 --store sled
  teahouse bench cluster --log-server target/release/logserver";

/// What to measure, and for how long.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    hidden: Option<Hidden>,
    /// What to measure
    #[arg(value_enum, required = true)]
    what: Option<What>,
    /// How long each case is measured, besides its warm-up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// For `log`: also load so many events from many streams at random. For `replay`: events in the log [default:
    /// 200,000 for each second]. For `statement`: lines in the book, for `moments`: posts, for `official`: followers
    /// [default: 1,000,000]. For `cluster`: events that an empty server follows [default: 200,000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,
    /// Write JSON, one object a line
    #[arg(long)]
    json: bool,
    /// The engine of the event log
    #[arg(long, value_enum, default_value_t = Store::Fjall)]
    store: Store,
    /// For `cluster`: the log server of the tests, a program, which is started on a fresh file
    #[arg(long, value_name = "PROGRAM", conflicts_with = "log")]
    log_server: Option<PathBuf>,
    /// For `cluster`: a cluster that is there for this alone, esdb://HOST:PORT
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Where to put data directories, which go away afterwards: a place on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The event log alone: durable appends, reading, opening
    Log,
    /// The interface: an empty answer and queries
    Http,
    /// Sending messages, in conversations of two and in one large group
    Chat,
    /// From sending to seeing on a WebSocket; idle WebSockets
    Push,
    /// Building the read models from the log
    Replay,
    /// Paying shops: at static codes, and orders in two legs
    Pay,
    /// Payments in batches, decided and appended in this process
    Ledger,
    /// Opening red packets: many, and one that a whole group wants
    #[value(name = "redpacket")]
    RedPacket,
    /// Balances and statements, with many lines in the book
    Statement,
    /// Timelines, posts, likes and comments, with many posts stored
    Moments,
    /// Placing calls: until the callee's WebSocket tells of it
    Calls,
    /// The call of a group of nine whose pictures go through the server
    Sfu,
    /// Bringing pictures, durable, and fetching them
    Media,
    /// An article that many have read, broadcasts to many, following, calls of programs
    Official,
    /// Servers whose log is on a cluster, and what that costs; needs --log-server or --log
    Cluster,
}

/// What the bench starts by itself.
#[derive(Debug, Subcommand)]
enum Hidden {
    /// The server of the ceiling
    #[command(hide = true)]
    Ceiling {
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long, value_enum)]
        store: Store,
    },
}

/// How to measure.
#[derive(Clone, Debug)]
struct Bench {
    seconds: u64,
    json: bool,
    store: Store,
    dir: PathBuf,
}

/// Measures.
///
/// # Errors
/// When what is to be measured fails.
pub(crate) fn run(args: BenchArgs, config: Option<&Path>) -> Result<Ending, Error> {
    if let Some(Hidden::Ceiling { data, listen, store }) = args.hidden {
        let flags = Flags { data: Some(data), listen: Some(listen), store: Some(store), cluster: None };
        return ceiling::serve(&Settings::load(config, &flags)?);
    }
    let BenchArgs { what, seconds, events, json, store, dir, log_server, log, .. } = args;
    let bench = Bench { seconds, json, store, dir };
    let Some(what) = what else { return Err(Error::Usage("say what to measure".to_owned())) };
    match what {
        // The load generator takes one core at most; what it measures runs in a process of its own.
        What::Http => on_one_thread(http::run(&bench)),
        What::Chat => on_one_thread(chat::run(&bench)),
        What::Push => on_one_thread(push::run(&bench)),
        What::Pay => on_one_thread(pay::run(&bench)),
        What::RedPacket => on_one_thread(red_packet::run(&bench)),
        What::Statement => on_one_thread(statement::run(&bench, events.unwrap_or(LINES))),
        What::Calls => on_one_thread(calls::run(&bench)),
        What::Sfu => on_one_thread(sfu::run(&bench)),
        What::Moments => on_one_thread(moments::run(&bench, events.unwrap_or(POSTS))),
        What::Media => on_one_thread(media::run(&bench)),
        What::Official => on_one_thread(official::run(&bench, events.unwrap_or(FOLLOWERS))),
        // These measure parts of this very process.
        What::Log => on_all_cores(log::run(&bench, events)),
        What::Ledger => on_all_cores(ledger::run(&bench)),
        What::Cluster => {
            let log = log_server.map(cluster::Log::OfTests).or(log.map(cluster::Log::Real));
            let log = log.ok_or_else(|| Error::Usage("cluster needs --log-server or --log".to_owned()))?;
            on_all_cores(cluster::run(&bench, events.unwrap_or(FOLLOWED), log))
        }
        What::Replay => {
            on_all_cores(replay::run(&bench, events.unwrap_or(seconds.saturating_mul(REPLAYED_PER_SECOND))))
        }
    }?;
    Ok(Ending::Well)
}

fn on_one_thread(measuring: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::failed("the runtime", error))?.block_on(measuring)
}

fn on_all_cores(measuring: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Error::failed("the runtime", error))?.block_on(measuring)
}

/// A fresh directory, deleted with this value.
struct Place(TempDir);

impl Place {
    fn make(bench: &Bench) -> Result<Self, Error> {
        let dir = tempfile::Builder::new().prefix("teahouse-bench-").tempdir_in(&bench.dir);
        dir.map(Self).map_err(|error| Error::unavailable(bench.dir.display(), error))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The data directory of a server.
    fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}
