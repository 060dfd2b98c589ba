//! The process manager of calls: ends what nobody answers, what does not connect and what everybody has left, and shows
//! what is over.
//!
//! Its to-do list is a read model, so a call that was ringing when the server was killed ends by its time all the same.
//! Who is connected, only the running server knows: after a start everybody has the whole time to come back. Where several
//! servers share the log, each notes in the calls of its own devices that they are attended.

use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Call, CallEvent, CallId, DeviceId, UserId};
use parking_lot::Mutex;

use crate::{Caller, CommandError, Commands, engine::Begun, ports::LiveCall, processes::counted};

/// How many calls are shown in one round.
const ROUND: usize = 256;
/// After how long a call that the callee never hears seems to ring.
const SEEMS_TO_RING_AFTER: TimeDelta = TimeDelta::seconds(1);

/// Since when whoever there is of something has been gone: all devices of a call, or one of a group's.
#[derive(Debug)]
pub(crate) struct Absences<K>(Mutex<HashMap<K, DateTime<Utc>>>);

impl<K> Default for Absences<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash> Absences<K> {
    /// Notes whether they are gone; since when, where they are.
    pub(crate) fn note(&self, of: K, gone: bool, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut absences = self.0.lock();
        if !gone {
            absences.remove(&of);
            return None;
        }
        Some(*absences.entry(of).or_insert(now))
    }

    /// Forgets what is over.
    pub(crate) fn retain(&self, is_live: impl Fn(K) -> bool) {
        self.0.lock().retain(|of, _| is_live(*of));
    }
}

impl Commands {
    /// Does everything that is due about calls; tells how many items it did something about.
    ///
    /// # Errors
    /// The first that a list gives; an item's failure is logged, and the item stays on its list.
    pub async fn run_calls(&self) -> Result<usize, CommandError> {
        let mut done = 0;
        for call in self.call_list.unshown(ROUND).await? {
            done += counted("show call", self.show_call(call).await);
        }
        let live = self.call_list.live().await?;
        for item in &live {
            if self.is_due(item) {
                done += counted("end call", self.look_after(item).await);
            }
        }
        let is_live = |call: CallId| live.binary_search_by_key(&call, |item| item.call).is_ok();
        self.absences.retain(is_live);
        self.engaged.forget_old(self.now());
        Ok(done)
    }

    /// Whether there may be something to do about a call: a cheap look.
    fn is_due(&self, item: &LiveCall) -> bool {
        let (policy, now) = (&self.policy.calls, self.now());
        let is_over = |seconds| now >= item.since + TimeDelta::seconds(seconds);
        match item.devices {
            None => is_over(policy.ring_seconds) || (item.unheard && now >= item.since + SEEMS_TO_RING_AFTER),
            Some(_) => true,
        }
    }

    /// Notes in calls that are under way that a device is connected here, where nobody has noted it for a while; only where
    /// several servers share the log.
    ///
    /// # Errors
    /// When the list of calls does not answer; a call that can't be noted in is logged and tried again.
    pub async fn attend_calls(&self) -> Result<(), CommandError> {
        self.engaged.forget_old(self.now());
        for item in self.call_list.live().await? {
            if let Some(devices) = item.devices {
                counted("attend call", self.attend(item.call, devices).await);
            }
        }
        Ok(())
    }

    async fn attend(&self, call: CallId, devices: [(UserId, DeviceId); 2]) -> Result<(), CommandError> {
        // Looked at again by each attempt: where another node was faster, a moment has gone by.
        let decide = |state: &Call, now| {
            let is_here = devices.iter().any(|(user, device)| self.presence.is_connected(*user, *device));
            if is_here { state.attend(now) } else { vec![] }
        };
        if self.streams.calls.look(call, |state| decide(state, self.now()).is_empty()).await? {
            return Ok(());
        }
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.streams.calls, call, begun, |state, now| Ok(decide(state, now))).await?;
        Ok(())
    }

    async fn look_after(&self, item: &LiveCall) -> Result<(), CommandError> {
        let policy = &self.policy.calls;
        let is_shared = self.heard.is_shared();
        let gone_since = item.devices.filter(|_| !is_shared).and_then(|devices| {
            let gone = devices.iter().all(|(user, device)| !self.presence.is_connected(*user, *device));
            self.absences.note(item.call, gone, self.now())
        });
        let lost = TimeDelta::seconds(policy.lost_seconds);
        let lost_since = gone_since.filter(|since| self.now() >= *since + lost);
        let decide = |state: &Call, now: DateTime<Utc>| -> Vec<CallEvent> {
            let due = state.fall_due(now, policy);
            match lost_since {
                _ if !due.is_empty() => due,
                Some(since) => state.lose(since),
                None if is_shared && state.is_answered() => state.lose_unattended(now, policy),
                None => state.seem_to_ring(),
            }
        };
        // Most are looked at in vain.
        if self.streams.calls.look(item.call, |state| decide(state, self.now()).is_empty()).await? {
            return Ok(());
        }
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.streams.calls, item.call, begun, |state, now| Ok(decide(state, now))).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_begins_when_the_last_device_goes_and_ends_when_one_comes_back() {
        let (absences, call) = (Absences::default(), CallId::new());
        let second = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        assert_eq!(absences.note(call, true, second(1)), Some(second(1)));
        assert_eq!(absences.note(call, true, second(5)), Some(second(1)));
        assert_eq!(absences.note(call, false, second(6)), None);
        assert_eq!(absences.note(call, true, second(7)), Some(second(7)));
        absences.retain(|_| false);
        assert_eq!(absences.note(call, true, second(9)), Some(second(9)));
    }
}
