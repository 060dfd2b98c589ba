//! The owner makes a member an admin.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Makes a member an admin.
    ///
    /// # Errors
    /// [`domain::Rejection::OwnerOnly`], [`domain::Rejection::TooManyAdmins`].
    pub async fn appoint_admin(
        &self,
        caller: &Caller,
        group: ConversationId,
        admin: UserId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.appoint_admin(by, admin, &self.policy)).await
    }
}
