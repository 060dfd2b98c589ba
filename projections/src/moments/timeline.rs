//! The timeline, merged from friends' albums when it is looked at, and the albums.

use std::collections::{BinaryHeap, HashSet};

use domain::{UserId, moments::visibility::Sight};

use super::{PostShown, Posts, Viewer, index::Placed, page::Page, viewer::Seen};
use crate::ProjectionError;

/// A post at a position that may be for the viewer; none where it is not.
type Candidate = Result<(u64, Option<Seen>), ProjectionError>;

/// The posts that may be in somebody's timeline, newest first. Of each author only the newest is at hand; an author is
/// looked at more closely when it is their turn.
struct Feed<'a, 'v> {
    viewer: &'a Viewer<'v>,
    /// The newest post of each author that has not come.
    heads: BinaryHeap<(Placed, UserId)>,
    /// Authors who have been looked at, and belong in the timeline.
    admitted: HashSet<UserId>,
}

impl<'a, 'v> Feed<'a, 'v> {
    /// The feed of posts of the viewer's contacts before a position, and of the viewer's own if they are wanted.
    fn before(viewer: &'a Viewer<'v>, before: u64, own: bool) -> Result<Self, ProjectionError> {
        let contacts = viewer.relationships.contacts_of(viewer.user);
        let mut heads = vec![];
        for author in contacts.chain(own.then_some(viewer.user)) {
            let newest = viewer.moments.post_before(author, before)?;
            heads.extend(newest.map(|post| (post, author)));
        }
        Ok(Self { viewer, heads: heads.into(), admitted: HashSet::new() })
    }

    /// Puts an author's next older post in its place, and looks at this one.
    fn look(&mut self, author: UserId, position: u64) -> Candidate {
        let older = self.viewer.moments.post_before(author, position)?;
        self.heads.extend(older.map(|post| (post, author)));
        let seen = self.viewer.seen(position)?.filter(|seen| seen.sight == Sight::Full);
        Ok((position, seen))
    }

    /// Whether an author belongs in the timeline at all.
    fn admits(&mut self, author: UserId) -> bool {
        let viewer = self.viewer;
        if author == viewer.user || self.admitted.contains(&author) {
            return true;
        }
        let admitted = viewer.sight_at_most(author) == Sight::Full && !viewer.relationships.skips(viewer.user, author);
        if admitted {
            self.admitted.insert(author);
        }
        admitted
    }
}

impl Iterator for Feed<'_, '_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        loop {
            let (post, author) = self.heads.pop()?;
            if self.admits(author) && !self.viewer.is_past(author, post) {
                return Some(self.look(author, post.position));
            }
        }
    }
}

/// The posts of one author, newest first, as far as the viewer may see any.
struct Album<'a, 'v> {
    viewer: &'a Viewer<'v>,
    author: UserId,
    before: u64,
}

impl Iterator for Album<'_, '_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        let look = |post: Placed| Ok((post.position, self.viewer.seen(post.position)?));
        match self.viewer.moments.post_before(self.author, self.before) {
            Err(error) => Some(Err(error)),
            Ok(post) => {
                let post = post.filter(|post| !self.viewer.is_past(self.author, *post))?;
                self.before = post.position;
                Some(look(post))
            }
        }
    }
}

impl Viewer<'_> {
    /// A page of the timeline: own posts and those of friends that they see, without those of friends whom they leave
    /// out; newest first, those before a position, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn timeline(&self, before: Option<u64>, limit: usize) -> Result<Posts, ProjectionError> {
        self.page(limit, Feed::before(self, before.unwrap_or(u64::MAX), true)?)
    }

    /// Whether the timeline has a post of somebody else behind the one that they saw there last.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn has_new(&self) -> Result<bool, ProjectionError> {
        let viewed = self.moments.circle(self.user).viewed;
        for candidate in Feed::before(self, u64::MAX, false)?.take(self.bounds.passed_over) {
            match candidate? {
                (position, _) if position <= viewed => return Ok(false),
                (_, None) => {}
                (_, Some(_)) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// A page of somebody's album: newest first, those before a position, at most `limit`. Friends see the posts that
    /// are for them; others the latest few, bare, where the author lets strangers look. Where nothing is to be seen the
    /// album is empty, whatever the cause.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn album(&self, author: UserId, before: Option<u64>, limit: usize) -> Result<Posts, ProjectionError> {
        let before = before.unwrap_or(u64::MAX);
        match self.sight_at_most(author) {
            Sight::Nothing => Ok(Posts::default()),
            Sight::Bare => {
                let bare = self.bare_album(author)?.into_iter().filter(|seen| seen.position < before);
                self.page(limit, bare.map(|seen| Ok((seen.position, Some(seen)))))
            }
            Sight::Full => self.page(limit, Album { viewer: self, author, before }),
        }
    }

    /// The album of an author whose friend the viewer is not: the latest few of what they see.
    pub(super) fn bare_album(&self, author: UserId) -> Result<Vec<Seen>, ProjectionError> {
        let album = Album { viewer: self, author, before: u64::MAX };
        let mut posts = vec![];
        for candidate in album.take(self.bounds.passed_over) {
            posts.extend(candidate?.1);
            if posts.len() >= self.bounds.stranger_posts {
                break;
            }
        }
        Ok(posts)
    }

    fn page(&self, limit: usize, candidates: impl Iterator<Item = Candidate>) -> Result<Posts, ProjectionError> {
        let mut page = Page::new(limit, self.bounds.passed_over);
        for candidate in candidates {
            let (position, seen) = candidate?;
            if !page.take(position, seen) {
                break;
            }
        }
        let (seen, next) = page.done();
        let posts = seen.into_iter().map(|seen| self.shown(seen)).collect::<Result<Vec<PostShown>, _>>()?;
        Ok(Posts { posts, more: next.is_some(), next })
    }
}
