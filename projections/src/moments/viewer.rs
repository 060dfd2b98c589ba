//! Somebody who looks, and what of a post they see: every answer about Moments is judged here, when it is asked for.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{
    PostId, UserId,
    moments::visibility::{Sight, is_shown, sight},
};

use super::{MomentsView, PostShown, digest::Digest, rows::PostRow};
use crate::{ProjectionError, people::Relationships};

/// Most likes that come with a post; more are asked for.
const LIKES_SHOWN: usize = 50;
/// Most comments that come with a post; more are asked for.
const COMMENTS_SHOWN: usize = 20;

/// Somebody who looks at a time.
pub struct Viewer<'a> {
    pub(super) moments: &'a MomentsView,
    pub(super) user: UserId,
    pub(super) relationships: Relationships<'a>,
    now: DateTime<Utc>,
    pub(super) stranger_posts: usize,
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
        stranger_posts: usize,
    ) -> Self {
        Self { moments, user, relationships, now, stranger_posts, known: RefCell::default() }
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
            link: draft.link,
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
