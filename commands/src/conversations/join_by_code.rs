//! A person joins a group by a code.

use domain::{ConversationEvent, ConversationId, Rejection};

use crate::{Caller, CommandError, Commands, Committed, JoinCode, engine::begin};

impl Commands {
    /// Joins by a code, or asks to where the owner wants to be asked. The id of the group comes back too.
    ///
    /// # Errors
    /// [`Rejection::JoinCodeInvalid`], [`Rejection::JoinByCodeClosed`], [`Rejection::AlreadyAMember`],
    /// [`Rejection::GroupFull`].
    pub async fn join_by_code(
        &self,
        caller: &Caller,
        code: &str,
        reason: String,
    ) -> Result<(ConversationId, Committed<ConversationEvent>), CommandError> {
        let code = self.secrets.open_join_code(code, self.now()).ok_or(Rejection::JoinCodeInvalid)?;
        Ok((code.group, self.join_opened(caller, code, reason).await?))
    }

    async fn join_opened(
        &self,
        caller: &Caller,
        code: JoinCode,
        reason: String,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(code.group, begun, |state, _| state.join_by_code(user, code.inviter, reason.clone(), &self.policy))
            .await
    }
}
