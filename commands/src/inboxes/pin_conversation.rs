//! A conversation is pinned to the top, or no longer.

use domain::{ConversationId, InboxEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Pins or unpins a conversation in the caller's inbox.
    ///
    /// # Errors
    /// [`domain::Rejection::ConversationNotFound`].
    pub async fn pin_conversation(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        on: bool,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let _last = self.last_seq_of(user, conversation).await?;
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.pin(conversation, on))).await
    }
}
