//! A follower opens the conversation with an official account.

use domain::{ConversationEvent, ConversationId, OfficialAccountId, Rejection, UserId};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

impl Commands {
    /// Opens the caller's conversation with an account that they follow.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::NotFollowed`].
    pub async fn open_account_conversation(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.check_official_account(account).await?;
        self.check_followed(account, user).await?;
        let sort = self.streams.official_accounts.look(account, |state| state.sort).await?;
        let conversation = ConversationId::with_account(account, user);
        self.run(&self.streams.conversations, conversation, begun, |state, _| {
            Ok(state.open_with_account(account, user, sort))
        })
        .await
    }

    /// Opens the conversation of a follower as a step of something else.
    pub(super) async fn open_talk(
        &self,
        begun: &Begun,
        account: OfficialAccountId,
        follower: UserId,
    ) -> Result<ConversationId, CommandError> {
        let conversation = ConversationId::with_account(account, follower);
        if self.streams.conversations.look(conversation, |state| state.account_talk().is_ok()).await? {
            return Ok(conversation);
        }
        let sort = self.streams.official_accounts.look(account, |state| state.sort).await?;
        self.run_step(&self.streams.conversations, conversation, begun, "open", |state, _| {
            Ok(state.open_with_account(account, follower, sort))
        })
        .await?;
        Ok(conversation)
    }

    /// Checks that somebody follows an account.
    ///
    /// # Errors
    /// [`Rejection::NotFollowed`].
    pub(crate) async fn check_followed(&self, account: OfficialAccountId, user: UserId) -> Result<(), CommandError> {
        let followed = self.streams.subscriptions.look(user, |state| state.followed(account).is_some()).await?;
        if followed { Ok(()) } else { Err(Rejection::NotFollowed.into()) }
    }
}
