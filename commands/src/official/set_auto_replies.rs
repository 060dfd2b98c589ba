//! What an official account answers by itself is changed.

use domain::{OfficialAccountEvent, OfficialAccountId, official::AutoReplies};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Has an account that the caller acts for answer something else by itself.
    ///
    /// # Errors
    /// Replies beyond their bounds; [`domain::Rejection::OfficialAccountNotFound`],
    /// [`domain::Rejection::AccountNotYours`].
    pub async fn set_auto_replies(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        replies: AutoReplies,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| {
            state.set_auto_replies(by, replies.clone(), &self.policy)
        })
        .await
    }
}
