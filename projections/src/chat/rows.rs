//! What the rows of this read model are made of: keys and values, to bytes and back.
//!
//! Conversations are numbered in the order of their first event (u32), so that keys are short.

use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId};
use uuid::Uuid;

use super::{
    bytes::{Fields, put_number},
    kind::Kind,
};

const HAS_ACTOR: u8 = 1;
const HAS_CONVERSATION: u8 = 1 << 1;
const HAS_REPLY: u8 = 1 << 2;

/// Key of a `timeline` row: conversation number, version of the event in the conversation's stream.
pub(super) fn timeline_key(no: u32, version: u64) -> [u8; 12] {
    joined(no.to_be_bytes(), version.to_be_bytes())
}

/// Key of a `recalls` row: conversation number, number of the message.
pub(super) fn recall_key(no: u32, seq: u64) -> [u8; 12] {
    timeline_key(no, seq)
}

/// Key of a `seats` row: user, conversation number.
pub(super) fn seat_key(user: UserId, no: u32) -> [u8; 20] {
    joined(user.0.into_bytes(), no.to_be_bytes())
}

/// Key of a `personal` row: user, position.
pub(super) fn personal_key(user: UserId, position: u64) -> [u8; 24] {
    joined(user.0.into_bytes(), position.to_be_bytes())
}

/// Key of a `deleted` row: user, conversation number, number of the message.
pub(super) fn deleted_key(user: UserId, no: u32, seq: u64) -> [u8; 28] {
    joined(seat_key(user, no), seq.to_be_bytes())
}

fn joined<const A: usize, const B: usize, const N: usize>(one: [u8; A], other: [u8; B]) -> [u8; N] {
    const { assert!(A + B == N) };
    let mut key = [0; N];
    for (to, from) in key.iter_mut().zip(one.into_iter().chain(other)) {
        *to = from;
    }
    key
}

/// One event as `timeline` and `personal` keep it.
///
/// The value: kind (1 byte), flags (1 byte), position, number of the last message so far, time in microseconds (8 bytes),
/// event id (16 bytes), then as the flags say actor (16 bytes), conversation (16 bytes), number of the message answered;
/// the rest is the payload, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventRow<P> {
    /// What type of event it is.
    pub(super) kind: Kind,
    /// Its place in the log.
    pub(super) position: u64,
    /// The number of the conversation's last message, up to and including this event; zero for personal ones.
    pub(super) seq: u64,
    /// When, in microseconds since 1970.
    pub(super) at_micros: i64,
    /// The event's id.
    pub(super) id: Uuid,
    /// Who did it.
    pub(super) actor: Option<UserId>,
    /// The conversation that a personal event speaks of; conversations' own rows name it in their key.
    pub(super) conversation: Option<ConversationId>,
    /// The number of the message that this one answers; zero for none.
    pub(super) reply_to: u64,
    /// The payload, as JSON; may be empty for events that are shown from another row.
    pub(super) payload: P,
}

impl<P: AsRef<[u8]>> EventRow<P> {
    /// The row as it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let payload = self.payload.as_ref();
        let mut row = Vec::with_capacity(payload.len() + 72);
        let flag = |bit, is_set| if is_set { bit } else { 0 };
        let flags = flag(HAS_ACTOR, self.actor.is_some())
            | flag(HAS_CONVERSATION, self.conversation.is_some())
            | flag(HAS_REPLY, self.reply_to != 0);
        row.extend_from_slice(&[self.kind.number(), flags]);
        put_number(&mut row, self.position);
        put_number(&mut row, self.seq);
        row.extend_from_slice(&self.at_micros.to_be_bytes());
        row.extend_from_slice(self.id.as_bytes());
        if let Some(actor) = self.actor {
            row.extend_from_slice(actor.0.as_bytes());
        }
        if let Some(conversation) = self.conversation {
            row.extend_from_slice(conversation.0.as_bytes());
        }
        if self.reply_to != 0 {
            put_number(&mut row, self.reply_to);
        }
        row.extend_from_slice(payload);
        row
    }

    /// When.
    pub(super) fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.at_micros).unwrap_or_default()
    }
}

/// The end of a stored row, in the row's own memory.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    row: fjall::Slice,
    from: usize,
}

impl AsRef<[u8]> for Tail {
    fn as_ref(&self) -> &[u8] {
        self.row.get(self.from..).unwrap_or_default()
    }
}

impl EventRow<Tail> {
    /// Reads a stored row; the payload shares its memory.
    pub(super) fn decode(row: &fjall::Slice) -> Option<Self> {
        let mut fields = Fields::of(row);
        let kind = Kind::numbered(fields.byte()?)?;
        let flags = fields.byte()?;
        let position = fields.number()?;
        let seq = fields.number()?;
        let at_micros = i64::from_be_bytes(fields.array()?);
        let id = Uuid::from_bytes(fields.array()?);
        let actor = if flags & HAS_ACTOR == 0 { None } else { Some(UserId(Uuid::from_bytes(fields.array()?))) };
        let conversation =
            if flags & HAS_CONVERSATION == 0 { None } else { Some(ConversationId(Uuid::from_bytes(fields.array()?))) };
        let reply_to = if flags & HAS_REPLY == 0 { 0 } else { fields.number()? };
        let payload = Tail { row: row.clone(), from: row.len() - fields.left() };
        Some(Self { kind, position, seq, at_micros, id, actor, conversation, reply_to, payload })
    }
}

/// A message that was taken back, as `recalls` keeps it: time in microseconds (8 bytes), whether silently (1 byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recall {
    /// When, in microseconds since 1970.
    pub(super) at_micros: i64,
    /// Without a tip: the message vanishes.
    pub(super) silent: bool,
}

impl Recall {
    /// The row as it is stored.
    pub(super) fn encode(self) -> [u8; 9] {
        joined(self.at_micros.to_be_bytes(), [u8::from(self.silent)])
    }

    /// Reads a stored row.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(row);
        let at_micros = i64::from_be_bytes(fields.array()?);
        let silent = fields.byte()? != 0;
        fields.end()?;
        Some(Self { at_micros, silent })
    }

    /// When.
    pub(super) fn at(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.at_micros).unwrap_or_default()
    }
}

/// The position and message number of a stored `timeline` row, without the rest: what a binary search looks at.
pub(super) fn place_of(row: &[u8]) -> Option<(u64, u64)> {
    let mut fields = Fields::of(row);
    fields.array::<2>()?;
    Some((fields.number()?, fields.number()?))
}
