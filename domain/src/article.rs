//! An article of an official account: written as a draft, published once, withdrawn perhaps.
//!
//! What is published stays as it is. Who reads and likes an article is decided in streams of the readers,
//! [`crate::reading`], so that an article that a million people read at once is no hot spot.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ArticleId, MediumId, OfficialAccountId,
    event::{Aggregate, EventMeta, event_family},
    policy::OfficialPolicy,
    rejection::{Rejection, check_line, check_name, check_text, check_web_address},
};

/// Longest title, author and digest, in characters (WeChat: 64 bytes, 16 and 120).
const TITLE_CHARS: usize = 64;
const AUTHOR_CHARS: usize = 16;
const DIGEST_CHARS: usize = 120;
/// Longest address, in characters.
const ADDRESS_CHARS: usize = 1_000;
/// Most pictures in an article.
const PICTURES_MAX: usize = 50;

/// What an article says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleText {
    /// Its title, 1 to 64 characters.
    pub title: String,
    /// Who wrote it, at most 16 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What it is about, at most 120 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The picture on its cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<MediumId>,
    /// The text, in HTML that was made harmless. Pictures are named `medium:{id}`.
    pub body: String,
    /// The pictures in the text.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pictures: BTreeSet<MediumId>,
    /// Where it first appeared: an `http` or `https` address, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl ArticleText {
    /// Every medium that it names.
    pub fn media(&self) -> impl Iterator<Item = MediumId> {
        self.cover.into_iter().chain(self.pictures.iter().copied())
    }

    fn check(&self, policy: &OfficialPolicy) -> Result<(), Rejection> {
        check_name("title", &self.title, TITLE_CHARS)?;
        check_line("author", &self.author, AUTHOR_CHARS)?;
        check_text("digest", &self.digest, DIGEST_CHARS)?;
        if !self.source.is_empty() {
            check_web_address("source", &self.source, ADDRESS_CHARS)?;
        }
        if self.pictures.len() > PICTURES_MAX {
            return Err(Rejection::TooLong { field: "body", max: PICTURES_MAX, unit: "pictures" });
        }
        if self.body.len() > policy.article_bytes {
            return Err(Rejection::TooLong { field: "body", max: policy.article_bytes, unit: "bytes" });
        }
        if self.body.trim().is_empty() {
            return Err(Rejection::InvalidField { field: "body", rule: "must not be empty" });
        }
        Ok(())
    }
}

/// An article as messages and posts name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleCard {
    /// Which.
    pub article: ArticleId,
    /// What is seen of it. The server puts it in; whatever a client sends is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Box<ArticleFront>>,
}

/// What is seen of an article before it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleFront {
    /// Whose it is.
    pub account: OfficialAccountId,
    /// Its title.
    pub title: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The picture on its cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<MediumId>,
}

/// A draft was written, or written anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleWritten {
    /// Whose it is.
    pub account: OfficialAccountId,
    /// All that it says.
    pub text: ArticleText,
}

/// It can be read by anybody from now on, as it was last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticlePublished {
    /// Whose it is.
    pub account: OfficialAccountId,
}

/// It is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleWithdrawn {
    /// Whose it was.
    pub account: OfficialAccountId,
}

event_family! {
    /// Events of an `article-` stream.
    ArticleEvent {
        "article.written" => ArticleWritten,
        "article.published" => ArticlePublished,
        "article.withdrawn" => ArticleWithdrawn,
    }
}

/// How far an article has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// There is none.
    #[default]
    None,
    /// Written, and for the account's people only.
    Draft,
    /// Anybody may read it.
    Published,
    /// It is no more.
    Withdrawn,
}

/// An article, without its text: deciders need not know what it says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Article {
    account: Option<OfficialAccountId>,
    stage: Stage,
    /// What is seen of it before it is opened.
    front: Option<ArticleFront>,
    media: BTreeSet<MediumId>,
}

impl Article {
    /// Writes it, or writes the draft anew. What was published or withdrawn is not written again.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::ArticleNotFound`] where it is another account's;
    /// [`Rejection::ArticlePublished`].
    pub fn write(
        &self,
        account: OfficialAccountId,
        text: ArticleText,
        policy: &OfficialPolicy,
    ) -> Result<Vec<ArticleEvent>, Rejection> {
        text.check(policy)?;
        if self.stage != Stage::None {
            self.check_of(account)?;
        }
        if self.stage == Stage::Published {
            return Err(Rejection::ArticlePublished);
        }
        Ok(vec![ArticleWritten { account, text }.into()])
    }

    /// Publishes it, as it was last written.
    ///
    /// # Errors
    /// [`Rejection::ArticleNotFound`].
    pub fn publish(&self, account: OfficialAccountId) -> Result<Vec<ArticleEvent>, Rejection> {
        self.check_of(account)?;
        Ok(if self.stage == Stage::Draft { vec![ArticlePublished { account }.into()] } else { vec![] })
    }

    /// Takes it back, whether it was published or not.
    ///
    /// # Errors
    /// [`Rejection::ArticleNotFound`].
    pub fn withdraw(&self, account: OfficialAccountId) -> Result<Vec<ArticleEvent>, Rejection> {
        self.check_of(account)?;
        Ok(vec![ArticleWithdrawn { account }.into()])
    }

