//! Use cases about conversations and what is said in them.

mod announce;
mod answer_invitation;
mod answer_join_request;
mod appoint_admin;
mod create_group;
mod disband_group;
mod dismiss_admin;
mod fetch_join_code;
mod forward_messages;
mod invite_members;
mod join_by_code;
mod leave_group;
mod mute_member;
mod pat;
mod recall_message;
mod remove_members;
mod rename_group;
mod send_message;
mod set_all_mute;
mod set_invite_confirmation;
mod set_nickname;
mod transfer_group;
mod unmute_member;

pub use create_group::CreateGroup;
pub use forward_messages::ForwardMessages;

use chrono::{DateTime, Utc};
use domain::{Conversation, ConversationEvent, ConversationId, FriendshipId, Rejection, UserId};

use crate::{CommandError, Commands, Committed, engine::Begun};

impl Commands {
    /// The other person of a direct conversation, if what `by` says would reach them.
    ///
    /// # Errors
    /// As for sending a message; [`Rejection::ContentNotAllowed`] with an official account.
    pub async fn reachable_peer(
        &self,
        by: UserId,
        conversation: ConversationId,
    ) -> Result<Option<UserId>, CommandError> {
        self.check_reaches(by, conversation).await?;
        let (peer, official) = self
            .streams
            .conversations
            .look(conversation, |state| (state.peer_of(by), state.account_talk().is_ok()))
            .await?;
        // An official account is nobody whom money could be sent to.
        if official { Err(Rejection::ContentNotAllowed.into()) } else { Ok(peer) }
    }

    /// The other person of a direct conversation that `by` is in; none for a group.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`] where there is none, or not for `by`; as for sending a message in a group.
    pub(crate) async fn peer_in(
        &self,
        by: UserId,
        conversation: ConversationId,
    ) -> Result<Option<UserId>, CommandError> {
        let (part, peer) =
            self.streams.conversations.look(conversation, |state| (state.check_part(by), state.peer_of(by))).await?;
        self.as_known_to(by, conversation, part.map_err(CommandError::from)).await?;
        Ok(peer)
    }

    /// Checks that what `by` says in a direct conversation reaches the other. Groups have no such hindrance.
    ///
    /// # Errors
    /// [`Rejection::NotFriends`] when either removed the other, [`Rejection::RejectedByReceiver`] when the other blocked
    /// `by`; [`Rejection::NotFollowed`] of an official account; [`Rejection::ConversationNotFound`] where there is none, or not for `by`.
    async fn check_reaches(&self, by: UserId, conversation: ConversationId) -> Result<(), CommandError> {
        let peer = self.peer_in(by, conversation).await?;
        let talk = self
            .streams
            .conversations
            .look(conversation, |state| state.account_talk().ok().map(|talk| (talk.account, talk.follower)));
        if let Some((account, follower)) = talk.await? {
            return self.check_followed(account, follower).await;
        }
        match peer {
            Some(peer) => self.check_friend(by, peer).await,
            None => Ok(()),
        }
    }

    /// Runs the last step of a command on a conversation.
    async fn run_in(
        &self,
        conversation: ConversationId,
        begun: Begun,
        decide: impl Fn(&Conversation, DateTime<Utc>) -> Result<Vec<ConversationEvent>, Rejection>,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = begun.actor;
        let outcome = self.run(&self.streams.conversations, conversation, begun, decide).await;
        match by {
            Some(by) => self.as_known_to(by, conversation, outcome).await,
            None => outcome,
        }
    }

    /// What `by` is told of a conversation: that one is no member tells that there is such a group, so who never was in
    /// it, and does not wait to be, is told that there is none.
    async fn as_known_to<T>(
        &self,
        by: UserId,
        conversation: ConversationId,
        outcome: Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        if !matches!(&outcome, Err(CommandError::Rejected(Rejection::NotAMember | Rejection::GroupDisbanded))) {
            return outcome;
        }
        let waits = self.streams.conversations.look(conversation, |state| state.has_waiting(by)).await?;
        if waits || self.relations.knows_conversation(by, conversation).await? {
            return outcome;
        }
        Err(Rejection::ConversationNotFound.into())
    }

    /// Checks that `other` has `by` as a friend, as `by` has `other`, and has not blocked `by`.
    ///
    /// # Errors
    /// [`Rejection::NotFriends`], [`Rejection::RejectedByReceiver`].
    async fn check_friend(&self, by: UserId, other: UserId) -> Result<(), CommandError> {
        let id = FriendshipId::between(by, other);
        if !self.streams.friendships.look(id, domain::Friendship::is_mutual).await? {
            return Err(Rejection::NotFriends.into());
        }
        if self.streams.contacts.look(other, |contacts| contacts.blocks(by)).await? {
            return Err(Rejection::RejectedByReceiver.into());
        }
        Ok(())
    }
}
