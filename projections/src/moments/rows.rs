//! The rows on disk. A post is known by its position in the log, and so is whatever was done below it.

use chrono::{DateTime, Utc};
use domain::{
    Circle, CommentId, PostId, UserId,
    moments::post::{Draft, ReplyTo},
};
use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use super::index::{Index, Placed};
use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, number, number_at, to_json},
};

/// A keyspace of this projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Posts,
    PostIds,
    Albums,
    Likes,
    Likers,
    Comments,
    CommentIds,
    Interactions,
    Notices,
    Circles,
}

/// The name of each keyspace, in the order of [`Table`].
const NAMES: [&str; 10] =
    ["posts", "post-ids", "albums", "likes", "likers", "comments", "comment-ids", "interactions", "notices", "circles"];

impl Table {
    fn name(self) -> &'static str {
        NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// That a row of it is damaged.
    pub(super) fn damaged(self) -> ProjectionError {
        ProjectionError::DamagedRow { keyspace: self.name() }
    }
}

/// A post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PostRow {
    pub(super) post: PostId,
    pub(super) author: UserId,
    pub(super) at: DateTime<Utc>,
    #[serde(flatten)]
    pub(super) draft: Draft,
}

/// Who did something below a post, and when. As bytes: the actor, the time in microseconds, the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) actor: UserId,
    pub(super) at: DateTime<Utc>,
    /// Version of the event in the post's stream.
    pub(super) version: u64,
}

impl Deed {
    const BYTES: usize = 32;

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.actor.0.as_bytes().to_vec();
        bytes.extend(self.at.timestamp_micros().to_be_bytes());
        bytes.extend(self.version.to_be_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let at = DateTime::from_timestamp_micros(number_at(bytes, 16)?.cast_signed())?;
        Some(Self { actor: UserId(id_at(bytes, 0)?), at, version: number_at(bytes, 24)? })
    }
}

/// What a comment says. It follows the [`Deed`] of its row, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) comment: CommentId,
    pub(super) text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<ReplyTo>,
}

impl Said {
    pub(super) fn to_bytes(&self, deed: Deed) -> Result<Vec<u8>, ProjectionError> {
        Ok([deed.to_bytes(), to_json(self)?].concat())
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes.get(Deed::BYTES..)?).ok()
    }
}

/// What was done, in rows that tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A post was published, and reminds somebody.
    Reminder,
    Like,
    Comment,
}

/// Which deed a row of somebody's interactions or notices tells of. As bytes: the post's position, then what (u8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) post: u64,
    pub(super) what: What,
}

impl Pointer {
    const BYTES: usize = 9;

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.post.to_be_bytes().to_vec();
        bytes.push(self.what as u8);
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let what = match bytes.get(8)? {
            0 => What::Reminder,
            1 => What::Like,
            2 => What::Comment,
            _ => return None,
        };
        Some(Self { post: number(bytes)?, what })
    }

    /// The keyspace that has the deed; none for a reminder, which the post has.
    pub(super) fn table(self) -> Option<Table> {
        match self.what {
            What::Reminder => None,
            What::Like => Some(Table::Likes),
            What::Comment => Some(Table::Comments),
        }
    }
}

/// What somebody did themselves, in their list of it. As bytes: the [`Pointer`], then the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) pointer: Pointer,
    /// Version of the event in the post's stream.
    pub(super) version: u64,
}

impl Own {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.pointer.to_bytes();
        bytes.extend(self.version.to_be_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self { pointer: Pointer::read(bytes)?, version: number_at(bytes, Pointer::BYTES)? })
    }
}

/// The key of what belongs to a person, by position.
pub(super) fn person_key(user: UserId, position: u64) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &position.to_be_bytes()].concat()
}

/// The key of what was done below a post.
pub(super) fn deed_key(post: u64, position: u64) -> Vec<u8> {
    [post.to_be_bytes(), position.to_be_bytes()].concat()
}

