//! Posts with the first of what stands below them, as the rows have it, kept in memory while people look at them: the
//! same few posts are in many timelines. Who may see what of them is not kept but judged for everybody anew.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use super::rows::{Deed, PostRow, Said, Table, Tables, deed_key};
use crate::{ProjectionError, rows::number_at};

/// How many posts are kept: some 25 MB of ordinary ones.
const POSTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8 * 1024 - 1);
/// How many likes, and how many comments, are kept with a post.
const DEEDS: usize = 64;
/// More bytes of likes or of comments are not kept with a post.
const DEED_BYTES: usize = 16 * 1024;

/// The first deeds of one kind below a post, in the order of the log.
pub(super) struct First<T> {
    deeds: Vec<(u64, Deed, T)>,
    /// Whether there are no others.
    all: bool,
}

impl<T> First<T> {
    fn read(
        tables: &Tables,
        table: Table,
        post: u64,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Self, ProjectionError> {
        let (mut deeds, mut bytes) = (vec![], 0);
        for row in tables.of(table)?.range(deed_key(post, 0)..deed_key(post, u64::MAX)) {
            let (key, value) = row.into_inner()?;
            bytes += value.len();
            if deeds.len() >= DEEDS || bytes > DEED_BYTES {
                return Ok(Self { deeds, all: false });
            }
            let parts = number_at(&key, 8).zip(Deed::read(&value)).zip(read(&value));
            let ((position, deed), more) = parts.ok_or(table.damaged())?;
            deeds.push((position, deed, more));
        }
        Ok(Self { deeds, all: true })
    }

    /// Those behind a position.
    pub(super) fn behind(&self, after: u64) -> impl Iterator<Item = &(u64, Deed, T)> {
        self.deeds.iter().filter(move |(position, ..)| *position > after)
    }

    /// Behind which position the rows have more than is kept, for who wants those behind `after`; none where they have
    /// no more.
    pub(super) fn goes_on_behind(&self, after: u64) -> Option<u64> {
        let last = self.deeds.last().map_or(0, |(position, ..)| *position);
        (!self.all).then_some(last.max(after))
    }
}

/// A post with the first of what stands below it.
pub(super) struct Digest {
    pub(super) row: PostRow,
    pub(super) likes: First<()>,
    pub(super) comments: First<Said>,
}

impl Digest {
    fn read(tables: &Tables, position: u64) -> Result<Option<Self>, ProjectionError> {
        let Some(row) = tables.post(position)? else { return Ok(None) };
        let likes = First::read(tables, Table::Likes, position, |_| Some(()))?;
        let comments = First::read(tables, Table::Comments, position, Said::read)?;
        Ok(Some(Self { row, likes, comments }))
    }
}

struct Kept {
    digests: LruCache<u64, Arc<Digest>>,
    /// Counts the batches that changed posts: what was read before one of them may not be kept after it.
    changes: u64,
}

/// The posts that people look at.
pub(super) struct Digests(Mutex<Kept>);

impl Default for Digests {
    fn default() -> Self {
        Self(Mutex::new(Kept { digests: LruCache::new(POSTS), changes: 0 }))
    }
}

impl Digests {
    /// The post at a position; none where it was deleted.
    pub(super) fn get(&self, tables: &Tables, position: u64) -> Result<Option<Arc<Digest>>, ProjectionError> {
        let changes = {
            let mut kept = self.0.lock();
            if let Some(digest) = kept.digests.get(&position) {
                return Ok(Some(Arc::clone(digest)));
            }
            kept.changes
        };
        let Some(digest) = Digest::read(tables, position)?.map(Arc::new) else { return Ok(None) };
        let mut kept = self.0.lock();
        if kept.changes == changes {
            kept.digests.put(position, Arc::clone(&digest));
        }
        Ok(Some(digest))
    }

    /// Forgets posts whose rows have changed.
    pub(super) fn forget(&self, positions: impl IntoIterator<Item = u64>) {
        let mut kept = self.0.lock();
        kept.changes += 1;
        for position in positions {
            kept.digests.pop(&position);
        }
    }
}
