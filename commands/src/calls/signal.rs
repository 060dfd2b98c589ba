//! Who may tell a device something within a call?

use domain::{CallId, DeviceId, UserId};

use crate::{CommandError, Commands, people::Session};

impl Commands {
    /// The person whose device `to` is, if a device may tell it something within a call: both are in it.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::CallOver`], [`domain::Rejection::CallNotAnswered`],
    /// [`domain::Rejection::DeviceNotInCall`].
    pub async fn signalled(&self, from: &Session, call: CallId, to: DeviceId) -> Result<UserId, CommandError> {
        Ok(self.calls.look(call, |state| state.check_signal(from.user, from.device, to)).await??)
    }
}
