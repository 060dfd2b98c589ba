//! The index as rows, for comparing two of them: segments and their borders are chance, documents are not.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use tantivy::{DocSet, SegmentReader, TERMINATED, postings::Postings, schema::IndexRecordOption};

use super::{index::open_index, query::SearchError, walk::Columns};
use crate::runtime::{ProjectionError, Row, Rows};

/// One row per document in `messages` (position -> conversation key, seq, time, digest of all terms) and the checkpoint
/// in `meta`.
pub(super) fn all(dir: &Path) -> Result<Rows, ProjectionError> {
    let (index, _) = open_index(dir)?;
    let checkpoint = index.load_metas()?.payload.unwrap_or_default();
    let searcher = index.reader()?.searcher();
    let mut segments = searcher.segment_readers().iter().map(Documents::of).collect::<Result<Vec<_>, SearchError>>()?;
    let mut next: BinaryHeap<Reverse<(u64, usize)>> =
        segments.iter().enumerate().filter_map(|(at, segment)| Some(Reverse((segment.position()?, at)))).collect();
    let messages = std::iter::from_fn(move || {
        let Reverse((_, at)) = next.pop()?;
        let segment = segments.get_mut(at)?;
        let row = segment.take();
        next.extend(segment.position().map(|position| Reverse((position, at))));
        row.map(Ok)
    });
    let row = |keyspace: &str, key: &[u8], value: Vec<u8>| Row { keyspace: keyspace.into(), key: key.into(), value };
    let meta = row(crate::catalogue::META, b"checkpoint", checkpoint.into_bytes());
    Ok(Box::new(messages.chain(std::iter::once(Ok(meta)))))
}

/// The documents of a segment, oldest first.
struct Documents {
    columns: Columns,
    /// The first one that was not given yet.
    next: u32,
    /// Per document, a sum over the hashes of its terms: the same whatever order they are met in.
    digests: Vec<u64>,
}

impl Documents {
    fn of(segment: &SegmentReader) -> Result<Self, SearchError> {
        let mut digests = vec![0_u64; segment.max_doc() as usize];
        let mut positions = vec![];
        for (field, entry) in segment.schema().fields().filter(|(_, entry)| entry.is_indexed()) {
            let inverted = segment.inverted_index(field)?;
            let mut terms = inverted.terms().stream()?;
            while let Some((term, info)) = terms.next() {
                let option = IndexRecordOption::WithFreqsAndPositions;
                let mut postings = inverted.read_postings_from_terminfo(info, option)?;
                while postings.doc() != TERMINATED {
                    positions.clear();
                    if entry.field_type().get_index_record_option() == Some(option) {
                        postings.positions(&mut positions);
                    }
                    let mut hasher = DefaultHasher::new();
                    (entry.name(), term, &positions).hash(&mut hasher);
                    if let Some(digest) = digests.get_mut(postings.doc() as usize) {
                        *digest = digest.wrapping_add(hasher.finish());
                    }
                    postings.advance();
                }
            }
        }
        Ok(Self { columns: Columns::of(segment)?, next: 0, digests })
    }

    fn digest(&self) -> Option<u64> {
        self.digests.get(self.next as usize).copied()
    }

    fn position(&self) -> Option<u64> {
        self.digest().map(|_| self.columns.read(self.next).position.0)
    }

    fn take(&mut self) -> Option<Row> {
        let digest = self.digest()?;
        let document = self.columns.read(self.next);
        self.next += 1;
        let numbers = [
            document.conversation.to_be_bytes(),
            document.seq.to_be_bytes(),
            document.time.to_be_bytes(),
            digest.to_be_bytes(),
        ];
        let key = document.position.0.to_be_bytes().to_vec();
        Some(Row { keyspace: "messages".to_owned(), key, value: numbers.concat() })
    }
}
