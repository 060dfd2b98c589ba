//! What queries read.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use domain::{ConversationId, UserId, conversation::ContentKind};
use fjall::Keyspace;
use parking_lot::RwLock;

use super::{
    rows::{
        ByHour, ByKind, HOURS, Talked, conversation_of, day_of, read_by_hour, read_by_kind, read_count, read_talked,
        user_prefix, year_key,
    },
    tally::{Tally, YearTally, add},
    year::{ConversationCount, DayCount, KindCount, YearReport},
};
use crate::runtime::ProjectionError;

/// The keyspaces of the report.
pub(super) struct Tables {
    pub(super) days: Keyspace,
    pub(super) hours: Keyspace,
    pub(super) conversations: Keyspace,
    pub(super) calls: Keyspace,
}

/// Everybody's years in numbers.
pub struct ReportView {
    pub(super) tables: Tables,
    /// What is not on disk yet. Held while rows are read or written, so that nothing is missed or counted twice.
    pub(super) tally: RwLock<Tally>,
}

impl ReportView {
    /// What a person sent in a year. It reads from disk: asynchronous callers give it a thread on which that is fine.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn year(&self, user: UserId, year: u16) -> Result<YearReport, ProjectionError> {
        let tally = self.tally.read();
        let waiting = tally.years.get(&(user, year));
        let days = self.days(user, year, waiting)?;
        let hours = self.hours(user, year, waiting)?;
        let conversations = self.conversations(user, year, waiting)?;
        let talked = self.talked(user, year, waiting)?;
        let ever = self.first_day(user, &tally)?;
        drop(tally);
        let report = put_together(year, &days, &hours, &conversations, ever);
        Ok(YearReport { calls: talked.calls.into(), call_minutes: talked.seconds / 60, ..report })
    }

    fn talked(&self, user: UserId, year: u16, waiting: Option<&YearTally>) -> Result<Talked, ProjectionError> {
        let mut talked = match self.tables.calls.get(year_key(user, year))? {
            Some(row) => read_talked(&row).ok_or(ProjectionError::DamagedRow { keyspace: "calls" })?,
            None => Talked::default(),
        };
        waiting.into_iter().for_each(|year| talked.add(year.talked));
        Ok(talked)
    }

    fn days(
        &self,
        user: UserId,
        year: u16,
        waiting: Option<&YearTally>,
    ) -> Result<BTreeMap<u16, ByKind>, ProjectionError> {
        let mut days = BTreeMap::new();
        for row in self.tables.days.prefix(year_key(user, year)) {
            let (key, value) = row.into_inner()?;
            let row = day_of(&key).zip(read_by_kind(&value));
            let ((_, day), counts) = row.ok_or(ProjectionError::DamagedRow { keyspace: "days" })?;
            days.insert(day, counts);
        }
        for (day, counts) in waiting.into_iter().flat_map(|year| &year.days) {
            add(days.entry(*day).or_default(), counts);
        }
        Ok(days)
    }

    fn hours(&self, user: UserId, year: u16, waiting: Option<&YearTally>) -> Result<ByHour, ProjectionError> {
        let mut hours = match self.tables.hours.get(year_key(user, year))? {
            Some(row) => read_by_hour(&row).ok_or(ProjectionError::DamagedRow { keyspace: "hours" })?,
            None => [0; HOURS],
        };
        waiting.into_iter().for_each(|year| add(&mut hours, &year.hours));
        Ok(hours)
    }

    fn conversations(
        &self,
        user: UserId,
        year: u16,
        waiting: Option<&YearTally>,
    ) -> Result<BTreeMap<ConversationId, u32>, ProjectionError> {
        let mut conversations = BTreeMap::new();
        for row in self.tables.conversations.prefix(year_key(user, year)) {
            let (key, value) = row.into_inner()?;
            let row = conversation_of(&key).zip(read_count(&value));
            let (conversation, count) = row.ok_or(ProjectionError::DamagedRow { keyspace: "conversations" })?;
            conversations.insert(conversation, count);
        }
        for (conversation, count) in waiting.into_iter().flat_map(|year| &year.conversations) {
            let sum = conversations.entry(*conversation).or_default();
            *sum = sum.saturating_add(*count);
        }
        Ok(conversations)
    }

    /// Year and day of the year of a person's first message.
    fn first_day(&self, user: UserId, tally: &Tally) -> Result<Option<(u16, u16)>, ProjectionError> {
        let on_disk = match self.tables.days.prefix(user_prefix(user)).next() {
            Some(row) => Some(day_of(&row.key()?).ok_or(ProjectionError::DamagedRow { keyspace: "days" })?),
            None => None,
        };
        let years = tally.years.iter().filter(|((sender, _), _)| *sender == user);
        let waiting = years.flat_map(|((_, year), tally)| tally.days.iter().map(|(day, _)| (*year, *day)));
        Ok(waiting.chain(on_disk).min())
    }
}

fn put_together(
    year: u16,
    days: &BTreeMap<u16, ByKind>,
    hours: &ByHour,
    conversations: &BTreeMap<ConversationId, u32>,
    ever: Option<(u16, u16)>,
) -> YearReport {
    let day_count = |(day, counts): (&u16, &ByKind)| {
        let by_kind = kind_counts(counts.map(u64::from));
        let messages = by_kind.iter().map(|kind| kind.messages).sum();
        Some(DayCount { date: date(year, *day)?, messages, by_kind })
    };
    let mut by_kind = [0; _];
    for counts in days.values() {
        by_kind.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(*count));
    }
    let days: Vec<DayCount> = days.iter().filter_map(day_count).collect();
    let most_active = first_max(conversations.iter().map(|(id, count)| (*id, u64::from(*count))));
    let by_hour: Vec<u64> = hours.iter().copied().map(u64::from).collect();
    YearReport {
        year,
        messages: by_kind.iter().sum(),
        by_kind: kind_counts(by_kind),
        active_days: days.len(),
        busiest_day: first_max(days.iter().map(|day| (day.date, day.messages))).map(|(date, _)| date),
        busiest_hour: first_max(by_hour.iter().copied().enumerate()).map(|(hour, _)| hour),
        by_hour,
        conversations: conversations.len(),
        most_active_conversation: most_active
            .map(|(conversation, messages)| ConversationCount { conversation, messages }),
        first_message_on: days.first().map(|day| day.date),
        first_message_ever_on: ever.and_then(|(year, day)| date(year, day)),
        calls: 0,
        call_minutes: 0,
        days,
    }
}

/// The first of those with the highest count, unless that is zero.
fn first_max<T>(counts: impl Iterator<Item = (T, u64)>) -> Option<(T, u64)> {
    let higher = |best: (T, u64), next: (T, u64)| if next.1 > best.1 { next } else { best };
    counts.reduce(higher).filter(|(_, count)| *count > 0)
}

fn kind_counts(counts: [u64; ContentKind::ALL.len()]) -> Vec<KindCount> {
    let counts = ContentKind::ALL.into_iter().zip(counts).filter(|(_, messages)| *messages > 0);
    counts.map(|(kind, messages)| KindCount { kind, messages }).collect()
}

fn date(year: u16, day: u16) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year.into(), 1, 1)?.checked_add_days(Days::new(u64::from(day).checked_sub(1)?))
}
