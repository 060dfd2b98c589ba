//! A conversation's history is cleared, for one person.

use domain::{ConversationId, InboxEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Clears what was said so far, for the caller only.
    ///
    /// # Errors
    /// [`domain::Rejection::ConversationNotFound`].
    pub async fn clear_conversation(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let last = self.last_seq_of(user, conversation).await?;
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.clear(conversation, last))).await
    }
}
