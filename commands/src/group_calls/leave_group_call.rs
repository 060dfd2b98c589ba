//! Somebody leaves the call of a group.

use domain::{CallId, GroupCallEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Leaves a call, with the device that is in it. When nobody is left, it is over.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`] for who has not heard of it, [`domain::Rejection::DeviceNotInCall`].
    pub async fn leave_group_call(
        &self,
        caller: &Caller,
        call: CallId,
    ) -> Result<Committed<GroupCallEvent>, CommandError> {
        let (by, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let left = self.run(&self.streams.group_calls, call, begun, |state, now| state.leave(by, device, now)).await?;
        if let Some(forwarder) = &self.forwarder {
            forwarder.dismiss(call, device);
        }
        Ok(left)
    }
}
