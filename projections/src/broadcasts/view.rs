//! What queries read.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{OfficialAccountId, broadcasts::BroadcastAudience};
use parking_lot::RwLock;

use super::{
    NotesRow, SentRow,
    rows::{Tables, Tags},
};
use crate::ProjectionError;

/// What decides who is shown a broadcast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    position: u64,
    at: DateTime<Utc>,
    audience: BroadcastAudience,
    day: NaiveDate,
    reader_month_max: Option<u32>,
    withdrawn: bool,
}

impl Entry {
    pub(super) fn of(row: &SentRow) -> Self {
        let SentRow { position, at, audience, day, reader_month_max, withdrawn, .. } = *row;
        Self { position, at, audience, day, reader_month_max, withdrawn }
    }
}

/// Somebody who follows an account.
#[derive(Clone, Copy, Debug)]
pub struct Follower<'a> {
    /// What the account knows them by.
    pub openid: &'a str,
    /// Since when they follow it.
    pub since: DateTime<Utc>,
}

/// A broadcast that somebody is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose.
    pub account: OfficialAccountId,
    /// Its number.
    pub number: u64,
    /// Where it stands in the log.
    pub position: u64,
}

/// What queries read. What decides who sees a broadcast is held in memory: of each account there are few, compared with
/// those who follow it. What they say is on disk.
pub struct BroadcastsView {
    tables: Tables,
    pub(super) entries: RwLock<HashMap<OfficialAccountId, BTreeMap<u64, Entry>>>,
    pub(super) tags: RwLock<HashMap<OfficialAccountId, Tags>>,
}

impl BroadcastsView {
    pub(super) fn open(tables: Tables) -> Result<Self, ProjectionError> {
        let mut entries: HashMap<OfficialAccountId, BTreeMap<u64, Entry>> = HashMap::new();
        for sent in tables.all_sent() {
            let (account, number, row) = sent?;
            entries.entry(account).or_default().insert(number, Entry::of(&row));
        }
        let tags = RwLock::new(tables.load_tags()?);
        Ok(Self { tables, entries: RwLock::new(entries), tags })
    }

    /// A broadcast, whoever may see it.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn sent(&self, account: OfficialAccountId, number: u64) -> Result<Option<SentRow>, ProjectionError> {
        self.tables.sent(account, number)
    }

    /// What an account has sent before a number, the latest first; at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn sent_before(
        &self,
        account: OfficialAccountId,
        before: u64,
        limit: usize,
    ) -> Result<Vec<(u64, SentRow)>, ProjectionError> {
        let numbers: Vec<u64> = match self.entries.read().get(&account) {
            Some(entries) => entries.range(..before).rev().take(limit).map(|(number, _)| *number).collect(),
            None => vec![],
        };
        let row = |number| -> Result<Option<(u64, SentRow)>, ProjectionError> {
            Ok(self.tables.sent(account, number)?.map(|row| (number, row)))
        };
        numbers.into_iter().map(row).filter_map(Result::transpose).collect()
    }

    /// What a follower is shown of an account's broadcasts, the first first.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn shown_to(&self, account: OfficialAccountId, follower: Follower<'_>) -> Result<Vec<Shown>, ProjectionError> {
        self.judged(account, follower, |_| true)
    }

    /// Whether a follower is shown a broadcast.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn is_shown_to(
        &self,
        account: OfficialAccountId,
        follower: Follower<'_>,
        number: u64,
    ) -> Result<bool, ProjectionError> {
        let entries = self.entries.read();
        let Some(month) = entries.get(&account).and_then(|entries| entries.get(&number)).map(|entry| month(entry.day))
        else {
            return Ok(false);
        };
        drop(entries);
        // What was shown in other months makes no difference.
        let shown = self.judged(account, follower, |entry| self::month(entry.day) == month)?;
        Ok(shown.iter().any(|shown| shown.number == number))
    }

    fn judged(
        &self,
        account: OfficialAccountId,
        follower: Follower<'_>,
        looked_at: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Shown>, ProjectionError> {
        let entries = self.entries.read();
        let Some(entries) = entries.get(&account) else { return Ok(vec![]) };
        let mut notes: Option<NotesRow> = None;
        let mut in_month: HashMap<(i32, u32), u32> = HashMap::new();
        let mut shown = vec![];
        for (number, entry) in entries.iter().filter(|(_, entry)| entry.at >= follower.since && looked_at(entry)) {
            let addressed = match entry.audience {
                BroadcastAudience::All => true,
                BroadcastAudience::Tag { tag } => {
                    let known = match notes.take() {
                        Some(known) => known,
                        None => self.tables.notes(account, follower.openid)?.unwrap_or_default(),
                    };
                    notes.insert(known).had(tag, entry.at)
                }
                BroadcastAudience::Named { .. } | BroadcastAudience::Preview => {
                    self.tables.is_addressed((account, *number), follower.openid)?
                }
            };
            if !addressed {
                continue;
            }
            if let Some(max) = entry.reader_month_max {
                let count = in_month.entry(month(entry.day)).or_default();
                if *count >= max {
                    continue;
                }
                *count += 1;
            }
            if !entry.withdrawn {
                shown.push(Shown { account, number: *number, position: entry.position });
            }
        }
        Ok(shown)
    }

    /// Whom a broadcast names, in the order of what the account knows them by.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn addressed(&self, account: OfficialAccountId, number: u64) -> Result<Vec<String>, ProjectionError> {
        self.tables.addressed((account, number))
    }

    /// The tags of an account, by number.
    #[must_use]
    pub fn tags(&self, account: OfficialAccountId) -> Tags {
        self.tags.read().get(&account).cloned().unwrap_or_default()
    }

    /// What an account notes of somebody; of who has left as well.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn notes(&self, account: OfficialAccountId, openid: &str) -> Result<NotesRow, ProjectionError> {
        let mut notes = self.tables.notes(account, openid)?.unwrap_or_default();
        let tags = self.tags.read();
        notes.tags.retain(|tag| tags.get(&account).is_some_and(|tags| tags.contains_key(tag)));
        Ok(notes)
    }

    /// On whom an account has put a tag, in the order of what it knows them by, behind one of these; at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn tagged(
        &self,
        account: OfficialAccountId,
        tag: u32,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, ProjectionError> {
        self.tables.tagged(account, tag, after, limit)
    }
}

fn month(day: NaiveDate) -> (i32, u32) {
    (day.year(), day.month())
}
