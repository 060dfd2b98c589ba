//! What is asked without asking who looks.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{Circle, UserId};
use parking_lot::{Mutex, RwLock};

use super::{
    digest::Digests,
    fold::News,
    index::{Index, Older, Placed},
    rows::Tables,
    tidings::{Companies, Tiding},
    viewer::{Bounds, Viewer},
};
use crate::{ProjectionError, people::PeopleView};

/// Moments as queries see them.
pub struct MomentsView {
    pub(super) tables: Tables,
    pub(super) index: RwLock<Index>,
    pub(super) digests: Digests,
    companies: Companies,
    /// What the batch taken in last may have to tell somebody.
    fresh: Mutex<Vec<Tiding>>,
}

impl MomentsView {
    pub(super) fn new(tables: Tables, index: Index) -> Self {
        let (digests, companies) = (Digests::default(), Companies::default());
        Self { tables, index: RwLock::new(index), digests, companies, fresh: Mutex::default() }
    }

    /// Takes in what a batch has changed in memory.
    pub(super) fn show(&self, news: News) {
        if !news.tidings.is_empty() {
            self.companies.take(&news.tidings);
        }
        *self.fresh.lock() = news.tidings;
        if !news.touched.is_empty() {
            self.digests.forget(news.touched);
        }
        if news.published.is_empty() && news.deleted.is_empty() && news.circles.is_empty() {
            return;
        }
        let mut index = self.index.write();
        // A post is not published again after it was deleted.
        news.published.into_iter().for_each(|(author, post)| index.publish(author, post));
        news.deleted.into_iter().for_each(|(author, position)| index.delete(author, position));
        news.circles.into_iter().for_each(|(user, circle)| index.set_circle(user, circle));
    }

    /// Somebody's settings and marks.
    #[must_use]
    pub fn circle(&self, user: UserId) -> Circle {
        self.index.read().circle(user)
    }

    /// Somebody who looks at a time. Keeps the relations of `people` from changing: for one page at a time.
    #[must_use]
    pub fn seen_by<'a>(
        &'a self,
        user: UserId,
        people: &'a PeopleView,
        now: DateTime<Utc>,
        bounds: Bounds,
    ) -> Viewer<'a> {
        Viewer::new(self, user, people.relationships(), now, bounds)
    }

    /// What the batch taken in last may have to tell somebody.
    #[must_use]
    pub fn fresh_tidings(&self) -> Vec<Tiding> {
        self.fresh.lock().clone()
    }

    /// Everybody who may have to be told of something; whether they see it is another question ([`Viewer::notice`]).
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn told_of(&self, tiding: &Tiding) -> Result<BTreeSet<UserId>, ProjectionError> {
        self.companies.told_of(&self.tables, tiding)
    }

    /// An author's newest post before a position.
    pub(super) fn post_before(&self, author: UserId, before: u64) -> Result<Option<Placed>, ProjectionError> {
        let older = self.index.read().before(author, before);
        match older {
            Older::Known(post) => Ok(post),
            Older::OnDisk(before) => self.tables.post_before(author, before),
        }
    }
}
