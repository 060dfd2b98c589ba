//! The owner or an admin removes members.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Removes members from a group.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`], [`domain::Rejection::RankTooHigh`], [`domain::Rejection::MemberNotFound`].
    pub async fn remove_members(
        &self,
        caller: &Caller,
        group: ConversationId,
        members: &[UserId],
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.remove_members(by, members)).await
    }
}
