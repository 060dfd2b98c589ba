//! Deciders about calling and answering.

use super::{
    Call, CallAccepted, CallConnected, CallEnded, CallEvent, CallInvited, CallMedia, CallOutcome, CallRang, Phase,
};
use crate::{CallId, ConversationId, DeviceId, UserId, rejection::Rejection};

/// Who calls whom, and what is known of the callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The direct conversation of the two.
    pub conversation: ConversationId,
    /// Which call of that conversation it would be.
    pub number: u64,
    /// Voice or video.
    pub media: CallMedia,
    /// Who calls.
    pub caller: UserId,
    /// From which device.
    pub device: DeviceId,
    /// Whom.
    pub callee: UserId,
    /// The callee has blocked the caller.
    pub unheard: bool,
    /// The callee is in another call.
    pub busy: bool,
}

impl Call {
    /// Somebody calls. Who is being called by the very person whom they call answers that call instead.
    ///
    /// # Errors
    /// [`Rejection::CallOver`] where this number was used up: the next one is to be tried. [`Rejection::InAnotherCall`]
    /// where the two are in this call.
    pub fn invite(&self, invitation: &Invitation) -> Result<Vec<CallEvent>, Rejection> {
        let Some(placed) = &self.placed else { return Ok(invitation.events()) };
        let by = invitation.caller;
        // Who does not hear of a call finds the number used up.
        if !self.is_live() || (placed.unheard && placed.callee == by) {
            return Err(Rejection::CallOver);
        }
        if placed.callee == by && !self.is_answered() {
            let (call, told) = (placed.call, placed.told());
            return Ok(vec![CallAccepted { call, told, device: invitation.device, crossed: true }.into()]);
        }
        Err(Rejection::InAnotherCall)
    }

    /// A device of `by` says that it rings.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::NotTheCallee`], [`Rejection::CallOver`].
    pub fn ring(&self, by: UserId) -> Result<Vec<CallEvent>, Rejection> {
        self.check_callee(by)?;
        match self.phase {
            Phase::Invited => Ok(vec![self.rang()]),
            Phase::Ended { .. } => Err(Rejection::CallOver),
            _ => Ok(vec![]),
        }
    }

    /// A call that the callee never hears seems to ring.
    #[must_use]
    pub fn seem_to_ring(&self) -> Vec<CallEvent> {
        let unheard = self.placed.is_some_and(|placed| placed.unheard);
        if unheard && self.phase == Phase::Invited { vec![self.rang()] } else { vec![] }
    }

    /// `by` answers with a device.
    ///
    /// # Errors
    /// As [`Self::ring`]; [`Rejection::AnsweredElsewhere`] where another device was faster.
    pub fn accept(&self, by: UserId, device: DeviceId) -> Result<Vec<CallEvent>, Rejection> {
        self.check_callee(by)?;
        let placed = self.known_to(by)?;
        match self.phase {
            Phase::None => Err(Rejection::CallNotFound),
            Phase::Invited | Phase::Ringing => {
                let (call, told) = (placed.call, placed.told());
                Ok(vec![CallAccepted { call, told, device, crossed: false }.into()])
            }
            Phase::Accepted { device: first, .. } | Phase::Connected { device: first, .. } if first == device => {
                Ok(vec![])
            }
            Phase::Accepted { .. } | Phase::Connected { .. } => Err(Rejection::AnsweredElsewhere),
            Phase::Ended { .. } => Err(Rejection::CallOver),
        }
    }

    /// A device that is in the call says that it reached the other one.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallNotAnswered`], [`Rejection::DeviceNotInCall`],
    /// [`Rejection::CallOver`].
    pub fn connect(&self, by: UserId, device: DeviceId) -> Result<Vec<CallEvent>, Rejection> {
        self.known_to(by)?;
        if !self.is_live() {
            return Err(Rejection::CallOver);
        }
        self.check_device(by, device)?;
        match self.phase {
            Phase::Accepted { .. } => Ok(vec![CallConnected { told: self.told() }.into()]),
            _ => Ok(vec![]),
        }
    }

    /// Checks that a person's device is one of the two that talk.
    ///
    /// # Errors
    /// [`Rejection::CallNotAnswered`], [`Rejection::DeviceNotInCall`].
    pub fn check_device(&self, by: UserId, device: DeviceId) -> Result<(), Rejection> {
        let devices = self.devices().ok_or(Rejection::CallNotAnswered)?;
        if devices.contains(&(by, device)) { Ok(()) } else { Err(Rejection::DeviceNotInCall) }
    }

    /// The person whose device `to` is, where the device of `by` may tell it something: both talk, or are about to.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallOver`], [`Rejection::CallNotAnswered`],
    /// [`Rejection::DeviceNotInCall`].
    pub fn check_signal(&self, by: UserId, device: DeviceId, to: DeviceId) -> Result<UserId, Rejection> {
        self.known_to(by)?;
        if !self.is_live() {
            return Err(Rejection::CallOver);
        }
        self.check_device(by, device)?;
        let others = self.devices().into_iter().flatten().filter(|(_, other)| *other != device);
        let peer = others.into_iter().find(|(_, other)| *other == to).map(|(user, _)| user);
        peer.ok_or(Rejection::DeviceNotInCall)
    }

    pub(super) fn told(&self) -> Vec<UserId> {
        self.placed.map_or(vec![], |placed| placed.told())
    }

    pub(super) fn check_callee(&self, by: UserId) -> Result<(), Rejection> {
        if self.known_to(by)?.callee == by { Ok(()) } else { Err(Rejection::NotTheCallee) }
    }

    fn rang(&self) -> CallEvent {
        CallRang { told: self.told() }.into()
    }
}

impl Invitation {
    fn events(&self) -> Vec<CallEvent> {
        let Self { conversation, number, media, caller, device, callee, unheard, busy } = *self;
        let call = CallId::of(conversation, number);
        let invited = CallInvited { call, conversation, number, media, callee, device, unheard };
        let mut events = vec![invited.into()];
        // Who was blocked does not learn either whether the callee talks to somebody.
        if busy && !unheard {
            let told = vec![caller, callee];
            events.push(CallEnded { told, outcome: CallOutcome::Busy, talked: vec![], seconds: 0 }.into());
        }
        events
    }
}
