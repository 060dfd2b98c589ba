//! Deciders about how a call ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Call, CallAttended, CallEnded, CallEvent, CallOutcome, Phase};
use crate::{DeviceId, UserId, policy::CallsPolicy, rejection::Rejection};

/// How often it is noted that a device is connected.
const ATTENDED_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Call {
    /// The callee does not want it.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::NotTheCallee`], [`Rejection::CallAnswered`], [`Rejection::CallOver`].
    pub fn decline(&self, by: UserId) -> Result<Vec<CallEvent>, Rejection> {
        self.check_callee(by)?;
        self.end_unanswered(CallOutcome::Declined)
    }

    /// The caller gives up.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::NotTheCaller`], [`Rejection::CallAnswered`], [`Rejection::CallOver`].
    pub fn cancel(&self, by: UserId) -> Result<Vec<CallEvent>, Rejection> {
        if self.known_to(by)?.caller != by {
            return Err(Rejection::NotTheCaller);
        }
        self.end_unanswered(CallOutcome::Cancelled)
    }

    /// A device that is in the call hangs up; that it is over already does not matter.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallNotAnswered`], [`Rejection::DeviceNotInCall`].
    pub fn hang_up(&self, by: UserId, device: DeviceId, now: DateTime<Utc>) -> Result<Vec<CallEvent>, Rejection> {
        self.known_to(by)?;
        if !self.is_live() {
            return Ok(vec![]);
        }
        self.check_device(by, device)?;
        let outcome = match self.phase {
            Phase::Connected { .. } => CallOutcome::Completed,
            _ => CallOutcome::Failed,
        };
        Ok(vec![self.ended(outcome, now)])
    }

    /// What the time ends: a call that nobody answered, or that was answered and does not connect.
    #[must_use]
    pub fn fall_due(&self, now: DateTime<Utc>, policy: &CallsPolicy) -> Vec<CallEvent> {
        let Some(placed) = &self.placed else { return vec![] };
        let is_over = |since: DateTime<Utc>, seconds| now >= since + TimeDelta::seconds(seconds);
        match self.phase {
            Phase::Invited | Phase::Ringing if is_over(placed.at, policy.ring_seconds) => {
                vec![self.ended(CallOutcome::Missed, now)]
            }
            Phase::Accepted { at, .. } if is_over(at, policy.connect_seconds) => {
                vec![self.ended(CallOutcome::Failed, now)]
            }
            _ => vec![],
        }
    }

    /// Both devices have been gone since a time: what was said until then counts.
    #[must_use]
    pub fn lose(&self, gone_since: DateTime<Utc>) -> Vec<CallEvent> {
        if self.is_answered() { vec![self.ended(CallOutcome::Failed, gone_since)] } else { vec![] }
    }

    /// Notes that a device is connected, where that was not noted for a while.
    #[must_use]
    pub fn attend(&self, now: DateTime<Utc>) -> Vec<CallEvent> {
        let is_stale = self.attended.is_some_and(|at| now >= at + ATTENDED_EVERY);
        if is_stale && self.is_answered() { vec![CallAttended {}.into()] } else { vec![] }
    }

    /// Ends a call of which nobody has noted that a device is connected, neither when that was due nor for `lost_seconds`
    /// after that.
    #[must_use]
    pub fn lose_unattended(&self, now: DateTime<Utc>, policy: &CallsPolicy) -> Vec<CallEvent> {
        let patience = ATTENDED_EVERY + TimeDelta::seconds(policy.lost_seconds);
        match self.attended {
            Some(at) if now >= at + patience => self.lose(at),
            _ => vec![],
        }
    }

    fn end_unanswered(&self, outcome: CallOutcome) -> Result<Vec<CallEvent>, Rejection> {
        match self.phase {
            Phase::None => Err(Rejection::CallNotFound),
            Phase::Invited | Phase::Ringing => Ok(vec![self.ended_at_once(outcome)]),
            Phase::Accepted { .. } | Phase::Connected { .. } => Err(Rejection::CallAnswered),
            Phase::Ended { .. } => Err(Rejection::CallOver),
        }
    }

    fn ended_at_once(&self, outcome: CallOutcome) -> CallEvent {
        CallEnded { told: self.told(), outcome, talked: vec![], seconds: 0 }.into()
    }

    /// The end, with how long they talked until `until`.
    fn ended(&self, outcome: CallOutcome, until: DateTime<Utc>) -> CallEvent {
        let (Phase::Connected { since, .. }, Some(placed)) = (self.phase, self.placed) else {
            return self.ended_at_once(outcome);
        };
        let seconds = u64::try_from((until - since).num_seconds()).unwrap_or(0);
        let talked = vec![placed.caller, placed.callee];
        CallEnded { told: self.told(), outcome, talked, seconds }.into()
    }
}
