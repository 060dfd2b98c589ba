//! A conversation no longer notifies, or does again.

use domain::{ConversationId, InboxEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Mutes or unmutes a conversation in the caller's inbox.
    ///
    /// # Errors
    /// [`domain::Rejection::ConversationNotFound`].
    pub async fn mute_conversation(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        on: bool,
    ) -> Result<Committed<InboxEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let _last = self.last_seq_of(user, conversation).await?;
        self.run(&self.streams.inboxes, user, begun, |state, _| Ok(state.mute(conversation, on))).await
    }
}
