//! A person changes how they are found and added.

use domain::{UserEvent, user::Privacy};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes new privacy settings.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn change_privacy(
        &self,
        caller: &Caller,
        privacy: Privacy,
    ) -> Result<Committed<UserEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.users, user, begun, |state, _| Ok(state.change_privacy(privacy))).await
    }
}
