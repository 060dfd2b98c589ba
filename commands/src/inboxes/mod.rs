//! Use cases about one person's own view of conversations.

mod clear_conversation;
mod delete_message;
mod hide_conversation;
mod mark_read;
mod mute_conversation;
mod pin_conversation;

use domain::{ConversationId, Rejection, UserId};

use crate::{CommandError, Commands};

impl Commands {
    /// The number of the last message of a conversation that is, or was, one of the person's.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`].
    pub(crate) async fn last_seq_of(&self, user: UserId, conversation: ConversationId) -> Result<u64, CommandError> {
        let (member, seq) =
            self.streams.conversations.look(conversation, |state| (state.has_member(user), state.seq)).await?;
        // Who left still has the conversation in the list.
        if member || self.relations.knows_conversation(user, conversation).await? {
            return Ok(seq);
        }
        Err(Rejection::ConversationNotFound.into())
    }
}
