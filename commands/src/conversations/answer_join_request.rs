//! The owner or an admin lets somebody in, or does not.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Answers a request to join a group.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`], [`domain::Rejection::NothingPending`], [`domain::Rejection::GroupFull`].
    pub async fn answer_join_request(
        &self,
        caller: &Caller,
        group: ConversationId,
        user: UserId,
        admits: bool,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.answer_join_request(by, user, admits, &self.policy)).await
    }
}
