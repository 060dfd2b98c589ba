//! Reading: what one person did with one article. A stream for each of the two together, so that an article that a million
//! people read at once is no hot spot, and each of them counts once.

use serde::{Deserialize, Serialize};

use crate::{
    ArticleId, OfficialAccountId, UserId,
    event::{Aggregate, EventMeta, event_family},
};

/// An article and somebody who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingId {
    /// What is read.
    pub article: ArticleId,
    /// By whom.
    pub reader: UserId,
}

impl std::fmt::Display for ReadingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.article, self.reader)
    }
}

impl std::str::FromStr for ReadingId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        let (article, reader) = text.split_at_checked(uuid::fmt::Hyphenated::LENGTH).unwrap_or((text, ""));
        let reader = reader.strip_prefix('-').unwrap_or_default();
        Ok(Self { article: article.parse()?, reader: reader.parse()? })
    }
}

/// The actor read an article for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleRead {
    /// Which.
    pub article: ArticleId,
    /// Whose it is.
    pub account: OfficialAccountId,
}

/// The actor likes an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleLiked {
    /// Which.
    pub article: ArticleId,
    /// Whose it is.
    pub account: OfficialAccountId,
}

/// The actor took a like back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleLikeTakenBack {
    /// Of which article.
    pub article: ArticleId,
    /// Whose it is.
    pub account: OfficialAccountId,
}

event_family! {
    /// Events of a `reading-` stream.
    ReadingEvent {
        "article.read" => ArticleRead,
        "article.liked" => ArticleLiked,
        "article.like-taken-back" => ArticleLikeTakenBack,
    }
}

/// What one person did with one article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether they have read it.
    pub read: bool,
    /// Whether they like it.
    pub liked: bool,
}

impl Reading {
    /// Reads it: only the first time counts.
    #[must_use]
    pub fn read(&self, article: ArticleId, account: OfficialAccountId) -> Vec<ReadingEvent> {
        if self.read { vec![] } else { vec![ArticleRead { article, account }.into()] }
    }

    /// Likes it, or takes the like back.
    #[must_use]
    pub fn like(&self, article: ArticleId, account: OfficialAccountId, on: bool) -> Vec<ReadingEvent> {
        match (self.liked, on) {
            (false, true) => vec![ArticleLiked { article, account }.into()],
            (true, false) => vec![ArticleLikeTakenBack { article, account }.into()],
            _ => vec![],
        }
    }
}

impl Aggregate for Reading {
    type Id = ReadingId;
    type Event = ReadingEvent;
    const CATEGORY: &'static str = "reading";

    fn evolve(&mut self, event: &ReadingEvent, _meta: &EventMeta) {
        match event {
            ReadingEvent::ArticleRead(_) => self.read = true,
            ReadingEvent::ArticleLiked(_) => self.liked = true,
            ReadingEvent::ArticleLikeTakenBack(_) => self.liked = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn a_reader_counts_once_and_likes_once_until_it_is_taken_back() {
        let (article, account) = (ArticleId::new(), OfficialAccountId::new());
        let none = Reading::default();
        let read = none.read(article, account);
        assert_eq!(read.len(), 1);
        let liked = none.like(article, account, true);
        assert_eq!(none.like(article, account, false), vec![]);
        let state: Reading = given([read, liked].concat());
        assert_eq!((state.read(article, account), state.like(article, account, true)), (vec![], vec![]));
        assert_eq!(state.like(article, account, false), [ArticleLikeTakenBack { article, account }.into()]);
    }
}
