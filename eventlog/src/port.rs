//! The port: what every event log offers, whatever stores it.

use std::{borrow::Borrow, fmt, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::RecordedEvent;

/// Largest payload of one event, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Longest stream name, in bytes.
pub const MAX_STREAM_NAME_BYTES: usize = 200;
/// Longest event type name, in bytes.
pub const MAX_EVENT_TYPE_BYTES: usize = 100;
/// Most events that one append may carry.
pub const MAX_EVENTS_PER_APPEND: usize = 1_000;

/// A place in the whole log. Positions grow; above the port nothing may assume that they are dense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stream: 1 to [`MAX_STREAM_NAME_BYTES`] bytes of ASCII letters, digits, `-`, `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] when the name is empty, too long or has another character.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, AppendError> {
        let name = name.into();
        let fits = !name.is_empty() && name.len() <= MAX_STREAM_NAME_BYTES;
        let clean = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits && clean {
            Ok(Self(name))
        } else {
            Err(AppendError::Invalid("a stream name has 1 to 200 bytes of ASCII letters, digits, '-', '_' or '.'"))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a writer believes about a stream. Versions count from 1; an absent stream has version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// The stream has no event yet.
    NoStream,
    /// The stream's last event has this version (0 is the same as `NoStream`).
    Exact(u64),
    /// The stream's last event is this very one. A writer that submits before it knows what came of its append before needs
    /// this where others write too: somebody else's event may have come to stand at the version that its own was to have.
    After {
        /// Version of the last event, from 1.
        version: u64,
        /// Id of the last event.
        event_id: Uuid,
    },
    /// Whatever it is.
    Any,
}

/// How a payload is to be read. The log stores payloads as they came; only their reader decodes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadEncoding {
    /// UTF-8 JSON in the clear: code 0. Codes 1 to 255 are kept for payloads encrypted per data subject.
    Json,
}

/// One event on its way into the log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Identity of the event; appending the same id again is recognised as a repetition.
    pub event_id: Uuid,
    /// Type name, such as `message.sent`: 1 to [`MAX_EVENT_TYPE_BYTES`] ASCII bytes.
    pub event_type: &'static str,
    /// Version of the payload's shape, from 1.
    pub schema: u16,
    /// How the payload is to be read.
    pub encoding: PayloadEncoding,
    /// The payload, at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Bytes,
}

/// Events for one stream, written whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where they go.
    pub stream: StreamName,
    /// What the stream must be like for them to be written.
    pub expected: ExpectedVersion,
    /// When it happened, by the caller's clock; kept in microseconds.
    pub time: DateTime<Utc>,
    /// Who did it; none for the server itself.
    pub actor: Option<Uuid>,
    /// The command that these events answer (idempotency).
    pub command_id: Uuid,
    /// Keyed hash of the request that carried the command, if it came with an idempotency key.
    pub fingerprint: Option<[u8; 16]>,
    /// The conversation of commands and events this one belongs to; the command id where nothing began it.
    pub correlation_id: Uuid,
    /// The event that caused the command, if one did.
    pub causation_id: Option<Uuid>,
    /// 1 to [`MAX_EVENTS_PER_APPEND`] events.
    pub events: Vec<NewEvent>,
}

/// The answer to an append: the events are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the last event written.
    pub position: Position,
    /// Version of the last event written.
    pub version: u64,
    /// The same events had been appended before; nothing was written now.
    pub repeated: bool,
}

/// Why an append was refused. Nothing was written, except that after [`AppendError::Poisoned`] or
/// [`AppendError::Unavailable`] the outcome is not known.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AppendError {
    /// The stream was not at the expected version.
    #[error("stream {stream} is at version {actual}, expected {expected:?}")]
    Conflict {
        /// The stream.
        stream: StreamName,
        /// What the writer believed.
        expected: ExpectedVersion,
        /// What is true (0: no such stream).
        actual: u64,
    },
    /// Names, sizes or counts beyond the limits.
    #[error("not a valid append: {0}")]
    Invalid(&'static str),
    /// The queue of waiting appends is full; try again shortly.
    #[error("the event log has more appends waiting than it takes")]
    Overloaded,
    /// An earlier write or sync failed. Only a restart, which re-reads what is on disk, makes the log writable again.
    #[error("the event log refuses writes since a write failed: {0}")]
    Poisoned(Arc<str>),
    /// The log can't be reached or is closing.
    #[error("the event log is unavailable: {0}")]
    Unavailable(Arc<str>),
}

/// Why a read failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// What is stored is not what was written.
    #[error("the log is damaged at position {position} (stream {}): {rule}", stream.as_deref().unwrap_or("unknown"))]
    Damaged {
        /// Where.
        position: Position,
        /// In which stream, if that could be told.
        stream: Option<String>,
        /// Which rule is broken.
        rule: String,
    },
    /// The store failed.
    #[error("the event log can't be read: {0}")]
    Unavailable(Arc<str>),
}

/// A BLAKE3 hash of one record's canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first event of a stream names as its predecessor.
    pub const ZERO: Hash = Hash([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Pages of events in the order of the log, without a gap or a double: first what is stored, then what comes.
pub trait Subscription: Send {
    /// The next events, at least one; waits for them. Batches are shared between subscribers.
    fn next(&mut self) -> BoxFuture<'_, Result<Arc<[RecordedEvent]>, ReadError>>;
}

/// The event log.
///
/// Appends to one stream take effect in the order in which [`EventLog::append`] was called, so a caller may
/// submit the next append, [`ExpectedVersion::After`] the last event of the one before, without waiting for it.
pub trait EventLog: Send + Sync + 'static {
    /// Submits an append at the time of the call; the future gives the outcome once it is durable.
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>>;

    /// Up to `limit` events of a stream with a version above `after`, oldest first. An absent stream is empty.
    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>>;

    /// Up to `limit` events after a position, in order.
    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>>;

    /// Everything after a position, then everything new.
    fn subscribe(&self, after: Position) -> Box<dyn Subscription>;

    /// Position of the last durable event.
    fn last_position(&self) -> Position;

    /// Why writes are refused, if they are.
    fn refusing_writes(&self) -> Option<Arc<str>>;

    /// Whether others write to this log as well, so that streams change without anybody here doing it.
    fn is_shared(&self) -> bool {
        false
    }
}
