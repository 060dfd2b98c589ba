//! A member comes into the call of their group.

use domain::{CallId, GroupCall, GroupCallEvent, Rejection};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Joins a call with the caller's device; their other devices stop ringing.
    ///
    /// # Errors
    /// [`Rejection::CallNotFound`] for who is no member of the group, [`Rejection::CallOver`], [`Rejection::CallFull`],
    /// [`Rejection::AnsweredElsewhere`]; [`Rejection::InAnotherCall`] where that one is to be left first.
    pub async fn join_group_call(
        &self,
        caller: &Caller,
        call: CallId,
    ) -> Result<Committed<GroupCallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        self.check_may_join(by, call).await?;
        // What is refused anyway is refused for its own reason.
        let forwards = self.forwarder.is_some();
        self.streams.group_calls.look(call, |state| state.join(by, device, &self.policy.calls, forwards)).await??;
        if self.is_engaged(by, Some(call)).await? {
            return Err(Rejection::InAnotherCall.into());
        }
        self.engaged.note(by, call, self.now());
        let join = |state: &GroupCall, _| state.join(by, device, &self.policy.calls, forwards);
        self.run(&self.streams.group_calls, call, begun, join).await
    }
}
