//! A person pats another.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Pats somebody in a conversation: a line that all see and nobody is notified of.
    ///
    /// # Errors
    /// [`domain::Rejection::MemberNotFound`] and as for any message.
    pub async fn pat(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        target: UserId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_reaches(by, conversation).await?;
        let suffix = self.streams.users.look(target, |user| user.profile.pat_suffix.clone()).await?;
        self.run_in(conversation, begun, |state, now| state.pat(by, target, suffix.clone(), &self.policy, now)).await
    }
}
