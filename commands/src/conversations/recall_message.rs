//! A person takes a message back.

use domain::{
    ConversationEvent, ConversationId, Rejection,
    conversation::{Content, ContentKind, messages::SentBy},
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Recalls one of the caller's own messages, within the time for it.
    ///
    /// # Errors
    /// [`Rejection::MessageNotFound`], [`Rejection::NotTheSender`], [`Rejection::RecallWindowOver`],
    /// [`Rejection::MessageRecalled`].
    pub async fn recall_message(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        // What was sent never changes, so a read model may say it; whether it was recalled, the stream itself decides.
        let message = self.relations.visible_message(by, conversation, seq).await?;
        let message = message.ok_or(Rejection::MessageNotFound)?;
        if message.content.as_ref().is_some_and(Content::is_money) {
            return Err(Rejection::MoneyIsNotRecalled.into());
        }
        if matches!(message.content, Some(Content::Call { .. })) {
            return Err(Rejection::CallIsNotRecalled.into());
        }
        // What was taken back already is refused whatever it was.
        let kind = message.content.as_ref().map_or(ContentKind::Text, Content::kind);
        let sent = SentBy { seq, sender: message.sender, at: message.at, kind };
        self.run_in(conversation, begun, |state, now| state.recall(by, sent, &self.policy, now)).await
    }
}
