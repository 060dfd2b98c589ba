//! A server for tests that speaks the wire protocol of KurrentDB and EventStoreDB, written from the protocol: as much
//! of it as an event log needs, with faults to order. It is no part of the binary and nothing to keep data in.
//!
//! # Layout
//! - [`wire`]: the messages; `calls`: what the calls do with them.
//! - [`journal`]: the log, in a file and in memory, with the server's rules on versions and repetitions.
//! - [`faults`]: what goes wrong next, by order.
//! - [`server`]: listening, cutting connections, ending.
//! - `src/main.rs`: the same as a program, which takes orders on its standard input.

#![allow(clippy::result_large_err, reason = "the protocol's library made its status so")]

mod calls;
pub mod faults;
pub mod journal;
pub mod server;
pub mod wire;

pub use calls::MAX_APPEND_BYTES;
pub use faults::{Calls, Fault, Faults};
pub use journal::Journal;
pub use server::{LogServer, Options};
