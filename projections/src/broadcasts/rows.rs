//! The rows on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{OfficialAccountId, broadcasts::BroadcastAudience, conversation::Content};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};

use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, number_at, to_json},
};

const SENT: &str = "sent";
const TAGS: &str = "tags";
const NOTES: &str = "notes";
const TAGGED: &str = "tagged";
const ADDRESSED: &str = "addressed";

/// A broadcast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentRow {
    /// Where it stands in the log.
    pub position: u64,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// What it says.
    pub contents: Vec<Content>,
    /// For whom it is.
    pub audience: BroadcastAudience,
    /// The local day on which it was sent.
    pub day: NaiveDate,
    /// How many broadcasts of a month a reader is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_month_max: Option<u32>,
    /// Whether it is shown no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRow {
    /// Its name.
    pub name: String,
    /// On how many the account has put it, whether or not they follow it still.
    pub followers: u64,
}

/// A stretch of time in which a follower had a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stay {
    pub(super) tag: u32,
    pub(super) from: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<DateTime<Utc>>,
}

/// What an account notes of a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotesRow {
    /// Its own name for them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// The tags that they have; some may be no more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<u32>,
    /// When they had which tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) stays: Vec<Stay>,
}

impl NotesRow {
    /// Whether the follower had a tag at a time.
    pub(super) fn had(&self, tag: u32, at: DateTime<Utc>) -> bool {
        let covers = |stay: &Stay| stay.tag == tag && stay.from <= at && stay.to.is_none_or(|to| at < to);
        self.stays.iter().any(covers)
    }

    /// Takes new tags in.
    pub(super) fn take(&mut self, tags: &BTreeSet<u32>, at: DateTime<Utc>) {
        for stay in self.stays.iter_mut().filter(|stay| stay.to.is_none() && !tags.contains(&stay.tag)) {
            stay.to = Some(at);
        }
        self.stays.extend(tags.difference(&self.tags).map(|tag| Stay { tag: *tag, from: at, to: None }));
        self.tags.clone_from(tags);
    }
}

/// The tags of an account, by number.
pub(super) type Tags = BTreeMap<u32, TagRow>;

