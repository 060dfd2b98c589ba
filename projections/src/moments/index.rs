//! What is held in memory: the newest posts of every author, and everybody's settings, cover and marks.

use std::collections::{HashMap, VecDeque};

use domain::{Circle, UserId, medium::Carried, moments::circle::Settings};

/// How many of an author's newest posts are held in memory. A first page of the timeline is found without asking the
/// disk; a million people who post would need about 350 MB.
const NEWEST: usize = 20;

/// Where and when a post was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub(super) position: u64,
    /// Microseconds of Unix time: a moment that takes half the room of a date.
    pub(super) at_micros: i64,
}

/// An author's newest posts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Newest {
    /// In the order of their positions.
    posts: VecDeque<Placed>,
    /// All posts at this position or behind it are in `posts`; what is before it is on disk.
    floor: u64,
}

/// Where an author's next older post is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Older {
    /// There; none where there is no older one.
    Known(Option<Placed>),
    /// On disk, before that position, if anywhere.
    OnDisk(u64),
}

/// What is held in memory.
#[derive(Default)]
pub(super) struct Index {
    authors: HashMap<UserId, Newest>,
    circles: HashMap<UserId, Circle>,
}

impl Index {
    /// Takes a post in, which is newer than the author's others.
    pub(super) fn publish(&mut self, author: UserId, post: Placed) {
        let newest = self.authors.entry(author).or_default();
        newest.posts.push_back(post);
        if newest.posts.len() > NEWEST {
            newest.posts.pop_front();
            newest.floor = newest.posts.front().map_or(post.position, |post| post.position);
        }
    }

    /// Takes a post out.
    pub(super) fn delete(&mut self, author: UserId, position: u64) {
        let Some(newest) = self.authors.get_mut(&author) else { return };
        newest.posts.retain(|held| held.position != position);
        if newest.posts.is_empty() && newest.floor == 0 {
            self.authors.remove(&author);
        }
    }

    pub(super) fn set_circle(&mut self, user: UserId, circle: Circle) {
        self.circles.insert(user, circle);
    }

    /// An author's newest post before a position.
    pub(super) fn before(&self, author: UserId, before: u64) -> Older {
        let Some(newest) = self.authors.get(&author) else { return Older::Known(None) };
        let older = newest.posts.partition_point(|post| post.position < before);
        match older.checked_sub(1).and_then(|at| newest.posts.get(at)) {
            Some(post) => Older::Known(Some(*post)),
            None if newest.floor == 0 => Older::Known(None),
            None => Older::OnDisk(before.min(newest.floor)),
        }
    }

    /// Somebody's settings and marks.
    pub(super) fn circle(&self, user: UserId) -> Circle {
        self.circles.get(&user).cloned().unwrap_or_default()
    }

    /// Somebody's cover.
    pub(super) fn cover(&self, user: UserId) -> Option<&Carried> {
        self.circles.get(&user)?.cover.as_ref()
    }

    /// Somebody's settings.
    pub(super) fn settings(&self, user: UserId) -> Settings {
        self.circles.get(&user).map(|circle| circle.settings).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(position: u64) -> Placed {
        Placed { position, at_micros: 7 }
    }

    #[test]
    fn an_author_s_older_posts_are_asked_of_the_disk() {
        let (author, mut index) = (UserId::new(), Index::default());
        assert_eq!(index.before(author, u64::MAX), Older::Known(None));
        (1..=30).for_each(|post| index.publish(author, placed(10 * post)));
        assert_eq!(index.before(author, u64::MAX), Older::Known(Some(placed(300))));
        assert_eq!(index.before(author, 120), Older::Known(Some(placed(110))));
        assert_eq!(index.before(author, 110), Older::OnDisk(110));
        assert_eq!(index.before(author, 50), Older::OnDisk(50));
    }

    #[test]
    fn the_older_posts_are_found_although_all_newer_ones_were_deleted() {
        let (author, mut index) = (UserId::new(), Index::default());
        (1..=21).for_each(|post| index.publish(author, placed(post)));
        (2..=21).for_each(|post| index.delete(author, post));
        assert_eq!(index.before(author, u64::MAX), Older::OnDisk(2));
        index.publish(author, placed(50));
        assert_eq!(index.before(author, u64::MAX), Older::Known(Some(placed(50))));
        assert_eq!(index.before(author, 50), Older::OnDisk(2));
    }

    #[test]
    fn who_has_deleted_everything_has_nothing_anywhere() {
        let (author, mut index) = (UserId::new(), Index::default());
        index.publish(author, placed(7));
        index.delete(author, 7);
        assert_eq!(index.before(author, u64::MAX), Older::Known(None));
        assert!(index.authors.is_empty());
    }
}
