//! The owner gives a group to somebody else.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Makes another member the owner.
    ///
    /// # Errors
    /// [`domain::Rejection::OwnerOnly`], [`domain::Rejection::MemberNotFound`].
    pub async fn transfer_group(
        &self,
        caller: &Caller,
        group: ConversationId,
        to: UserId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.transfer(by, to)).await
    }
}
