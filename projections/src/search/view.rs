//! What queries read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::DateTime;
use eventlog::Position;
use parking_lot::Mutex;
use tantivy::{Searcher, Term};

use super::{
    document::recall_key,
    index::MessageIndex,
    plan::Plan,
    query::{Hit, Hits, LIMIT_MAX, Query, SearchError},
    walk::{Candidate, Walk},
};

/// Most candidates that one search looks at.
const CANDIDATES_MAX: usize = 100_000;
/// How old what a search sees may be, unless it asks for more.
const REFRESH: Duration = Duration::from_secs(1);

/// Search in messages.
pub struct SearchView {
    index: Arc<MessageIndex>,
    /// When everything was last made visible.
    refreshed: Mutex<Instant>,
}

impl SearchView {
    pub(super) fn new(index: Arc<MessageIndex>) -> Self {
        Self { index, refreshed: Mutex::new(Instant::now()) }
    }

    /// Finds messages, newest first. The caller renders them, leaving out what the searcher has deleted.
    ///
    /// It may write and it computes for milliseconds: asynchronous callers give it a thread on which blocking is fine.
    ///
    /// # Errors
    /// [`SearchError::TooLong`]; [`SearchError::Index`] when the index fails.
    pub fn search(&self, query: &Query) -> Result<Hits, SearchError> {
        let Some(plan) = Plan::of(query, self.index.fields)? else { return Ok(Hits::default()) };
        self.index.commit_for(query.at_least.min(self.index.applied()))?;
        self.refresh()?;
        let searcher = self.index.searcher();
        let mut walk = Walk::new(&plan, &searcher, query.before)?;
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let mut items = Vec::with_capacity(limit);
        let mut next = None;
        for _ in 0..CANDIDATES_MAX {
            let Some(candidate) = walk.next()? else { return Ok(Hits { items, next: None }) };
            let position = candidate.position;
            items.extend(self.judge(&plan, &searcher, &candidate)?);
            if items.len() == limit {
                return Ok(Hits { items, next: Some(position) });
            }
            next = Some(position);
        }
        Ok(Hits { items, next })
    }

    /// The last event that was taken in. Searches that ask for it see it.
    #[must_use]
    pub fn applied(&self) -> Position {
        self.index.applied()
    }

    /// Makes everything visible that was taken in, unless that was done within the last second.
    pub(super) fn refresh(&self) -> Result<(), SearchError> {
        {
            let mut refreshed = self.refreshed.lock();
            if refreshed.elapsed() < REFRESH {
                return Ok(());
            }
            *refreshed = Instant::now();
        }
        Ok(self.index.commit()?)
    }

    fn judge(&self, plan: &Plan, searcher: &Searcher, candidate: &Candidate) -> Result<Option<Hit>, SearchError> {
        let Candidate { position, conversation: key, seq, time } = *candidate;
        let Some(conversation) = plan.shows(key, seq) else { return Ok(None) };
        if time < plan.from || time >= plan.to {
            return Ok(None);
        }
        let recall = Term::from_field_bytes(self.index.fields.recalled, &recall_key(key, seq));
        if searcher.doc_freq(&recall)? > 0 {
            return Ok(None);
        }
        let at = DateTime::from_timestamp_micros(time).unwrap_or_default();
        Ok(Some(Hit { position, conversation, seq, at }))
    }
}
