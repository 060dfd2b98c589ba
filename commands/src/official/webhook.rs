//! Where an official account is told as JSON what its followers do: its owner says where, and how far back.

use domain::{OfficialAccountId, UserId, Webhook, WebhookEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Has an account told there what its followers do, from now on; an address that takes the place of another goes on where
    /// that one stopped.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountOwnerOnly`]; an address that breaks its
    /// rule.
    pub async fn set_webhook(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        url: &str,
    ) -> Result<Committed<WebhookEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_owner_of(by, account).await?;
        let last = self.log.last_position().0;
        self.run(&self.streams.webhooks, account, begun, |state, _| state.set(url, last)).await
    }

    /// Has an account told nowhere.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountOwnerOnly`].
    pub async fn remove_webhook(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<WebhookEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_owner_of(by, account).await?;
        self.run(&self.streams.webhooks, account, begun, |state, _| Ok(state.remove())).await
    }

    /// Makes the secret of an account's webhook anew; calls are signed with the one before as well for a day.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountOwnerOnly`],
    /// [`domain::Rejection::WebhookNotFound`].
    pub async fn renew_webhook_secret(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<WebhookEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_owner_of(by, account).await?;
        self.run(&self.streams.webhooks, account, begun, |state, _| state.renew_secret()).await
    }

    /// Has an account's webhook told everything from a position of the log on, also what it was told before; without one, go
    /// on where it stopped.
    ///
    /// # Errors
    /// Those of [`Self::renew_webhook_secret`]; a position beyond the log.
    pub async fn replay_webhook(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        from: Option<u64>,
    ) -> Result<Committed<WebhookEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_owner_of(by, account).await?;
        let (after, last) = (from.map(|from| from.saturating_sub(1)), self.log.last_position().0);
        self.run(&self.streams.webhooks, account, begun, |state, _| state.rewind(after, last)).await
    }

    /// How an account's webhook stands, for the account's owner.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountOwnerOnly`].
    pub async fn webhook_of(&self, by: UserId, account: OfficialAccountId) -> Result<Webhook, CommandError> {
        self.check_owner_of(by, account).await?;
        self.streams.webhooks.look(account, Webhook::clone).await
    }

    async fn check_owner_of(&self, by: UserId, account: OfficialAccountId) -> Result<(), CommandError> {
        Ok(self.streams.official_accounts.look(account, |state| state.check_owner(by)).await??)
    }
}
