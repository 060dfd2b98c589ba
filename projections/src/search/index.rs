//! The index on disk: its fields, how messages go in, and when they become visible.
//!
//! One document per message and one per recall; nothing is ever deleted or changed. Documents stand in a segment in the
//! order of the log, since one thread writes them, so that a query can read from the back and stop when it has enough.
//! Words are indexed with positions; no text is stored. The commit's payload is the checkpoint, so that documents and
//! checkpoint are one write.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId, conversation::ContentKind};
use eventlog::Position;
use parking_lot::Mutex;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term,
    directory::MmapDirectory,
    indexer::{IndexWriterOptions, UserOperation},
    schema::{
        BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
    },
    store::Compressor,
};
use uuid::Uuid;

use super::{merging::Neighbours, tokens::MessageTokenizer};

/// Memory in which the writer gathers a segment, in bytes.
const WRITER_BYTES: usize = 64 * 1024 * 1024;
/// Documents handed to the writer's thread at once.
const HANDOVER: usize = 8;

const TOKENIZER: &str = "message";

/// The fields of a document.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    /// Position of the message in the log; documents are in its order.
    pub(super) position: Field,
    /// [`id_key`] of the conversation; 0 for recalls, so that no query for messages meets one.
    pub(super) conversation: Field,
    /// The message's number.
    pub(super) seq: Field,
    /// When it was sent, in microseconds since 1970.
    pub(super) time: Field,
    /// [`id_key`] of the sender.
    pub(super) sender: Field,
    /// [`kind_code`] of the content.
    pub(super) kind: Field,
    /// What it says.
    pub(super) words: Field,
    /// For recalls only: [`recall_key`] of the message that was taken back.
    pub(super) recalled: Field,
}

impl Fields {
    fn build() -> (Schema, Self) {
        let mut schema = SchemaBuilder::new();
        let fast = NumericOptions::default().set_fast();
        let indexed = NumericOptions::default().set_indexed();
        let words = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let fields = Self {
            position: schema.add_u64_field("position", fast.clone()),
            conversation: schema.add_u64_field("conversation", indexed.clone().set_fast()),
            seq: schema.add_u64_field("seq", fast.clone()),
            time: schema.add_i64_field("time", fast),
            sender: schema.add_u64_field("sender", indexed.clone()),
            kind: schema.add_u64_field("kind", indexed),
            words: schema.add_text_field("words", TextOptions::default().set_indexing_options(words)),
            recalled: schema.add_bytes_field("recalled", BytesOptions::default().set_indexed()),
        };
        (schema.build(), fields)
    }
}

/// An id as a number. Ids have 62 random or hashed bits in their lower half, which other bits are folded onto; should two
/// ids ever meet, the reader of a hit still gets nothing but what the conversation itself shows them.
pub(super) fn id_key(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high.rotate_left(32) ^ low
}

/// The number that stands for a kind on disk.
pub(super) fn kind_code(kind: ContentKind) -> u64 {
    match kind {
        ContentKind::Text => 0,
        ContentKind::Sticker => 1,
        ContentKind::Location => 2,
        ContentKind::ContactCard => 3,
        ContentKind::Link => 4,
        ContentKind::Merged => 5,
        ContentKind::Announcement => 6,
        ContentKind::Pat => 7,
    }
}

/// What names a recalled message: the keys of conversation and message.
pub(super) fn recall_key(conversation: u64, seq: u64) -> [u8; 16] {
    ((u128::from(conversation) << 64) | u128::from(seq)).to_be_bytes()
}

/// A message on its way into the index.
pub(super) struct Message {
    /// Its place in the log.
    pub(super) position: Position,
    /// Where it was said.
    pub(super) conversation: ConversationId,
    /// Its number there.
    pub(super) seq: u64,
    /// When.
    pub(super) at: DateTime<Utc>,
    /// By whom; none for the server itself.
    pub(super) sender: Option<UserId>,
    /// What kind of content.
    pub(super) kind: ContentKind,
    /// What it says.
    pub(super) words: String,
}

struct Writer {
    writer: IndexWriter,
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
    pub(super) fn append(&self, documents: Vec<TantivyDocument>, reached: Position) -> Result<usize, TantivyError> {
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

impl Fields {
    /// The document of a message.
    pub(super) fn message(&self, message: &Message) -> TantivyDocument {
        let mut document = self.document(message.position, id_key(message.conversation.0), message.seq, message.at);
        if let Some(sender) = message.sender {
            document.add_u64(self.sender, id_key(sender.0));
        }
        document.add_u64(self.kind, kind_code(message.kind));
        if !message.words.is_empty() {
            document.add_text(self.words, &message.words);
        }
        document
    }

    /// The document that says that a message was taken back.
    pub(super) fn recall(
        &self,
        position: Position,
        conversation: ConversationId,
        seq: u64,
        at: DateTime<Utc>,
    ) -> TantivyDocument {
        let mut document = self.document(position, 0, seq, at);
        document.add_bytes(self.recalled, &recall_key(id_key(conversation.0), seq));
        document
    }

    /// Every document has all columns, so that none needs an index of who has a value.
    fn document(&self, position: Position, conversation: u64, seq: u64, at: DateTime<Utc>) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_u64(self.position, position.0);
        document.add_u64(self.conversation, conversation);
        document.add_u64(self.seq, seq);
        document.add_i64(self.time, at.timestamp_micros());
        document
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

/// The term of an id or a kind.
pub(super) fn number_term(field: Field, value: u64) -> Term {
    Term::from_field_u64(field, value)
}
