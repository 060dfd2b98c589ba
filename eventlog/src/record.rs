//! The record format: one event as the bytes that are stored, hashed and handed on.
//!
//! A record's *canonical bytes* hold everything but its global position, so that the hash chain of a stream
//! survives a move to another backend. What a local store keeps is a CRC over position and canonical bytes,
//! then the canonical bytes. `docs/log-format.md` describes both for readers in other languages.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::port::{
    Append, Hash, MAX_EVENT_TYPE_BYTES, MAX_PAYLOAD_BYTES, MAX_STREAM_NAME_BYTES, NewEvent, PayloadEncoding, Position,
    ReadError,
};

/// The only format so far: the first byte of every record's canonical bytes.
pub const FORMAT: u8 = 1;

const HAS_ACTOR: u8 = 1;
const HAS_CORRELATION: u8 = 1 << 1;
const HAS_CAUSATION: u8 = 1 << 2;
const HAS_FINGERPRINT: u8 = 1 << 3;
const KNOWN_FLAGS: u8 = HAS_ACTOR | HAS_CORRELATION | HAS_CAUSATION | HAS_FINGERPRINT;

const FLAGS_AT: usize = 1;
const ENCODING_AT: usize = 2;
const VERSION_AT: usize = 3;
const TIME_AT: usize = 11;
const EVENT_ID_AT: usize = 19;
const COMMAND_ID_AT: usize = 35;
const OPTIONAL_AT: usize = 51;
const ID_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Bytes of the CRC in front of the canonical bytes in a stored value.
const CRC_BYTES: usize = 4;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// They end before the record does, or go on after it.
    #[error("the record's length does not fit its fields")]
    Length,
    /// They begin with a format that this version doesn't know.
    #[error("unknown record format {0}")]
    Format(u8),
    /// A flag is set that format 1 doesn't have.
    #[error("unknown record flags {0:#04x}")]
    Flags(u8),
    /// The payload's encoding isn't known.
    #[error("unknown payload encoding {0}")]
    Encoding(u8),
    /// A field has a value that no writer writes.
    #[error("the record's {0} is out of range")]
    Field(&'static str),
    /// The CRC doesn't match the bytes.
    #[error("the record's checksum does not match")]
    Checksum,
}

/// An event as the log holds it. A clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    position: Position,
    /// The canonical bytes; every accessor but `position` reads from them.
    body: Bytes,
    /// Where the previous record's hash begins, after the optional ids.
    hash_at: u16,
    /// Where the stream name's length byte is, after the event type.
    stream_at: u16,
    /// Where the payload begins.
    payload_at: u16,
}

