//! Somebody hangs up.

use domain::{CallEvent, CallId};

use crate::{Caller, CommandError, Commands, Committed};

impl Commands {
    /// Ends an answered call, from one of its two devices.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::CallNotAnswered`],
    /// [`domain::Rejection::DeviceNotInCall`].
    pub async fn hang_up(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        self.run_call(caller, call, |state, now| state.hang_up(by, device, now)).await
    }
}
