//! The devices of a call reached each other.

use domain::{CallEvent, CallId};

use crate::{Caller, CommandError, Commands, Committed};

impl Commands {
    /// Notes that the caller's device reached the other one: from now on they talk. The first to say so is heard.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::CallNotAnswered`],
    /// [`domain::Rejection::DeviceNotInCall`], [`domain::Rejection::CallOver`].
    pub async fn connect_call(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        self.run_call(caller, call, |state, _| state.connect(by, device)).await
    }
}
