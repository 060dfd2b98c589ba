//! The rows on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map::Entry};

use chrono::{DateTime, Utc};
use domain::{
    OfficialAccountId, UserId,
    official::{AccountProfile, AccountSort, AutoReplies, Happening, Menu, Scene},
    subscriptions::FollowSource,
};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    days::DAYS,
    hooks::{DOINGS, HOOKS},
};
use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, number_at, to_json},
};

const ACCOUNTS: &str = "accounts";
const PARTS: &str = "parts";
const FOLLOWERS: &str = "followers";
const FOLLOWED: &str = "followed";
const SETTINGS: &str = "settings";
const HEARD: &str = "heard";
const OPEN: &str = "open";

/// An official account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Subscription or service account.
    pub sort: AccountSort,
    /// What people see of it.
    pub profile: AccountProfile,
    /// Whose it is.
    pub owner: UserId,
    /// Who may act for it besides the owner.
    pub operators: BTreeSet<UserId>,
    /// Who stands behind it, where the administrator vouches for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// How many follow it.
    pub followers: u64,
}

/// Somebody who follows an account, as the account knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerRow {
    /// What the account knows them by.
    pub openid: String,
    /// Who it is: not for the account's people.
    pub user: UserId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How they came upon it.
    pub source: FollowSource,
    /// What the code said of where it hangs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
}

/// How an account is set up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingsRow {
    /// Its menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu: Option<Menu>,
    /// What it answers by itself.
    #[serde(default, skip_serializing_if = "AutoReplies::is_empty")]
    pub auto_replies: AutoReplies,
    /// Whether a program is told what followers do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_program: bool,
    /// Whether a webhook is told what followers do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_webhook: bool,
}

/// A message that an account got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardRow {
    /// Where it stands in the log.
    #[serde(skip)]
    pub position: u64,
    /// What the account knows the sender by.
    pub openid: String,
    /// Who it is: not for the account's people.
    pub user: UserId,
    /// Its number in the conversation.
    pub seq: u64,
}

/// Something that a follower did: what the account has not answered, or its webhook is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRow {
    /// The event.
    pub trigger: Uuid,
    /// What the account knows the follower by.
    pub openid: String,
    /// Who it is.
    pub user: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// What they did.
    pub what: Happening,
}

/// An account that somebody follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowedRow {
    /// Which.
    pub account: OfficialAccountId,
    /// What the account knows the person by.
    pub openid: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether what it sends does not notify.
    pub muted: bool,
}

#[derive(Clone)]
pub(super) struct Tables {
    accounts: Keyspace,
    parts: Keyspace,
    followers: Keyspace,
    followed: Keyspace,
    settings: Keyspace,
    heard: Keyspace,
    open: Keyspace,
    pub(super) days: Keyspace,
    pub(super) doings: Keyspace,
    pub(super) hooks: Keyspace,
}

/// What accounts have to answer: by account and position, by account and follower, and where each event stands.
#[derive(Default)]
pub(super) struct Open {
    pub(super) rows: BTreeMap<(OfficialAccountId, u64), OpenRow>,
    by_follower: BTreeMap<(OfficialAccountId, UserId), BTreeSet<u64>>,
    pub(super) places: HashMap<Uuid, (OfficialAccountId, u64)>,
}

impl Open {
    /// Something waits for an answer.
    pub(super) fn put(&mut self, place: (OfficialAccountId, u64), row: OpenRow) {
        let (account, position) = place;
        self.by_follower.entry((account, row.user)).or_default().insert(position);
        self.places.insert(row.trigger, place);
        self.rows.insert(place, row);
    }

    /// It waits no longer.
    pub(super) fn remove(&mut self, place: (OfficialAccountId, u64)) {
        let Some(row) = self.rows.remove(&place) else { return };
        self.places.remove(&row.trigger);
        if let Entry::Occupied(mut positions) = self.by_follower.entry((place.0, row.user)) {
            positions.get_mut().remove(&place.1);
            if positions.get().is_empty() {
                positions.remove();
            }
        }
    }

