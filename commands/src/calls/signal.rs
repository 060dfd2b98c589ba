//! Who may tell a device something within a call?

use domain::{CallId, DeviceId, Rejection, UserId};

use crate::{CommandError, Commands, people::Session};

impl Commands {
    /// The person whose device `to` is, if a device may tell it something within a call, of two or of a group: both are
    /// in it.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::CallOver`], [`Rejection::CallNotAnswered`],
    /// [`Rejection::DeviceNotInCall`].
    pub async fn signalled(&self, from: &Session, call: CallId, to: DeviceId) -> Result<UserId, CommandError> {
        match self.streams.calls.look(call, |state| state.check_signal(from.user, from.device, to)).await? {
            Err(Rejection::CallNotFound) => {}
            checked => return Ok(checked?),
        }
        Ok(self.streams.group_calls.look(call, |state| state.check_signal(from.user, from.device, to)).await??)
    }
}
