//! An official account writes to a follower.

use domain::{
    ConversationEvent, ConversationId, OfficialAccountId, Rejection, UserId,
    conversation::{Content, Voice, messages::Draft},
};

use crate::{
    Caller, CommandError, Commands, Committed,
    callbacks::Said,
    engine::{Begun, begin},
};

impl Commands {
    /// Sends a follower a message in the account's name. Whoever asks for it must have been checked to act for the account;
    /// followers are not told who of its people wrote it, and neither is the log: the account speaks.
    ///
    /// # Errors
    /// Contents that an account does not send; [`Rejection::NotFollowed`], [`Rejection::ReplyWindowOver`],
    /// [`Rejection::RepliesSpent`].
    pub async fn write_to_follower(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        follower: UserId,
        content: Content,
        voice: Voice,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller).acting_as(account.party());
        // What may not be sent is refused before anything is done for its media.
        self.check_sayable(account, follower, &content, voice).await?;
        let content = self.with_facts(by, content, &begun).await?;
        let content = self.with_front(content).await?;
        self.say_as_account(begun, account, follower, &[Draft::of(content)], voice).await
    }

    /// Sends a follower what an account's program says of its own accord.
    ///
    /// # Errors
    /// As [`Self::write_to_follower`].
    pub async fn write_as_program(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        follower: UserId,
        said: Said,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let begun = begin!(self, caller).acting_as(account.party());
        let found = self.find_said(account, said).await?;
        self.check_sayable(account, follower, found.content(), Voice::Program).await?;
        let content = self.said_with_facts(account, found, &begun).await?;
        let content = self.with_front(content).await?;
        self.say_as_account(begun, account, follower, &[Draft::of(content)], Voice::Program).await
    }

    /// Checks that an account may say something to a follower now; where they have not talked yet, whether it could be said
    /// is found when it is.
    async fn check_sayable(
        &self,
        account: OfficialAccountId,
        follower: UserId,
        content: &Content,
        voice: Voice,
    ) -> Result<(), CommandError> {
        let met_at =
            self.streams.subscriptions.look(follower, |state| state.followed(account).map(|known| known.met_at));
        let met_at = met_at.await?.ok_or(Rejection::NotFollowed)?;
        let (conversation, now) = (ConversationId::with_account(account, follower), self.now());
        let draft = [Draft::of(content.clone())];
        let check = |state: &domain::Conversation| match state.account_talk() {
            Ok(_) => state.say_as_account(&draft, voice, met_at, &self.policy, now).map(drop),
            Err(_) => Ok(()),
        };
        Ok(self.streams.conversations.look(conversation, check).await??)
    }

    /// Says something in the account's name, as the last step of a command.
    pub(super) async fn say_as_account(
        &self,
        begun: Begun,
        account: OfficialAccountId,
        follower: UserId,
        drafts: &[Draft],
        voice: Voice,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let met_at =
            self.streams.subscriptions.look(follower, |state| state.followed(account).map(|known| known.met_at));
        let met_at = met_at.await?.ok_or(Rejection::NotFollowed)?;
        let conversation = self.open_talk(&begun, account, follower).await?;
        self.run(&self.streams.conversations, conversation, begun, |state, now| {
            state.say_as_account(drafts, voice, met_at, &self.policy, now)
        })
        .await
    }

    /// Takes back a message that the account sent. Whoever asks for it must have been checked to act for the account.
    ///
    /// # Errors
    /// As for a person who takes one back.
    pub async fn recall_as_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        follower: UserId,
        seq: u64,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let caller = Caller { user: Some(account.party()), ..*caller };
        self.recall_message(&caller, ConversationId::with_account(account, follower), seq).await
    }
}
