//! The binary `teahouse`: the server, the tools of an auditor, and measurements.
//!
//! # Layout
//! - `arguments`: the command line; [`settings`]: what can be set, and where that is read from; [`ranges`] of numbers.
//! - [`layout`]: what lies where in a data directory; [`log`]: the event log, there or on a cluster; [`secret`]: the
//!   server's secret.
//! - [`serve`]: `teahouse serve`; [`tasks`] that go on as long; [`timers`]: what is done later; [`accounts`]: what is done for official accounts;
//!   [`house`]: its wiring; [`ports`]: read models as the command side sees them; [`snapshots`]; [`demo`]: a sample community, with the bank and billers of its [`outside`];
//!   [`stickers`]: the sticker pack that every server has; [`logging`]; [`crash`]: ending as if killed, for tests.
//! - [`listen`]: `teahouse listen`.
//! - [`audit`]: `teahouse audit ...`; [`mod@bench`]: `teahouse bench ...`.
//! - [`sandbox`]: `teahouse sandbox ...`: a bank and billers to try a wallet with.
//! - [`error`]: exit codes; [`output`], [`progress`]: what is written where.

mod accounts;
mod arguments;
mod audit;
mod bench;
mod crash;
mod demo;
mod error;
mod house;
mod layout;
mod listen;
mod log;
mod logging;
mod output;
mod outside;
mod ports;
mod progress;
mod ranges;
mod sandbox;
mod secret;
mod serve;
mod settings;
mod snapshots;
mod stickers;
mod tasks;
mod timers;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(ending) => ending.into(),
        Err(error) => {
            eprintln!("teahouse: {error}");
            error.exit_code()
        }
    }
}
