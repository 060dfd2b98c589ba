//! An article is published, or withdrawn.

use domain::{ArticleEvent, ArticleId, OfficialAccountId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Publishes an article of an account that the caller acts for, as it was last written: anybody may read it.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`],
    /// [`domain::Rejection::ArticleNotFound`].
    pub async fn publish_article(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        article: ArticleId,
    ) -> Result<Committed<ArticleEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.articles, article, begun, |state, _| state.publish(account)).await
    }

    /// Takes an article back, whether it was published or not.
    ///
    /// # Errors
    /// As [`Self::publish_article`].
    pub async fn withdraw_article(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        article: ArticleId,
    ) -> Result<Committed<ArticleEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.articles, article, begun, |state, _| state.withdraw(account)).await
    }
}
