//! How many of an account's followers are answered at a time.

use std::{collections::HashMap, time::Duration};

use domain::OfficialAccountId;
use parking_lot::Mutex;

/// With how many an account begins, of which nothing is known.
const AT_FIRST: usize = 4;
/// How many at a time at most.
const AT_MOST: usize = 64;
/// Who takes longer than this is not pressed further.
const QUICK: Duration = Duration::from_secs(1);

/// How many followers of each account are answered at a time: more of one whose program keeps up, fewer of one whose program
/// fails, down to one. So a quick program is told as fast as it can take it, and any number of dead ones hold few of the calls
/// that there may be at a time (`callbacks.calls_max`).
///
/// What is remembered goes with the server: a program is not worse off for what it was before.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    /// Those that differ from where they began.
    known: Mutex<HashMap<OfficialAccountId, usize>>,
}

impl Paces {
    /// How many of an account's followers may be answered at a time now.
    pub(crate) fn of(&self, account: OfficialAccountId) -> usize {
        self.known.lock().get(&account).copied().unwrap_or(AT_FIRST)
    }

    /// Whether its program is known to answer: it did, and failed less than that since.
    pub(crate) fn is_proven(&self, account: OfficialAccountId) -> bool {
        self.of(account) > AT_FIRST
    }

    /// An answer was had within that time. Who was doubted is trusted again, however long it takes.
    pub(crate) fn answered(&self, account: OfficialAccountId, took: Duration) {
        self.change(
            account,
            |before| if took <= QUICK || before < AT_FIRST { AT_MOST.min(before + 1) } else { before },
        );
    }

    /// None was had.
    pub(crate) fn failed(&self, account: OfficialAccountId) {
        self.change(account, |before| before.div_ceil(2));
    }

    fn change(&self, account: OfficialAccountId, change: impl FnOnce(usize) -> usize) {
        let mut known = self.known.lock();
        match change(known.get(&account).copied().unwrap_or(AT_FIRST)) {
            AT_FIRST => known.remove(&account),
            other => known.insert(account, other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many at a time after answers that took so many milliseconds each, or were not had at all.
    fn after(answers: impl IntoIterator<Item = Option<u64>>) -> usize {
        let (paces, account) = (Paces::default(), OfficialAccountId::new());
        for answer in answers {
            match answer {
                Some(millis) => paces.answered(account, Duration::from_millis(millis)),
                None => paces.failed(account),
            }
        }
        assert_eq!(paces.is_proven(account), paces.of(account) > 4);
        paces.of(account)
    }

    #[test]
    fn who_keeps_up_is_told_more_at_a_time_to_a_bound_and_who_takes_long_no_more() {
        let quick = |times| vec![Some(20); times];
        assert_eq!((after([]), after(quick(1)), after(quick(60)), after(quick(1_000))), (4, 5, 64, 64));
        assert_eq!(after(vec![Some(3_000); 100]), 4);
    }

    #[test]
    fn who_fails_is_told_less_at_a_time_down_to_one_and_is_trusted_again_when_it_answers() {
        let failing = |times| vec![None; times];
        assert_eq!((after(failing(1)), after(failing(2)), after(failing(100))), (2, 1, 1));
        assert_eq!(after([failing(9), vec![Some(3_000); 9]].concat()), 4);
        assert_eq!(after([failing(9), vec![Some(20); 9]].concat()), 10);
    }
}
