//! What is held in memory: the newest posts of every author, and everybody's settings and marks.

use std::collections::{HashMap, VecDeque};

use domain::{Circle, UserId, moments::circle::Settings};

/// How many of an author's newest posts are held in memory. A first page of the timeline, and a few more, are found
/// without asking the disk; a million people who post would need about 300 MB.
const NEWEST: usize = 32;

/// An author's newest posts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Newest {
    /// Their positions, ascending.
    positions: VecDeque<u64>,
    /// All posts at this position or behind it are in `positions`; what is before it is on disk.
    floor: u64,
}

/// Where an author's next older post is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Older {
    /// There; none where there is no older one.
    Known(Option<u64>),
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
    pub(super) fn publish(&mut self, author: UserId, position: u64) {
        let newest = self.authors.entry(author).or_default();
        newest.positions.push_back(position);
        if newest.positions.len() > NEWEST {
            newest.positions.pop_front();
            newest.floor = newest.positions.front().copied().unwrap_or(position);
        }
    }

    /// Takes a post out.
    pub(super) fn delete(&mut self, author: UserId, position: u64) {
        let Some(newest) = self.authors.get_mut(&author) else { return };
        newest.positions.retain(|held| *held != position);
        if newest.positions.is_empty() && newest.floor == 0 {
            self.authors.remove(&author);
        }
    }

    pub(super) fn set_circle(&mut self, user: UserId, circle: Circle) {
        self.circles.insert(user, circle);
    }

    /// An author's newest post before a position.
    pub(super) fn before(&self, author: UserId, before: u64) -> Older {
        let Some(newest) = self.authors.get(&author) else { return Older::Known(None) };
        let older = newest.positions.partition_point(|position| *position < before);
        match older.checked_sub(1).and_then(|at| newest.positions.get(at)) {
            Some(position) => Older::Known(Some(*position)),
            None if newest.floor == 0 => Older::Known(None),
            None => Older::OnDisk(before.min(newest.floor)),
        }
    }

    /// Somebody's settings and marks.
    pub(super) fn circle(&self, user: UserId) -> Circle {
        self.circles.get(&user).cloned().unwrap_or_default()
    }

    /// Somebody's settings.
    pub(super) fn settings(&self, user: UserId) -> Settings {
        self.circles.get(&user).map(|circle| circle.settings).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_s_older_posts_are_asked_of_the_disk() {
        let (author, mut index) = (UserId::new(), Index::default());
        assert_eq!(index.before(author, u64::MAX), Older::Known(None));
        (1..=40).for_each(|position| index.publish(author, 10 * position));
        assert_eq!(index.before(author, u64::MAX), Older::Known(Some(400)));
        assert_eq!(index.before(author, 100), Older::Known(Some(90)));
        assert_eq!(index.before(author, 90), Older::OnDisk(90));
        assert_eq!(index.before(author, 50), Older::OnDisk(50));
    }

    #[test]
    fn the_older_posts_are_found_although_all_newer_ones_were_deleted() {
        let (author, mut index) = (UserId::new(), Index::default());
        (1..=33).for_each(|position| index.publish(author, position));
        (2..=33).for_each(|position| index.delete(author, position));
        assert_eq!(index.before(author, u64::MAX), Older::OnDisk(2));
        index.publish(author, 50);
        assert_eq!(index.before(author, u64::MAX), Older::Known(Some(50)));
        assert_eq!(index.before(author, 50), Older::OnDisk(2));
    }

    #[test]
    fn who_has_deleted_everything_has_nothing_anywhere() {
        let (author, mut index) = (UserId::new(), Index::default());
        index.publish(author, 7);
        index.delete(author, 7);
        assert_eq!(index.before(author, u64::MAX), Older::Known(None));
        assert!(index.authors.is_empty());
    }
}
