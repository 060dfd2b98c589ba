//! A post: what somebody shows their friends, with what these say of it.
//!
//! Who may see it is not decided here but told to the deciders as a [`Sight`]: it follows from what people are to each
//! other, which other streams know. To somebody who does not see the post in full it does not exist: of posts that
//! strangers see in an album only the latest are shown, which a stream can't know, so whatever a stranger were told of one
//! could tell that there is another.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::visibility::Sight;
use crate::{
    CommentId, MediumId, PostId, TagId, UserId,
    article::ArticleCard,
    conversation::Content,
    event::{Aggregate, EventMeta, event_family},
    medium::{Carried, MediumKind},
    policy::Policy,
    rejection::{Rejection, check_filled},
};

/// People, named one by one and by the author's tags. A tag means whoever has it when somebody looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = AudienceList)]
pub struct People {
    /// Named one by one.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<UserId>,
    /// Named by tags of the author.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<TagId>,
}

/// For whom a post is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", try_from = "AudienceFields")]
pub enum Audience {
    /// For all friends.
    #[default]
    Friends,
    /// For the author alone.
    OnlyMe,
    /// Only for the friends named.
    Share(People),
    /// For all friends but the ones named.
    Hide(People),
}

/// An audience as it is read. A tagged enum would pass over a list of people where there is no place for one, and who
/// names people for whom a post is not would show it to them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AudienceFields {
    kind: AudienceKind,
    #[serde(default)]
    people: BTreeSet<UserId>,
    #[serde(default)]
    tags: BTreeSet<TagId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AudienceKind {
    Friends,
    OnlyMe,
    Share,
    Hide,
}

impl TryFrom<AudienceFields> for Audience {
    type Error = &'static str;

    fn try_from(fields: AudienceFields) -> Result<Self, Self::Error> {
        let AudienceFields { kind, people, tags } = fields;
        let named = !people.is_empty() || !tags.is_empty();
        match kind {
            AudienceKind::Friends | AudienceKind::OnlyMe if named => Err("this kind of audience names nobody"),
            AudienceKind::Friends => Ok(Self::Friends),
            AudienceKind::OnlyMe => Ok(Self::OnlyMe),
            AudienceKind::Share => Ok(Self::Share(People { people, tags })),
            AudienceKind::Hide => Ok(Self::Hide(People { people, tags })),
        }
    }
}

impl Audience {
    /// The list of people, where there is one.
    #[must_use]
    pub fn named(&self) -> Option<&People> {
        match self {
            Self::Friends | Self::OnlyMe => None,
            Self::Share(people) | Self::Hide(people) => Some(people),
        }
    }
}

/// An address on the web.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// An `http` or `https` address.
    pub url: String,
    /// What it is, 1 to 100 characters.
    pub title: String,
    /// A picture of one's own that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Carried>,
}

/// A place on this planet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// What the place is called, 1 to 100 characters.
    pub title: String,
}

/// What a person shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPost)]
pub struct Draft {
    /// The words, at most 2,000 characters unless the server is set otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Up to nine pictures of one's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Carried>,
    /// A video of one's own, instead of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Carried>,
    /// A link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Box<Link>>,
    /// An article of an official account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<ArticleCard>,
    /// Where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Who is reminded of it, if they may see it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub remind: BTreeSet<UserId>,
    /// For whom it is.
    #[serde(default)]
    pub audience: Audience,
}

impl Draft {
    /// Every medium that it names, as which kind.
    pub fn media(&self) -> impl Iterator<Item = (MediumKind, MediumId)> {
        let of_link = self.link.iter().filter_map(|link| link.picture.as_ref());
        let pictures = self.pictures.iter().chain(of_link).map(|carried| (MediumKind::Picture, carried.medium));
        pictures.chain(self.video.iter().map(|carried| (MediumKind::Video, carried.medium)))
    }

