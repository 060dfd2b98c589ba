//! The machinery under all projections.
//!
//! # Layout
//! - [`fact`]: one event of the log as all projections share it.
//! - [`projection`]: what a projection is.

pub mod fact;
pub mod projection;

pub use fact::Fact;
pub use projection::{Projection, ProjectionError, Row, Rows};
