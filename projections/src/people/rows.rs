//! The rows of people on disk; the catalogue lists them.

use chrono::{DateTime, Utc};
use domain::{
    DeviceId, FriendshipId, TagId, UserId,
    contacts::Notes,
    user::{Privacy, Profile},
};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::relations::{Relations, Request, Tie, Touched};
use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, number, to_json},
};

/// A person as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PersonRecord {
    pub(super) handle: String,
    pub(super) profile: Profile,
    pub(super) privacy: Privacy,
    pub(super) registered_at: DateTime<Utc>,
}

/// A device as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeviceRecord {
    pub(super) name: String,
    pub(super) added_at: DateTime<Utc>,
}

/// The keyspaces of people.
#[derive(Clone)]
pub(super) struct Tables {
    pub(super) persons: Keyspace,
    pub(super) handles: Keyspace,
    pub(super) devices: Keyspace,
    ties: Keyspace,
    beginnings: Keyspace,
    requests: Keyspace,
    notes: Keyspace,
    blocks: Keyspace,
    tags: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            persons: store.keyspace("persons")?,
            handles: store.keyspace("handles")?,
            devices: store.keyspace("devices")?,
            ties: store.keyspace("ties")?,
            beginnings: store.keyspace("beginnings")?,
            requests: store.keyspace("requests")?,
            notes: store.keyspace("notes")?,
            blocks: store.keyspace("blocks")?,
            tags: store.keyspace("tags")?,
        })
    }

    pub(super) fn person(&self, user: UserId) -> Result<Option<PersonRecord>, ProjectionError> {
        self.persons.get(user.0.as_bytes())?.map(|value| from_json("persons", &value)).transpose()
    }

    pub(super) fn holder_of(&self, handle: &str) -> Result<Option<UserId>, ProjectionError> {
        let value = self.handles.get(handle)?;
        let user = |value: fjall::UserValue| id_at(&value, 0).map(UserId).ok_or(damaged("handles"));
        value.map(user).transpose()
    }

    pub(super) fn devices_of(&self, user: UserId) -> Result<Vec<(DeviceId, DeviceRecord)>, ProjectionError> {
        let row = |guard: fjall::Guard| {
            let (key, value) = guard.into_inner()?;
            let device = id_at(&key, 16).map(DeviceId).ok_or(damaged("devices"))?;
            Ok((device, from_json("devices", &value)?))
        };
        self.devices.prefix(user.0.as_bytes()).map(row).collect()
    }

    /// Reads all relations into memory.
    pub(super) fn load(&self) -> Result<Relations, ProjectionError> {
        let mut relations = Relations::default();
        each(&self.ties, "ties", |key, value| {
            let (holder, other) = pair_of(key)?;
            relations.set_tie(UserId(holder), UserId(other), Some(Tie { since: time(value)? }));
            Some(())
        })?;
        each(&self.beginnings, "beginnings", |key, _| {
            let (holder, other) = pair_of(key)?;
            relations.set_beginning(UserId(holder), UserId(other), true);
            Some(())
        })?;
        each(&self.requests, "requests", |key, value| {
            let (lower, upper) = pair_of(key)?;
            let request: Request = serde_json::from_slice(value).ok()?;
            relations.set_request(FriendshipId::between(UserId(lower), UserId(upper)), Some(request));
            Some(())
        })?;
        each(&self.notes, "notes", |key, value| {
            let (user, contact) = pair_of(key)?;
            let notes: Notes = serde_json::from_slice(value).ok()?;
            relations.set_note(UserId(user), UserId(contact), Some(notes));
            Some(())
        })?;
        each(&self.blocks, "blocks", |key, value| {
            let (user, person) = pair_of(key)?;
            relations.set_block(UserId(user), UserId(person), Some(time(value)?));
            Some(())
        })?;
        each(&self.tags, "tags", |key, value| {
            let (user, tag) = pair_of(key)?;
            let name = std::str::from_utf8(value).ok()?.to_owned();
            relations.set_tag(UserId(user), TagId(tag), Some(name));
            Some(())
        })?;
        relations.touched.clear();
        Ok(relations)
    }

    /// Puts every relation that was touched into a batch, as it is now.
    pub(super) fn write(&self, relations: &mut Relations, batch: &mut WriteBatch) -> Result<(), ProjectionError> {
        for touched in std::mem::take(&mut relations.touched) {
            let (table, key, value) = match touched {
                Touched::Tie(holder, other) => {
                    let value = relations.tie(holder, other).map(|tie| micros(tie.since).to_vec());
                    (&self.ties, pair_key(holder.0, other.0), value)
                }
                Touched::Beginning(holder, other) => {
                    let value = relations.began_as_chats_only(holder, other).then(Vec::new);
                    (&self.beginnings, pair_key(holder.0, other.0), value)
                }
                Touched::Request(pair) => {
                    let value = relations.request(pair).map(to_json).transpose()?;
                    (&self.requests, pair_key(pair.lower.0, pair.upper.0), value)
                }
                Touched::Note(user, contact) => {
                    let value = relations.note(user, contact).map(to_json).transpose()?;
                    (&self.notes, pair_key(user.0, contact.0), value)
                }
                Touched::Block(user, person) => {
                    let value = relations.block(user, person).map(|since| micros(since).to_vec());
                    (&self.blocks, pair_key(user.0, person.0), value)
                }
                Touched::Tag(user, tag) => {
                    let value = relations.tag(user, tag).map(|name| name.as_bytes().to_vec());
                    (&self.tags, pair_key(user.0, tag.0), value)
                }
            };
            match value {
                Some(value) => batch.insert(table, key, value),
                None => batch.remove(table, key),
            }
        }
        Ok(())
    }
}

pub(super) fn pair_key(one: Uuid, other: Uuid) -> [u8; 32] {
    let mut key = [0; 32];
    let bytes = one.as_bytes().iter().chain(other.as_bytes());
    key.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    key
}

fn damaged(keyspace: &'static str) -> ProjectionError {
    ProjectionError::DamagedRow { keyspace }
}

fn each(
    table: &Keyspace,
    keyspace: &'static str,
    mut take: impl FnMut(&[u8], &[u8]) -> Option<()>,
) -> Result<(), ProjectionError> {
    for guard in table.iter() {
        let (key, value) = guard.into_inner()?;
        take(&key, &value).ok_or(damaged(keyspace))?;
    }
    Ok(())
}

fn pair_of(key: &[u8]) -> Option<(Uuid, Uuid)> {
    Some((id_at(key, 0)?, id_at(key, 16)?))
}

fn micros(time: DateTime<Utc>) -> [u8; 8] {
    time.timestamp_micros().to_be_bytes()
}

fn time(value: &[u8]) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(number(value)?.cast_signed())
}
