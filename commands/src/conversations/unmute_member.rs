//! The owner or an admin lets a member speak again.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Lets a muted member speak again.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`], [`domain::Rejection::MemberNotFound`].
    pub async fn unmute_member(
        &self,
        caller: &Caller,
        group: ConversationId,
        member: UserId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.unmute_member(by, member)).await
    }
}
