//! A person changes how their Moments are shown, or what reminds them of others'.

use domain::{CircleEvent, moments::circle::Settings};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Changes the caller's settings. `change` makes the new ones of the present ones.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn change_moments_settings(
        &self,
        caller: &Caller,
        change: impl Fn(Settings) -> Settings,
    ) -> Result<Committed<CircleEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.circles, user, begun, |state, _| Ok(state.change(&change))).await
    }
}
