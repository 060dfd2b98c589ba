//! The caller gives up.

use domain::{CallEvent, CallId};

use crate::{Caller, CommandError, Commands, Committed};

impl Commands {
    /// Ends a call that nobody has answered yet.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::NotTheCaller`], [`domain::Rejection::CallAnswered`],
    /// [`domain::Rejection::CallOver`].
    pub async fn cancel_call(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let by = caller.user()?;
        self.run_call(caller, call, |state, _| state.cancel(by)).await
    }
}
