//! The owner or an admin decides whether only they may speak.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Mutes everybody but owner and admins, or lets all speak again.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`].
    pub async fn set_all_mute(
        &self,
        caller: &Caller,
        group: ConversationId,
        on: bool,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.set_all_mute(by, on)).await
    }
}
