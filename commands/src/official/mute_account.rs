//! What an official account sends no longer notifies, or does again.

use domain::{OfficialAccountId, SubscriptionsEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Mutes or unmutes an account that the caller follows, and with it their conversation, which is opened where there is
    /// none: so that the list of conversations knows when the account begins to talk.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::NotFollowed`].
    pub async fn mute_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        on: bool,
    ) -> Result<Committed<SubscriptionsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.check_official_account(account).await?;
        self.check_followed(account, user).await?;
        self.open_talk(&begun, account, user).await?;
        self.run(&self.streams.subscriptions, user, begun, |state, _| state.mute(account, on)).await
    }
}
