//! The callee answers.

use domain::{CallEvent, CallId, Rejection};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Answers a call with the caller's device; their other devices stop ringing.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`], [`Rejection::NotTheCallee`], [`Rejection::AnsweredElsewhere`],
    /// [`Rejection::CallOver`]; [`Rejection::InAnotherCall`] where that one is to be ended first.
    pub async fn accept_call(&self, caller: &Caller, call: CallId) -> Result<Committed<CallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        // What is refused anyway is refused for its own reason.
        self.streams.calls.look(call, |state| state.accept(by, device)).await??;
        if self.is_engaged(by, Some(call)).await? {
            return Err(Rejection::InAnotherCall.into());
        }
        self.engaged.note(by, call, self.now());
        self.run(&self.streams.calls, call, begun, |state, _| state.accept(by, device)).await
    }
}
