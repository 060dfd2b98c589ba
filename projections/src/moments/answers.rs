//! What questions about Moments are answered with, as it goes over HTTP.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    CommentId, PostId, UserId,
    article::ArticleCard,
    medium::Carried,
    moments::post::{Audience, Link, Place},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A post, as somebody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PostShown {
    /// The post.
    pub post: PostId,
    /// Its place in the log.
    pub position: u64,
    /// Who published it.
    pub author: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// The words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Its pictures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Carried>,
    /// Its video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<Carried>,
    /// A link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Box<Link>>,
    /// An article of an official account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<ArticleCard>,
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether it reminds me.
    pub reminds_me: bool,
    /// For whom it is; told only to its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// Whom it reminds; told only to its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind: Option<BTreeSet<UserId>>,
    /// Whether I am no friend of its author, and so am shown nothing of what others say of it.
    pub bare: bool,
    /// The first of the likes that I may see, in the order of time.
    pub likes: Vec<LikeShown>,
    /// Whether there are more that I may see.
    pub more_likes: bool,
    /// The first of the comments that I may see: an answer never stands before what it answers.
    pub comments: Vec<CommentShown>,
    /// Whether there are more that I may see.
    pub more_comments: bool,
}

/// A like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LikeShown {
    /// Its place in the log.
    pub position: u64,
    /// Who likes it.
    pub user: UserId,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommentShown {
    /// The comment.
    pub comment: CommentId,
    /// Its place in the log.
    pub position: u64,
    /// Who wrote it.
    pub author: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// The words.
    pub text: String,
    /// The comment that it answers, which may have been deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<CommentId>,
    /// Whom it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_author: Option<UserId>,
}

/// Posts, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Posts {
    /// The posts.
    pub posts: Vec<PostShown>,
    /// Whether to go on: there are older ones, or so many that I don't see were gone past that the page ended early.
    pub more: bool,
    /// Where to go on: ask for those before this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Likes of a post, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Likes {
    /// The likes.
    pub likes: Vec<LikeShown>,
    /// Whether there are later ones: ask for those after the last one's position.
    pub more: bool,
}

/// Comments on a post, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comments {
    /// The comments.
    pub comments: Vec<CommentShown>,
    /// Whether there are later ones: ask for those after the last one's position.
    pub more: bool,
}

/// Something that I did below a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InteractionShown {
    /// Its place in the log.
    pub position: u64,
    /// Below which post.
    pub post: PostId,
    /// Whose post that is.
    pub author: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// What I said; none where I liked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentShown>,
}

/// What I did below posts that I see, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Interactions {
    /// What I did.
    pub interactions: Vec<InteractionShown>,
    /// Whether to go on: there is older, or so much that I don't see any more was gone past that the page ended early.
    pub more: bool,
    /// Where to go on: ask for what is before this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What a notice is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A post reminds me.
    Reminder,
    /// Somebody likes a post.
    Like,
    /// Somebody said something about a post.
    Comment,
}

/// That something happened which concerns me.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeShown {
    /// Its place in the log.
    pub position: u64,
    /// What of.
    pub kind: NoticeKind,
    /// Who did it.
    pub user: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// The post.
    pub post: PostId,
    /// Whose post that is.
    pub author: UserId,
    /// Whether it is about me: my post, an answer to me, a reminder; and not what a common friend did below a post where
    /// I was before.
    pub about_me: bool,
    /// What was said, where something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentShown>,
}

/// Notices, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notices {
    /// The notices.
    pub notices: Vec<NoticeShown>,
    /// Whether to go on: there are older ones, or so many that I don't see were gone past that the page ended early.
    pub more: bool,
    /// Where to go on: ask for those before this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Up to which position I have read them.
    pub read: u64,
}

/// What a client shows before anybody looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Badge {
    /// Whether the timeline has a post of somebody else that I have not seen there.
    pub has_new: bool,
    /// How many notices I have not read; at most 99 are counted.
    pub unread: usize,
}
