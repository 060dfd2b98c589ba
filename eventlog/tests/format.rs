//! The bytes of format 1 as `docs/log-format.md` gives them: they stay readable, with the same hash, for ever.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;

use bytes::Bytes;
use chrono::DateTime;
use eventlog::{
    Append, EventLog, ExpectedVersion, Hash, MemoryLog, NewEvent, PayloadEncoding, Position, RecordedEvent, StoreKind,
    record::RecordError,
};
use support::{open, stream};
use uuid::Uuid;

/// The canonical bytes of the worked example.
const EXAMPLE: &str = "\
    010000000000000000000100060a241820224000000000000000000000000000 \
    0000e1000000000000000000000000000000c000000000000000000000000000 \
    0000000000000000000000000000000000000000010a696e626f782e72656164 \
    07696e626f782d61000000097b22736571223a377d";
const EXAMPLE_HASH: &str = "0afd79f9e3d8bfed856250aed5a3b1520665d3529e61513260e447167137279f";
/// An event that has every optional field, with the example as its predecessor.
const FULL: &str = "\
    010f00000000000000000200060a241820224000000000000000000000000000 \
    0000e2000000000000000000000000000000c000000000000000000000000000 \
    0000a1000000000000000000000000000000c100000000000000000000000000 \
    0000caf1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f10afd79f9e3d8bfed856250aed5 \
    a3b1520665d3529e61513260e447167137279f01020a696e626f782e72656164 \
    07696e626f782d61000000097b22736571223a377d";
const FULL_HASH: &str = "9e4eec37c9be4d2ed5ce48d8f908ffdea85ca4800b6640d8cf7cb6478c4b1b10";

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn record(hex: &str) -> RecordedEvent {
    RecordedEvent::from_canonical(Position(1), bytes(hex)).unwrap()
}

