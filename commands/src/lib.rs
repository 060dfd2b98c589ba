//! Use cases: load, decide, append.
//!
//! # Layout
//! - [`engine`]: [`Commands`], what all use cases share: running one command on one stream.
//! - `submission`: events on their way into the log; `repository`: cached aggregates, `repositories`: all
//!   kinds of them; `keys`: idempotency keys; `once`: what the
//!   server does once by itself; [`others`]: what other nodes write.
//! - [`ports`]: what commands ask of the read models; [`clock`]: where time comes from.
//! - [`gateways`]: ports to a bank and to billers; [`callbacks`]: the port to programs of official accounts;
//!   [`forwarding`]: the port to what forwards sound and pictures.
//! - [`secrets`]: tokens, join codes, fingerprints; [`passwords`]: Argon2id on a bounded pool.
//! - one file per use case in [`people`], [`contacts`], [`conversations`], [`inboxes`], [`moments`], [`media`],
//!   [`stickers`], [`merchants`], [`official`], [`calls`], [`group_calls`] and [`wallet`], each an `impl Commands` with one public function.
//! - [`expiries`]: the process manager that ends what waited too long; `processes`: what all of them share; [`leases`]: on
//!   which node they run.
//! - [`error`]: why a command was not carried out.

pub mod callbacks;
pub mod calls;
pub mod clock;
pub mod contacts;
pub mod conversations;
pub mod engine;
pub mod error;
pub mod expiries;
pub mod forwarding;
pub mod gateways;
pub mod group_calls;
pub mod inboxes;
mod keys;
pub mod leases;
pub mod media;
pub mod merchants;
pub mod moments;
pub mod official;
mod once;
pub mod others;
pub mod passwords;
pub mod people;
pub mod ports;
mod processes;
mod repositories;
mod repository;
pub mod secrets;
pub mod stickers;
mod submission;
pub mod wallet;

pub use clock::{AdjustableClock, Clock, SystemClock};
pub use engine::{Caller, Commands, CommandsOptions, Committed};
pub use error::CommandError;
pub use keys::CommandKey;
pub use passwords::PasswordCost;
pub use secrets::{JoinCode, MediaPlace, MediaTicket, Secrets, Token};
