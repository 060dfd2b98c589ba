//! What is asked without asking who looks.

use chrono::{DateTime, Utc};
use domain::{Circle, UserId};
use eventlog::Position;
use parking_lot::{Mutex, RwLock};

use super::{
    digest::Digests,
    fold::News,
    index::{Index, Older},
    rows::Tables,
    viewer::Viewer,
};
use crate::{ProjectionError, people::PeopleView};

/// Moments as queries see them.
pub struct MomentsView {
    pub(super) tables: Tables,
    pub(super) index: RwLock<Index>,
    pub(super) digests: Digests,
    /// Whom the batch taken in last may have something to tell, and what.
    fresh: Mutex<Vec<(UserId, Position)>>,
}

impl MomentsView {
    pub(super) fn new(tables: Tables, index: Index) -> Self {
        Self { tables, index: RwLock::new(index), digests: Digests::default(), fresh: Mutex::default() }
    }

    /// Takes in what a batch has changed in memory.
    pub(super) fn show(&self, news: News) {
        let fresh = news.notices.into_iter().map(|(user, position)| (user, Position(position)));
        *self.fresh.lock() = fresh.collect();
        if !news.touched.is_empty() {
            self.digests.forget(news.touched);
        }
        if news.posts.is_empty() && news.circles.is_empty() {
            return;
        }
        let mut index = self.index.write();
        for (author, position, published) in news.posts {
            if published {
                index.publish(author, position);
            } else {
                index.delete(author, position);
            }
        }
        news.circles.into_iter().for_each(|(user, circle)| index.set_circle(user, circle));
    }

    /// Somebody's settings and marks.
    #[must_use]
    pub fn circle(&self, user: UserId) -> Circle {
        self.index.read().circle(user)
    }

    /// Somebody who looks at a time. `stranger_posts` is how many of an author's latest posts are shown to who is no
    /// friend. Keeps the relations of `people` from changing: for one page at a time.
    #[must_use]
    pub fn seen_by<'a>(
        &'a self,
        user: UserId,
        people: &'a PeopleView,
        now: DateTime<Utc>,
        stranger_posts: usize,
    ) -> Viewer<'a> {
        Viewer::new(self, user, people.relationships(), now, stranger_posts)
    }

    /// Whom the batch taken in last may have something to tell, and the positions of their notices; whether they see
    /// them is another question ([`Viewer::notice`]).
    #[must_use]
    pub fn fresh_notices(&self) -> Vec<(UserId, Position)> {
        self.fresh.lock().clone()
    }

    /// An author's newest post before a position.
    pub(super) fn post_before(&self, author: UserId, before: u64) -> Result<Option<u64>, ProjectionError> {
        let older = self.index.read().before(author, before);
        match older {
            Older::Known(position) => Ok(position),
            Older::OnDisk(before) => self.tables.post_before(author, before),
        }
    }
}
