//! The owner ends a group.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Ends a group: nothing can be said in it any more.
    ///
    /// # Errors
    /// [`domain::Rejection::OwnerOnly`].
    pub async fn disband_group(
        &self,
        caller: &Caller,
        group: ConversationId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.disband(by)).await
    }
}
