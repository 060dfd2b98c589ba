//! The tags that an official account puts on its followers.

use domain::{FollowerTagsEvent, OfficialAccountId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Makes a tag for an account that the caller acts for.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`],
    /// [`domain::Rejection::TagNameTaken`], [`domain::Rejection::TooManyTags`]; a name that breaks its rule.
    pub async fn make_follower_tag(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        name: &str,
    ) -> Result<Committed<FollowerTagsEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.streams.follower_tags, account, begun, |state, _| state.make(name, &self.policy.official)).await
    }

    /// Gives a tag another name.
    ///
    /// # Errors
    /// As [`Self::make_follower_tag`]; [`domain::Rejection::TagNotFound`].
    pub async fn rename_follower_tag(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        tag: u32,
        name: &str,
    ) -> Result<Committed<FollowerTagsEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.streams.follower_tags, account, begun, |state, _| state.rename(tag, name)).await
    }

    /// Deletes a tag: nobody has it any longer.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`],
    /// [`domain::Rejection::TagNotFound`].
    pub async fn delete_follower_tag(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        tag: u32,
    ) -> Result<Committed<FollowerTagsEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.streams.follower_tags, account, begun, |state, _| state.delete(tag)).await
    }
}
