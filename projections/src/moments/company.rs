//! What others do below posts where the viewer did something: found when they look, so that a like costs the same however
//! many like the post.

use std::collections::BTreeMap;

use domain::moments::visibility::Sight;

use super::{
    Viewer,
    rows::{Deed, Pointer, Table, What, deed_key},
};
use crate::{ProjectionError, rows::number_at};

/// The latest deeds of a person, as far as they count: versions of those below each post, and where the first stands.
struct Stand {
    versions: Vec<u64>,
    first: u64,
}

impl Stand {
    /// Whether what happened at a version is told to who stands here.
    fn is_told(&self, version: u64, company: u64) -> bool {
        self.versions.iter().any(|own| *own < version && version - own <= company)
    }
}

impl Viewer<'_> {
    /// Whether something that was done below a post is told to them because they did something there before.
    pub(super) fn is_company(&self, post: u64, version: u64) -> Result<bool, ProjectionError> {
        let stand = self.stands()?.remove(&post);
        Ok(stand.is_some_and(|stand| stand.is_told(version, self.bounds.company)))
    }

    /// What others did between two positions, the second excluded, below posts of others where the viewer did something
    /// before; in the order of the log. Whether they see it is another question.
    pub(super) fn company(&self, from: u64, to: u64) -> Result<Vec<(u64, Pointer)>, ProjectionError> {
        let mut found = vec![];
        for (post, stand) in self.stands()? {
            let mut here = self.company_below(post, &stand, from, to)?;
            if !here.is_empty() && self.is_others_open_post(post)? {
                found.append(&mut here);
            }
        }
        found.sort_unstable_by_key(|(position, _)| *position);
        Ok(found)
    }

    /// Where the viewer did something lately, by post.
    fn stands(&self) -> Result<BTreeMap<u64, Stand>, ProjectionError> {
        let mut stands: BTreeMap<u64, Stand> = BTreeMap::new();
        for own in self.moments.tables.own_before(self.user, u64::MAX)?.take(self.bounds.own_deeds) {
            let (position, own) = own?;
            let stand = stands.entry(own.pointer.post).or_insert(Stand { versions: vec![], first: position });
            stand.versions.push(own.version);
            stand.first = position;
        }
        Ok(stands)
    }

    fn company_below(
        &self,
        post: u64,
        stand: &Stand,
        from: u64,
        to: u64,
    ) -> Result<Vec<(u64, Pointer)>, ProjectionError> {
        let mut found = vec![];
        let from = from.max(stand.first.saturating_add(1));
        let last = stand.versions.iter().max().map_or(0, |version| version.saturating_add(self.bounds.company));
        for (table, what) in [(Table::Likes, What::Like), (Table::Comments, What::Comment)] {
            for row in self.moments.tables.of(table)?.range(deed_key(post, from.min(to))..deed_key(post, to)) {
                let (key, value) = row.into_inner()?;
                let parts = number_at(&key, 8).zip(Deed::read(&value));
                let (position, deed) = parts.ok_or(table.damaged())?;
                if deed.version > last {
                    break;
                }
                if deed.actor != self.user && stand.is_told(deed.version, self.bounds.company) {
                    found.push((position, Pointer { post, what }));
                }
            }
        }
        Ok(found)
    }

    /// Whether a post is of somebody else, and seen in full. What happens below one's own is all about oneself.
    fn is_others_open_post(&self, post: u64) -> Result<bool, ProjectionError> {
        let seen = self.seen(post)?;
        Ok(seen.is_some_and(|seen| seen.sight == Sight::Full && seen.row().author != self.user))
    }
}
