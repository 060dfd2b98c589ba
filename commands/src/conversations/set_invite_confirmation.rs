//! The owner or an admin decides whether invitations wait for them.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Decides whether members' invitations and join codes wait for the owner or an admin.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`].
    pub async fn set_invite_confirmation(
        &self,
        caller: &Caller,
        group: ConversationId,
        on: bool,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.set_invite_confirmation(by, on)).await
    }
}
