//! What queries read.

use std::{collections::HashMap, sync::Arc};

use domain::{OfficialAccountId, UserId};
use parking_lot::RwLock;

use super::{AccountRow, FollowedRow, FollowerRow, rows::Tables};
use crate::ProjectionError;

/// What queries read. Accounts are held in memory: there are few of them, compared with those who follow them.
pub struct OfficialView {
    tables: Tables,
    pub(super) accounts: RwLock<HashMap<OfficialAccountId, Arc<AccountRow>>>,
}

impl OfficialView {
    pub(super) fn new(tables: Tables, accounts: HashMap<OfficialAccountId, AccountRow>) -> Self {
        let accounts = accounts.into_iter().map(|(id, row)| (id, Arc::new(row))).collect();
        Self { tables, accounts: RwLock::new(accounts) }
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: OfficialAccountId) -> Option<Arc<AccountRow>> {
        self.accounts.read().get(&id).cloned()
    }

    /// Accounts with those words in their names, whatever the case: the verified first, then by followers, at most `limit`.
    #[must_use]
    pub fn find(&self, words: &str, limit: usize) -> Vec<(OfficialAccountId, Arc<AccountRow>)> {
        let words = words.trim().to_lowercase();
        let accounts = self.accounts.read();
        let fits = |row: &AccountRow| row.profile.name.to_lowercase().contains(&words);
        let mut found: Vec<_> =
            accounts.iter().filter(|(_, row)| fits(row)).map(|(id, row)| (*id, Arc::clone(row))).collect();
        drop(accounts);
        found.sort_unstable_by_key(|(id, row)| (row.verified.is_none(), std::cmp::Reverse(row.followers), *id));
        found.truncate(limit);
        found
    }

    /// The accounts that somebody owns (true) or acts for, in the order of their ids.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn parts_of(&self, user: UserId) -> Result<Vec<(OfficialAccountId, bool)>, ProjectionError> {
        self.tables.parts_of(user)
    }

    /// The follower whom an account knows by that name.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn follower(&self, id: OfficialAccountId, openid: &str) -> Result<Option<FollowerRow>, ProjectionError> {
        self.tables.follower(id, openid)
    }

    /// Followers in the order of what the account knows them by, behind one of these; at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn followers(
        &self,
        id: OfficialAccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<FollowerRow>, ProjectionError> {
        self.tables.followers(id, after, limit)
    }

    /// An account as somebody has it; none where they don't follow it.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn followed(&self, user: UserId, id: OfficialAccountId) -> Result<Option<FollowedRow>, ProjectionError> {
        self.tables.followed(user, id)
    }

    /// The accounts that somebody follows, in the order of their ids.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn followed_by(&self, user: UserId) -> Result<Vec<FollowedRow>, ProjectionError> {
        self.tables.followed_by(user)
    }
}
