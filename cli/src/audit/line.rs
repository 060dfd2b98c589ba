//! A record as one line of JSON: everything readable, and enough to give the record's bytes back.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{BufMut, Bytes};
use chrono::{DateTime, SecondsFormat, Utc};
use eventlog::{Breach, Position, RecordedEvent, record::FORMAT, verify::Rule};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The code of plain JSON payloads in a record.
const JSON: u8 = 0;

/// A record, readable. `docs/operations.md` explains the fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    position: u64,
    stream: String,
    version: u64,
    #[serde(rename = "type")]
    event_type: String,
    schema: u16,
    time: DateTime<Utc>,
    event_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    command_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation_id: Option<Uuid>,
    /// Hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// The payload, byte for byte; none where it is no JSON.
    payload: Option<Box<RawValue>>,
    /// Hexadecimal, as is the next.
    previous_hash: String,
    hash: String,
    /// The record's bytes in base64, only where the other fields don't give them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
}

impl Line {
    /// The line of a record.
    pub(crate) fn of(record: &RecordedEvent) -> Self {
        let command_id = record.command_id();
        let mut line = Self {
            position: record.position().0,
            stream: record.stream().to_owned(),
            version: record.version(),
            event_type: record.event_type().to_owned(),
            schema: record.schema(),
            time: record.time(),
            event_id: record.event_id(),
            actor: record.actor(),
            command_id,
            correlation_id: Some(record.correlation_id()).filter(|id| *id != command_id),
            causation_id: record.causation_id(),
            fingerprint: record.fingerprint().map(|bytes| Uuid::from_bytes(bytes).simple().to_string()),
            payload: one_line(record.payload()),
            previous_hash: record.previous_hash().to_string(),
            hash: record.hash().to_string(),
            record: None,
        };
        if line.canonical().as_deref() != Some(record.canonical_bytes()) {
            line.record = Some(BASE64_STANDARD.encode(record.canonical_bytes()));
        }
        line
    }

    /// The position it names.
    pub(crate) fn position(&self) -> Position {
        Position(self.position)
    }

    /// The record it was made of.
    ///
    /// # Errors
    /// When the line doesn't give a record, or not the one with the hash that it names.
    pub(crate) fn into_record(self) -> Result<RecordedEvent, Breach> {
        let broken = |rule: Rule| Breach { position: Position(self.position), stream: Some(self.stream.clone()), rule };
        let bytes = match &self.record {
            Some(base64) => BASE64_STANDARD.decode(base64).ok(),
            None => self.canonical(),
        };
        let Some(bytes) = bytes else {
            return Err(broken(Rule::Stored("the line's fields don't make a record".to_owned())));
        };
        let record = RecordedEvent::from_canonical(self.position(), Bytes::from(bytes))
            .map_err(|error| broken(Rule::Format(error)))?;
        if record.hash().to_string() != self.hash {
            return Err(broken(Rule::Stored("the record doesn't have the hash that is written beside it".to_owned())));
        }
        Ok(record)
    }

    /// The record's bytes, as docs/log-format.md lays them out.
    fn canonical(&self) -> Option<Vec<u8>> {
        let payload = self.payload.as_ref()?.get();
        let fingerprint = match &self.fingerprint {
            Some(hex) => Some(Uuid::try_parse(hex).ok()?),
            None => None,
        };
        let optional = [self.actor, self.correlation_id, self.causation_id, fingerprint];
        let flags = optional.iter().rev().fold(0, |flags: u8, id| flags << 1 | u8::from(id.is_some()));
        let mut bytes = Vec::with_capacity(256 + payload.len());
        bytes.put_slice(&[FORMAT, flags, JSON]);
        bytes.put_u64(self.version);
        bytes.put_i64(self.time.timestamp_micros());
        bytes.put_slice(self.event_id.as_bytes());
        bytes.put_slice(self.command_id.as_bytes());
        for id in optional.iter().flatten() {
            bytes.put_slice(id.as_bytes());
        }
        bytes.put_slice(blake3::Hash::from_hex(&self.previous_hash).ok()?.as_bytes());
        bytes.put_u16(self.schema);
        bytes.put_u8(u8::try_from(self.event_type.len()).ok()?);
        bytes.put_slice(self.event_type.as_bytes());
        bytes.put_u8(u8::try_from(self.stream.len()).ok()?);
        bytes.put_slice(self.stream.as_bytes());
        bytes.put_u32(u32::try_from(payload.len()).ok()?);
        bytes.put_slice(payload.as_bytes());
        Some(bytes)
    }
}

