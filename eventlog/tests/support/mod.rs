//! Events to append and logs to append them to.

// Each test binary uses its own part of this.
#![allow(dead_code, unreachable_pub)]

pub mod case;
pub mod child;

use std::{path::Path, sync::Arc, thread::sleep, time::Duration};

use bytes::Bytes;
use chrono::DateTime;
use eventlog::{
    Append, DiskLog, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, Position, ReadError, RecordedEvent,
    StoreKind, StreamName, Verifier,
};
use uuid::Uuid;

pub fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

/// An event with a payload and an id of its own.
pub fn event(payload: impl Into<Bytes>) -> NewEvent {
    NewEvent {
        event_id: Uuid::now_v7(),
        event_type: "test.happened",
        schema: 1,
        encoding: PayloadEncoding::Json,
        payload: payload.into(),
    }
}

/// An append of given events.
pub fn append_events(name: &str, expected: ExpectedVersion, events: Vec<NewEvent>) -> Append {
    let command_id = Uuid::now_v7();
    Append {
        stream: stream(name),
        expected,
        time: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
        actor: Some(Uuid::from_u128(7)),
        command_id,
        fingerprint: None,
        correlation_id: command_id,
        causation_id: None,
        events,
    }
}

/// An append of one event.
pub fn append(name: &str, expected: ExpectedVersion, payload: impl Into<Bytes>) -> Append {
    append_events(name, expected, vec![event(payload)])
}

/// A log on a directory, which another one that is gone may have had until now: threads of sled's own let go of its lock a
/// moment after the last handle is dropped.
pub fn open(kind: StoreKind, dir: &Path) -> Arc<DiskLog> {
    for _ in 0..6_000 {
        match kind.open(dir, None) {
            Err(error) if format!("{error:?}").contains("could not acquire lock") => sleep(Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("{} is locked for good", dir.display());
}

/// Everything in a log, in pages of a given size.
pub async fn everything(log: &dyn EventLog, page_size: usize) -> Result<Vec<RecordedEvent>, ReadError> {
    let (mut events, mut after) = (Vec::new(), Position::START);
    loop {
        let page = log.read_all(after, page_size).await?;
        let Some(last) = page.last() else {
            return Ok(events);
        };
        after = last.position();
        events.extend(page);
    }
}

/// Everything in a log, after checking that it is whole.
pub async fn verified(log: &dyn EventLog) -> Vec<RecordedEvent> {
    let events = everything(log, 500).await.unwrap();
    let mut verifier = Verifier::new();
    for event in &events {
        assert_eq!(verifier.check(event), None);
    }
    assert_eq!(verifier.last_position(), log.last_position());
    events
}
