//! The event log: the one place where anything that happened is kept.
//!
//! This crate knows bytes, streams and positions; it knows nothing of chat or money. Everything above it
//! talks to the [`EventLog`] port and never to an adapter.
//!
//! # Layout
//! - [`port`]: the [`EventLog`] trait and what goes in ([`Append`]).
//! - [`record`]: what comes out ([`RecordedEvent`]): the record format, its CRC and its hash.

pub mod port;
pub mod record;

pub use port::{
    Append, AppendError, Appended, EventLog, ExpectedVersion, Hash, NewEvent, PayloadEncoding,
    Position, ReadError, StreamName, Subscription,
};
pub use record::RecordedEvent;
