//! A person asks another to be friends.

use domain::{
    FriendshipEvent, FriendshipId, Rejection, UserId,
    friendship::{FriendRequested, Source},
    user::WhoMayAdd,
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

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
    /// caller as a friend is added back at once.
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
        let begun = begin!(self, caller);
        let to = command.to;
        if from == to {
            return Err(Rejection::NotYourself.into());
        }
        let id = FriendshipId::between(from, to);
        let (held, mutual) = self.friendships.look(id, |state| (state.held_by(to), state.is_mutual())).await?;
        // Between people who know each other privacy settings have nothing left to hide.
        if !held && !mutual {
            self.check_may_ask(from, to).await?;
        }
        let max = self.policy.friends_max;
        if !mutual && self.relations.friend_count(from).await? >= max {
            return Err(Rejection::TooManyFriends { max }.into());
        }
        let dropped = self.contacts.look(to, |contacts| contacts.blocks(from)).await?;
        let greeting = command.greeting;
        let request = FriendRequested { to, greeting, source: command.source, dropped };
        self.run(&self.friendships, id, begun, |state, _| state.ask(from, request.clone())).await
    }

    async fn check_may_ask(&self, from: UserId, to: UserId) -> Result<(), CommandError> {
        let (registered, privacy) = self.users.look(to, |user| (user.is_registered(), user.privacy)).await?;
        if !registered {
            return Err(Rejection::PersonNotFound.into());
        }
        let allowed = match privacy.who_may_add {
            WhoMayAdd::Anyone => true,
            WhoMayAdd::GroupMembers => self.relations.share_group(from, to).await?,
            WhoMayAdd::Nobody => false,
        };
        if !allowed {
            // Only who sees them in a group anyway may learn that they exist.
            let known = self.relations.share_group(from, to).await?;
            return Err(if known { Rejection::AddingNotAllowed } else { Rejection::PersonNotFound }.into());
        }
        let max = self.policy.friend_requests_max;
        if self.relations.requests_waiting_for(to).await? >= max {
            return Err(Rejection::TooManyRequests { max }.into());
        }
        Ok(())
    }
}
