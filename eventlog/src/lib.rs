//! The event log: the one place where anything that happened is kept.
//!
//! This crate knows bytes, streams and positions; it knows nothing of chat or money. Everything above it
//! talks to the [`EventLog`] port and never to an adapter.
//!
//! # Layout
//! - [`port`]: the [`EventLog`] trait and what goes in ([`Append`]); `limits`: what every adapter refuses.
//! - [`record`]: what comes out ([`RecordedEvent`]): the record format, its CRC and its hash.
//! - `memory`, `fjall_store`, `sled_store`: the adapters. Each is little more than a `store`: a place for
//!   records and an index of them by stream. What they share:
//!   - `committer`: which appends hold, on the `heads` of their streams, and how their records look;
//!   - `writer`: the queue and the thread that batches appends behind one barrier;
//!   - `core`: the commit itself, poisoning; `follower`: who follows; `live`: the last batches, kept for them;
//!   - `pages`: reads and their checks;
//!   - `directory`: opening a directory, checking its end against the `tail` mark, with the journals set aside
//!     `as_found`; `disk`: the log in it.
//! - `cluster`: the adapter for a cluster that several nodes share.
//! - `embedded`: choosing an engine by name ([`StoreKind`]).
//! - [`verify`]: the fold that checks a whole log; `import`: bringing one log's records into another.

mod as_found;
mod cluster;
mod committer;
mod core;
mod directory;
mod disk;
mod embedded;
mod fjall_store;
mod follower;
mod heads;
mod import;
mod limits;
mod live;
mod memory;
mod pages;
pub mod port;
pub mod record;
mod sled_store;
mod store;
mod tail;
pub mod verify;
mod writer;

pub use cluster::{BareClient, ClusterError, ClusterLog, ClusterOptions};
pub use directory::OpenError;
pub use disk::DiskLog;
pub use embedded::{StoreKind, UnknownStore};
pub use fjall_store::{FjallLog, FjallOptions};
pub use import::ImportError;
pub use memory::MemoryLog;
pub use port::{
    Append, AppendError, Appended, EventLog, ExpectedVersion, Hash, NewEvent, PayloadEncoding, Position, ReadError,
    StreamName, Subscription,
};
pub use record::RecordedEvent;
pub use sled_store::{SledLog, SledOptions};
pub use verify::{Breach, Verifier};