    fn check(&self, has_tag: impl Fn(TagId) -> bool, policy: &Policy) -> Result<(), Rejection> {
        let rules = &policy.moments;
        if self.pictures.len() > rules.pictures_max {
            return Err(Rejection::TooLong { field: "pictures", max: rules.pictures_max, unit: "pictures" });
        }
        if !self.pictures.is_empty() && self.video.is_some() {
            return Err(Rejection::InvalidField { field: "video", rule: "a post shows pictures or a video" });
        }
        let shows = self.link.is_some() || self.article.is_some() || self.media().next().is_some();
        if !self.text.is_empty() || !shows {
            check_filled("text", &self.text, rules.text_chars)?;
        }
        if let Some(Link { url, title, .. }) = self.link.as_deref().cloned() {
            Content::Link { url, title, description: String::new() }.check(policy)?;
        }
        if let Some(Place { latitude, longitude, title }) = self.place.clone() {
            Content::Location { latitude, longitude, title, address: String::new() }.check(policy)?;
        }
        if self.remind.len() > rules.remind_max {
            return Err(Rejection::TooLong { field: "remind", max: rules.remind_max, unit: "people" });
        }
        let Some(named) = self.audience.named() else { return Ok(()) };
        if named.people.is_empty() && named.tags.is_empty() {
            return Err(Rejection::InvalidField { field: "audience", rule: "must name somebody" });
        }
        if named.people.len() > rules.audience_max {
            return Err(Rejection::TooLong { field: "audience", max: rules.audience_max, unit: "people" });
        }
        if named.tags.iter().all(|tag| has_tag(*tag)) { Ok(()) } else { Err(Rejection::TagNotFound) }
    }
}

/// A post was published. The actor is its author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostPublished {
    /// What it shows, and to whom.
    pub draft: Draft,
}

/// A post was deleted by its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostDeleted {}

/// The actor likes the post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLiked {}

/// The actor took a like back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LikeTakenBack {}

/// The comment that another one answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Which.
    pub comment: CommentId,
    /// Whose.
    pub author: UserId,
}

/// The actor said something about the post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentAdded {
    /// The comment.
    pub comment: CommentId,
    /// The words.
    pub text: String,
    /// What it answers; none where it is about the post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
}

/// A comment was deleted, by who wrote it or by the author of the post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentDeleted {
    /// Which.
    pub comment: CommentId,
}

event_family! {
    /// Events of a `post-` stream.
    PostEvent {
        "post.published" => PostPublished,
        "post.deleted" => PostDeleted,
        "post.liked" => PostLiked,
        "post.like-taken-back" => LikeTakenBack,
        "post.comment-added" => CommentAdded,
        "post.comment-deleted" => CommentDeleted,
    }
}

/// A comment, as deciders know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it.
    pub author: UserId,
    /// Whom it answers.
    pub target: Option<UserId>,
}

/// A post with what was said of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Post {
    published: Option<Published>,
    deleted: bool,
    likes: BTreeSet<UserId>,
    comments: BTreeMap<CommentId, Comment>,
}

/// What of a published post decides who sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Who published it.
    pub author: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// For whom.
    pub audience: Audience,
}

