//! A person deletes a message, for themselves only.

use domain::{ConversationId, InboxEvent, Rejection};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Deletes one message from the caller's own view.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::MessageNotFound`].
    pub async fn delete_message(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.last_seq_of(user, conversation).await?;
        if self.relations.visible_message(user, conversation, seq).await?.is_none() {
            return Err(Rejection::MessageNotFound.into());
        }
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.delete(conversation, seq))).await
    }
}
