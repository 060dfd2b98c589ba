//! For how long people were in a call together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Participant, Talked};
use crate::UserId;

/// What one was in a call with others, counted up to the last time that somebody came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Together {
    /// When somebody came or went last.
    since: Option<DateTime<Utc>>,
    /// Who has been in it since then.
    present: Vec<UserId>,
    /// For how long at least two were in it before, in milliseconds.
    millis: u64,
    /// For how long each of them was, in milliseconds.
    of: Vec<(UserId, u64)>,
}

impl Together {
    /// Somebody came or went: these are in the call from then on. A time before the last one counts as that.
    pub(super) fn next(&mut self, at: DateTime<Utc>, present: &[Participant]) {
        let at = self.since.map_or(at, |since| since.max(at));
        *self = self.until(at);
        self.since = Some(at);
        self.present = present.iter().map(|participant| participant.user).collect();
    }

    /// What it comes to at a time.
    fn until(&self, at: DateTime<Utc>) -> Self {
        let mut counted = self.clone();
        if self.present.len() < 2 {
            return counted;
        }
        let millis = self.since.map_or(0, |since| u64::try_from((at - since).num_milliseconds()).unwrap_or(0));
        counted.millis += millis;
        for user in &self.present {
            match counted.of.iter_mut().find(|(known, _)| known == user) {
                Some((_, before)) => *before += millis,
                None => counted.of.push((*user, millis)),
            }
        }
        counted
    }

    /// Whether there ever were two.
    pub(super) fn were_two(&self) -> bool {
        self.present.len() > 1 || !self.of.is_empty()
    }

    /// For how long at least two were in it until a time, in seconds, and for how long each of them.
    pub(super) fn counted(&self, at: DateTime<Utc>) -> (u64, Vec<Talked>) {
        let counted = self.until(self.since.map_or(at, |since| since.max(at)));
        let talked = counted.of.into_iter().map(|(user, millis)| Talked { user, seconds: millis / 1_000 });
        (counted.millis / 1_000, talked.collect())
    }
}
