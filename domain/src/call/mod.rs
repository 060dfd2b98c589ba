//! Calls of two people, from the first ring to the last word.
//!
//! # Layout
//! - [`events`]: what can happen.
//! - this file: the state and its fold.
//! - [`placing`]: deciders about calling and answering.
//! - [`ending`]: deciders about how it ends.
//!
//! The id of a call follows from its conversation and a number, so that two people who call each other at the same moment
//! decide on the same stream: the second one answers the first.
//!
//! A call from somebody whom the callee has blocked takes its course as if nobody was there.

pub mod ending;
pub mod events;
pub mod placing;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use events::*;
pub use placing::Invitation;

use crate::{
    CallId, ConversationId, DeviceId, UserId,
    event::{Aggregate, EventMeta},
    rejection::Rejection,
};

/// Who called whom about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The call.
    pub call: CallId,
    /// The direct conversation of the two.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who called.
    pub caller: UserId,
    /// The device that they called from.
    pub device: DeviceId,
    /// Whom.
    pub callee: UserId,
    /// The callee never hears of it.
    pub unheard: bool,
    /// When.
    pub at: DateTime<Utc>,
}

impl Placed {
    /// Whose devices are told what becomes of it.
    fn told(&self) -> Vec<UserId> {
        if self.unheard { vec![self.caller] } else { vec![self.caller, self.callee] }
    }
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// There is none yet.
    #[default]
    None,
    /// The callee's devices are being told.
    Invited,
    /// One of them rings.
    Ringing,
    /// Answered.
    Accepted {
        /// By which device.
        device: DeviceId,
        /// When.
        at: DateTime<Utc>,
    },
    /// They talk.
    Connected {
        /// The device that answered.
        device: DeviceId,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Over.
    Ended {
        /// How.
        outcome: CallOutcome,
        /// For how long they talked, in seconds.
        seconds: u64,
    },
}

/// A call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Call {
    /// Who called whom; none where there is no such call.
    pub placed: Option<Placed>,
    /// How far it has come.
    pub phase: Phase,
    /// When a device of it was known to be connected last; none before it is answered.
    #[serde(default)]
    pub attended: Option<DateTime<Utc>>,
}

impl Call {
    /// The call, as one that `user` takes part in as far as they know.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`].
    pub fn known_to(&self, user: UserId) -> Result<&Placed, Rejection> {
        let placed = self.placed.as_ref().filter(|placed| placed.told().contains(&user));
        placed.ok_or(Rejection::CallNotFound)
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::None | Phase::Ended { .. })
    }

    /// Whether somebody answered and it is not over.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        matches!(self.phase, Phase::Accepted { .. } | Phase::Connected { .. })
    }

    /// Whether it keeps `user` from other calls: the caller from the beginning, the callee once they have answered.
    #[must_use]
    pub fn engages(&self, user: UserId) -> bool {
        self.is_live() && self.placed.is_some_and(|placed| placed.caller == user || self.has_answered(user))
    }

    fn has_answered(&self, user: UserId) -> bool {
        self.is_answered() && self.placed.is_some_and(|placed| placed.callee == user)
    }

    /// The devices that talk: the caller's, then the callee's; none before it is answered or when it is over.
    #[must_use]
    pub fn devices(&self) -> Option<[(UserId, DeviceId); 2]> {
        let placed = self.placed?;
        match self.phase {
            Phase::Accepted { device, .. } | Phase::Connected { device, .. } => {
                Some([(placed.caller, placed.device), (placed.callee, device)])
            }
            _ => None,
        }
    }
}

impl Aggregate for Call {
    type Id = CallId;
    type Event = CallEvent;
    const CATEGORY: &'static str = "call";

    fn evolve(&mut self, event: &CallEvent, meta: &EventMeta) {
        match event {
            CallEvent::CallInvited(invited) => {
                self.placed = meta.actor.map(|caller| Placed {
                    call: invited.call,
                    conversation: invited.conversation,
                    media: invited.media,
                    caller,
                    device: invited.device,
                    callee: invited.callee,
                    unheard: invited.unheard,
                    at: meta.at,
                });
                self.phase = Phase::Invited;
            }
            CallEvent::CallRang(_) => self.phase = Phase::Ringing,
            CallEvent::CallAccepted(accepted) => {
                self.phase = Phase::Accepted { device: accepted.device, at: meta.at };
                self.attended = Some(meta.at);
            }
            CallEvent::CallConnected(_) => {
                if let Phase::Accepted { device, .. } = self.phase {
                    self.phase = Phase::Connected { device, since: meta.at };
                }
                self.attended = Some(meta.at);
            }
            CallEvent::CallAttended(_) => self.attended = Some(meta.at),
            CallEvent::CallEnded(ended) => {
                self.phase = Phase::Ended { outcome: ended.outcome, seconds: ended.seconds };
            }
        }
    }
}
