//! Who may be in which call: what this server knows before its read model does.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{CallId, UserId};
use parking_lot::Mutex;

/// For how long a note is kept whatever the read model knows.
const FRESH: TimeDelta = TimeDelta::seconds(10);

/// Calls that people placed or answered here a moment ago. The call itself says whether they are still in it, so nothing
/// goes wrong when a note is old, and the read model knows of those that are not here.
#[derive(Debug, Default)]
pub(crate) struct Engaged(Mutex<HashMap<UserId, (CallId, DateTime<Utc>)>>);

impl Engaged {
    /// The call that somebody may be in.
    pub(super) fn call_of(&self, user: UserId) -> Option<CallId> {
        self.0.lock().get(&user).map(|(call, _)| *call)
    }

    /// Notes that somebody is in a call.
    pub(crate) fn note(&self, user: UserId, call: CallId, now: DateTime<Utc>) {
        self.0.lock().insert(user, (call, now));
    }

    /// Forgets what the read model has known for a while.
    pub(super) fn forget_old(&self, now: DateTime<Utc>) {
        let mut engaged = self.0.lock();
        engaged.retain(|_, (_, noted)| now < *noted + FRESH);
        engaged.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_kept_until_the_read_model_must_know() {
        let (engaged, user, call) = (Engaged::default(), UserId::new(), CallId::new());
        let now = DateTime::UNIX_EPOCH;
        engaged.note(user, call, now);
        engaged.forget_old(now + TimeDelta::seconds(9));
        assert_eq!(engaged.call_of(user), Some(call));
        engaged.forget_old(now + TimeDelta::seconds(10));
        assert_eq!(engaged.call_of(user), None);
    }
}
