//! Counts that are not on disk yet.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Timelike, Utc};
use domain::{ConversationId, UserId, conversation::ContentKind};

use super::rows::{ByHour, ByKind, HOURS, KINDS, Talked, kind_index};

/// What was counted of one person's year.
#[derive(Clone, Debug, Default)]
pub(super) struct YearTally {
    /// By day of the year, from 1; the days as they came, mostly one.
    pub(super) days: Vec<(u16, ByKind)>,
    /// By hour of the day.
    pub(super) hours: ByHour,
    /// By conversation.
    pub(super) conversations: HashMap<ConversationId, u32>,
    /// Calls.
    pub(super) talked: Talked,
}

impl YearTally {
    fn day(&mut self, day: u16) -> Option<&mut ByKind> {
        let at = match self.days.iter().rposition(|(known, _)| *known == day) {
            Some(at) => at,
            None => {
                self.days.push((day, [0; KINDS]));
                self.days.len() - 1
            }
        };
        self.days.get_mut(at).map(|(_, counts)| counts)
    }

    fn rows(&self) -> usize {
        let messages = if self.days.is_empty() { 0 } else { 1 + self.days.len() + self.conversations.len() };
        messages + usize::from(self.talked.calls > 0)
    }
}

/// Everybody's counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By person and year.
    pub(super) years: HashMap<(UserId, u16), YearTally>,
    /// Rows that these counts will touch.
    pub(super) rows: usize,
}

impl Tally {
    /// Counts one message.
    pub(super) fn count(&mut self, sender: UserId, conversation: ConversationId, kind: ContentKind, at: DateTime<Utc>) {
        // No clock of a server shows a year that doesn't fit.
        let Ok(year) = u16::try_from(at.year()) else { return };
        let tally = self.years.entry((sender, year)).or_default();
        let before = tally.rows();
        let day = tally.day(u16::try_from(at.ordinal()).unwrap_or_default());
        one_more(day.and_then(|day| day.get_mut(kind_index(kind))));
        one_more(tally.hours.get_mut(usize::try_from(at.hour()).unwrap_or(HOURS)));
        one_more(Some(tally.conversations.entry(conversation).or_default()));
        self.rows += tally.rows() - before;
    }

    /// Counts one call in which somebody talked.
    pub(super) fn count_call(&mut self, user: UserId, seconds: u64, at: DateTime<Utc>) {
        let Ok(year) = u16::try_from(at.year()) else { return };
        let tally = self.years.entry((user, year)).or_default();
        let before = tally.rows();
        tally.talked.add(Talked { calls: 1, seconds });
        self.rows += tally.rows() - before;
    }
}

fn one_more(count: Option<&mut u32>) {
    if let Some(count) = count {
        *count = count.saturating_add(1);
    }
}

/// Adds counts up, one by one.
pub(super) fn add<const N: usize>(sum: &mut [u32; N], more: &[u32; N]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
}
