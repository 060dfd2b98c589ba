//! A member brings friends into a group.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Invites friends: they join at once, after their consent, or after the owner's, as size and settings say.
    ///
    /// # Errors
    /// [`domain::Rejection::NotFriends`], [`domain::Rejection::RejectedByReceiver`], [`domain::Rejection::GroupFull`],
    /// [`domain::Rejection::TooManyPending`]; not a member.
    pub async fn invite_members(
        &self,
        caller: &Caller,
        group: ConversationId,
        users: &[UserId],
        reason: &str,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        // Cheap refusals first: a list of a million strangers is not looked up.
        let (decided, new) = self
            .streams
            .conversations
            .look(group, |state| {
                let new: Vec<UserId> = users.iter().copied().filter(|user| !state.has_member(*user)).collect();
                (state.invite(by, users, reason, &self.policy), new)
            })
            .await?;
        self.as_known_to(by, group, decided.map_err(CommandError::from)).await?;
        // Members are passed over, whoever their friends are.
        for user in new {
            self.check_friend(by, user).await?;
        }
        self.run_in(group, begun, |state, _| state.invite(by, users, reason, &self.policy)).await
    }
}
