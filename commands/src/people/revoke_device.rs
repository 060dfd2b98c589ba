//! A device is logged out.

use domain::{DeviceId, UserEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Logs one of the caller's devices out; its token is worth nothing from then on.
    ///
    /// # Errors
    /// [`domain::Rejection::DeviceNotFound`].
    pub async fn revoke_device(&self, caller: &Caller, device: DeviceId) -> Result<Committed<UserEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.users, user, begun, |state, _| state.revoke_device(device)).await
    }
}
