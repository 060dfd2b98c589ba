//! The owner or an admin announces something.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Sets a group's announcement, which is delivered as a message that calls on everybody.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`], a text that breaks its rule.
    pub async fn announce(
        &self,
        caller: &Caller,
        group: ConversationId,
        text: String,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, now| state.announce(by, text.clone(), &self.policy, now)).await
    }
}
