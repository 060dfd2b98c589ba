//! What the index keeps of an event.

use std::iter::{Empty, Flatten};

use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId, conversation::ContentKind};
use eventlog::Position;
use tantivy::{
    Document, Term,
    schema::{
        BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
        Value,
        document::{ReferenceValue, ReferenceValueLeaf},
    },
};
use uuid::Uuid;

/// The name under which the index knows the tokenizer of words.
pub(super) const TOKENIZER: &str = "message";

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
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
    /// [`kind_code`] of the content. Texts have none: they are what most messages are.
    pub(super) kind: Field,
    /// What it says.
    pub(super) words: Field,
    /// For recalls only: [`recall_key`] of the message that was taken back.
    pub(super) recalled: Field,
}

impl Fields {
    pub(super) fn build() -> (Schema, Self) {
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

/// The number that stands for a kind on disk; none for texts.
pub(super) fn kind_code(kind: ContentKind) -> Option<u64> {
    match kind {
        ContentKind::Text => None,
        ContentKind::Sticker => Some(1),
        ContentKind::Location => Some(2),
        ContentKind::ContactCard => Some(3),
        ContentKind::Link => Some(4),
        ContentKind::Merged => Some(5),
        ContentKind::Announcement => Some(6),
        ContentKind::Pat => Some(7),
        ContentKind::Transfer => Some(8),
        ContentKind::RedPacket => Some(9),
        ContentKind::Call => Some(10),
        ContentKind::Picture => Some(11),
        ContentKind::Voice => Some(12),
        ContentKind::Video => Some(13),
        ContentKind::File => Some(14),
        ContentKind::PictureSticker => Some(15),
        ContentKind::Article => Some(16),
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

/// A document, as the index takes it. Every one has all columns, so that none needs an index of who has a value.
#[derive(Debug)]
pub(super) struct Entry {
    fields: Fields,
    position: u64,
    conversation: u64,
    seq: u64,
    time: i64,
    sender: Option<u64>,
    kind: Option<u64>,
    words: String,
    recalled: Option<[u8; 16]>,
}

impl Fields {
    /// The document of a message.
    pub(super) fn message(self, message: Message) -> Entry {
        Entry {
            fields: self,
            position: message.position.0,
            conversation: id_key(message.conversation.0),
            seq: message.seq,
            time: message.at.timestamp_micros(),
            sender: message.sender.map(|sender| id_key(sender.0)),
            kind: kind_code(message.kind),
            words: message.words,
            recalled: None,
        }
    }

    /// The document that says that a message was taken back.
    pub(super) fn recall(self, position: Position, conversation: ConversationId, seq: u64, at: DateTime<Utc>) -> Entry {
        Entry {
            fields: self,
            position: position.0,
            conversation: 0,
            seq,
            time: at.timestamp_micros(),
            sender: None,
            kind: None,
            words: String::new(),
            recalled: Some(recall_key(id_key(conversation.0), seq)),
        }
    }
}

/// The value of one field.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'a>(ReferenceValueLeaf<'a>);

impl<'a> Value<'a> for Leaf<'a> {
    type ArrayIter = Empty<Self>;
    type ObjectIter = Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(self.0.clone())
    }
}

impl Document for Entry {
    type Value<'a> = Leaf<'a>;
    type FieldsValuesIter<'a> = Flatten<std::array::IntoIter<Option<(Field, Leaf<'a>)>, 8>>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        use ReferenceValueLeaf::{Bytes, I64, Str, U64};
        let fields = self.fields;
        let words = (!self.words.is_empty()).then_some(self.words.as_str());
        let values = [
            Some((fields.position, Leaf(U64(self.position)))),
            Some((fields.conversation, Leaf(U64(self.conversation)))),
            Some((fields.seq, Leaf(U64(self.seq)))),
            Some((fields.time, Leaf(I64(self.time)))),
            self.sender.map(|sender| (fields.sender, Leaf(U64(sender)))),
            self.kind.map(|kind| (fields.kind, Leaf(U64(kind)))),
            words.map(|words| (fields.words, Leaf(Str(words)))),
            self.recalled.as_ref().map(|key| (fields.recalled, Leaf(Bytes(key)))),
        ];
        values.into_iter().flatten()
    }
}

/// The term of an id or a kind.
pub(super) fn number_term(field: Field, value: u64) -> Term {
    Term::from_field_u64(field, value)
}
