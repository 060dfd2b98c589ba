//! What queries read.

use std::{
    collections::{HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{OfficialAccountId, UserId};
use parking_lot::RwLock;

use super::{
    AccountRow, DayRow, FollowedRow, FollowerRow, HeardRow, HookRow, OpenRow, SettingsRow, days, hooks,
    rows::{Open, Tables},
};
use crate::ProjectionError;

/// What queries read. Accounts are held in memory: there are few of them, compared with those who follow them.
pub struct OfficialView {
    tables: Tables,
    pub(super) accounts: RwLock<HashMap<OfficialAccountId, Arc<AccountRow>>>,
    pub(super) settings: RwLock<HashMap<OfficialAccountId, Arc<SettingsRow>>>,
    pub(super) open: RwLock<Open>,
    pub(super) hooks: RwLock<HashMap<OfficialAccountId, HookRow>>,
    /// Accounts by what their programs call themselves.
    pub(super) apps: RwLock<HashMap<String, OfficialAccountId>>,
}

impl OfficialView {
    pub(super) fn open(tables: Tables) -> Result<Self, ProjectionError> {
        let accounts = tables.load()?;
        let apps = accounts.keys().map(|id| (id.app_id(), *id)).collect();
        let accounts = accounts.into_iter().map(|(id, row)| (id, Arc::new(row))).collect();
        let settings = tables.load_settings()?.into_iter().map(|(id, row)| (id, Arc::new(row))).collect();
        let open = tables.load_open()?;
        let hooks = RwLock::new(hooks::load(&tables.hooks)?);
        let (accounts, settings) = (RwLock::new(accounts), RwLock::new(settings));
        Ok(Self { tables, accounts, settings, open: RwLock::new(open), hooks, apps: RwLock::new(apps) })
    }

    /// The account whose program calls itself that.
    #[must_use]
    pub fn account_of_app(&self, app_id: &str) -> Option<OfficialAccountId> {
        self.apps.read().get(app_id).copied()
    }

    /// How an account is set up.
    #[must_use]
    pub fn settings(&self, id: OfficialAccountId) -> Arc<SettingsRow> {
        self.settings.read().get(&id).cloned().unwrap_or_default()
    }

    /// Whether any account has something to answer.
    #[must_use]
    pub fn has_to_answer(&self) -> bool {
        !self.open.read().rows.is_empty()
    }

    /// The accounts that have something to answer.
    #[must_use]
    pub fn accounts_to_answer(&self) -> Vec<OfficialAccountId> {
        let open = self.open.read();
        let mut accounts = vec![];
        let mut next = open.rows.first_key_value();
        while let Some(((id, _), _)) = next {
            accounts.push(*id);
            next = open.rows.range((Bound::Excluded((*id, u64::MAX)), Bound::Unbounded)).next();
        }
        accounts
    }

    /// The oldest thing that an account has to answer of each follower but for those, the oldest first; at most `limit`.
    #[must_use]
    pub fn to_answer(&self, id: OfficialAccountId, but: &HashSet<UserId>, limit: usize) -> Vec<OpenRow> {
        self.open.read().oldest_of_each(id, but, limit)
    }

    /// Whether any webhook has something to be told, at once or later.
    #[must_use]
    pub fn has_to_notify(&self) -> bool {
        self.hooks.read().values().any(HookRow::is_behind)
    }

    /// The accounts whose webhooks have something to be told at a time.
    #[must_use]
    pub fn accounts_to_notify(&self, at: DateTime<Utc>) -> Vec<OfficialAccountId> {
        let hooks = self.hooks.read();
        let due = |row: &HookRow| row.is_behind() && row.next_at.is_none_or(|next| next <= at);
        hooks.iter().filter(|(_, row)| due(row)).map(|(id, _)| *id).collect()
    }

    /// Up to `limit` things that an account's webhook is told behind a position of the log, each with its own.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn to_notify(
        &self,
        id: OfficialAccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, OpenRow)>, ProjectionError> {
        hooks::doings(&self.tables.doings, id, after, limit)
    }

    /// What an account heard before a position of the log, the latest first; at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn heard(&self, id: OfficialAccountId, before: u64, limit: usize) -> Result<Vec<HeardRow>, ProjectionError> {
        self.tables.heard(id, before, limit)
    }

    /// The figures of an account's days on which there was anything, from one day to another.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn days(
        &self,
        id: OfficialAccountId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<(NaiveDate, DayRow)>, ProjectionError> {
        days::read(&self.tables.days, id, from, to)
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
