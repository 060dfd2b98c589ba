//! Deciders about starting, joining and declining the call of a group.

use super::{CallWay, GroupCall, GroupCallDeclined, GroupCallEvent, GroupCallJoined, GroupCallStarted};
use crate::{
    CallId, ConversationId, DeviceId, UserId,
    call::{CallMedia, CallOutcome},
    policy::CallsPolicy,
    rejection::Rejection,
};

/// Who calls a group, and for whom it is to ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInvitation {
    /// The group.
    pub conversation: ConversationId,
    /// Which call of that group it would be.
    pub number: u64,
    /// Voice or video.
    pub media: CallMedia,
    /// Who calls.
    pub starter: UserId,
    /// With which device.
    pub device: DeviceId,
    /// For whom it rings.
    pub rung: Vec<UserId>,
    /// Those of them who have blocked the starter.
    pub spared: Vec<UserId>,
}

impl GroupInvitation {
    /// For whom a call rings that a member starts: for those whom they name, or else for all other members.
    ///
    /// # Errors
    /// [`Rejection::MemberNotFound`] where one of them is no other member; [`Rejection::RingsForTooMany`].
    pub fn rung(
        starter: UserId,
        members: &[UserId],
        named: Option<&[UserId]>,
        policy: &CallsPolicy,
    ) -> Result<Vec<UserId>, Rejection> {
        let others = || members.iter().copied().filter(move |member| *member != starter);
        let mut rung: Vec<UserId> = match named {
            None => others().collect(),
            Some(named) if named.iter().all(|user| others().any(|other| other == *user)) => named.to_vec(),
            Some(_) => return Err(Rejection::MemberNotFound),
        };
        rung.sort_unstable();
        rung.dedup();
        let max = policy.group_max.saturating_sub(1);
        if rung.len() > max { Err(Rejection::RingsForTooMany { max }) } else { Ok(rung) }
    }

    fn event(&self) -> GroupCallEvent {
        let Self { conversation, number, media, device, .. } = *self;
        let (rung, spared) = (self.rung.clone(), self.spared.clone());
        let call = CallId::of(conversation, number);
        GroupCallStarted { call, conversation, number, media, device, rung, spared }.into()
    }
}

impl GroupCall {
    /// A member calls the group. Where that call was started a moment ago, they join it.
    ///
    /// # Errors
    /// [`Rejection::CallOver`] where this number was used up: the next one is to be tried. [`Rejection::InAnotherCall`]
    /// where they are in this call; as [`Self::join`].
    pub fn start(
        &self,
        invitation: &GroupInvitation,
        policy: &CallsPolicy,
        forwards: bool,
    ) -> Result<Vec<GroupCallEvent>, Rejection> {
        match self.started {
            None => Ok(vec![invitation.event()]),
            Some(_) if self.engages(invitation.starter) => Err(Rejection::InAnotherCall),
            Some(_) => self.join(invitation.starter, invitation.device, policy, forwards),
        }
    }

    /// A member comes in with a device. Where the server forwards, it does so from when they are more than devices can
    /// send to each other.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallOver`], [`Rejection::CallFull`]; [`Rejection::AnsweredElsewhere`]
    /// where they are in it with another device.
    pub fn join(
        &self,
        by: UserId,
        device: DeviceId,
        policy: &CallsPolicy,
        forwards: bool,
    ) -> Result<Vec<GroupCallEvent>, Rejection> {
        let started = self.started.ok_or(Rejection::CallNotFound)?;
        if !self.is_live() {
            return Err(Rejection::CallOver);
        }
        match self.participant(by) {
            Some(participant) if participant.device == device => Ok(vec![]),
            Some(_) => Err(Rejection::AnsweredElsewhere),
            None if self.present.len() >= policy.group_max => Err(Rejection::CallFull { max: policy.group_max }),
            None => {
                let (call, told) = (started.call, self.told_with(Some(by)));
                let way = if forwards && self.present.len() >= policy.mesh_max { CallWay::Forwarded } else { self.way };
                Ok(vec![GroupCallJoined { call, told, device, place: self.free_place(), way }.into()])
            }
        }
    }

    /// Somebody for whom it rings does not want it. When nobody else has come and it rings for nobody any more, it is
    /// over. For whom it does not ring there is nothing to do.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallOver`]; [`Rejection::CallAnswered`] for who is in it.
    pub fn decline(&self, by: UserId) -> Result<Vec<GroupCallEvent>, Rejection> {
        let started = self.started.ok_or(Rejection::CallNotFound)?;
        if !self.is_live() {
            return Err(Rejection::CallOver);
        }
        if self.participant(by).is_some() {
            return Err(Rejection::CallAnswered);
        }
        if !self.ringing.contains(&by) {
            return Ok(vec![]);
        }
        let mut events = vec![GroupCallDeclined { told: self.told() }.into()];
        // For who is spared it seems to ring on.
        let rings = self.ringing.len() > 1 || !self.spared.is_empty();
        if !rings && !self.together.were_two() {
            events.push(self.ended(CallOutcome::Declined, started.at));
        }
        Ok(events)
    }
}
