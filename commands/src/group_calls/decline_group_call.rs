//! Somebody does not want to come into the call of their group.

use domain::{CallId, GroupCallEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Declines a call, on all devices.
    ///
    /// # Errors
    /// [`domain::Rejection::CallNotFound`] for who is no member of the group, [`domain::Rejection::CallOver`];
    /// [`domain::Rejection::CallAnswered`] for who is in it.
    pub async fn decline_group_call(
        &self,
        caller: &Caller,
        call: CallId,
    ) -> Result<Committed<GroupCallEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_may_join(by, call).await?;
        self.run(&self.streams.group_calls, call, begun, |state, _| state.decline(by)).await
    }
}
