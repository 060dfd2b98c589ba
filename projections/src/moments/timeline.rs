//! The timeline, merged from friends' albums when it is looked at, and the albums.

use std::collections::{BinaryHeap, HashSet};

use domain::{UserId, moments::visibility::Sight};

use super::{PostShown, Posts, Viewer, viewer::Seen};
use crate::ProjectionError;

/// The posts that may be in somebody's timeline, newest first. Of each author only the newest is at hand; an author is
/// looked at more closely when it is their turn.
struct Feed<'a, 'v> {
    viewer: &'a Viewer<'v>,
    /// The newest post of each author that has not come.
    heads: BinaryHeap<(u64, UserId)>,
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
            heads.extend(newest.map(|position| (position, author)));
        }
        Ok(Self { viewer, heads: heads.into(), admitted: HashSet::new() })
    }

    /// The next post that the viewer sees in full.
    fn next(&mut self) -> Result<Option<Seen>, ProjectionError> {
        while let Some((position, author)) = self.heads.pop() {
            if !self.admits(author) {
                continue;
            }
            let older = self.viewer.moments.post_before(author, position)?;
            self.heads.extend(older.map(|position| (position, author)));
            let seen = self.viewer.seen(position)?.filter(|seen| seen.sight == Sight::Full);
            if seen.is_some() {
                return Ok(seen);
            }
        }
        Ok(None)
    }

    /// Whether an author belongs in the timeline at all.
    fn admits(&mut self, author: UserId) -> bool {
        let Viewer { user, relationships, .. } = self.viewer;
        if author == *user || self.admitted.contains(&author) {
            return true;
        }
        let regard = relationships.regard(author, *user);
        let admitted = regard.bond.is_open() && !regard.shut_out && !relationships.skips(*user, author);
        if admitted {
            self.admitted.insert(author);
        }
        admitted
    }
}

impl Viewer<'_> {
    /// A page of the timeline: own posts and those of friends that they see, without those of friends whom they leave
    /// out; newest first, those before a position, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn timeline(&self, before: Option<u64>, limit: usize) -> Result<Posts, ProjectionError> {
        let mut feed = Feed::before(self, before.unwrap_or(u64::MAX), true)?;
        self.page(limit, || feed.next())
    }

    /// Whether the timeline has a post of somebody else behind the one that they saw there last.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn has_new(&self) -> Result<bool, ProjectionError> {
        let viewed = self.moments.circle(self.user).viewed;
        let newest = Feed::before(self, u64::MAX, false)?.next()?;
        Ok(newest.is_some_and(|seen| seen.position > viewed))
    }

    /// A page of somebody's album: newest first, those before a position, at most `limit`. Friends see the posts that
    /// are for them; others the latest few, bare, where the author lets strangers look. Where nothing is to be seen the
    /// album is empty, whatever the cause.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn album(&self, author: UserId, before: Option<u64>, limit: usize) -> Result<Posts, ProjectionError> {
        let before = before.unwrap_or(u64::MAX);
        if author != self.user && !self.relationships.bond(author, self.user).mutual {
            let mut bare = self.bare_album(author)?.into_iter().filter(|seen| seen.position < before);
            return self.page(limit, || Ok(bare.next()));
        }
        let mut album = Album { viewer: self, author, before };
        self.page(limit, || album.next())
    }

    /// The album of an author whose friend the viewer is not: the latest few of what they see.
    pub(super) fn bare_album(&self, author: UserId) -> Result<Vec<Seen>, ProjectionError> {
        let mut album = Album { viewer: self, author, before: u64::MAX };
        let mut posts = vec![];
        while posts.len() < self.stranger_posts {
            let Some(seen) = album.next()? else { break };
            posts.push(seen);
        }
        Ok(posts)
    }

    fn page(
        &self,
        limit: usize,
        mut next: impl FnMut() -> Result<Option<Seen>, ProjectionError>,
    ) -> Result<Posts, ProjectionError> {
        let mut posts: Vec<PostShown> = vec![];
        while let Some(seen) = next()? {
            if posts.len() >= limit {
                return Ok(Posts { posts, more: true });
            }
            posts.push(self.shown(seen)?);
        }
        Ok(Posts { posts, more: false })
    }
}

/// The posts of one author that the viewer sees, newest first.
struct Album<'a, 'v> {
    viewer: &'a Viewer<'v>,
    author: UserId,
    before: u64,
}

impl Album<'_, '_> {
    fn next(&mut self) -> Result<Option<Seen>, ProjectionError> {
        while let Some(position) = self.viewer.moments.post_before(self.author, self.before)? {
            self.before = position;
            let seen = self.viewer.seen(position)?;
            if seen.is_some() {
                return Ok(seen);
            }
        }
        Ok(None)
    }
}