/// The key of somebody or something below a post.
pub(super) fn below_key(post: u64, id: uuid::Uuid) -> Vec<u8> {
    [post.to_be_bytes().as_slice(), id.as_bytes()].concat()
}

/// A post as a row of an album has it: the key ends in the position, the value is the time in microseconds.
fn placed(key: &[u8], value: &[u8]) -> Option<Placed> {
    Some(Placed { position: number_at(key, 16)?, at_micros: number(value)?.cast_signed() })
}

/// The keyspaces.
#[derive(Clone)]
pub(super) struct Tables {
    /// In the order of [`Table`].
    keyspaces: Vec<Keyspace>,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        let keyspaces = NAMES.iter().map(|name| store.keyspace(name)).collect::<Result<_, _>>()?;
        Ok(Self { keyspaces })
    }

    /// A keyspace.
    ///
    /// # Errors
    /// Never: all of them are opened together.
    pub(super) fn of(&self, table: Table) -> Result<&Keyspace, ProjectionError> {
        let found = self.keyspaces.get(table as usize);
        found.ok_or_else(|| ProjectionError::Uncatalogued(format!("moments/{}", table.name())))
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<fjall::UserValue>, ProjectionError> {
        Ok(self.of(table)?.get(key)?)
    }

    /// What is kept in memory, as the rows have it.
    pub(super) fn load(&self) -> Result<Index, ProjectionError> {
        let mut index = Index::default();
        for row in self.of(Table::Albums)?.iter() {
            let (key, value) = row.into_inner()?;
            let parts = id_at(&key, 0).zip(placed(&key, &value));
            let (author, post) = parts.ok_or(Table::Albums.damaged())?;
            index.publish(UserId(author), post);
        }
        for row in self.of(Table::Circles)?.iter() {
            let (key, value) = row.into_inner()?;
            let user = id_at(&key, 0).ok_or(Table::Circles.damaged())?;
            index.set_circle(UserId(user), from_json::<Circle>("circles", &value)?);
        }
        Ok(index)
    }

    /// The post at a position; none where it was deleted.
    pub(super) fn post(&self, position: u64) -> Result<Option<PostRow>, ProjectionError> {
        let value = self.get(Table::Posts, &position.to_be_bytes())?;
        value.map(|value| from_json("posts", &value)).transpose()
    }

    /// Where a post stands.
    pub(super) fn position_of(&self, post: PostId) -> Result<Option<u64>, ProjectionError> {
        let value = self.get(Table::PostIds, post.0.as_bytes())?;
        value.map(|value| number(&value).ok_or(Table::PostIds.damaged())).transpose()
    }

    /// The author's newest post before a position.
    pub(super) fn post_before(&self, author: UserId, before: u64) -> Result<Option<Placed>, ProjectionError> {
        let range = person_key(author, 0)..person_key(author, before);
        let Some(row) = self.of(Table::Albums)?.range(range).next_back() else { return Ok(None) };
        let (key, value) = row.into_inner()?;
        placed(&key, &value).map(Some).ok_or(Table::Albums.damaged())
    }

    /// What somebody did themselves before a position and what stands, the latest first.
    pub(super) fn own_before(
        &self,
        user: UserId,
        before: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Own), ProjectionError>>, ProjectionError> {
        let range = person_key(user, 0)..person_key(user, before);
        Ok(self.of(Table::Interactions)?.range(range).rev().map(|row| {
            let (key, value) = row.into_inner()?;
            number_at(&key, 16).zip(Own::read(&value)).ok_or(Table::Interactions.damaged())
        }))
    }

    /// The deed at a position below a post, with its row; none where it was undone.
    pub(super) fn deed(
        &self,
        table: Table,
        post: u64,
        position: u64,
    ) -> Result<Option<(Deed, fjall::UserValue)>, ProjectionError> {
        let Some(value) = self.get(table, &deed_key(post, position))? else { return Ok(None) };
        let deed = Deed::read(&value).ok_or(table.damaged())?;
        Ok(Some((deed, value)))
    }
}
