//! A member calls a group.

use domain::{
    CallId, ConversationId, DeviceId, GroupCall, GroupCallEvent, Rejection, UserId, call::CallMedia,
    group_call::GroupInvitation,
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// How many numbers are tried: more calls of a group don't end between two looks of the read model.
const NUMBERS: u64 = 64;

/// Which group to call, and how.
#[derive(Clone, Debug)]
pub struct GroupCallToStart {
    /// The group.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// For whom it is to ring; for all other members if not given.
    pub ring: Option<Vec<UserId>>,
}

impl Commands {
    /// Calls a group, whose call the caller is in from then on with this device. Where there is one already, they join it.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::NotAGroup`], [`Rejection::NotAMember`]; who may not speak there;
    /// [`Rejection::InAnotherCall`], [`Rejection::MemberNotFound`], [`Rejection::RingsForTooMany`],
    /// [`Rejection::CallFull`].
    pub async fn start_group_call(
        &self,
        caller: &Caller,
        command: GroupCallToStart,
    ) -> Result<Committed<GroupCallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        let mut begun = begin!(self, caller);
        if self.peer_in(by, command.conversation).await?.is_some() {
            return Err(Rejection::NotAGroup.into());
        }
        let last = self.group_call_list.last_number(command.conversation)?;
        for number in last.max(1)..=last + NUMBERS {
            match self.start_numbered(&mut begun, by, device, &command, number).await {
                Err(CommandError::Rejected(Rejection::CallOver)) => {}
                outcome => return outcome,
            }
        }
        Err(CommandError::Contended)
    }

    /// Starts the call with that number, or joins it.
    async fn start_numbered(
        &self,
        begun: &mut Begun,
        starter: UserId,
        device: DeviceId,
        command: &GroupCallToStart,
        number: u64,
    ) -> Result<Committed<GroupCallEvent>, CommandError> {
        let (conversation, media) = (command.conversation, command.media);
        let call = CallId::of(conversation, number);
        let (is_live, is_over) =
            self.streams.group_calls.look(call, |state| (state.is_live(), state.ended.is_some())).await?;
        if is_over {
            return Err(Rejection::CallOver.into());
        }
        if self.is_engaged(starter, Some(call)).await? {
            return Err(Rejection::InAnotherCall.into());
        }
        let rung = if is_live { vec![] } else { self.rung_by(starter, command).await? };
        let spared = self.spared(starter, &rung).await?;
        let invitation = GroupInvitation { conversation, number, media, starter, device, rung, spared };
        // Before it is decided: who calls them in the next moment must find them busy.
        self.engaged.note(starter, call, self.now());
        let forwards = self.forwarder.is_some();
        let start = |state: &GroupCall, _| state.start(&invitation, &self.policy.calls, forwards);
        self.attempt(&self.streams.group_calls, call, begun, start).await
    }

    /// For whom it rings. Who may not speak in the group calls nobody.
    async fn rung_by(&self, starter: UserId, command: &GroupCallToStart) -> Result<Vec<UserId>, CommandError> {
        let now = self.now();
        let members = self.streams.conversations.look(command.conversation, |state| {
            state.check_voice(starter, now)?;
            Ok::<Vec<UserId>, Rejection>(state.live_group_of(starter)?.members.keys().copied().collect())
        });
        let members = members.await??;
        Ok(GroupInvitation::rung(starter, &members, command.ring.as_deref(), &self.policy.calls)?)
    }

    /// Those who have blocked the starter.
    async fn spared(&self, starter: UserId, rung: &[UserId]) -> Result<Vec<UserId>, CommandError> {
        let mut spared = vec![];
        for user in rung {
            if self.streams.contacts.look(*user, |contacts| contacts.blocks(starter)).await? {
                spared.push(*user);
            }
        }
        Ok(spared)
    }
}
