//! A person asks another to be friends.

use domain::{
    Friendship, FriendshipEvent, FriendshipId, Rejection, UserId,
    friendship::{FriendRequested, Source},
    user::WhoMayAdd,
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub struct RequestFriend {
    /// Whom.
    pub to: UserId,
    /// A few words.
    pub greeting: String,
    /// How they came upon them.
    pub source: Source,
}

impl Commands {
    /// Asks to be friends. Who was blocked is answered as if nothing were wrong, and never heard. Who still has the
    /// caller as a friend is added back at once; asking somebody whose own request waits accepts it.
    ///
    /// # Errors
    /// [`Rejection::PersonNotFound`] also where the person's settings let nobody know of them;
    /// [`Rejection::AddingNotAllowed`], [`Rejection::AlreadyFriends`], [`Rejection::TooManyFriends`],
    /// [`Rejection::TooManyRequests`].
    pub async fn request_friend(
        &self,
        caller: &Caller,
        command: RequestFriend,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let from = caller.user()?;
        let mut begun = begin!(self, caller);
        let to = command.to;
        if from == to {
            return Err(Rejection::NotYourself.into());
        }
        let asked = self.ask_friend(&mut begun, from, &command).await;
        match asked {
            Err(CommandError::Rejected(Rejection::AskedAlready)) => self.befriend(&mut begun, from, to).await,
            asked => asked,
        }
    }

    /// Asks, or adds back who still has `from`.
    async fn ask_friend(
        &self,
        begun: &mut Begun,
        from: UserId,
        command: &RequestFriend,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let to = command.to;
        let id = FriendshipId::between(from, to);
        let known = |state: &Friendship| (state.held_by(to), state.is_mutual(), state.request_waits(to));
        let (held, mutual, waits) = self.streams.friendships.look(id, known).await?;
        // Between people who know each other privacy settings have nothing left to hide.
        if !held && !mutual && !waits {
            self.check_may_ask(from, to).await?;
        }
        let max = self.policy.friends_max;
        if !mutual && self.relations.friend_count(from).await? >= max {
            return Err(Rejection::TooManyFriends { max }.into());
        }
        let dropped = self.streams.contacts.look(to, |contacts| contacts.blocks(from)).await?;
        let greeting = command.greeting.clone();
        let request = FriendRequested { to, greeting, source: command.source, dropped };
        self.attempt(&self.streams.friendships, id, begun, |state, _| state.ask(from, request.clone())).await
    }

    async fn check_may_ask(&self, from: UserId, to: UserId) -> Result<(), CommandError> {
        let (registered, privacy) = self.streams.users.look(to, |user| (user.is_registered(), user.privacy)).await?;
        if !registered {
            return Err(Rejection::PersonNotFound.into());
        }
        let allowed = match privacy.who_may_add {
            WhoMayAdd::Anyone => true,
            WhoMayAdd::GroupMembers => self.relations.share_group(from, to).await?,
            WhoMayAdd::Nobody => false,
        };
        if !allowed {
            // Only who finds them by their handle, or sees them in a group anyway, may learn that they exist.
            let known = privacy.findable || self.relations.share_group(from, to).await?;
            return Err(if known { Rejection::AddingNotAllowed } else { Rejection::PersonNotFound }.into());
        }
        let max = self.policy.friend_requests_max;
        if self.relations.requests_waiting_for(to).await? >= max {
            return Err(Rejection::TooManyRequests { max }.into());
        }
        Ok(())
    }
}
