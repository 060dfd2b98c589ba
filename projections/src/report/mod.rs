//! A person's year in numbers: what they sent, when and where.
//!
//! # Layout
//! - [`year`]: what a report says.
//! - `view`: [`ReportView`], which puts a year together from its rows.
//! - `projection`: counting events; `tally`: the counts that are not on disk yet.
//! - `rows`: how counts are laid out on disk.
//!
//! Messages are counted when they are sent; that one is recalled later changes nothing. Days, hours and years are those
//! of UTC. Counts are gathered in memory and written together, a row once for all the messages that it counts.

#[cfg(test)]
mod bars;
mod projection;
mod rows;
mod tally;
#[cfg(test)]
mod tests;
mod view;
pub mod year;

pub use projection::ReportProjection;
pub use view::ReportView;
pub use year::{ConversationCount, DayCount, KindCount, YearReport};
