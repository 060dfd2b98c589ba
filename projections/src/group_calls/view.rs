//! What queries and the process manager ask.

use std::collections::BTreeMap;

use domain::{CallId, ConversationId, UserId};
use parking_lot::RwLock;

use super::{
    GroupCallRow,
    rows::{Open, Tables},
};
use crate::ProjectionError;

/// Calls of groups as queries see them.
pub struct GroupCallsView {
    tables: Tables,
    /// Those that there is something to do about; the rest is on disk.
    pub(super) open: RwLock<Open>,
}

impl GroupCallsView {
    pub(super) fn new(tables: Tables, open: Open) -> Self {
        Self { tables, open: RwLock::new(open) }
    }

    /// Lets queries see calls that changed.
    pub(super) fn show(&self, changed: BTreeMap<CallId, GroupCallRow>) {
        let mut open = self.open.write();
        for (call, row) in changed {
            if row.is_open() {
                open.insert(call, row);
            } else {
                open.remove(&call);
            }
        }
    }

    /// A call.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn call(&self, id: CallId) -> Result<Option<GroupCallRow>, ProjectionError> {
        if let Some(row) = self.open.read().get(&id) {
            return Ok(Some(row.clone()));
        }
        self.tables.call(id)
    }

    /// The call of a group that is not over.
    #[must_use]
    pub fn live_in(&self, conversation: ConversationId) -> Option<GroupCallRow> {
        let open = self.open.read();
        open.values().find(|row| row.conversation == conversation && !row.is_over()).cloned()
    }

    /// The number of a group's last call; 0 where there was none.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn last_number(&self, conversation: ConversationId) -> Result<u64, ProjectionError> {
        self.tables.last_number(conversation)
    }

    /// The calls that somebody is in.
    #[must_use]
    pub fn live_of(&self, user: UserId) -> Vec<CallId> {
        let open = self.open.read();
        let of_user = |row: &&GroupCallRow| row.present.iter().any(|present| present.user == user);
        open.values().filter(of_user).map(|row| row.call).collect()
    }

    /// All calls that are not over, in the order of their ids.
    #[must_use]
    pub fn live(&self) -> Vec<CallId> {
        self.open.read().values().filter(|row| !row.is_over()).map(|row| row.call).collect()
    }

    /// Up to `limit` calls that are over and that their group does not show yet, those that ended first first.
    #[must_use]
    pub fn unshown(&self, limit: usize) -> Vec<CallId> {
        let open = self.open.read();
        let mut unshown: Vec<&GroupCallRow> = open.values().filter(|row| row.is_unshown()).collect();
        unshown.sort_by_key(|row| (row.ended_at, row.position));
        unshown.iter().take(limit).map(|row| row.call).collect()
    }
}