impl RecordedEvent {
    /// Reads a record from its canonical bytes, which an export or another backend held.
    ///
    /// # Errors
    /// When the bytes are not exactly one record of a known format.
    pub fn from_canonical(position: Position, body: Bytes) -> Result<Self, RecordError> {
        match body.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(RecordError::Format(other)),
            None => return Err(RecordError::Length),
        }
        let flags = byte(&body, FLAGS_AT)?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(RecordError::Flags(flags));
        }
        if byte(&body, ENCODING_AT)? != encoding_code(PayloadEncoding::Json) {
            return Err(RecordError::Encoding(byte(&body, ENCODING_AT)?));
        }
        let hash_at = OPTIONAL_AT + ID_BYTES * present(flags);
        let type_at = hash_at + HASH_BYTES + 2;
        let stream_at = type_at + 1 + usize::from(byte(&body, type_at)?);
        let payload_len_at = stream_at + 1 + usize::from(byte(&body, stream_at)?);
        let payload_at = payload_len_at + 4;
        let payload_len = u32::from_be_bytes(array(&body, payload_len_at)) as usize;
        if payload_len > MAX_PAYLOAD_BYTES || body.len() != payload_at + payload_len {
            return Err(RecordError::Length);
        }
        let record = Self {
            position,
            body,
            hash_at: short(hash_at)?,
            stream_at: short(stream_at)?,
            payload_at: short(payload_at)?,
        };
        record.check_fields()?;
        Ok(record)
    }

    fn check_fields(&self) -> Result<(), RecordError> {
        let type_name = self.field(type_at(self.hash_at) + 1, self.stream_at.into());
        if !fits(type_name, MAX_EVENT_TYPE_BYTES) {
            return Err(RecordError::Field("event type"));
        }
        let stream = self.field(usize::from(self.stream_at) + 1, usize::from(self.payload_at) - 4);
        if !fits(stream, MAX_STREAM_NAME_BYTES) {
            return Err(RecordError::Field("stream name"));
        }
        if self.version() == 0 {
            return Err(RecordError::Field("version"));
        }
        DateTime::from_timestamp_micros(self.time_micros()).map(drop).ok_or(RecordError::Field("time"))
    }

    /// Lays out one event of an append as it will be stored.
    pub(crate) fn encode(
        append: &Append,
        event: &NewEvent,
        position: Position,
        version: u64,
        previous: Hash,
    ) -> Result<Stored, RecordError> {
        let name = append.stream.as_str();
        let room = CRC_BYTES + OPTIONAL_AT + 4 * ID_BYTES + HASH_BYTES + 8;
        let mut bytes = BytesMut::with_capacity(room + event.event_type.len() + name.len() + event.payload.len());
        let correlation = Some(append.correlation_id).filter(|id| *id != append.command_id);
        let optional = [
            append.actor.map(Uuid::into_bytes),
            correlation.map(Uuid::into_bytes),
            append.causation_id.map(Uuid::into_bytes),
            append.fingerprint,
        ];
        let bits = [HAS_ACTOR, HAS_CORRELATION, HAS_CAUSATION, HAS_FINGERPRINT];
        let flags = optional.iter().zip(bits).filter(|(id, _)| id.is_some()).fold(0, |flags, (_, bit)| flags | bit);
        bytes.put_u32(0);
        bytes.put_slice(&[FORMAT, flags, encoding_code(event.encoding)]);
        bytes.put_u64(version);
        bytes.put_i64(append.time.timestamp_micros());
        bytes.put_slice(event.event_id.as_bytes());
        bytes.put_slice(append.command_id.as_bytes());
        for id in optional.iter().flatten() {
            bytes.put_slice(id);
        }
        bytes.put_slice(&previous.0);
        bytes.put_u16(event.schema);
        bytes.put_u8(length(event.event_type.len(), "event type")?);
        bytes.put_slice(event.event_type.as_bytes());
        bytes.put_u8(length(name.len(), "stream name")?);
        bytes.put_slice(name.as_bytes());
        bytes.put_u32(length(event.payload.len(), "payload")?);
        bytes.put_slice(&event.payload);
        seal(position, &mut bytes);
        let value = bytes.freeze();
        let record = Self::from_canonical(position, value.slice(CRC_BYTES..))?;
        Ok(Stored { record, value })
    }

    /// Reads a stored value and checks its CRC.
    pub(crate) fn from_stored(position: Position, mut value: Bytes) -> Result<Self, ReadError> {
        let damaged = |error: RecordError, stream: Option<String>| ReadError::Damaged {
            position,
            stream,
            rule: error.to_string(),
        };
        if value.len() < CRC_BYTES {
            return Err(damaged(RecordError::Length, None));
        }
        let stored_crc = value.get_u32();
        let crc_holds = stored_crc == checksum(position, &value);
        match Self::from_canonical(position, value) {
            Ok(record) if crc_holds => Ok(record),
            // The name may be what is damaged, yet it is the best hint there is.
            Ok(record) => Err(damaged(RecordError::Checksum, Some(record.stream().to_owned()))),
            Err(error) if crc_holds => Err(damaged(error, None)),
            Err(_) => Err(damaged(RecordError::Checksum, None)),
        }
    }

    /// The same record at another position, as it is to be stored there.
    pub(crate) fn moved_to(&self, position: Position) -> Stored {
        let mut bytes = BytesMut::with_capacity(CRC_BYTES + self.body.len());
        bytes.put_u32(0);
        bytes.put_slice(&self.body);
        seal(position, &mut bytes);
        let value = bytes.freeze();
        let record = Self { position, body: value.slice(CRC_BYTES..), ..*self };
        Stored { record, value }
    }

    /// Its place in the whole log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The stream it belongs to.
    #[must_use]
    pub fn stream(&self) -> &str {
        text(self.field(usize::from(self.stream_at) + 1, usize::from(self.payload_at) - 4))
    }

    /// Its number in the stream, from 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        u64::from_be_bytes(array(&self.body, VERSION_AT))
    }

    /// Its identity.
    #[must_use]
    pub fn event_id(&self) -> Uuid {
        Uuid::from_bytes(array(&self.body, EVENT_ID_AT))
    }

    /// Its type name, such as `message.sent`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        text(self.field(type_at(self.hash_at) + 1, self.stream_at.into()))
    }

    /// Version of its payload's shape.
    #[must_use]
    pub fn schema(&self) -> u16 {
        u16::from_be_bytes(array(&self.body, usize::from(self.hash_at) + HASH_BYTES))
    }

    /// When it happened, to the microsecond.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.time_micros()).unwrap_or_default()
    }

    /// Who did it; none for the server itself.
    #[must_use]
    pub fn actor(&self) -> Option<Uuid> {
        self.optional(HAS_ACTOR).map(Uuid::from_bytes)
    }

    /// The command it answers.
    #[must_use]
    pub fn command_id(&self) -> Uuid {
        Uuid::from_bytes(array(&self.body, COMMAND_ID_AT))
    }

    /// Keyed hash of the request that carried the command, if it came with an idempotency key.
    #[must_use]
    pub fn fingerprint(&self) -> Option<[u8; 16]> {
        self.optional(HAS_FINGERPRINT)
    }

    /// The conversation of commands and events it belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> Uuid {
        self.optional(HAS_CORRELATION).map_or_else(|| self.command_id(), Uuid::from_bytes)
    }

    /// The event that caused its command, if one did.
    #[must_use]
    pub fn causation_id(&self) -> Option<Uuid> {
        self.optional(HAS_CAUSATION).map(Uuid::from_bytes)
    }

    /// How its payload is to be read.
    #[must_use]
    pub fn encoding(&self) -> PayloadEncoding {
        // The only encoding that `from_canonical` lets through.
        PayloadEncoding::Json
    }

    /// Its payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.field(self.payload_at.into(), self.body.len())
    }

    /// Its payload, sharing the record's memory.
    #[must_use]
    pub fn payload_bytes(&self) -> Bytes {
        self.body.slice(usize::from(self.payload_at)..)
    }

    /// The hash of its predecessor in the stream; [`Hash::ZERO`] for the first.
    #[must_use]
    pub fn previous_hash(&self) -> Hash {
        Hash(array(&self.body, self.hash_at.into()))
    }

    /// Its own hash, which its successor names; computed at each call.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(*blake3::hash(&self.body).as_bytes())
    }

    /// What is hashed: everything but the position.
    #[must_use]
    pub fn canonical_bytes(&self) -> &[u8] {
        &self.body
    }

    fn time_micros(&self) -> i64 {
        i64::from_be_bytes(array(&self.body, TIME_AT))
    }

    fn optional(&self, wanted: u8) -> Option<[u8; ID_BYTES]> {
        let flags = self.body.get(FLAGS_AT).copied().unwrap_or_default();
        // The optional ids stand in the order of their bits.
        let before = present(flags & (wanted - 1));
        (flags & wanted != 0).then(|| array(&self.body, OPTIONAL_AT + ID_BYTES * before))
    }

    fn field(&self, from: usize, to: usize) -> &[u8] {
        self.body.get(from..to).unwrap_or_default()
    }
}

