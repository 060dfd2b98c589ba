//! The machinery under all projections.
//!
//! # Layout
//! - [`fact`]: one event of the log as all projections share it.
//! - [`projection`]: what a projection is.
//! - [`slot`]: where queries find a projection's present view, and how far it is.
//! - `conductor`: reads the log once for a group of projections; `queue`: what lies between it and each of them;
//!   `runner`: the thread of each of them.
//! - [`follower`]: who gets events from the same queue and keeps no rows.
//! - `generations`: the directories of a projection, and which of them counts.
//! - [`group`]: projections that follow one log together; [`rebuild`]: building one anew while it serves.
//! - [`kind`]: a projection by name; [`mod@replay`]: building them aside; [`mod@compare`]: comparing rows.

pub mod compare;
mod conductor;
pub mod fact;
pub mod follower;
mod generations;
pub mod group;
pub mod kind;
pub mod projection;
mod queue;
pub mod rebuild;
pub mod replay;
mod runner;
pub mod slot;

pub use compare::{Difference, What, compare};
pub use fact::Fact;
pub use follower::Follow;
pub use group::{Group, GroupBuilder, ProjectionStatus, StartError};
pub use kind::Kind;
pub use projection::{Projection, ProjectionError, Row, Rows};
pub use rebuild::RebuildError;
pub use replay::{ReplayError, ReplayOptions, Replayed, replay};
pub use runner::AppliedHook;
pub use slot::{Lagging, Slot, State};
