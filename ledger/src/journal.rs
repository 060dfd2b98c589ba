//! Entries with their places in the log.

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// A moment, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The microseconds from `earlier` to this moment, negative when it is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A journal entry that was booked: where it stands in the log and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The position in the log. Positions grow; not every one need carry an entry.
    pub position: u64,
    /// When. On several nodes times may run slightly against positions.
    pub at: Timestamp,
    /// What.
    pub entry: Entry,
}

/// Up to where a journal is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Up to and including this position.
    Position(u64),
    /// Whatever happened at or before this moment.
    Time(Timestamp),
}

impl AsOf {
    /// Whether an entry at `position`, booked `at`, is read.
    #[must_use]
    pub fn includes(self, position: u64, at: Timestamp) -> bool {
        match self {
            Self::Position(last) => position <= last,
            Self::Time(latest) => at <= latest,
        }
    }
}
