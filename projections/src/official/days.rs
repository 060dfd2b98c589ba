//! The figures of each account's days, in UTC.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use domain::{
    BroadcastsEvent, ConversationEvent, DomainEvent, OfficialAccountId, ReadingEvent, SubscriptionsEvent,
    broadcasts::BroadcastAudience,
    conversation::{MessageSent, OfficialPart},
};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};

use crate::{
    Fact, ProjectionError,
    rows::{from_json, to_json},
};

/// The keyspace.
pub(super) const DAYS: &str = "days";

/// The figures of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayRow {
    /// How many began to follow the account.
    pub followed: u64,
    /// How many left.
    pub unfollowed: u64,
    /// How many messages followers wrote.
    pub heard: u64,
    /// How many broadcasts it sent.
    pub broadcasts: u64,
    /// How many people read one of its articles for the first time.
    pub reads: u64,
    /// How many likes its articles got.
    pub likes: u64,
}

/// What a batch adds to the days of accounts.
#[derive(Default)]
pub(super) struct Days {
    added: BTreeMap<(OfficialAccountId, NaiveDate), DayRow>,
}

impl Days {
    /// Counts an event.
    pub(super) fn take(&mut self, fact: &Fact, event: &DomainEvent) {
        let (account, count): (_, fn(&mut DayRow) -> &mut u64) = match event {
            DomainEvent::Subscriptions(SubscriptionsEvent::AccountFollowed(followed)) => {
                (followed.account, |row| &mut row.followed)
            }
            DomainEvent::Subscriptions(SubscriptionsEvent::AccountUnfollowed(unfollowed)) => {
                (unfollowed.account, |row| &mut row.unfollowed)
            }
            DomainEvent::Conversation(ConversationEvent::MessageSent(MessageSent {
                official: Some(OfficialPart { account, .. }),
                ..
            })) if fact.actor() != Some(account.party()) => (*account, |row| &mut row.heard),
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastSent(sent))
                if sent.audience != BroadcastAudience::Preview =>
            {
                (sent.account, |row| &mut row.broadcasts)
            }
            DomainEvent::Reading(ReadingEvent::ArticleRead(read)) => (read.account, |row| &mut row.reads),
            DomainEvent::Reading(ReadingEvent::ArticleLiked(liked)) => (liked.account, |row| &mut row.likes),
            _ => return,
        };
        *count(self.added.entry((account, fact.at().date_naive())).or_default()) += 1;
    }

    /// Puts the sums into a batch of rows.
    pub(super) fn write(&self, days: &Keyspace, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for ((account, day), added) in &self.added {
            let key = key(*account, *day);
            let before: DayRow = match days.get(&key)? {
                Some(value) => from_json(DAYS, &value)?,
                None => DayRow::default(),
            };
            let sum = DayRow {
                followed: before.followed + added.followed,
                unfollowed: before.unfollowed + added.unfollowed,
                heard: before.heard + added.heard,
                broadcasts: before.broadcasts + added.broadcasts,
                reads: before.reads + added.reads,
                likes: before.likes + added.likes,
            };
            rows.insert(days, key, to_json(&sum)?);
        }
        Ok(())
    }
}

/// The days of an account on which there was anything, from one to another.
pub(super) fn read(
    days: &Keyspace,
    account: OfficialAccountId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<(NaiveDate, DayRow)>, ProjectionError> {
    let damaged = || ProjectionError::DamagedRow { keyspace: DAYS };
    let row = |row: fjall::Guard| -> Result<(NaiveDate, DayRow), ProjectionError> {
        let (key, value) = row.into_inner()?;
        let number = key.get(16..).and_then(|day| day.first_chunk().copied()).map(u32::from_be_bytes);
        let day = number.and_then(|number| NaiveDate::from_num_days_from_ce_opt(number.cast_signed()));
        Ok((day.ok_or_else(damaged)?, from_json(DAYS, &value)?))
    };
    days.range(key(account, from)..=key(account, to)).map(row).collect()
}

/// Account and day, the days since the beginning of the common era; events are of no day before that.
fn key(account: OfficialAccountId, day: NaiveDate) -> Vec<u8> {
    let number = day.num_days_from_ce().max(0).cast_unsigned();
    [account.0.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}