    /// How far an account's article has come.
    ///
    /// # Errors
    /// [`Rejection::ArticleNotFound`] where it is not that account's.
    pub fn stage_of(&self, account: OfficialAccountId) -> Result<Stage, Rejection> {
        if self.account == Some(account) { Ok(self.stage) } else { Err(Rejection::ArticleNotFound) }
    }

    /// Checks that there is such an article of an account, published or not.
    ///
    /// # Errors
    /// [`Rejection::ArticleNotFound`].
    pub fn check_of(&self, account: OfficialAccountId) -> Result<(), Rejection> {
        match self.stage_of(account)? {
            Stage::Draft | Stage::Published => Ok(()),
            Stage::None | Stage::Withdrawn => Err(Rejection::ArticleNotFound),
        }
    }

    /// What is seen of it before it is opened, if anybody may open it.
    ///
    /// # Errors
    /// [`Rejection::ArticleNotFound`].
    pub fn published(&self) -> Result<&ArticleFront, Rejection> {
        let front = self.front.as_ref().filter(|_| self.stage == Stage::Published);
        front.ok_or(Rejection::ArticleNotFound)
    }

    /// Whether it names a medium.
    #[must_use]
    pub fn names(&self, medium: MediumId) -> bool {
        self.media.contains(&medium)
    }
}

impl Aggregate for Article {
    type Id = ArticleId;
    type Event = ArticleEvent;
    const CATEGORY: &'static str = "article";

    fn evolve(&mut self, event: &ArticleEvent, _meta: &EventMeta) {
        match event {
            ArticleEvent::ArticleWritten(written) => {
                let ArticleText { title, digest, cover, .. } = &written.text;
                let (account, cover) = (written.account, *cover);
                self.front = Some(ArticleFront { account, title: title.clone(), digest: digest.clone(), cover });
                self.media = written.text.media().collect();
                (self.account, self.stage) = (Some(account), Stage::Draft);
            }
            ArticleEvent::ArticlePublished(_) => self.stage = Stage::Published,
            ArticleEvent::ArticleWithdrawn(_) => self.stage = Stage::Withdrawn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn text(title: &str, body: &str) -> ArticleText {
        ArticleText { title: title.into(), body: body.into(), ..ArticleText::default() }
    }

    fn written(account: OfficialAccountId) -> Vec<ArticleEvent> {
        Article::default().write(account, text("Tea", "<p>tea</p>"), &OfficialPolicy::default()).unwrap()
    }

    #[test]
    fn a_draft_is_written_anew_until_it_is_published_and_then_stays_as_it_is() {
        let (account, policy) = (OfficialAccountId::new(), OfficialPolicy::default());
        let mut past = written(account);
        let state: Article = given(past.clone());
        assert_eq!(state.published().err(), Some(Rejection::ArticleNotFound));
        past.extend(state.write(account, text("Green tea", "<p>tea</p>"), &policy).unwrap());
        past.extend(given::<Article>(past.clone()).publish(account).unwrap());
        let state: Article = given(past.clone());
        assert_eq!(state.published().unwrap().title, "Green tea");
        assert_eq!(state.publish(account), Ok(vec![]));
        let again = state.write(account, text("Black tea", "<p>tea</p>"), &policy);
        assert_eq!(again, Err(Rejection::ArticlePublished));
        past.extend(state.withdraw(account).unwrap());
        let state: Article = given(past);
        assert_eq!(state.published().err(), Some(Rejection::ArticleNotFound));
        assert_eq!(state.withdraw(account), Err(Rejection::ArticleNotFound));
    }

    #[test]
    fn an_article_of_another_account_is_none() {
        let [mine, yours] = [0; 2].map(|_| OfficialAccountId::new());
        let state: Article = given(written(mine));
        let changed = state.write(yours, text("Tea", "<p>mine</p>"), &OfficialPolicy::default());
        assert_eq!(changed, Err(Rejection::ArticleNotFound));
        assert_eq!(state.publish(yours), Err(Rejection::ArticleNotFound));
        assert_eq!(state.withdraw(yours), Err(Rejection::ArticleNotFound));
    }

    #[test]
    fn an_article_has_a_title_and_a_body_within_bounds() {
        let policy = OfficialPolicy { article_bytes: 10, ..OfficialPolicy::default() };
        let write = |text| Article::default().write(OfficialAccountId::new(), text, &policy);
        assert!(write(text("Tea", "0123456789")).is_ok());
        for wrong in [text("", "x"), text("Tea", " "), text("Tea", "0123456789a"), text(&"t".repeat(65), "x")] {
            assert!(write(wrong.clone()).is_err(), "{wrong:?}");
        }
        let odd = ArticleText { source: "javascript:alert(1)".into(), ..text("Tea", "x") };
        assert!(write(odd).is_err());
        let pictures = (0..51).map(|_| MediumId::new()).collect();
        assert!(write(ArticleText { pictures, ..text("Tea", "x") }).is_err());
    }
}
