//! A member goes by another name in a group.

use domain::{ConversationEvent, ConversationId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes another name in this group; an empty one takes it away.
    ///
    /// # Errors
    /// Not a member, a name that breaks its rule.
    pub async fn set_nickname(
        &self,
        caller: &Caller,
        group: ConversationId,
        nickname: String,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, _| state.set_nickname(by, nickname.clone())).await
    }
}
