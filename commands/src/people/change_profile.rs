//! A person changes what others see of them.

use domain::{UserEvent, user::Profile};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes a new profile. `change` makes it of the present one.
    ///
    /// # Errors
    /// Fields that break their rules.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        change: impl Fn(&Profile) -> Profile,
    ) -> Result<Committed<UserEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.users, user, begun, |state, _| state.change_profile(change(&state.profile))).await
    }
}
