//! Somebody who looks, and what of a post they see: every answer about Moments is judged here, when it is asked for.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    MediumId, MediumKind, PostId, UserId,
    medium::Carried,
    moments::visibility::{Sight, is_shown, sight, sight_at_most},
};

use super::{MomentsView, PostShown, digest::Digest, index::Placed, rows::PostRow, tidings::COMPANY};
use crate::{ProjectionError, people::Relationships};

/// Most likes that come with a post; more are asked for.
const LIKES_SHOWN: usize = 50;
/// Most comments that come with a post; more are asked for.
const COMMENTS_SHOWN: usize = 20;

/// An author's posts stand in the order of the log, and the clocks behind their times agree to within this: where one is
/// further than that behind the author's window, all older ones are behind it too.
const CLOCKS_AGREE: TimeDelta = TimeDelta::days(1);

/// How far one look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many of an author's latest posts are shown to who is no friend.
    pub stranger_posts: usize,
    /// How many posts, interactions or notices that the viewer does not see a page goes past before it ends early.
    pub passed_over: usize,
    /// Besides whom it is about, those are told of a like or comment of whom something stands among the last so many
    /// things that happened below the post.
    pub company: u64,
    /// Of what somebody did themselves so many of the latest things have them told of what others do there.
    pub own_deeds: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { stranger_posts: 10, passed_over: 1_000, company: COMPANY, own_deeds: 50 }
    }
}

/// Somebody who looks at a time.
pub struct Viewer<'a> {
    pub(super) moments: &'a MomentsView,
    pub(super) user: UserId,
    pub(super) relationships: Relationships<'a>,
    now: DateTime<Utc>,
    pub(super) bounds: Bounds,
    /// Which two people are known to each other, as far as that was asked already.
    known: RefCell<HashMap<(UserId, UserId), bool>>,
}

/// A post with how much of it the viewer sees.
pub(super) struct Seen {
    pub(super) position: u64,
    pub(super) digest: Arc<Digest>,
    pub(super) sight: Sight,
}

impl Seen {
    pub(super) fn row(&self) -> &PostRow {
        &self.digest.row
    }
}

impl<'a> Viewer<'a> {
    pub(super) fn new(
        moments: &'a MomentsView,
        user: UserId,
        relationships: Relationships<'a>,
        now: DateTime<Utc>,
        bounds: Bounds,
    ) -> Self {
        Self { moments, user, relationships, now, bounds, known: RefCell::default() }
    }

    /// The most that they see of any post of an author.
    pub(super) fn sight_at_most(&self, author: UserId) -> Sight {
        if author == self.user {
            return Sight::Full;
        }
        let settings = self.moments.index.read().settings(author);
        sight_at_most(&settings, self.relationships.regard(author, self.user))
    }

    /// Whether a post of an author is so far behind the window that all older ones are as well.
    pub(super) fn is_past(&self, author: UserId, post: Placed) -> bool {
        let window = self.moments.index.read().settings(author).window;
        let at = DateTime::from_timestamp_micros(post.at_micros).unwrap_or_default();
        author != self.user && !window.has(at + CLOCKS_AGREE, self.now)
    }

    /// How much of a post they see.
    fn sight(&self, row: &PostRow) -> Sight {
        if row.author == self.user {
            return Sight::Full;
        }
        let settings = self.moments.index.read().settings(row.author);
        let regard = self.relationships.regard(row.author, self.user);
        sight(self.user, &row.draft.audience, row.at, &settings, regard, self.now)
    }

    /// The post at a position, if they see anything of it.
    pub(super) fn seen(&self, position: u64) -> Result<Option<Seen>, ProjectionError> {
        let Some(digest) = self.moments.digests.get(&self.moments.tables, position)? else { return Ok(None) };
        let sight = self.sight(&digest.row);
        Ok((sight > Sight::Nothing).then_some(Seen { position, digest, sight }))
    }

    /// A post by its id, if they see anything of it. Who is no friend sees no more single posts than the album has for
    /// them.
    pub(super) fn find(&self, post: PostId) -> Result<Option<Seen>, ProjectionError> {
        let Some(position) = self.moments.tables.position_of(post)? else { return Ok(None) };
        let Some(seen) = self.seen(position)? else { return Ok(None) };
        if seen.sight == Sight::Full || self.bare_album(seen.row().author)?.iter().any(|bare| bare.position == position)
        {
            return Ok(Some(seen));
        }
        Ok(None)
    }

    /// One post; none where they see nothing of it, as where there never was one.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn post(&self, post: PostId) -> Result<Option<PostShown>, ProjectionError> {
        self.find(post)?.map(|seen| self.shown(seen)).transpose()
    }

    /// The media of a post, as which kind; none where they see nothing of it.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn media(&self, post: PostId) -> Result<Vec<(MediumKind, MediumId)>, ProjectionError> {
        Ok(self.find(post)?.map(|seen| seen.row().draft.media().collect()).unwrap_or_default())
    }

    /// The cover of somebody's Moments, for whoever may see any of them: friends, and strangers where the author lets them
    /// look.
    #[must_use]
    pub fn cover(&self, author: UserId) -> Option<Carried> {
        let may_see = self.sight_at_most(author) > Sight::Nothing;
        may_see.then(|| self.moments.index.read().cover(author).cloned()).flatten()
    }

    /// Whether they see what somebody did below a post that they see in full, in answer to somebody or to nobody.
    pub(super) fn sees_deed(&self, author: UserId, actor: UserId, target: Option<UserId>) -> bool {
        is_shown(self.user, author, actor, target, |one, other| self.known(one, other))
    }

    fn known(&self, one: UserId, other: UserId) -> bool {
        let pair = (one.min(other), one.max(other));
        let known = self.known.borrow().get(&pair).copied();
        known.unwrap_or_else(|| {
            let known = self.relationships.bond(one, other).is_known();
            self.known.borrow_mut().insert(pair, known);
            known
        })
    }

    /// A post with the first of what they see below it.
    pub(super) fn shown(&self, seen: Seen) -> Result<PostShown, ProjectionError> {
        let likes = self.likes_of(&seen, 0, LIKES_SHOWN)?;
        let comments = self.comments_of(&seen, 0, COMMENTS_SHOWN)?;
        let Seen { position, digest, sight } = seen;
        let PostRow { post, author, at, draft } = digest.row.clone();
        let own = author == self.user;
        Ok(PostShown {
            post,
            position,
            author,
            at,
            text: draft.text,
            pictures: draft.pictures,
            video: draft.video,
            link: draft.link,
            article: draft.article,
            place: draft.place,
            reminds_me: sight == Sight::Full && draft.remind.contains(&self.user),
            audience: own.then_some(draft.audience),
            remind: own.then_some(draft.remind),
            bare: sight == Sight::Bare,
            likes: likes.likes,
            more_likes: likes.more,
            comments: comments.comments,
            more_comments: comments.more,
        })
    }
}
