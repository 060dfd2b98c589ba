//! `teahouse sandbox ...`: a bank and billers to try a wallet with, as processes of their own with their own durable books.
//!
//! # Layout
//! - [`bank`], [`biller`]: each one's HTTP interface; [`cards`], [`bills`]: what each of them trades in.
//! - [`counter`]: orders of money: each carried out once, and the statement of them.
//! - [`book`]: the file that a sandbox remembers by.
//! - [`faults`]: when and how it misbehaves.
//! - [`desk`]: what the handlers of both share; [`server`]: starting and stopping.

mod bank;
mod biller;
mod bills;
mod book;
mod cards;
mod counter;
mod desk;
mod faults;
mod server;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

use crate::{
    error::{Ending, Error},
    logging, secret,
    settings::Settings,
};

/// Shortest secret, in characters.
const SECRET_CHARS: usize = 16;

const EXAMPLES: &str = "Examples:
  SANDBOX_SECRET=... teahouse sandbox bank --listen 127.0.0.1:8091 --data bank-data
  SANDBOX_SECRET=... teahouse sandbox biller --listen 127.0.0.1:8092 --data biller-data --faults faults.toml

docs/gateways.md has the HTTP interface and the faults.";

/// Which part of the outside world.
#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// A bank: cards with balances, and our settlement account
    #[command(after_help = EXAMPLES)]
    Bank(House),
    /// Four billers: electricity, water, gas and phone
    #[command(after_help = EXAMPLES)]
    Biller(House),
}

/// How a sandbox is run.
#[derive(Debug, Args)]
pub(crate) struct House {
    /// Address and port to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// The data directory, made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A file that says when to misbehave, and how
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What those who call have to show; drawn and kept in DIR/secret.key (as 32 bytes; shown as hexadecimal digits) if
    /// not given
    #[arg(long, value_name = "TEXT", env = "SANDBOX_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// End when standard input does: for whoever started this and may end without notice
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

/// Runs it until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, or ended it.
pub(crate) fn run(sandbox: Sandbox, settings: &Settings) -> Result<Ending, Error> {
    logging::start(&settings.log)?;
    match sandbox {
        Sandbox::Bank(house) => server::run::<cards::Cards>(&house, "bank", bank::routes),
        Sandbox::Biller(house) => server::run::<bills::Bills>(&house, "biller", biller::routes),
    }
}

impl House {
    /// What those who call have to show.
    fn secret(&self) -> Result<String, Error> {
        match &self.secret {
            Some(secret) if secret.chars().count() < SECRET_CHARS => {
                Err(Error::Usage(format!("the secret has fewer than {SECRET_CHARS} characters")))
            }
            Some(secret) => Ok(secret.clone()),
            None => Ok(blake3::Hash::from_bytes(secret::load(None, &self.data)?).to_hex().to_string()),
        }
    }
}
