//! A person follows an official account no longer.

use domain::{OfficialAccountId, SubscriptionsEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Follows an account no longer.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`].
    pub async fn unfollow_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<SubscriptionsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.check_official_account(account).await?;
        self.run(&self.streams.subscriptions, user, begun, |state, _| Ok(state.unfollow(account))).await
    }
}
