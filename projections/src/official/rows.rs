//! The rows on disk.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    OfficialAccountId, UserId,
    official::{AccountProfile, AccountSort, Scene},
    subscriptions::FollowSource,
};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};

use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, to_json},
};

const ACCOUNTS: &str = "accounts";
const PARTS: &str = "parts";
const FOLLOWERS: &str = "followers";
const FOLLOWED: &str = "followed";

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

/// An account that somebody follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowedRow {
    /// Which.
    pub account: OfficialAccountId,
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
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            accounts: store.keyspace(ACCOUNTS)?,
            parts: store.keyspace(PARTS)?,
            followers: store.keyspace(FOLLOWERS)?,
            followed: store.keyspace(FOLLOWED)?,
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

fn follower_key(id: OfficialAccountId, openid: &str) -> Vec<u8> {
    [id.0.as_bytes(), openid.as_bytes()].concat()
}

/// The first key behind those that begin with an id; none where there is no such key.
fn next_id(id: OfficialAccountId) -> Option<Vec<u8>> {
    id.0.as_u128().checked_add(1).map(|next| next.to_be_bytes().to_vec())
}
