//! What queries and the process manager ask.

use domain::{CallId, ConversationId, UserId};
use parking_lot::RwLock;

use super::{
    CallRow,
    rows::{Present, Tables},
};
use crate::ProjectionError;

/// Calls as queries see them.
pub struct CallsView {
    tables: Tables,
    /// Those that there is something to do about; the rest is on disk.
    pub(super) present: RwLock<Present>,
}

impl CallsView {
    pub(super) fn new(tables: Tables, present: Present) -> Self {
        Self { tables, present: RwLock::new(present) }
    }

    /// A call.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn call(&self, id: CallId) -> Result<Option<CallRow>, ProjectionError> {
        if let Some(row) = self.present.read().get(&id) {
            return Ok(Some(row.clone()));
        }
        self.tables.call(id)
    }

    /// Calls that a person knows of, placed before a position, the latest first. It reads from disk.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn before(&self, user: UserId, position: u64, limit: usize) -> Result<Vec<CallRow>, ProjectionError> {
        self.tables.before(user, position, limit)
    }

    /// The number of a conversation's last call; 0 where there was none.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn last_number(&self, conversation: ConversationId) -> Result<u64, ProjectionError> {
        self.tables.last_number(conversation)
    }

    /// The calls that somebody placed or is called by, and that are not over.
    #[must_use]
    pub fn live_of(&self, user: UserId) -> Vec<CallId> {
        let present = self.present.read();
        let of_user = |row: &&CallRow| !row.is_over() && (row.caller == user || row.callee == user);
        present.values().filter(of_user).map(|row| row.call).collect()
    }

    /// All calls that are not over.
    #[must_use]
    pub fn live(&self) -> Vec<CallRow> {
        self.present.read().values().filter(|row| !row.is_over()).cloned().collect()
    }

    /// Up to `limit` calls that are over and that their conversation does not show yet, those that ended first first.
    #[must_use]
    pub fn unshown(&self, limit: usize) -> Vec<CallId> {
        let present = self.present.read();
        let mut unshown: Vec<&CallRow> = present.values().filter(|row| row.is_unshown()).collect();
        unshown.sort_by_key(|row| (row.ended_at, row.position));
        unshown.iter().take(limit).map(|row| row.call).collect()
    }
}
