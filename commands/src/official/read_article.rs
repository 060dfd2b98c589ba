//! A person reads an article, likes it, shows it to others.

use domain::{
    ArticleId, MediumId, Reading, ReadingEvent, ReadingId, UserId,
    article::{ArticleCard, ArticleFront},
    conversation::Content,
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes in that the caller reads an article. Only the first time counts; nothing is written to the article's stream,
    /// however many read it at once.
    ///
    /// # Errors
    /// [`domain::Rejection::ArticleNotFound`].
    pub async fn read_article(
        &self,
        caller: &Caller,
        article: ArticleId,
    ) -> Result<Committed<ReadingEvent>, CommandError> {
        let reader = caller.user()?;
        let begun = begin!(self, caller);
        let account = self.front_of(article).await?.account;
        let id = ReadingId { article, reader };
        self.run(&self.streams.readings, id, begun, |state, _| Ok(state.read(article, account))).await
    }

    /// Likes an article, or takes the like back.
    ///
    /// # Errors
    /// [`domain::Rejection::ArticleNotFound`].
    pub async fn like_article(
        &self,
        caller: &Caller,
        article: ArticleId,
        on: bool,
    ) -> Result<Committed<ReadingEvent>, CommandError> {
        let reader = caller.user()?;
        let begun = begin!(self, caller);
        let account = self.front_of(article).await?.account;
        let id = ReadingId { article, reader };
        self.run(&self.streams.readings, id, begun, |state, _| Ok(state.like(article, account, on))).await
    }

    /// What somebody did with an article that is published.
    ///
    /// # Errors
    /// [`domain::Rejection::ArticleNotFound`].
    pub async fn reading_of(&self, reader: UserId, article: ArticleId) -> Result<Reading, CommandError> {
        self.front_of(article).await?;
        self.streams.readings.look(ReadingId { article, reader }, |state| *state).await
    }

    /// Whether a published article shows a picture, in its text or on its cover.
    ///
    /// # Errors
    /// When its stream can't be read.
    pub async fn is_shown_in(&self, picture: MediumId, article: ArticleId) -> Result<bool, CommandError> {
        self.streams.articles.look(article, |state| state.published().is_ok() && state.names(picture)).await
    }

    /// What is seen of a published article before it is opened.
    async fn front_of(&self, article: ArticleId) -> Result<ArticleFront, CommandError> {
        Ok(self.streams.articles.look(article, |state| state.published().cloned()).await??)
    }

    /// An article as messages and posts name it.
    ///
    /// # Errors
    /// [`domain::Rejection::ArticleNotFound`].
    pub(crate) async fn article_card(&self, article: ArticleId) -> Result<ArticleCard, CommandError> {
        Ok(ArticleCard { article, front: Some(Box::new(self.front_of(article).await?)) })
    }

    /// Puts in what is seen of the article that a content is, where it is one.
    ///
    /// # Errors
    /// [`domain::Rejection::ArticleNotFound`].
    pub(crate) async fn with_front(&self, content: Content) -> Result<Content, CommandError> {
        match content {
            Content::Article(card) => Ok(Content::Article(self.article_card(card.article).await?)),
            other => Ok(other),
        }
    }
}
