//! Use cases of the calls of groups.

mod decline_group_call;
mod forward_media;
mod join_group_call;
mod leave_group_call;
mod processes;
mod show_group_call;
mod start_group_call;

use domain::{CallId, Rejection, UserId};

pub use start_group_call::GroupCallToStart;

use crate::{CommandError, Commands};

impl Commands {
    /// Checks that somebody is a member of the group whose call that is: to others there is no such call.
    async fn check_may_join(&self, by: UserId, call: CallId) -> Result<(), CommandError> {
        let started =
            self.streams.group_calls.look(call, |state| state.started).await?.ok_or(Rejection::CallNotFound)?;
        let is_member = self.streams.conversations.look(started.conversation, |group| group.has_member(by)).await?;
        if is_member { Ok(()) } else { Err(Rejection::CallNotFound.into()) }
    }
}
