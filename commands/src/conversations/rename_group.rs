//! A group gets another name.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Renames a group; an empty name takes the name away.
    ///
    /// # Errors
    /// [`domain::Rejection::RenameNotAllowed`], a name that breaks its rule.
    pub async fn rename_group(
        &self,
        caller: &Caller,
        group: ConversationId,
        name: String,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, now| state.rename(by, name.clone(), &self.policy, now)).await
    }
}
