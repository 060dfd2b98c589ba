//! One event of the log, read once and decoded at most once for all projections.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use domain::{DecodeError, DomainEvent, EventMeta, FriendshipId, UserId};
use eventlog::{Position, RecordedEvent};
use uuid::Uuid;

use super::ProjectionError;

/// An event as projections get it: the record, and the domain's reading of it on demand.
#[derive(Debug)]
pub struct Fact {
    /// The record as the log holds it.
    pub record: RecordedEvent,
    event: OnceLock<Result<DomainEvent, DecodeError>>,
}

impl Fact {
    /// A fact of a record; nothing is decoded yet.
    #[must_use]
    pub fn new(record: RecordedEvent) -> Self {
        Self { record, event: OnceLock::new() }
    }

    /// Its place in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.record.position()
    }

    /// Its type name, such as `message.sent`: a cheap look that decodes nothing.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.record.event_type()
    }

    /// The id in its stream's name, where the stream is of that category (`user`, `conversation`, `inbox` and so on):
    /// a cheap look that decodes nothing. None for streams of other categories and for pairs.
    #[must_use]
    pub fn stream_id(&self, category: &str) -> Option<Uuid> {
        Uuid::try_parse(self.stream_key(category)?).ok()
    }

    /// What follows `{category}-` in its stream's name, where the stream is of that category.
    #[must_use]
    pub fn stream_key(&self, category: &str) -> Option<&str> {
        self.record.stream().strip_prefix(category)?.strip_prefix('-')
    }

    /// The two people in the name of a `friendship-` stream.
    ///
    /// # Errors
    /// [`ProjectionError::Poison`] for any other stream.
    pub fn pair(&self) -> Result<FriendshipId, ProjectionError> {
        const ID: usize = uuid::fmt::Hyphenated::LENGTH;
        let parse = |key: &str| {
            let lower = Uuid::try_parse(key.get(..ID)?).ok()?;
            let upper = Uuid::try_parse(key.get(ID..)?.strip_prefix('-')?).ok()?;
            Some(FriendshipId::between(UserId(lower), UserId(upper)))
        };
        self.stream_key("friendship").and_then(parse).ok_or_else(|| self.poison("the stream names no friendship"))
    }

    /// Who did it, when, and its version in the stream.
    #[must_use]
    pub fn meta(&self) -> EventMeta {
        EventMeta { actor: self.actor(), at: self.at(), version: self.record.version() }
    }

    /// Who did it; none for the server itself.
    #[must_use]
    pub fn actor(&self) -> Option<UserId> {
        self.record.actor().map(UserId)
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.record.time()
    }

    /// What happened; decoded at the first call by anyone.
    ///
    /// # Errors
    /// When this code can't read the event.
    pub fn event(&self) -> Result<&DomainEvent, &DecodeError> {
        let decode = || DomainEvent::from_json(self.record.event_type(), self.record.schema(), self.record.payload());
        self.event.get_or_init(decode).as_ref()
    }

    /// What happened, for a projection that can't go on without it.
    ///
    /// # Errors
    /// [`ProjectionError::Poison`] when this code can't read the event.
    pub fn decoded(&self) -> Result<&DomainEvent, ProjectionError> {
        self.event().map_err(|error| self.poison(error.to_string()))
    }

    /// The error that stops a projection at this event.
    #[must_use]
    pub fn poison(&self, reason: impl Into<String>) -> ProjectionError {
        ProjectionError::Poison { position: self.position(), reason: reason.into() }
    }
}
