//! Read models of Teahouse: what the log says, folded into shapes that queries want.
//!
//! Everything here can be deleted and is then rebuilt from the log, to the same bytes.
//!
//! # Layout
//! - [`runtime`]: facts, the [`Projection`] trait, following the log, checkpoints, rebuilding, replay and comparison.
//! - [`read_models`]: all of them together, as the server runs them.
//! - [`rows`]: what a projection that keeps its rows in fjall stands on: opening, checkpoints, keys.
//! - [`catalogue`]: every keyspace of every projection, with its key, its value and its workload.
//! - one module per read model: [`chat`] (conversations, history, inbox, sync), [`people`] (profiles, contacts),
//!   [`commands`] (who asked for what already), [`deadlines`] (what falls due later), [`search`], [`report`],
//!   [`stickers`], [`media`], [`shops`] (merchants and orders), [`wallet`] (balances, statements, money on its way), [`moments`],
//!   [`official`] (official accounts and who follows them), [`articles`] (what they publish), [`broadcasts`] (what they
//!   say to many at once, and note of followers), [`calls`], [`group_calls`].

pub mod articles;
pub mod broadcasts;
pub mod calls;
pub mod catalogue;
pub mod chat;
pub mod commands;
pub mod deadlines;
pub mod group_calls;
pub mod media;
pub mod moments;
pub mod official;
pub mod people;
pub mod read_models;
pub mod report;
pub mod rows;
pub mod runtime;
pub mod search;
pub mod shops;
pub mod stickers;
pub mod wallet;

pub use read_models::{ReadModelOptions, ReadModels};
pub use runtime::{Fact, Projection, ProjectionError};