/// A payload that can stand in a line as it is.
fn one_line(payload: &[u8]) -> Option<Box<RawValue>> {
    let breaks = payload.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    if breaks { None } else { serde_json::from_slice::<&RawValue>(payload).ok().map(ToOwned::to_owned) }
}

/// A time as lines and tables show it: to the microsecond, which is all that a record keeps.
pub(crate) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
pub(crate) mod tests {
    use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, StreamName};
    use futures::executor::block_on;

    use super::*;

    /// An append of one event, with everything optional present or absent.
    pub(crate) fn append(stream: &str, payload: &'static str, whole: bool) -> Append {
        let command_id = Uuid::now_v7();
        Append {
            stream: StreamName::new(stream).unwrap(),
            expected: ExpectedVersion::Any,
            time: Utc::now(),
            actor: whole.then(Uuid::now_v7),
            command_id,
            fingerprint: whole.then_some([7; 16]),
            correlation_id: if whole { Uuid::now_v7() } else { command_id },
            causation_id: whole.then(Uuid::now_v7),
            events: vec![NewEvent {
                event_id: Uuid::now_v7(),
                event_type: "group.renamed",
                schema: 1,
                encoding: PayloadEncoding::Json,
                payload: Bytes::from_static(payload.as_bytes()),
            }],
        }
    }

    /// A log with records of every shape.
    pub(crate) fn sample_log() -> MemoryLog {
        let log = MemoryLog::new();
        for payload in [r#"{"name":"茶馆 \"tea\" A"}"#, r#"{ "name" : 1.0 }"#, "no JSON", "", " {}\n", "[1,\n2]"] {
            for whole in [true, false] {
                block_on(log.append(append("conversation-a", payload, whole))).unwrap();
            }
        }
        log
    }

    #[test]
    fn a_record_comes_back_from_its_line_byte_for_byte() {
        let records = block_on(sample_log().read_all(Position::START, 100)).unwrap();
        assert_eq!(records.len(), 12);
        for record in records {
            let text = serde_json::to_string(&Line::of(&record)).unwrap();
            assert!(!text.contains('\n'));
            let line: Line = serde_json::from_str(&text).unwrap();
            assert_eq!(line.into_record().unwrap(), record);
        }
    }

    #[test]
    fn a_plain_payload_needs_no_second_copy_in_its_line() {
        let log = MemoryLog::new();
        block_on(log.append(append("conversation-a", r#"{"name":"x"}"#, true))).unwrap();
        let record = block_on(log.read_all(Position::START, 1)).unwrap().remove(0);
        let line = serde_json::to_value(Line::of(&record)).unwrap();
        assert_eq!(line["payload"]["name"], "x");
        assert!(line.get("record").is_none());
    }

    #[test]
    fn a_line_that_was_changed_is_a_breach() {
        let record = block_on(sample_log().read_all(Position::START, 1)).unwrap().remove(0);
        let text = serde_json::to_string(&Line::of(&record)).unwrap();
        let forged: Line = serde_json::from_str(&text.replace("tea", "pee")).unwrap();
        let breach = forged.into_record().unwrap_err();
        assert_eq!(breach.position, Position(1));
        assert_eq!(breach.stream.as_deref(), Some("conversation-a"));
    }
}