impl Post {
    /// What decides who sees it; none where there is no such post, or no longer.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        self.published.as_ref()
    }

    /// A comment, unless it was deleted.
    #[must_use]
    pub fn comment(&self, comment: CommentId) -> Option<Comment> {
        self.comments.get(&comment).copied()
    }

    /// Publishes it. `has_tag` tells whether the author has a tag. What was published already, and maybe deleted since, is
    /// not published again: it is a late repetition of the same command.
    ///
    /// # Errors
    /// Fields that break their rules, [`Rejection::TagNotFound`].
    pub fn publish(
        &self,
        draft: Draft,
        has_tag: impl Fn(TagId) -> bool,
        policy: &Policy,
    ) -> Result<Vec<PostEvent>, Rejection> {
        draft.check(has_tag, policy)?;
        let is_new = self.published.is_none() && !self.deleted;
        Ok(if is_new { vec![PostPublished { draft }.into()] } else { vec![] })
    }

    /// Deletes it, which only its author may.
    ///
    /// # Errors
    /// [`Rejection::PostNotFound`], [`Rejection::NotTheAuthor`].
    pub fn delete(&self, by: UserId, sight: Sight) -> Result<Vec<PostEvent>, Rejection> {
        let published = self.seen(sight)?;
        if published.author != by {
            return Err(Rejection::NotTheAuthor);
        }
        Ok(vec![PostDeleted {}.into()])
    }

    /// Likes it. Liking twice is liking once.
    ///
    /// # Errors
    /// [`Rejection::PostNotFound`].
    pub fn like(&self, by: UserId, sight: Sight) -> Result<Vec<PostEvent>, Rejection> {
        self.seen(sight)?;
        Ok(if self.likes.contains(&by) { vec![] } else { vec![PostLiked {}.into()] })
    }

    /// Takes a like back, if there is one.
    ///
    /// # Errors
    /// [`Rejection::PostNotFound`].
    pub fn take_like_back(&self, by: UserId, sight: Sight) -> Result<Vec<PostEvent>, Rejection> {
        self.seen(sight)?;
        Ok(if self.likes.contains(&by) { vec![LikeTakenBack {}.into()] } else { vec![] })
    }

    /// Says something about it, or about a comment. `shown` tells whether who speaks sees a comment. What was said under
    /// that id already is not said again.
    ///
    /// # Errors
    /// [`Rejection::PostNotFound`], [`Rejection::CommentNotFound`], [`Rejection::TooManyComments`], a text that breaks its
    /// rules.
    pub fn add_comment(
        &self,
        comment: CommentId,
        text: String,
        reply_to: Option<CommentId>,
        sight: Sight,
        shown: impl Fn(Comment) -> bool,
        policy: &Policy,
    ) -> Result<Vec<PostEvent>, Rejection> {
        self.seen(sight)?;
        check_filled("text", &text, policy.moments.comment_chars)?;
        if self.comments.contains_key(&comment) {
            return Ok(vec![]);
        }
        let answered = |id: CommentId| {
            let found = self.comment(id).filter(|found| shown(*found)).ok_or(Rejection::CommentNotFound)?;
            Ok(ReplyTo { comment: id, author: found.author })
        };
        let reply_to = reply_to.map(answered).transpose()?;
        if self.comments.len() >= policy.moments.comments_max {
            return Err(Rejection::TooManyComments { max: policy.moments.comments_max });
        }
        Ok(vec![CommentAdded { comment, text, reply_to }.into()])
    }

    /// Deletes a comment: one's own, or any on one's own post.
    ///
    /// # Errors
    /// [`Rejection::PostNotFound`], [`Rejection::CommentNotFound`], [`Rejection::NotTheAuthor`].
    pub fn delete_comment(
        &self,
        by: UserId,
        comment: CommentId,
        sight: Sight,
        shown: impl Fn(Comment) -> bool,
    ) -> Result<Vec<PostEvent>, Rejection> {
        let published = self.seen(sight)?;
        let found = self.comment(comment).filter(|found| shown(*found)).ok_or(Rejection::CommentNotFound)?;
        if ![published.author, found.author].contains(&by) {
            return Err(Rejection::NotTheAuthor);
        }
        Ok(vec![CommentDeleted { comment }.into()])
    }

    fn seen(&self, sight: Sight) -> Result<&Published, Rejection> {
        self.published().filter(|_| sight == Sight::Full).ok_or(Rejection::PostNotFound)
    }
}

impl Aggregate for Post {
    type Id = PostId;
    type Event = PostEvent;
    const CATEGORY: &'static str = "post";

