//! Calls of groups, from the first ring until the last one has left.
//!
//! # Layout
//! - [`events`]: what can happen.
//! - this file: the state and its fold; `time`: for how long people were together.
//! - [`joining`]: deciders about starting, joining and declining.
//! - [`leaving`]: deciders about leaving, and what the time ends.
//!
//! The id of a call follows from its group and a number, as that of a call of two does: of two who start one at the same
//! moment, the second joins the first.
//!
//! Who may start or join one, the group's members decide; that is the command's to check, which knows them.

pub mod events;
pub mod joining;
pub mod leaving;
#[cfg(test)]
mod tests;
mod time;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use events::*;
pub use joining::GroupInvitation;
pub use leaving::Gone;

use self::time::Together;
use crate::{
    CallId, ConversationId, DeviceId, UserId,
    call::{CallMedia, CallOutcome},
    event::{Aggregate, EventMeta},
    rejection::Rejection,
};

/// Who called which group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The call.
    pub call: CallId,
    /// The group.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who called.
    pub starter: UserId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Somebody who is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub user: UserId,
    /// With which device.
    pub device: DeviceId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Their place: a number that nobody else in it has.
    pub place: usize,
}

/// The call of a group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GroupCall {
    /// Who called; none where there is no such call.
    pub started: Option<Started>,
    /// Who is in it, who came first first.
    pub present: Vec<Participant>,
    /// Which way sound and pictures go.
    pub way: CallWay,
    /// For whom it rings.
    ringing: Vec<UserId>,
    /// For whom it only seems to ring.
    spared: Vec<UserId>,
    /// Everybody who has heard of it.
    heard: Vec<UserId>,
    /// For how long people were in it together.
    together: Together,
    /// Since when somebody is alone in it.
    alone_since: Option<DateTime<Utc>>,
    /// How it ended, and for how long they talked, in seconds.
    pub ended: Option<(CallOutcome, u64)>,
}

impl GroupCall {
    /// Whether it has begun and is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.started.is_some() && self.ended.is_none()
    }

    /// Whether it keeps `user` from other calls.
    #[must_use]
    pub fn engages(&self, user: UserId) -> bool {
        self.is_live() && self.participant(user).is_some()
    }

    /// For whom it rings, or seems to.
    pub fn rung(&self) -> impl Iterator<Item = UserId> {
        self.ringing.iter().chain(&self.spared).copied()
    }

    /// What somebody who is in it is in it with.
    #[must_use]
    pub fn participant(&self, user: UserId) -> Option<&Participant> {
        self.present.iter().find(|participant| participant.user == user)
    }

    /// The person whose device `to` is, where the device of `by` may tell it something: both are in the call.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`] for who has not heard of it, [`Rejection::CallOver`], [`Rejection::DeviceNotInCall`].
    pub fn check_signal(&self, by: UserId, device: DeviceId, to: DeviceId) -> Result<UserId, Rejection> {
        if !self.heard.contains(&by) {
            return Err(Rejection::CallNotFound);
        }
        if !self.is_live() {
            return Err(Rejection::CallOver);
        }
        let has = |device: DeviceId| self.present.iter().find(move |participant| participant.device == device);
        match (has(device), has(to)) {
            (Some(from), Some(to)) if from.user == by && from.device != to.device => Ok(to.user),
            _ => Err(Rejection::DeviceNotInCall),
        }
    }

    /// Whose devices are told what becomes of it: who is in it, and for whom it rings.
    fn told(&self) -> Vec<UserId> {
        self.told_with(None)
    }

    /// The same, and somebody else.
    fn told_with(&self, further: Option<UserId>) -> Vec<UserId> {
        let mut told: Vec<UserId> = self.present.iter().map(|participant| participant.user).collect();
        told.extend(&self.ringing);
        told.extend(further);
        told.sort_unstable();
        told.dedup();
        told
    }

    /// The lowest place that nobody has.
    fn free_place(&self) -> usize {
        (0..).find(|place| self.present.iter().all(|participant| participant.place != *place)).unwrap_or_default()
    }

    fn hears(&mut self, user: UserId) {
        if !self.heard.contains(&user) {
            self.heard.push(user);
        }
    }

    fn stops_ringing_for(&mut self, user: UserId) {
        self.ringing.retain(|ringing| *ringing != user);
        self.spared.retain(|spared| *spared != user);
    }

    /// Takes in who is in the call from a time on.
    fn present_from(&mut self, at: DateTime<Utc>) {
        self.together.next(at, &self.present);
        self.alone_since = match self.present.len() {
            1 => self.alone_since.or(Some(at)),
            _ => None,
        };
    }
}

impl Aggregate for GroupCall {
    type Id = CallId;
    type Event = GroupCallEvent;
    const CATEGORY: &'static str = "group-call";

    fn evolve(&mut self, event: &GroupCallEvent, meta: &EventMeta) {
        match event {
            GroupCallEvent::GroupCallStarted(started) => {
                let Some(starter) = meta.actor else { return };
                let GroupCallStarted { call, conversation, media, device, .. } = *started;
                self.started = Some(Started { call, conversation, media, starter, at: meta.at });
                self.spared.clone_from(&started.spared);
                self.ringing.clone_from(&started.rung);
                self.ringing.retain(|user| !started.spared.contains(user));
                self.heard.clone_from(&self.ringing);
                self.hears(starter);
                self.present = vec![Participant { user: starter, device, since: meta.at, place: 0 }];
                self.present_from(meta.at);
            }
            GroupCallEvent::GroupCallJoined(joined) => {
                let Some(user) = meta.actor else { return };
                self.hears(user);
                self.stops_ringing_for(user);
                let GroupCallJoined { device, place, .. } = *joined;
                self.present.push(Participant { user, device, since: meta.at, place });
                self.way = joined.way;
                self.present_from(meta.at);
            }
            GroupCallEvent::GroupCallDeclined(_) => {
                if let Some(user) = meta.actor {
                    self.stops_ringing_for(user);
                }
            }
            GroupCallEvent::GroupCallUnanswered(unanswered) => {
                unanswered.people.iter().for_each(|user| self.stops_ringing_for(*user));
            }
            GroupCallEvent::GroupCallLeft(left) => {
                self.present.retain(|participant| participant.user != left.user);
                self.present_from(left.until);
            }
            GroupCallEvent::GroupCallEnded(ended) => {
                self.present.clear();
                self.ringing.clear();
                self.spared.clear();
                self.alone_since = None;
                self.ended = Some((ended.outcome, ended.seconds));
            }
        }
    }
}
