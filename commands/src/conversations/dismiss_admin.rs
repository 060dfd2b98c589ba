//! The owner makes an admin a plain member.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Makes an admin a plain member again.
    ///
    /// # Errors
    /// [`domain::Rejection::OwnerOnly`].
    pub async fn dismiss_admin(
        &self,
        caller: &Caller,
        group: ConversationId,
        admin: UserId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.dismiss_admin(by, admin)).await
    }
}
