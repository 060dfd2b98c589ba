//! An official account says something to all of its followers, to those with a tag, or to those whom it names.

use domain::{
    ArticleId, BroadcastsEvent, MediumKind, OfficialAccountId, Rejection, UserId,
    article::ArticleCard,
    broadcasts::{Addressees, NewBroadcast},
    conversation::Content,
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

impl Commands {
    /// Sends a broadcast for an account that the caller acts for. It is one event, however many it is for.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`], [`Rejection::TagNotFound`],
    /// [`Rejection::BroadcastsSpent`]; contents that can't be broadcast, articles that are not the account's own, pictures
    /// that are not the caller's. Drafts among the articles are published.
    pub async fn send_broadcast(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        new: NewBroadcast,
    ) -> Result<Committed<BroadcastsEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        if let Addressees::Tag(tag) = new.to
            && !self.streams.follower_tags.look(account, |state| state.has(tag)).await?
        {
            return Err(Rejection::TagNotFound.into());
        }
        let of = (account, self.streams.official_accounts.look(account, |state| state.sort).await?);
        // What is refused is refused before anything is done for its pictures.
        let now = self.now();
        self.streams
            .broadcasts
            .look(account, |state| state.send(of, new.clone(), &self.policy, now).map(drop))
            .await??;
        for content in &new.contents {
            if let Content::Article(card) = content {
                self.streams.articles.look(card.article, |state| state.check_of(account)).await??;
            }
        }
        let mut contents = vec![];
        for content in new.contents {
            contents.push(self.broadcast_content(by, account, content, &begun).await?);
        }
        let new = NewBroadcast { contents, to: new.to };
        self.run(&self.streams.broadcasts, account, begun, |state, now| state.send(of, new.clone(), &self.policy, now))
            .await
    }

    /// A content with what is seen of it.
    async fn broadcast_content(
        &self,
        by: UserId,
        account: OfficialAccountId,
        content: Content,
        begun: &Begun,
    ) -> Result<Content, CommandError> {
        match content {
            Content::Article(card) => {
                let card = self.published_card(account, card.article, begun).await?;
                Ok(Content::Article(card))
            }
            Content::Picture(carried) => {
                let named = self.name_medium(by, carried.medium, &[MediumKind::Picture], begun).await?;
                Ok(Content::Picture(named))
            }
            other => Ok(other),
        }
    }

    /// An article of an account, as a broadcast names it. A draft is published by that.
    async fn published_card(
        &self,
        account: OfficialAccountId,
        article: ArticleId,
        begun: &Begun,
    ) -> Result<ArticleCard, CommandError> {
        let step = format!("publish {article}");
        self.run_step(&self.streams.articles, article, begun, &step, |state, _| state.publish(account)).await?;
        self.article_card(article).await
    }

    /// Takes a broadcast back: nobody is shown it any longer.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`], [`Rejection::BroadcastNotFound`].
    pub async fn withdraw_broadcast(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        number: u64,
    ) -> Result<Committed<BroadcastsEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        self.run(&self.streams.broadcasts, account, begun, |state, _| state.withdraw(account, number)).await
    }
}