    fn evolve(&mut self, event: &PostEvent, meta: &EventMeta) {
        match event {
            PostEvent::PostPublished(published) => {
                let audience = published.draft.audience.clone();
                self.published = meta.actor.map(|author| Published { author, at: meta.at, audience });
            }
            PostEvent::PostDeleted(_) => *self = Self { deleted: true, ..Self::default() },
            PostEvent::PostLiked(_) => self.likes.extend(meta.actor),
            PostEvent::LikeTakenBack(_) => {
                if let Some(actor) = meta.actor {
                    self.likes.remove(&actor);
                }
            }
            PostEvent::CommentAdded(added) => {
                let comment =
                    meta.actor.map(|author| Comment { author, target: added.reply_to.map(|reply| reply.author) });
                self.comments.extend(comment.map(|comment| (added.comment, comment)));
            }
            PostEvent::CommentDeleted(deleted) => {
                self.comments.remove(&deleted.comment);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventFamily, testing::given_by};

    fn draft(text: &str) -> Draft {
        Draft { text: text.to_owned(), ..Draft::default() }
    }

    fn published(author: UserId) -> (UserId, PostEvent) {
        (author, PostPublished { draft: draft("tea") }.into())
    }

    #[test]
    fn a_post_says_something_or_links_somewhere() {
        let policy = Policy::default();
        let publish = |draft: Draft| Post::default().publish(draft, |_| true, &policy);
        assert!(publish(draft("tea")).is_ok());
        assert!(publish(draft("茶".repeat(2_000).as_str())).is_ok());
        assert!(publish(draft("茶".repeat(2_001).as_str())).is_err());
        assert!(publish(draft("")).is_err());
        let to = |url: &str| Some(Box::new(Link { url: url.into(), title: "Tea".into(), picture: None }));
        let link = to("https://tea.example/");
        assert!(publish(Draft { link: link.clone(), ..Draft::default() }).is_ok());
        let elsewhere = to("file:///etc/passwd");
        assert!(publish(Draft { link: elsewhere, ..Draft::default() }).is_err());
        let place = Some(Place { latitude: 91.0, longitude: 0.0, title: "Nowhere".into() });
        assert!(publish(Draft { place, ..draft("here") }).is_err());
    }

    #[test]
    fn a_post_shows_up_to_nine_pictures_or_a_video() {
        let publish = |draft: Draft| Post::default().publish(draft, |_| true, &Policy::default()).is_ok();
        let carried = || Carried { medium: MediumId::new(), facts: None };
        let pictures = |count: usize| Draft { pictures: (0..count).map(|_| carried()).collect(), ..Draft::default() };
        assert!(publish(pictures(9)) && !publish(pictures(10)));
        assert!(publish(Draft { video: Some(carried()), ..Draft::default() }));
        assert!(!publish(Draft { video: Some(carried()), ..pictures(1) }));
    }

    #[test]
    fn a_list_names_somebody_and_only_tags_that_the_author_has() {
        let (policy, tag) = (Policy::default(), TagId::new());
        let publish =
            |audience: Audience| Post::default().publish(Draft { audience, ..draft("tea") }, |has| has == tag, &policy);
        assert!(publish(Audience::Share(People::default())).is_err());
        assert!(publish(Audience::Hide(People { tags: [tag].into(), ..People::default() })).is_ok());
        let foreign = People { tags: [tag, TagId::new()].into(), ..People::default() };
        assert_eq!(publish(Audience::Share(foreign)), Err(Rejection::TagNotFound));
        let crowd = People { people: (0..501).map(|_| UserId::new()).collect(), ..People::default() };
        assert!(publish(Audience::Hide(crowd)).is_err());
    }

    #[test]
    fn an_audience_is_read_as_it_was_written() {
        let people = People { people: [UserId::new()].into(), tags: [TagId::new()].into() };
        for audience in [Audience::Friends, Audience::OnlyMe, Audience::Share(people.clone()), Audience::Hide(people)] {
            let event: PostEvent = PostPublished { draft: Draft { audience, ..draft("tea") } }.into();
            let read = PostEvent::from_json("post.published", 1, &event.to_json().unwrap()).unwrap();
            assert_eq!(read, Some(event));
        }
    }

    #[test]
    fn to_who_may_not_see_it_a_post_does_not_exist() {
        let (author, other) = (UserId::new(), UserId::new());
        let state = given_by::<Post>(vec![published(author)]);
        let gone = given_by::<Post>(vec![published(author), (author, PostDeleted {}.into())]);
        let never = Post::default();
        let cases = [(&state, Sight::Nothing), (&state, Sight::Bare), (&gone, Sight::Full), (&never, Sight::Full)];
        for (state, sight) in cases {
            assert_eq!(state.like(other, sight), Err(Rejection::PostNotFound));
            assert_eq!(state.take_like_back(other, sight), Err(Rejection::PostNotFound));
            assert_eq!(state.delete(other, sight), Err(Rejection::PostNotFound));
        }
        assert_eq!(state.delete(other, Sight::Full), Err(Rejection::NotTheAuthor));
        assert_eq!(state.delete(author, Sight::Full).map(|events| events.len()), Ok(1));
    }

    #[test]
    fn what_comes_twice_under_one_id_is_published_and_said_once() {
        let (author, policy, comment) = (UserId::new(), Policy::default(), CommentId::new());
        let state = given_by::<Post>(vec![published(author)]);
        let gone = given_by::<Post>(vec![published(author), (author, PostDeleted {}.into())]);
        for state in [&state, &gone] {
            assert_eq!(state.publish(draft("tea"), |_| true, &policy), Ok(vec![]));
        }
        let say = |state: &Post| state.add_comment(comment, "Good!".into(), None, Sight::Full, |_| true, &policy);
        let said = say(&state).unwrap();
        assert_eq!(said.len(), 1);
        let state = given_by::<Post>(vec![published(author), (author, said[0].clone())]);
        assert_eq!(say(&state), Ok(vec![]));
    }

    #[test]
    fn a_like_is_given_and_taken_back_once() {
        let (author, other) = (UserId::new(), UserId::new());
        let liked = given_by::<Post>(vec![published(author), (other, PostLiked {}.into())]);
        assert_eq!(liked.like(other, Sight::Full), Ok(vec![]));
        assert_eq!(liked.take_like_back(other, Sight::Full), Ok(vec![LikeTakenBack {}.into()]));
        assert_eq!(liked.take_like_back(author, Sight::Full), Ok(vec![]));
        assert_eq!(liked.like(author, Sight::Full), Ok(vec![PostLiked {}.into()]));
    }

    #[test]
    fn only_a_comment_that_one_sees_can_be_answered() {
        let (author, other, policy) = (UserId::new(), UserId::new(), Policy::default());
        let (first, second) = (CommentId::new(), CommentId::new());
        let added = CommentAdded { comment: first, text: "Good!".into(), reply_to: None };
        let state = given_by::<Post>(vec![published(author), (other, added.into())]);
        let answer = |shown: bool, to: CommentId| {
            state.add_comment(second, "Indeed".into(), Some(to), Sight::Full, |_| shown, &policy)
        };
        assert_eq!(answer(false, first), Err(Rejection::CommentNotFound));
        assert_eq!(answer(true, second), Err(Rejection::CommentNotFound));
        let reply_to = Some(ReplyTo { comment: first, author: other });
        let expected = CommentAdded { comment: second, text: "Indeed".into(), reply_to };
        assert_eq!(answer(true, first), Ok(vec![expected.into()]));
        let empty = state.add_comment(second, " ".into(), None, Sight::Full, |_| true, &policy);
        assert!(empty.is_err());
    }

    #[test]
    fn a_comment_is_deleted_by_who_wrote_it_or_by_the_author_of_the_post() {
        let [author, other, third] = std::array::from_fn(|_| UserId::new());
        let comment = CommentId::new();
        let added = CommentAdded { comment, text: "Good!".into(), reply_to: None };
        let state = given_by::<Post>(vec![published(author), (other, added.into())]);
        for by in [author, other] {
            let deleted = state.delete_comment(by, comment, Sight::Full, |_| true);
            assert_eq!(deleted, Ok(vec![CommentDeleted { comment }.into()]));
        }
        assert_eq!(state.delete_comment(third, comment, Sight::Full, |_| true), Err(Rejection::NotTheAuthor));
        assert_eq!(state.delete_comment(third, comment, Sight::Full, |_| false), Err(Rejection::CommentNotFound));
    }
}
