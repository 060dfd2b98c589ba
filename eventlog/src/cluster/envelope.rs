//! How a record travels: its payload as the event's data, everything before the payload as the event's metadata.
//!
//! A record's canonical bytes are those two put together again, so that not a bit of them is lost, whatever the server
//! makes of times, types and ids. The payload stays readable for the cluster's own tools.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    port::{Position, ReadError},
    record::RecordedEvent,
};

/// An event on its way to the cluster or from it.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// The record's event id.
    pub(crate) id: Uuid,
    /// The record's event type.
    pub(crate) event_type: String,
    /// The record's payload.
    pub(crate) data: Bytes,
    /// Whether the payload is JSON as it stands.
    pub(crate) is_json: bool,
    /// A [`Metadata`] as JSON.
    pub(crate) metadata: Bytes,
}

/// Where an event was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The event.
    pub(crate) envelope: Envelope,
    /// In which stream.
    pub(crate) stream: String,
    /// Its number there, from 0.
    pub(crate) revision: u64,
    /// Where in the whole log.
    pub(crate) position: Position,
}

/// The metadata of an event of ours.
#[derive(Serialize, Deserialize)]
struct Metadata {
    /// The record's canonical bytes before its payload, in base64.
    teahouse: String,
}

impl Envelope {
    /// Packs a record.
    pub(crate) fn of(record: &RecordedEvent) -> Self {
        let data = record.payload_bytes();
        let bytes = record.canonical_bytes();
        let header = bytes.get(..bytes.len() - data.len()).unwrap_or_default();
        let metadata = Metadata { teahouse: STANDARD.encode(header) };
        // White space around a document would be lost.
        let is_json = serde_json::from_slice::<&RawValue>(&data).is_ok_and(|json| json.get().len() == data.len());
        Self {
            id: record.event_id(),
            event_type: record.event_type().to_owned(),
            is_json,
            data,
            metadata: serde_json::to_vec(&metadata).unwrap_or_default().into(),
        }
    }
}

impl Found {
    /// Unpacks the record; none for an event that is the server's own or somebody else's.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] for an event that calls itself ours and does not hold its own record.
    pub(crate) fn record(self) -> Result<Option<RecordedEvent>, ReadError> {
        let Self { envelope, stream, revision, position } = self;
        if stream.starts_with('$') {
            return Ok(None);
        }
        let Ok(metadata) = serde_json::from_slice::<Metadata>(&envelope.metadata) else {
            return Ok(None);
        };
        let damaged = |rule: &str| ReadError::Damaged { position, stream: Some(stream.clone()), rule: rule.to_owned() };
        let header = STANDARD.decode(metadata.teahouse).map_err(|_| damaged("the metadata holds no record"))?;
        let mut body = BytesMut::with_capacity(header.len() + envelope.data.len());
        body.extend_from_slice(&header);
        body.extend_from_slice(&envelope.data);
        let record =
            RecordedEvent::from_canonical(position, body.freeze()).map_err(|error| damaged(&error.to_string()))?;
        let itself = record.stream() == stream && record.event_id() == envelope.id;
        if !itself || record.version() != revision.saturating_add(1) {
            return Err(damaged("the event holds another record than its place says"));
        }
        Ok(Some(record))
    }
}
