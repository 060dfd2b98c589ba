//! The index on disk: how documents go in, and when they become visible.
//!
//! One document per message and one per recall; nothing is ever deleted or changed. Documents stand in a segment in the
//! order of the log, since one thread writes them, so that a query can read from the back and stop when it has enough.
//! Words are indexed with positions; no text is stored. The commit's payload is the checkpoint, so that documents and
//! checkpoint are one write.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use eventlog::Position;
use parking_lot::Mutex;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError,
    directory::MmapDirectory,
    indexer::{IndexWriterOptions, UserOperation},
    store::Compressor,
};

use super::{
    document::{Entry, Fields, TOKENIZER},
    merging::Neighbours,
    tokens::MessageTokenizer,
};

/// Memory in which the writer gathers a segment, in bytes.
const WRITER_BYTES: usize = 64 * 1024 * 1024;
/// Documents handed to the writer's thread at once.
const HANDOVER: usize = 8;

struct Writer {
    writer: IndexWriter<Entry>,
    /// The last event taken in.
    applied: Position,
    /// Documents taken in since the last commit.
    uncommitted: usize,
}

/// The index of all messages: one writer, any number of readers.
pub(super) struct MessageIndex {
    pub(super) fields: Fields,
    writer: Mutex<Writer>,
    merging: Neighbours,
    reader: IndexReader,
    /// The last event whose document is on disk and visible.
    committed: AtomicU64,
    /// The last event taken in, visible or not.
    applied: AtomicU64,
}

impl MessageIndex {
    /// Opens or creates the index in a directory.
    pub(super) fn open(dir: &Path) -> Result<Self, TantivyError> {
        let (index, fields) = open_index(dir)?;
        let checkpoint = checkpoint(&index)?;
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .build();
        let writer = index.writer_with_options(options)?;
        let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let merging = Neighbours::default();
        merging.learn(&reader.searcher())?;
        writer.set_merge_policy(Box::new(merging.clone()));
        let writer = Writer { writer, applied: checkpoint, uncommitted: 0 };
        Ok(Self {
            fields,
            writer: Mutex::new(writer),
            merging,
            reader,
            committed: AtomicU64::new(checkpoint.0),
            applied: AtomicU64::new(checkpoint.0),
        })
    }

    /// The last event that a restart would still know of.
    pub(super) fn committed(&self) -> Position {
        Position(self.committed.load(Ordering::Acquire))
    }

    /// The last event taken in.
    pub(super) fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// Takes in documents and notes that everything up to `reached` was taken in. Gives how many documents are not
    /// visible yet.
    pub(super) fn append(&self, documents: Vec<Entry>, reached: Position) -> Result<usize, TantivyError> {
        let mut writer = self.writer.lock();
        writer.uncommitted += documents.len();
        let mut documents = documents.into_iter().map(UserOperation::Add).peekable();
        while documents.peek().is_some() {
            writer.writer.run(documents.by_ref().take(HANDOVER).collect::<Vec<_>>())?;
        }
        writer.applied = reached;
        self.applied.store(reached.0, Ordering::Release);
        Ok(writer.uncommitted)
    }

    /// Makes everything taken in durable and visible.
    pub(super) fn commit(&self) -> Result<(), TantivyError> {
        self.commit_locked(&mut self.writer.lock())
    }

    /// As [`Self::commit`], unless events up to `position` are visible already.
    pub(super) fn commit_for(&self, position: Position) -> Result<(), TantivyError> {
        if self.committed() >= position {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        // Whoever held the lock may have done it for all who waited.
        if self.committed() >= position { Ok(()) } else { self.commit_locked(&mut writer) }
    }

    fn commit_locked(&self, writer: &mut Writer) -> Result<(), TantivyError> {
        if self.committed() == writer.applied {
            return Ok(());
        }
        let mut commit = writer.writer.prepare_commit()?;
        commit.set_payload(&writer.applied.to_string());
        commit.commit()?;
        self.reader.reload()?;
        self.merging.learn(&self.reader.searcher())?;
        writer.uncommitted = 0;
        self.committed.store(writer.applied.0, Ordering::Release);
        Ok(())
    }

    /// What is visible now.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }
}

/// Opens the files of an index, without a writer.
pub(super) fn open_index(dir: &Path) -> Result<(Index, Fields), TantivyError> {
    std::fs::create_dir_all(dir)?;
    let (schema, fields) = Fields::build();
    let settings = IndexSettings {
        // Nothing is stored.
        docstore_compression: Compressor::Lz4,
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    let files = MmapDirectory::open(dir)?;
    let index = Index::builder().schema(schema).settings(settings).open_or_create(files)?;
    index.tokenizers().register(TOKENIZER, MessageTokenizer::default());
    Ok((index, fields))
}

fn checkpoint(index: &Index) -> Result<Position, TantivyError> {
    match index.load_metas()?.payload {
        None => Ok(Position::START),
        Some(payload) => payload.parse().map(Position).map_err(|_| {
            TantivyError::DataCorruption(tantivy::error::DataCorruption::comment_only("the checkpoint is no number"))
        }),
    }
}