    /// The oldest thing that waits of each follower of an account but for those, the oldest first; at most `limit`.
    pub(super) fn oldest_of_each(
        &self,
        account: OfficialAccountId,
        but: &HashSet<UserId>,
        limit: usize,
    ) -> Vec<OpenRow> {
        let of_account = (account, UserId(Uuid::nil()))..=(account, UserId(Uuid::max()));
        let waiting = self.by_follower.range(of_account).filter(|((_, follower), _)| !but.contains(follower));
        let mut oldest: Vec<u64> = waiting.filter_map(|(_, positions)| positions.first().copied()).collect();
        oldest.sort_unstable();
        oldest.iter().take(limit).filter_map(|position| self.rows.get(&(account, *position)).cloned()).collect()
    }
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            accounts: store.keyspace(ACCOUNTS)?,
            parts: store.keyspace(PARTS)?,
            followers: store.keyspace(FOLLOWERS)?,
            followed: store.keyspace(FOLLOWED)?,
            settings: store.keyspace(SETTINGS)?,
            heard: store.keyspace(HEARD)?,
            open: store.keyspace(OPEN)?,
            days: store.keyspace(DAYS)?,
            doings: store.keyspace(DOINGS)?,
            hooks: store.keyspace(HOOKS)?,
        })
    }

    pub(super) fn load(&self) -> Result<HashMap<OfficialAccountId, AccountRow>, ProjectionError> {
        let mut accounts = HashMap::new();
        for row in self.accounts.iter() {
            let (key, value) = row.into_inner()?;
            let id = id_at(&key, 0).map(OfficialAccountId);
            let id = id.ok_or(ProjectionError::DamagedRow { keyspace: ACCOUNTS })?;
            accounts.insert(id, from_json(ACCOUNTS, &value)?);
        }
        Ok(accounts)
    }

    pub(super) fn load_settings(&self) -> Result<HashMap<OfficialAccountId, SettingsRow>, ProjectionError> {
        let mut settings = HashMap::new();
        for row in self.settings.iter() {
            let (key, value) = row.into_inner()?;
            let id = id_at(&key, 0).map(OfficialAccountId);
            let id = id.ok_or(ProjectionError::DamagedRow { keyspace: SETTINGS })?;
            settings.insert(id, from_json(SETTINGS, &value)?);
        }
        Ok(settings)
    }

    pub(super) fn write_settings(
        &self,
        id: OfficialAccountId,
        row: &SettingsRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.settings, *id.0.as_bytes(), to_json(row)?);
        Ok(())
    }

    pub(super) fn load_open(&self) -> Result<Open, ProjectionError> {
        let mut open = Open::default();
        for row in self.open.iter() {
            let (key, value) = row.into_inner()?;
            let place = id_at(&key, 0).map(OfficialAccountId).zip(number_at(&key, 16));
            let place = place.ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            let row: OpenRow = from_json(OPEN, &value)?;
            open.put(place, row);
        }
        Ok(open)
    }

    /// Writes something that waits for an answer; none where it waits no longer.
    pub(super) fn write_open(
        &self,
        (id, position): (OfficialAccountId, u64),
        row: Option<&OpenRow>,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        let key = placed_key(id, position);
        match row {
            Some(row) => rows.insert(&self.open, key, to_json(row)?),
            None => rows.remove(&self.open, key),
        }
        Ok(())
    }

    pub(super) fn write_heard(
        &self,
        id: OfficialAccountId,
        row: &HeardRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.heard, placed_key(id, row.position), to_json(row)?);
        Ok(())
    }

    /// What an account heard before a position, the latest first.
    pub(super) fn heard(
        &self,
        id: OfficialAccountId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<HeardRow>, ProjectionError> {
        let row = |row: fjall::Guard| -> Result<HeardRow, ProjectionError> {
            let (key, value) = row.into_inner()?;
            let position = number_at(&key, 16).ok_or(ProjectionError::DamagedRow { keyspace: HEARD })?;
            Ok(HeardRow { position, ..from_json(HEARD, &value)? })
        };
        self.heard.range(placed_key(id, 0)..placed_key(id, before)).rev().take(limit).map(row).collect()
    }

    pub(super) fn write_account(
        &self,
        id: OfficialAccountId,
        row: &AccountRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.accounts, *id.0.as_bytes(), to_json(row)?);
        Ok(())
    }

    /// Writes that somebody owns an account or acts for it; none where they no longer do.
    pub(super) fn write_part(&self, user: UserId, id: OfficialAccountId, owns: Option<bool>, rows: &mut WriteBatch) {
        let key = pair_key(user, id);
        match owns {
            Some(owns) => rows.insert(&self.parts, key, [u8::from(owns)]),
            None => rows.remove(&self.parts, key),
        }
    }

    pub(super) fn parts_of(&self, user: UserId) -> Result<Vec<(OfficialAccountId, bool)>, ProjectionError> {
        let mut parts = vec![];
        for row in self.parts.prefix(user.0.as_bytes()) {
            let (key, value) = row.into_inner()?;
            let id = id_at(&key, 16).ok_or(ProjectionError::DamagedRow { keyspace: PARTS })?;
            parts.push((OfficialAccountId(id), value.first() == Some(&1)));
        }
        Ok(parts)
    }

    pub(super) fn write_follower(
        &self,
        id: OfficialAccountId,
        row: &FollowerRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.followers, follower_key(id, &row.openid), to_json(row)?);
        Ok(())
    }

    pub(super) fn remove_follower(&self, id: OfficialAccountId, openid: &str, rows: &mut WriteBatch) {
        rows.remove(&self.followers, follower_key(id, openid));
    }

    /// The follower whom an account knows by that name.
    pub(super) fn follower(&self, id: OfficialAccountId, openid: &str) -> Result<Option<FollowerRow>, ProjectionError> {
        self.followers.get(follower_key(id, openid))?.map(|value| from_json(FOLLOWERS, &value)).transpose()
    }

    /// Followers in the order of what the account knows them by, behind one of these.
    pub(super) fn followers(
        &self,
        id: OfficialAccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<FollowerRow>, ProjectionError> {
        // The next key there can be is the same with a zero behind it.
        let first = [follower_key(id, after), vec![0]].concat();
        let beyond = next_id(id);
        let range = match beyond {
            Some(end) => self.followers.range(first..end),
            None => self.followers.range(first..),
        };
        let row = |row: fjall::Guard| -> Result<FollowerRow, ProjectionError> {
            let (_, value) = row.into_inner()?;
            from_json(FOLLOWERS, &value)
        };
        range.take(limit).map(row).collect()
    }

    pub(super) fn write_followed(
        &self,
        user: UserId,
        row: &FollowedRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.followed, pair_key(user, row.account), to_json(row)?);
        Ok(())
    }

    pub(super) fn remove_followed(&self, user: UserId, id: OfficialAccountId, rows: &mut WriteBatch) {
        rows.remove(&self.followed, pair_key(user, id));
    }

    pub(super) fn followed(&self, user: UserId, id: OfficialAccountId) -> Result<Option<FollowedRow>, ProjectionError> {
        self.followed.get(pair_key(user, id))?.map(|value| from_json(FOLLOWED, &value)).transpose()
    }

    /// The accounts that somebody follows, in the order of their ids.
    pub(super) fn followed_by(&self, user: UserId) -> Result<Vec<FollowedRow>, ProjectionError> {
        let row = |row: fjall::Guard| -> Result<FollowedRow, ProjectionError> {
            let (_, value) = row.into_inner()?;
            from_json(FOLLOWED, &value)
        };
        self.followed.prefix(user.0.as_bytes()).map(row).collect()
    }
}

fn pair_key(user: UserId, id: OfficialAccountId) -> [u8; 32] {
    let mut key = [0; 32];
    let parts = user.0.into_bytes().into_iter().chain(id.0.into_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

pub(super) fn placed_key(id: OfficialAccountId, position: u64) -> Vec<u8> {
    [id.0.as_bytes().as_slice(), &position.to_be_bytes()].concat()
}

fn follower_key(id: OfficialAccountId, openid: &str) -> Vec<u8> {
    [id.0.as_bytes(), openid.as_bytes()].concat()
}

/// The first key behind those that begin with an id; none where there is no such key.
fn next_id(id: OfficialAccountId) -> Option<Vec<u8>> {
    id.0.as_u128().checked_add(1).map(|next| next.to_be_bytes().to_vec())
}
