//! The callee does not want a call.

use domain::{CallEvent, CallId};

use crate::{Caller, CommandError, Commands, Committed};

impl Commands {
    /// Declines a call, on all devices.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::NotTheCallee`], [`domain::Rejection::CallAnswered`],
    /// [`domain::Rejection::CallOver`].
    pub async fn decline_call(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let by = caller.user()?;
        self.run_call(caller, call, |state, _| state.decline(by)).await
    }
}
