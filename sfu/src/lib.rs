//! A selective forwarding unit: what each device in a group's call sends, it sends on to all others. It runs in the process of
//! the server, on one UDP port, and never looks into sound or pictures.
//!
//! # Layout
//! - [`forwarder`]: [`Forwarder`], the adapter of the command side's port: a thread of its own, and how it is told things.
//! - `run`: the thread's loop: datagrams, time, orders.
//! - `seat`: one device in one call: its connection; `budget`: how much it may send; `timeline`: one clock for several
//!   senders.
//! - `lines`: which line of an offer is for what.
//! - [`options`]: what can be set.
//! - [`device`]: a device of our own, to measure and to try it.

mod budget;
pub mod device;
pub mod forwarder;
mod lines;
pub mod options;
mod run;
mod seat;
mod timeline;

pub use forwarder::{Forwarder, StartError};
pub use options::SfuOptions;
