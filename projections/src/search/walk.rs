//! Walking the segments of the index from the newest message to the oldest.

use std::collections::BinaryHeap;

use eventlog::Position;
use tantivy::{DocId, Searcher, SegmentReader, columnar::Column, query::Weight};

use super::{plan::Plan, query::SearchError};

/// Documents in the first window of a segment.
const WINDOW_FIRST: DocId = 8_192;
/// How many times larger each next window is.
const WINDOW_GROWTH: DocId = 4;
/// How far the order of times may differ from the order of positions, in microseconds: a day, since clocks get set.
const CLOCK_SLACK: i64 = 24 * 60 * 60 * 1_000_000;

/// The columns of a segment's documents.
pub(super) struct Columns {
    position: Column<u64>,
    conversation: Column<u64>,
    seq: Column<u64>,
    time: Column<i64>,
}

impl Columns {
    pub(super) fn of(segment: &SegmentReader) -> Result<Self, SearchError> {
        let fast = segment.fast_fields();
        Ok(Self {
            position: fast.u64("position")?,
            conversation: fast.u64("conversation")?,
            seq: fast.u64("seq")?,
            time: fast.i64("time")?,
        })
    }

    /// The columns' values of a document. Every document has all of them.
    pub(super) fn read(&self, doc: DocId) -> Candidate {
        Candidate {
            position: Position(self.position(doc)),
            conversation: self.conversation.first(doc).unwrap_or_default(),
            seq: self.seq.first(doc).unwrap_or_default(),
            time: self.time(doc),
        }
    }

    fn position(&self, doc: DocId) -> u64 {
        self.position.first(doc).unwrap_or_default()
    }

    fn time(&self, doc: DocId) -> i64 {
        self.time.first(doc).unwrap_or_default()
    }
}

/// A message that meets the query's clauses.
pub(super) struct Candidate {
    /// Its place in the log.
    pub(super) position: Position,
    /// The key of its conversation.
    pub(super) conversation: u64,
    /// Its number there.
    pub(super) seq: u64,
    /// When it was sent, in microseconds.
    pub(super) time: i64,
}

/// The candidates of one segment, newest first.
///
/// Documents stand oldest first and the index reads forwards only, so candidates are fetched by windows from the end of
/// the segment: a small one first, since a frequent word fills a page from it, then ever larger ones.
struct SegmentWalk<'a> {
    segment: &'a SegmentReader,
    weight: Box<dyn Weight>,
    columns: Columns,
    /// The first document that is young enough.
    first: DocId,
    /// The documents from `first` to before this one were not looked at yet.
    end: DocId,
    /// How many documents the next window has.
    window: DocId,
    /// Candidates that were fetched and not given, oldest first.
    fetched: Vec<DocId>,
}

impl<'a> SegmentWalk<'a> {
    /// Opens a segment for candidates up to a position.
    fn open(plan: &Plan, searcher: &Searcher, segment: &'a SegmentReader, newest: u64) -> Result<Self, SearchError> {
        let columns = Columns::of(segment)?;
        let docs = segment.max_doc();
        let too_early = plan.from.saturating_sub(CLOCK_SLACK);
        let first = first_doc(docs, |doc| columns.time(doc) < too_early);
        let too_late = plan.to.saturating_add(CLOCK_SLACK);
        let end = first_doc(docs, |doc| columns.position(doc) <= newest)
            .min(first_doc(docs, |doc| columns.time(doc) <= too_late));
        let weight = plan.candidates(searcher, segment)?;
        let mut walk = Self { segment, weight, columns, first, end, window: WINDOW_FIRST, fetched: vec![] };
        walk.fetch()?;
        Ok(walk)
    }

    /// Fetches windows until one has a candidate.
    fn fetch(&mut self) -> Result<(), SearchError> {
        while self.fetched.is_empty() && self.first < self.end {
            let from = self.end.saturating_sub(self.window).max(self.first);
            let mut candidates = self.weight.scorer(self.segment, 1.0)?;
            let mut doc = candidates.doc();
            if doc < from {
                doc = candidates.seek(from);
            }
            while doc < self.end {
                self.fetched.push(doc);
                doc = candidates.advance();
            }
            self.end = from;
            self.window = self.window.saturating_mul(WINDOW_GROWTH);
        }
        Ok(())
    }

    fn here(&self) -> Option<Candidate> {
        self.fetched.last().map(|doc| self.columns.read(*doc))
    }

    fn step(&mut self) -> Result<(), SearchError> {
        self.fetched.pop();
        self.fetch()
    }
}

/// The first document for which `holds` is false, where it is true for those before and false for those behind.
fn first_doc(docs: DocId, holds: impl Fn(DocId) -> bool) -> DocId {
    let (mut low, mut high) = (0, docs);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// All candidates of all segments, newest first.
pub(super) struct Walk<'a> {
    plan: &'a Plan,
    searcher: &'a Searcher,
    /// The segments, each open from when its first candidate may be the newest left.
    open: Vec<Option<SegmentWalk<'a>>>,
    /// Per segment that may have candidates left: the newest position that its next one can have.
    next: BinaryHeap<(u64, usize)>,
}

impl<'a> Walk<'a> {
    /// A walk over what a searcher sees, from the position before `before`.
    pub(super) fn new(plan: &'a Plan, searcher: &'a Searcher, before: Option<Position>) -> Result<Self, SearchError> {
        let segments = searcher.segment_readers();
        let mut next = BinaryHeap::new();
        for (at, segment) in segments.iter().enumerate() {
            let positions = segment.fast_fields().u64("position")?;
            let newest = before.map_or(u64::MAX, |before| before.0.saturating_sub(1)).min(positions.max_value());
            if segment.max_doc() > 0 && positions.min_value() <= newest {
                next.push((newest, at));
            }
        }
        Ok(Self { plan, searcher, open: segments.iter().map(|_| None).collect(), next })
    }

    /// The newest candidate that was not given yet.
    pub(super) fn next(&mut self) -> Result<Option<Candidate>, SearchError> {
        while let Some((newest, at)) = self.next.pop() {
            let Some(slot) = self.open.get_mut(at) else { continue };
            let (walk, found) = match slot {
                Some(walk) => {
                    let found = walk.here();
                    walk.step()?;
                    (walk, found)
                }
                None => {
                    let segment = self.searcher.segment_reader(u32::try_from(at).unwrap_or(u32::MAX));
                    (slot.insert(SegmentWalk::open(self.plan, self.searcher, segment, newest)?), None)
                }
            };
            if let Some(following) = walk.here() {
                self.next.push((following.position.0, at));
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
