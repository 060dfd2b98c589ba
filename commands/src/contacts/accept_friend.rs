//! A person accepts a friend request.

use domain::{ConversationId, FriendshipEvent, FriendshipId, Rejection, UserId};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

impl Commands {
    /// Accepts the request of `from`: both are friends and can talk. Their conversation is opened first, so that there
    /// never is a friendship without one.
    ///
    /// # Errors
    /// [`Rejection::RequestNotFound`], [`Rejection::TooManyFriends`].
    pub async fn accept_friend(
        &self,
        caller: &Caller,
        from: UserId,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let by = caller.user()?;
        let mut begun = begin!(self, caller);
        self.befriend(&mut begun, by, from).await
    }

    /// Makes friends of `by` and `from`, whose request waits.
    pub(super) async fn befriend(
        &self,
        begun: &mut Begun,
        by: UserId,
        from: UserId,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let id = FriendshipId::between(by, from);
        self.streams.friendships.look(id, |state| state.accept(by, from, vec![])).await??;
        // A request that arrived while its sender was being blocked is none.
        if self.streams.contacts.look(by, |contacts| contacts.blocks(from)).await? {
            return Err(Rejection::RequestNotFound.into());
        }
        let mut chats_only_for = vec![];
        for side in [by, from] {
            let friends = self.relations.friend_count(side).await?;
            if friends >= self.policy.friends_max {
                return Err(Rejection::TooManyFriends { max: self.policy.friends_max }.into());
            }
            if friends >= self.policy.full_friends_max {
                chats_only_for.push(side);
            }
        }
        let conversation = ConversationId::direct(by, from);
        self.run_step(&self.streams.conversations, conversation, begun, "open", |state, _| Ok(state.open(id))).await?;
        self.attempt(&self.streams.friendships, id, begun, |state, _| state.accept(by, from, chats_only_for.clone()))
            .await
    }
}
