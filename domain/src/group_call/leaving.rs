//! Deciders about leaving the call of a group, and about what the time ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Departure, GroupCall, GroupCallEnded, GroupCallEvent, GroupCallLeft, GroupCallUnanswered};
use crate::{
    DeviceId, UserId,
    call::CallOutcome,
    event::{Aggregate, EventMeta},
    policy::CallsPolicy,
    rejection::Rejection,
};

/// Somebody who can't be in a call any longer, or come into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Who.
    pub user: UserId,
    /// Why.
    pub reason: Departure,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl GroupCall {
    /// Somebody leaves; who has left already has nothing to do. When nobody is left, it is over.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`] for who has not heard of it; [`Rejection::DeviceNotInCall`] where they are in it with
    /// another device.
    pub fn leave(&self, by: UserId, device: DeviceId, now: DateTime<Utc>) -> Result<Vec<GroupCallEvent>, Rejection> {
        if !self.heard.contains(&by) {
            return Err(Rejection::CallNotFound);
        }
        match self.participant(by) {
            None => Ok(vec![]),
            Some(participant) if participant.device != device => Err(Rejection::DeviceNotInCall),
            Some(_) => Ok(self.without(&[Gone { user: by, reason: Departure::Left, since: now }])),
        }
    }

    /// What the time has come for: `gone` are in it no longer, it stops ringing, and a call that somebody has been alone
    /// in for as long as it rings is over.
    #[must_use]
    pub fn fall_due(&self, gone: &[Gone], now: DateTime<Utc>, policy: &CallsPolicy) -> Vec<GroupCallEvent> {
        let Some(started) = self.started.filter(|_| self.is_live()) else { return vec![] };
        let mut events = self.without(gone);
        let mut state = self.clone();
        events.iter().for_each(|event| state.evolve(event, &EventMeta { actor: None, at: now, version: 0 }));
        let is_over = |since: DateTime<Utc>| now >= since + TimeDelta::seconds(policy.ring_seconds);
        if !state.is_live() {
            return events;
        }
        if state.alone_since.is_some_and(is_over) {
            let outcome = if state.together.were_two() { CallOutcome::Completed } else { CallOutcome::Missed };
            events.push(state.ended(outcome, now));
        } else if is_over(started.at) {
            let mut people: Vec<UserId> = state.rung().collect();
            people.sort_unstable();
            if !people.is_empty() {
                events.push(GroupCallUnanswered { told: state.told(), people }.into());
            }
        }
        events
    }

    /// What comes of it that some are in it no longer, or can't come any more.
    fn without(&self, gone: &[Gone]) -> Vec<GroupCallEvent> {
        let mut state = self.clone();
        let mut events = vec![];
        for Gone { user, reason, since } in gone {
            if state.participant(*user).is_none() {
                if state.rung().any(|rung| rung == *user) {
                    let unanswered: GroupCallEvent =
                        GroupCallUnanswered { told: state.told(), people: vec![*user] }.into();
                    state.evolve(&unanswered, &EventMeta { actor: None, at: *since, version: 0 });
                    events.push(unanswered);
                }
                continue;
            }
            let left: GroupCallEvent =
                GroupCallLeft { told: state.told(), user: *user, reason: *reason, until: *since }.into();
            state.evolve(&left, &EventMeta { actor: None, at: *since, version: 0 });
            events.push(left);
            if state.present.is_empty() {
                let outcome = match (state.together.were_two(), reason) {
                    (true, Departure::Lost) => CallOutcome::Failed,
                    (true, _) => CallOutcome::Completed,
                    (false, Departure::Lost) => CallOutcome::Missed,
                    (false, _) => CallOutcome::Cancelled,
                };
                events.push(state.ended(outcome, *since));
                break;
            }
        }
        events
    }

    /// The end, with how long they were together until `until`.
    pub(super) fn ended(&self, outcome: CallOutcome, until: DateTime<Utc>) -> GroupCallEvent {
        let (seconds, talked) = self.together.counted(until);
        let mut told = self.heard.clone();
        told.sort_unstable();
        GroupCallEnded { told, outcome, seconds, talked }.into()
    }
}