/// A record and the value a store keeps for it; they share memory.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) record: RecordedEvent,
    pub(crate) value: Bytes,
}

fn checksum(position: Position, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&position.0.to_be_bytes());
    crc.update(body);
    crc.finalize()
}

/// Puts the CRC into its place in front of a value's body.
fn seal(position: Position, value: &mut BytesMut) {
    if let Some((crc, body)) = value.split_first_chunk_mut::<CRC_BYTES>() {
        *crc = checksum(position, body).to_be_bytes();
    }
}

fn encoding_code(encoding: PayloadEncoding) -> u8 {
    match encoding {
        PayloadEncoding::Json => 0,
    }
}

fn type_at(hash_at: u16) -> usize {
    usize::from(hash_at) + HASH_BYTES + 2
}

/// How many optional ids these flags announce.
fn present(flags: u8) -> usize {
    flags.count_ones() as usize
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, RecordError> {
    bytes.get(at).copied().ok_or(RecordError::Length)
}

/// `N` bytes; zeros beyond the end, which `from_canonical` has ruled out for every record that exists.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Visible ASCII of a length that the limits allow.
fn fits(name: &[u8], longest: usize) -> bool {
    (1..=longest).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

fn short(offset: usize) -> Result<u16, RecordError> {
    u16::try_from(offset).map_err(|_| RecordError::Length)
}

fn length<T: TryFrom<usize>>(bytes: usize, field: &'static str) -> Result<T, RecordError> {
    T::try_from(bytes).map_err(|_| RecordError::Field(field))
}
