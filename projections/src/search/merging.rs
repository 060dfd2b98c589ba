//! Which segments are put together, and when.
//!
//! Documents stand in every segment in the order of the log. Only neighbours are merged, oldest first, so that it stays
//! like that without any sorting: tantivy puts a merge's segments one behind the other as they are named.

use std::{collections::HashSet, sync::Arc};

use parking_lot::RwLock;
use tantivy::{
    Searcher, SegmentReader, TantivyError,
    index::{SegmentId, SegmentMeta},
    merge_policy::{MergeCandidate, MergePolicy},
};

/// This many neighbours are merged into one.
const MERGED_AT_ONCE: usize = 10;
/// Neighbours up to the first of these sizes are merged first, then those up to the next, and so on. In documents; what
/// is larger than the last stays as it is, which bounds what one merge rewrites.
const SIZES: [u32; 4] = [3_000, 30_000, 300_000, 1_000_000];

/// A segment, as far as merging is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    id: SegmentId,
    docs: u32,
    /// Position of its oldest document.
    oldest: u64,
    /// Position of its newest document.
    newest: u64,
}

impl Span {
    fn of(segment: &SegmentReader) -> Result<Self, TantivyError> {
        let positions = segment.fast_fields().u64("position")?;
        let (oldest, newest) = (positions.min_value(), positions.max_value());
        Ok(Self { id: segment.segment_id(), docs: segment.max_doc(), oldest, newest })
    }
}

/// Merges neighbours.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    /// The segments of the last commit, oldest first. Younger ones wait until they are known here.
    known: Arc<RwLock<Vec<Span>>>,
}

impl Neighbours {
    /// Learns which segments there are now.
    pub(super) fn learn(&self, searcher: &Searcher) -> Result<(), TantivyError> {
        let mut spans = searcher.segment_readers().iter().map(Span::of).collect::<Result<Vec<_>, _>>()?;
        spans.sort_unstable_by_key(|span| span.oldest);
        *self.known.write() = spans;
        Ok(())
    }
}

impl MergePolicy for Neighbours {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let free: HashSet<SegmentId> = segments.iter().map(SegmentMeta::id).collect();
        candidate(&self.known.read(), &free).into_iter().collect()
    }
}

/// The next merge: of the smallest neighbours first, and of those the oldest. One at a time.
fn candidate(known: &[Span], free: &HashSet<SegmentId>) -> Option<MergeCandidate> {
    SIZES.iter().find_map(|size| {
        let fits = |span: &Span| span.docs <= *size && free.contains(&span.id);
        let neighbours = known.chunk_by(|one, next| fits(one) && fits(next) && one.newest < next.oldest);
        let run = neighbours.filter_map(|run| run.first_chunk::<MERGED_AT_ONCE>()).next()?;
        Some(MergeCandidate(run.iter().map(|span| span.id).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of these sizes, one behind the other.
    fn spans(sizes: &[u32]) -> Vec<Span> {
        let mut next = 1;
        let span = |docs: &u32| {
            let oldest = next;
            next += u64::from(*docs);
            Span { id: SegmentId::generate_random(), docs: *docs, oldest, newest: next - 1 }
        };
        sizes.iter().map(span).collect()
    }

    fn all(known: &[Span]) -> HashSet<SegmentId> {
        known.iter().map(|span| span.id).collect()
    }

    fn ids(known: &[Span]) -> Vec<SegmentId> {
        known.iter().map(|span| span.id).collect()
    }

    #[test]
    fn neighbours_of_like_size_are_merged_oldest_first() {
        let known = spans(&[vec![2_000_000], vec![100; 12]].concat());
        assert_eq!(candidate(&known, &all(&known)).unwrap().0, ids(&known[1..11]));
    }

    #[test]
    fn a_small_segment_between_larger_ones_is_merged_with_them() {
        let known = spans(&[20_000, 20_000, 10, 20_000, 20_000, 20_000, 20_000, 20_000, 10, 20_000]);
        assert_eq!(candidate(&known, &all(&known)).unwrap().0, ids(&known));
    }

    #[test]
    fn few_or_large_segments_stay_as_they_are() {
        for sizes in [[100; 9].as_slice(), &[1_000_001; 20]] {
            let known = spans(sizes);
            assert!(candidate(&known, &all(&known)).is_none());
        }
    }

    #[test]
    fn a_segment_that_is_not_free_separates_its_neighbours() {
        let known = spans(&[100; 12]);
        let mut free = all(&known);
        free.remove(&known[5].id);
        assert!(candidate(&known, &free).is_none());
    }

    #[test]
    fn segments_that_overlap_are_not_merged() {
        let mut known = spans(&[100; 10]);
        known[4].newest += 1;
        assert!(candidate(&known, &all(&known)).is_none());
    }
}
