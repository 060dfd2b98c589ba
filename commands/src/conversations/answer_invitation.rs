//! A person consents to an invitation, or does not.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Answers an invitation into a group.
    ///
    /// # Errors
    /// [`domain::Rejection::NothingPending`], [`domain::Rejection::GroupFull`].
    pub async fn answer_invitation(
        &self,
        caller: &Caller,
        group: ConversationId,
        consents: bool,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.answer_invitation(by, consents, &self.policy)).await
    }
}
