//! A conversation is taken off the list.

use domain::{ConversationId, InboxEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Hides a conversation until something new is said in it.
    ///
    /// # Errors
    /// [`domain::Rejection::ConversationNotFound`].
    pub async fn hide_conversation(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let last = self.last_seq_of(user, conversation).await?;
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.hide(conversation, last))).await
    }
}
