//! A device of the callee rings.

use domain::{CallEvent, CallId};

use crate::{Caller, CommandError, Commands, Committed};

impl Commands {
    /// Tells the caller that it rings.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`], [`domain::Rejection::NotTheCallee`], [`domain::Rejection::CallOver`].
    pub async fn ring(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let by = caller.user()?;
        self.run_call(caller, call, |state, _| state.ring(by)).await
    }
}
