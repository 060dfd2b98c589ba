//! A member fetches a code that lets others in.

use chrono::{DateTime, TimeDelta};
use domain::{ConversationId, Rejection};

use crate::{Caller, CommandError, Commands, JoinCode};

impl Commands {
    /// A join code of a group, valid from now on for the time that the policy says. Nothing is stored: the code itself
    /// says what it is good for, and is genuine only under the server's secret.
    ///
    /// # Errors
    /// Not a member; [`Rejection::JoinByCodeClosed`].
    pub async fn fetch_join_code(
        &self,
        caller: &Caller,
        group: ConversationId,
    ) -> Result<(String, JoinCode), CommandError> {
        let inviter = caller.user()?;
        let max = self.policy.join_by_code_up_to;
        let members = self
            .streams
            .conversations
            .look(group, |state| state.live_group_of(inviter).map(|group| group.members.len()));
        let members = members.await?.map_err(CommandError::from);
        if self.as_known_to(inviter, group, members).await? > max {
            return Err(Rejection::JoinByCodeClosed { max }.into());
        }
        let ends = (self.now() + TimeDelta::seconds(self.policy.join_code_seconds)).timestamp();
        let expires_at = DateTime::from_timestamp(ends, 0).ok_or(Rejection::JoinCodeInvalid)?;
        let code = JoinCode { group, inviter, expires_at };
        Ok((self.secrets.join_code(code), code))
    }
}