fn example() -> Append {
    Append {
        stream: stream("inbox-a"),
        expected: ExpectedVersion::NoStream,
        time: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
        actor: None,
        command_id: Uuid::from_u128(0xc0),
        fingerprint: None,
        correlation_id: Uuid::from_u128(0xc0),
        causation_id: None,
        events: vec![NewEvent {
            event_id: Uuid::from_u128(0xe1),
            event_type: "inbox.read",
            schema: 1,
            encoding: PayloadEncoding::Json,
            payload: Bytes::from_static(br#"{"seq":7}"#),
        }],
    }
}

fn full() -> Append {
    Append {
        expected: ExpectedVersion::Exact(1),
        actor: Some(Uuid::from_u128(0xa1)),
        fingerprint: Some([0xf1; 16]),
        correlation_id: Uuid::from_u128(0xc1),
        causation_id: Some(Uuid::from_u128(0xca)),
        events: vec![NewEvent { event_id: Uuid::from_u128(0xe2), schema: 0x0102, ..example().events.remove(0) }],
        ..example()
    }
}

#[tokio::test]
async fn what_is_written_today_are_the_bytes_of_format_1() {
    let log = MemoryLog::new();
    log.append(example()).await.unwrap();
    log.append(full()).await.unwrap();
    let written = log.read_all(Position::START, 2).await.unwrap();
    assert_eq!(hex(written[0].canonical_bytes()), hex(&bytes(EXAMPLE)));
    assert_eq!(hex(written[1].canonical_bytes()), hex(&bytes(FULL)));
}

#[test]
fn a_record_of_format_1_stays_readable_with_the_same_hash() {
    let record = record(EXAMPLE);
    assert_eq!(record.stream(), "inbox-a");
    assert_eq!(record.version(), 1);
    assert_eq!(record.event_id(), Uuid::from_u128(0xe1));
    assert_eq!(record.event_type(), "inbox.read");
    assert_eq!(record.schema(), 1);
    assert_eq!(record.time().timestamp_micros(), 1_700_000_000_123_456);
    assert_eq!(record.actor(), None);
    assert_eq!(record.command_id(), Uuid::from_u128(0xc0));
    assert_eq!(record.correlation_id(), Uuid::from_u128(0xc0));
    assert_eq!(record.causation_id(), None);
    assert_eq!(record.fingerprint(), None);
    assert_eq!(record.encoding(), PayloadEncoding::Json);
    assert_eq!(record.payload(), br#"{"seq":7}"#);
    assert_eq!(record.previous_hash(), Hash::ZERO);
    assert_eq!(record.hash().to_string(), EXAMPLE_HASH);
}

#[test]
fn every_optional_field_of_format_1_stays_readable() {
    let record = record(FULL);
    assert_eq!(record.version(), 2);
    assert_eq!(record.schema(), 0x0102);
    assert_eq!(record.actor(), Some(Uuid::from_u128(0xa1)));
    assert_eq!(record.command_id(), Uuid::from_u128(0xc0));
    assert_eq!(record.correlation_id(), Uuid::from_u128(0xc1));
    assert_eq!(record.causation_id(), Some(Uuid::from_u128(0xca)));
    assert_eq!(record.fingerprint(), Some([0xf1; 16]));
    assert_eq!(record.previous_hash().to_string(), EXAMPLE_HASH);
    assert_eq!(record.hash().to_string(), FULL_HASH);
}

#[test]
fn bytes_that_are_no_record_are_refused_with_the_reason() {
    let refused = |at: usize, value: u8| {
        let mut changed = bytes(EXAMPLE).to_vec();
        changed[at] = value;
        RecordedEvent::from_canonical(Position(1), changed.into()).unwrap_err()
    };
    assert_eq!(refused(0, 2), RecordError::Format(2));
    assert_eq!(refused(1, 0x10), RecordError::Flags(0x10));
    assert_eq!(refused(2, 1), RecordError::Encoding(1));
    assert_eq!(refused(10, 0), RecordError::Field("version"));
    assert_eq!(refused(11, 0x7f), RecordError::Field("time"));
    assert_eq!(refused(1, 1), RecordError::Length);
    assert_eq!(refused(86, b' '), RecordError::Field("event type"));
    assert_eq!(refused(97, 0xff), RecordError::Field("stream name"));
}

#[test]
fn no_prefix_of_a_record_and_no_longer_one_is_a_record() {
    for whole in [bytes(EXAMPLE), bytes(FULL)] {
        for end in 0..whole.len() {
            assert!(RecordedEvent::from_canonical(Position(1), whole.slice(..end)).is_err());
        }
        let longer = [&whole[..], b"x"].concat().into();
        let refused = RecordedEvent::from_canonical(Position(1), longer);
        assert_eq!(refused, Err(RecordError::Length));
    }
}

/// What the files of the worked example hold, read without the crate's own code.
#[tokio::test]
async fn the_stores_keep_what_the_format_says() {
    let stored = [&bytes("68d3c7ad")[..], &bytes(EXAMPLE)[..]].concat();
    let position = 1_u64.to_be_bytes();
    let index_key = bytes("dd846a93e4e5745ec209d912 0000000000000001");
    let tail = bytes("54485441494c3031 0000000000000002 65324528");

    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    log.append(example()).await.unwrap();
    log.append(full()).await.unwrap();
    drop(log);
    assert_eq!(fs::read(dir.path().join("tail")).unwrap(), tail);
    let database = fjall::Database::builder(dir.path().join("fjall")).open().unwrap();
    let events = database.keyspace("events", Default::default).unwrap();
    assert_eq!(events.get(position).unwrap().unwrap(), stored);
    let streams = database.keyspace("streams", Default::default).unwrap();
    assert_eq!(streams.get(index_key.clone()).unwrap().unwrap(), position);
    drop((events, streams, database));

    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Sled, dir.path());
    log.append(example()).await.unwrap();
    log.append(full()).await.unwrap();
    drop(log);
    assert_eq!(fs::read(dir.path().join("tail")).unwrap(), tail);
    let database = sled::open(dir.path().join("sled")).unwrap();
    let event_key = [b"e", &position[..], &[0]].concat();
    assert_eq!(database.get(event_key).unwrap().unwrap(), stored);
    let stream_key = [b"s", &index_key[..]].concat();
    assert_eq!(database.get(stream_key).unwrap().unwrap(), position);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        mut noise in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
    ) {
        let before = RecordedEvent::from_canonical(Position(1), noise.clone().into());
        // The same again with a beginning that gets past the first checks.
        for (to, from) in noise.iter_mut().zip([1, 0, 0]) {
            *to = from;
        }
        let after = RecordedEvent::from_canonical(Position(1), noise.into());
        for record in [before, after].into_iter().flatten() {
            proptest::prop_assert!(!record.stream().is_empty() && !record.event_type().is_empty());
        }
    }
}
