//! An article is published, or withdrawn.

use domain::{ArticleEvent, ArticleId, OfficialAccountId, Rejection, article::Stage};

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
        self.run(&self.streams.articles, article, begun, |state, _| state.publish(account)).await
    }

    /// Publishes several articles, one after the other; those that are published already stay as they are. That there are
    /// all of them is found before anything is done.
    ///
    /// # Errors
    /// As [`Self::publish_article`].
    pub async fn publish_articles(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        articles: &[ArticleId],
    ) -> Result<(), CommandError> {
        for article in articles {
            self.streams.articles.look(*article, |state| state.check_of(account)).await??;
        }
        for article in articles {
            self.publish_article(caller, account, *article).await?;
        }
        Ok(())
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
        self.run(&self.streams.articles, article, begun, |state, _| state.withdraw(account)).await
    }

    /// Takes several articles back that are at that stage, one after the other; those that were taken back already stay as
    /// they are. That they are at that stage is found before anything is done.
    ///
    /// # Errors
    /// As [`Self::publish_article`]; [`Rejection::ArticleNotFound`] also where one of them is at another stage, and where
    /// none is left.
    pub async fn withdraw_articles(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        articles: &[ArticleId],
        stage: Stage,
    ) -> Result<(), CommandError> {
        let mut left = vec![];
        for article in articles {
            match self.streams.articles.look(*article, |state| state.stage_of(account)).await?? {
                there if there == stage => left.push(*article),
                Stage::Withdrawn => {}
                _ => return Err(Rejection::ArticleNotFound.into()),
            }
        }
        if left.is_empty() {
            return Err(Rejection::ArticleNotFound.into());
        }
        for article in left {
            self.withdraw_article(caller, account, article).await?;
        }
        Ok(())
    }
}
