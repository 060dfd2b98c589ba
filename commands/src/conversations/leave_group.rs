//! A member leaves a group.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Leaves a group. An owner's successor is the admin appointed first, else who joined first.
    ///
    /// # Errors
    /// Not a member.
    pub async fn leave_group(
        &self,
        caller: &Caller,
        group: ConversationId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.leave(by)).await
    }
}
