//! A person calls a friend.

use domain::{
    CallEvent, CallId, ConversationId, DeviceId, FriendshipId, Rejection, UserId,
    call::{CallMedia, Invitation},
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// How many numbers are tried: more calls of two people don't end between two looks of the read model.
const NUMBERS: u64 = 64;

/// Whom to call, and how.
#[derive(Clone, Copy, Debug)]
pub struct CallToPlace {
    /// The direct conversation with them.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
}

impl Commands {
    /// Calls a friend. Where they are in another call, it is over at once; where they are calling the caller at this
    /// moment, that call is answered instead. Whom the friend has blocked is answered as if nobody was there.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::NotADirectConversation`], [`Rejection::NotFriends`],
    /// [`Rejection::InAnotherCall`].
    pub async fn place_call(
        &self,
        caller: &Caller,
        command: CallToPlace,
    ) -> Result<Committed<CallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        let mut begun = begin!(self, caller);
        let callee = self.friend_in(by, command.conversation).await?;
        if self.is_engaged(by, None).await? {
            return Err(Rejection::InAnotherCall.into());
        }
        self.invite(&mut begun, by, device, callee, command).await
    }

    async fn invite(
        &self,
        begun: &mut Begun,
        caller: UserId,
        device: DeviceId,
        callee: UserId,
        command: CallToPlace,
    ) -> Result<Committed<CallEvent>, CommandError> {
        let CallToPlace { conversation, media } = command;
        let unheard = self.streams.contacts.look(callee, |contacts| contacts.blocks(caller)).await?;
        let busy = self.is_engaged(callee, None).await?;
        let last = self.call_list.last_number(conversation)?;
        for number in last.max(1)..=last + NUMBERS {
            let call = CallId::of(conversation, number);
            let invitation = Invitation { conversation, number, media, caller, device, callee, unheard, busy };
            // Before it is decided: who calls the same person in the next moment must find it.
            self.engaged.note(caller, call, self.now());
            match self.attempt(&self.streams.calls, call, begun, |state, _| state.invite(&invitation)).await {
                Err(CommandError::Rejected(Rejection::CallOver)) => {}
                outcome => return outcome,
            }
        }
        Err(CommandError::Contended)
    }

    /// The other person of a direct conversation, who must be a friend.
    async fn friend_in(&self, by: UserId, conversation: ConversationId) -> Result<UserId, CommandError> {
        let callee = self.peer_in(by, conversation).await?.ok_or(Rejection::NotADirectConversation)?;
        let friends =
            self.streams.friendships.look(FriendshipId::between(by, callee), domain::Friendship::is_mutual).await?;
        if friends { Ok(callee) } else { Err(Rejection::NotFriends.into()) }
    }
}
