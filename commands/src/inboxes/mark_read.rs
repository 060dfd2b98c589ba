//! A device showed messages.

use domain::{ConversationId, InboxEvent, Rejection};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Marks the messages up to `seq` as read on the calling device. A mark never goes back.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::MessageNotFound`] for a number that no message has yet.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let (user, device) = (caller.user()?, caller.device.ok_or(CommandError::NotLoggedIn)?);
        let begun = begin!(self, caller);
        if seq > self.last_seq_of(user, conversation).await? {
            return Err(Rejection::MessageNotFound.into());
        }
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.read(conversation, seq, device))).await
    }
}
