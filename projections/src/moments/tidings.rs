//! What has just happened, for those who are connected: of whom it may be that they have to be told.

use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZeroUsize,
};

use domain::UserId;
use eventlog::Position;
use lru::LruCache;
use parking_lot::Mutex;

use super::rows::{Deed, Pointer, Table, Tables, deed_key};
use crate::ProjectionError;

/// Besides the author and whoever is answered, those are told of a like or comment who did something themselves among
/// the last so many things that happened below the post.
pub(super) const COMPANY: u64 = 100;
/// Of how many posts it is remembered who was there lately: some 10 MB.
const POSTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4 * 1024 - 1);

/// Something that has just happened, of which somebody may have to be told ([`super::Viewer::notice`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiding {
    pub(super) position: u64,
    pub(super) pointer: Pointer,
    pub(super) actor: UserId,
    /// Version of the event in the post's stream.
    pub(super) version: u64,
    /// Whom it is about.
    pub(super) about: Vec<UserId>,
}

impl Tiding {
    /// Its place in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.position)
    }
}

/// Who did something below a post lately, with the version of what they did, in order.
type Company = VecDeque<(u64, UserId)>;

struct Kept {
    companies: LruCache<u64, Company>,
    /// Counts the batches with tidings: what was read before one of them may not be kept after it.
    changes: u64,
}

/// Who was there lately, below the posts of which there are tidings. What they did there may have been undone since.
pub(super) struct Companies(Mutex<Kept>);

impl Default for Companies {
    fn default() -> Self {
        Self(Mutex::new(Kept { companies: LruCache::new(POSTS), changes: 0 }))
    }
}

impl Companies {
    /// Takes in what has happened below posts.
    pub(super) fn take(&self, tidings: &[Tiding]) {
        let mut kept = self.0.lock();
        kept.changes += 1;
        for Tiding { pointer, actor, version, .. } in tidings.iter().filter(|tiding| tiding.pointer.table().is_some()) {
            if let Some(company) = kept.companies.get_mut(&pointer.post) {
                company.push_back((*version, *actor));
                let gone = company.partition_point(|(other, _)| other + COMPANY < *version);
                company.drain(..gone);
            }
        }
    }

    /// Everybody who may have to be told of something: those whom it is about, and those who were there lately.
    pub(super) fn told_of(&self, tables: &Tables, tiding: &Tiding) -> Result<BTreeSet<UserId>, ProjectionError> {
        let Tiding { pointer, actor, version, about, .. } = tiding;
        let mut told: BTreeSet<UserId> = about.iter().copied().collect();
        if pointer.table().is_none() {
            return Ok(told);
        }
        let there = |company: &Company| -> Vec<UserId> {
            let before = company.iter().filter(|(other, _)| other < version && other + COMPANY >= *version);
            before.map(|(_, user)| *user).collect()
        };
        let (found, changes) = {
            let mut kept = self.0.lock();
            (kept.companies.get(&pointer.post).map(there), kept.changes)
        };
        let there = match found {
            Some(there) => there,
            None => {
                let company = read(tables, pointer.post)?;
                let there = there(&company);
                let mut kept = self.0.lock();
                if kept.changes == changes {
                    kept.companies.put(pointer.post, company);
                }
                there
            }
        };
        told.extend(there);
        told.remove(actor);
        Ok(told)
    }
}

/// Who did something below a post lately, as the rows have it.
fn read(tables: &Tables, post: u64) -> Result<Company, ProjectionError> {
    let mut found = vec![];
    for table in [Table::Likes, Table::Comments] {
        let mut latest = None;
        for row in tables.of(table)?.range(deed_key(post, 0)..deed_key(post, u64::MAX)).rev() {
            let deed = Deed::read(&row.value()?).ok_or(table.damaged())?;
            if deed.version + COMPANY < *latest.get_or_insert(deed.version) {
                break;
            }
            found.push((deed.version, deed.actor));
        }
    }
    found.sort_unstable();
    Ok(found.into())
}
