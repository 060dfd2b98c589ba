//! Pauses before a bank or biller is asked again.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::ports::Unsettled;

/// The first pause; each further one is twice as long.
const FIRST: TimeDelta = TimeDelta::seconds(2);
/// How often a pause is doubled at most: 17 minutes.
const DOUBLED_MAX: u32 = 9;
/// How long a pause that is over is remembered: longer than it takes to ask for everything.
const KEPT: TimeDelta = TimeDelta::days(1);

/// When each thing that is not settled is to be asked for again. Forgotten at the end of the process: then everything
/// is asked for at once.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    next: Mutex<HashMap<Unsettled, (u32, DateTime<Utc>)>>,
}

impl Pauses {
    /// Whether it may be asked for now.
    pub(super) fn is_over(&self, item: Unsettled, now: DateTime<Utc>) -> bool {
        self.next.lock().get(&item).is_none_or(|(_, next)| *next <= now)
    }

    /// It was asked for in vain.
    pub(super) fn lengthen(&self, item: Unsettled, now: DateTime<Utc>) {
        let mut next = self.next.lock();
        let (asked, at) = next.entry(item).or_insert((0, now));
        *at = now + FIRST * 2_i32.pow((*asked).min(DOUBLED_MAX));
        *asked += 1;
    }

    /// Forgets what was to be asked for long ago, and is asked for no more: it was settled elsewhere.
    pub(super) fn forget_old(&self, now: DateTime<Utc>) {
        self.next.lock().retain(|_, (_, next)| now < *next + KEPT);
    }

    /// It is settled.
    pub(super) fn forget(&self, item: Unsettled) {
        self.next.lock().remove(&item);
    }
}

#[cfg(test)]
mod tests {
    use domain::HoldId;

    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_end_with_the_matter() {
        let (pauses, item) = (Pauses::default(), Unsettled::Hold(HoldId::new()));
        let mut now = DateTime::UNIX_EPOCH;
        assert!(pauses.is_over(item, now));
        let mut lengths = vec![];
        for _ in 0..12 {
            pauses.lengthen(item, now);
            let length = (1..).find(|seconds| pauses.is_over(item, now + TimeDelta::seconds(*seconds))).unwrap();
            now += TimeDelta::seconds(length);
            lengths.push(length);
        }
        assert_eq!(lengths, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
        pauses.lengthen(item, now);
        pauses.forget_old(now + KEPT);
        assert!(!pauses.is_over(item, now));
        pauses.forget(item);
        assert!(pauses.is_over(item, now));
        pauses.lengthen(item, now);
        pauses.forget_old(now + KEPT + FIRST);
        assert!(pauses.next.lock().is_empty());
    }
}
