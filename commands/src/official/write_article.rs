//! An article of an official account is written, or its draft written anew.

use std::collections::BTreeSet;

use domain::{ArticleEvent, ArticleId, MediumId, MediumKind, OfficialAccountId, Rejection, article::ArticleText};

use super::article_html::{CleanHtml, cleaned};
use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// An article, as somebody writes it.
#[derive(Clone, Debug, Default)]
pub struct NewArticle {
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// What it is about.
    pub digest: String,
    /// The picture on its cover.
    pub cover: Option<MediumId>,
    /// The text in HTML, which is made harmless before it is kept. Pictures are named `medium:{id}`.
    pub body: String,
    /// Where it first appeared.
    pub source: String,
}

impl Commands {
    /// Writes a draft of an article for an account that the caller acts for. Its id comes back too.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`]; pictures that
    /// are not the caller's own.
    pub async fn write_article(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        article: NewArticle,
    ) -> Result<(ArticleId, Committed<ArticleEvent>), CommandError> {
        let id = ArticleId(caller.id_of_made());
        Ok((id, self.write(caller, account, id, (article, false)).await?))
    }

    /// Writes several drafts, one after the other, and gives their ids. What is wrong with any of them is found before the
    /// first is written.
    ///
    /// # Errors
    /// As [`Self::write_article`].
    pub async fn write_articles(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        articles: Vec<NewArticle>,
    ) -> Result<Vec<ArticleId>, CommandError> {
        let by = caller.user()?;
        for article in &articles {
            let text = self.checked(account, article.clone()).await?;
            for picture in text.media() {
                let check = self.streams.media.look(picture, |state| {
                    state.name(by, &[MediumKind::Picture], &self.policy.media, self.now()).map(drop)
                });
                check.await??;
            }
        }
        let mut ids = vec![];
        for article in articles {
            ids.push(self.write_article(caller, account, article).await?.0);
        }
        Ok(ids)
    }

    /// Writes a draft anew.
    ///
    /// # Errors
    /// As [`Self::write_article`]; [`Rejection::ArticleNotFound`], [`Rejection::ArticlePublished`].
    pub async fn rewrite_article(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        id: ArticleId,
        article: NewArticle,
    ) -> Result<Committed<ArticleEvent>, CommandError> {
        self.write(caller, account, id, (article, true)).await
    }

    async fn write(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        id: ArticleId,
        (article, anew): (NewArticle, bool),
    ) -> Result<Committed<ArticleEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        if anew {
            self.streams.articles.look(id, |state| state.check_of(account)).await??;
        }
        // A draft beyond its bounds is refused before anything is done for its pictures.
        let text = self.checked(account, article).await?;
        self.name_pictures(by, id, text.media().collect(), &begun).await?;
        let policy = &self.policy.official;
        self.run(&self.streams.articles, id, begun, |state, _| state.write(account, text.clone(), policy)).await
    }

    /// What an article says, made harmless and within its bounds.
    async fn checked(&self, account: OfficialAccountId, article: NewArticle) -> Result<ArticleText, CommandError> {
        let NewArticle { title, author, digest, cover, body, source } = article;
        let CleanHtml { html, pictures } = self.clean(body).await?;
        let text = ArticleText { title, author, digest, cover, body: html, pictures, source };
        domain::Article::default().write(account, text.clone(), &self.policy.official)?;
        Ok(text)
    }

    /// Makes HTML harmless, on a thread where that holds nobody else up.
    async fn clean(&self, body: String) -> Result<CleanHtml, CommandError> {
        let max = 2 * self.policy.official.article_bytes;
        if body.len() > max {
            return Err(Rejection::TooLong { field: "body", max, unit: "bytes" }.into());
        }
        let clean = tokio::task::spawn_blocking(move || cleaned(&body)).await;
        clean.map_err(|error| CommandError::Internal(error.to_string()))
    }

    /// Makes sure that the writer may name these pictures: those of their own, and those that the draft named before.
    async fn name_pictures(
        &self,
        by: domain::UserId,
        id: ArticleId,
        pictures: BTreeSet<MediumId>,
        begun: &Begun,
    ) -> Result<(), CommandError> {
        for picture in pictures {
            if !self.streams.articles.look(id, |state| state.names(picture)).await? {
                self.name_medium(by, picture, &[MediumKind::Picture], begun).await?;
            }
        }
        Ok(())
    }
}