#[derive(Clone)]
pub(super) struct Tables {
    sent: Keyspace,
    tags: Keyspace,
    notes: Keyspace,
    tagged: Keyspace,
    addressed: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            sent: store.keyspace(SENT)?,
            tags: store.keyspace(TAGS)?,
            notes: store.keyspace(NOTES)?,
            tagged: store.keyspace(TAGGED)?,
            addressed: store.keyspace(ADDRESSED)?,
        })
    }

    /// Every broadcast that there is, in the order of accounts and numbers.
    pub(super) fn all_sent(&self) -> impl Iterator<Item = Result<(OfficialAccountId, u64, SentRow), ProjectionError>> {
        self.sent.iter().map(|row| {
            let (key, value) = row.into_inner()?;
            let place = id_at(&key, 0).map(OfficialAccountId).zip(number_at(&key, 16));
            let (account, number) = place.ok_or(ProjectionError::DamagedRow { keyspace: SENT })?;
            Ok((account, number, from_json(SENT, &value)?))
        })
    }

    pub(super) fn sent(&self, account: OfficialAccountId, number: u64) -> Result<Option<SentRow>, ProjectionError> {
        self.sent.get(sent_key(account, number))?.map(|value| from_json(SENT, &value)).transpose()
    }

    pub(super) fn write_sent(
        &self,
        (account, number): (OfficialAccountId, u64),
        row: &SentRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.sent, sent_key(account, number), to_json(row)?);
        Ok(())
    }

    /// Writes that a broadcast names somebody.
    pub(super) fn write_addressed(&self, place: (OfficialAccountId, u64), openid: &str, rows: &mut WriteBatch) {
        rows.insert(&self.addressed, addressed_key(place, openid), []);
    }

    /// Whether a broadcast names somebody.
    pub(super) fn is_addressed(&self, place: (OfficialAccountId, u64), openid: &str) -> Result<bool, ProjectionError> {
        Ok(self.addressed.contains_key(addressed_key(place, openid))?)
    }

    /// Whom a broadcast names.
    pub(super) fn addressed(
        &self,
        (account, number): (OfficialAccountId, u64),
    ) -> Result<Vec<String>, ProjectionError> {
        let openid = |row: fjall::Guard| -> Result<String, ProjectionError> {
            let key = row.key()?;
            let openid = key.get(24..).and_then(|openid| String::from_utf8(openid.to_vec()).ok());
            openid.ok_or(ProjectionError::DamagedRow { keyspace: ADDRESSED })
        };
        self.addressed.prefix(sent_key(account, number)).map(openid).collect()
    }

    pub(super) fn load_tags(&self) -> Result<HashMap<OfficialAccountId, Tags>, ProjectionError> {
        let mut tags = HashMap::new();
        for row in self.tags.iter() {
            let (key, value) = row.into_inner()?;
            let account = id_at(&key, 0).ok_or(ProjectionError::DamagedRow { keyspace: TAGS })?;
            tags.insert(OfficialAccountId(account), from_json(TAGS, &value)?);
        }
        Ok(tags)
    }

    pub(super) fn write_tags(
        &self,
        account: OfficialAccountId,
        tags: &Tags,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.tags, *account.0.as_bytes(), to_json(tags)?);
        Ok(())
    }

    pub(super) fn notes(&self, account: OfficialAccountId, openid: &str) -> Result<Option<NotesRow>, ProjectionError> {
        self.notes.get(notes_key(account, openid))?.map(|value| from_json(NOTES, &value)).transpose()
    }

    pub(super) fn write_notes(
        &self,
        (account, openid): (OfficialAccountId, &str),
        row: &NotesRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.notes, notes_key(account, openid), to_json(row)?);
        Ok(())
    }

    /// Writes that somebody has a tag, or has it no longer.
    pub(super) fn write_tagged(
        &self,
        (account, tag, openid): (OfficialAccountId, u32, &str),
        has: bool,
        rows: &mut WriteBatch,
    ) {
        let key = tagged_key(account, tag, openid);
        if has { rows.insert(&self.tagged, key, []) } else { rows.remove(&self.tagged, key) }
    }

    /// Those with a tag, in the order of what the account knows them by, behind one of these.
    pub(super) fn tagged(
        &self,
        account: OfficialAccountId,
        tag: u32,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, ProjectionError> {
        // The next key there can be is the same with a zero behind it; no openid has such a byte.
        let range = [tagged_key(account, tag, after), vec![0]].concat()..tagged_key(account, tag, "\u{7f}");
        let openid = |row: fjall::Guard| -> Result<String, ProjectionError> {
            let key = row.key()?;
            let openid = key.get(20..).and_then(|openid| String::from_utf8(openid.to_vec()).ok());
            openid.ok_or(ProjectionError::DamagedRow { keyspace: TAGGED })
        };
        self.tagged.range(range).take(limit).map(openid).collect()
    }
}

fn sent_key(account: OfficialAccountId, number: u64) -> Vec<u8> {
    [account.0.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

fn addressed_key((account, number): (OfficialAccountId, u64), openid: &str) -> Vec<u8> {
    [sent_key(account, number).as_slice(), openid.as_bytes()].concat()
}

fn notes_key(account: OfficialAccountId, openid: &str) -> Vec<u8> {
    [account.0.as_bytes(), openid.as_bytes()].concat()
}

fn tagged_key(account: OfficialAccountId, tag: u32, openid: &str) -> Vec<u8> {
    [account.0.as_bytes().as_slice(), &tag.to_be_bytes(), openid.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_came_and_went_and_came_back_was_there_in_between_and_not_outside() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut row = NotesRow::default();
        for (seconds, tags) in [(10, vec![1]), (20, vec![1, 2]), (30, vec![2]), (40, vec![1])] {
            row.take(&tags.into_iter().collect(), at(seconds));
        }
        let had: Vec<bool> = [5, 10, 25, 30, 35, 40, 99].map(|seconds| row.had(1, at(seconds))).into();
        assert_eq!(had, [false, true, true, false, false, true, true]);
        assert!(row.had(2, at(39)) && !row.had(2, at(40)));
        assert_eq!(row.tags, BTreeSet::from([1]));
    }
}
