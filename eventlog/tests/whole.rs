//! Verifying a log, and moving one from store to store without changing a byte of it.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bytes::Bytes;
use eventlog::{
    AppendError, Breach, EventLog, ExpectedVersion, ImportError, MemoryLog, Position, ReadError, RecordedEvent,
    StoreKind, Verifier, verify::Rule,
};
use support::{append, everything, open, verified};

async fn some_log() -> Vec<RecordedEvent> {
    let log = MemoryLog::new();
    for n in 0..20 {
        let name = ["a", "b", "c"][n % 3];
        log.append(append(name, ExpectedVersion::Any, n.to_string())).await.unwrap();
    }
    everything(&log, 100).await.unwrap()
}

fn breaches<'a>(records: impl IntoIterator<Item = &'a RecordedEvent>) -> Vec<Breach> {
    let mut verifier = Verifier::new();
    records.into_iter().filter_map(|record| verifier.check(record)).collect()
}

fn altered(record: &RecordedEvent) -> RecordedEvent {
    let mut bytes = record.canonical_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    RecordedEvent::from_canonical(record.position(), bytes.into()).unwrap()
}

fn at(record: &RecordedEvent, position: u64) -> RecordedEvent {
    let bytes = Bytes::copy_from_slice(record.canonical_bytes());
    RecordedEvent::from_canonical(Position(position), bytes).unwrap()
}

fn breach(position: u64, stream: &str, rule: Rule) -> Breach {
    Breach { position: Position(position), stream: Some(stream.to_owned()), rule }
}

#[tokio::test]
async fn a_whole_log_has_no_breach() {
    let records = some_log().await;
    let mut verifier = Verifier::new();
    assert!(records.iter().all(|record| verifier.check(record).is_none()));
    assert_eq!(verifier.records(), 20);
    assert_eq!(verifier.streams(), 3);
    assert_eq!(verifier.last_position(), Position(20));
}

#[tokio::test]
async fn an_altered_record_is_found_at_its_successor() {
    let mut records = some_log().await;
    records[4] = altered(&records[4]);
    assert_eq!(breaches(&records), [breach(8, "b", Rule::Chain)]);
}

#[tokio::test]
async fn a_removed_record_is_found() {
    let mut records = some_log().await;
    records.remove(4);
    let rule = Rule::Version { expected: 2, found: 3 };
    assert_eq!(breaches(&records), [breach(8, "b", rule)]);
}

#[tokio::test]
async fn a_removed_first_record_is_found() {
    let records = some_log().await;
    let found = breaches(&records[1..]);
    let rule = Rule::Version { expected: 1, found: 2 };
    assert_eq!(found, [breach(4, "a", rule)]);
}

#[tokio::test]
async fn a_doubled_record_is_found() {
    let records = some_log().await;
    let doubled = [&records[..5], &records[4..]].concat();
    let previous = Position(5);
    let found = breaches(&doubled);
    assert_eq!(found[0], breach(5, "b", Rule::Order { previous }));
}

#[tokio::test]
async fn reordered_records_of_a_stream_are_found_whatever_their_positions_say() {
    let mut records = some_log().await;
    let (first, second) = (at(&records[4], 8), at(&records[7], 5));
    (records[4], records[7]) = (second, first);
    let rule = Rule::Version { expected: 2, found: 3 };
    assert_eq!(breaches(&records)[0], breach(5, "b", rule));
}

#[test]
fn a_failed_read_tells_of_a_breach_only_where_something_is_damaged() {
    let damaged = ReadError::Damaged { position: Position(3), stream: None, rule: "gone".to_owned() };
    let found = Breach::from_read(&damaged).unwrap();
    assert_eq!(found.position, Position(3));
    assert_eq!(found.rule, Rule::Stored("gone".to_owned()));
    assert_eq!(Breach::from_read(&ReadError::Unavailable("away".into())), None);
}

#[tokio::test]
async fn an_imported_log_keeps_every_byte_and_goes_on_from_there() {
    let records = some_log().await;
    for kind in [StoreKind::Fjall, StoreKind::Sled] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(kind, dir.path());
        let half = log.import(records[..10].to_vec()).await;
        assert_eq!(half, Ok(Position(10)));
        let rest = log.import(records[10..].to_vec()).await;
        assert_eq!(rest, Ok(Position(20)));
        drop(log);
        let log = open(kind, dir.path());
        assert_eq!(verified(log.as_ref()).await, records);
        let next = log.append(append("a", ExpectedVersion::Exact(7), "next")).await;
        assert_eq!(next.unwrap().version, 8);
        assert_eq!(verified(log.as_ref()).await.len(), 21);
    }
}

#[tokio::test]
async fn positions_with_holes_are_closed_by_an_import_while_hashes_stay() {
    let records: Vec<_> = some_log().await.iter().map(|r| at(r, r.position().0 * 10)).collect();
    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    assert_eq!(log.import(records.clone()).await, Ok(Position(20)));
    for (read, record) in verified(log.as_ref()).await.iter().zip(&records) {
        assert_eq!(read.canonical_bytes(), record.canonical_bytes());
        assert_eq!(read.hash(), record.hash());
    }
}

#[tokio::test]
async fn only_a_log_without_events_of_its_own_takes_an_import() {
    let records = some_log().await;
    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    log.append(append("own", ExpectedVersion::NoStream, "x")).await.unwrap();
    assert_eq!(log.import(records.clone()).await, Err(ImportError::NotEmpty));
    drop(log);
    let log = open(StoreKind::Fjall, dir.path());
    assert_eq!(log.import(records).await, Err(ImportError::NotEmpty));
    assert_eq!(log.last_position(), Position(1));
}

#[tokio::test]
async fn an_import_stops_at_the_first_record_that_does_not_follow() {
    let mut records = some_log().await;
    records[4] = altered(&records[4]);
    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    let stopped = log.import(records).await;
    assert_eq!(stopped, Err(ImportError::Breach(breach(8, "b", Rule::Chain))));
    assert_eq!(verified(log.as_ref()).await.len(), 7);
}

#[tokio::test]
async fn a_closed_log_is_read_but_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    let waiting = log.append(append("a", ExpectedVersion::NoStream, "x"));
    let mut events = log.subscribe(Position::START);
    log.close();
    assert_eq!(waiting.await.unwrap().version, 1);
    let late = log.append(append("a", ExpectedVersion::Exact(1), "y")).await;
    assert!(matches!(late, Err(AppendError::Unavailable(_))));
    assert_eq!(verified(log.as_ref()).await.len(), 1);
    assert_eq!(events.next().await.unwrap().len(), 1);
    assert!(matches!(events.next().await, Err(ReadError::Unavailable(_))));
}

#[tokio::test]
async fn a_follower_that_falls_behind_the_kept_batches_reads_on_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(StoreKind::Fjall, dir.path());
    let mut events = log.subscribe(Position::START);
    let large = vec![b'x'; 60_000];
    // More bytes than are kept for followers.
    for n in 0..400 {
        let expected = ExpectedVersion::Exact(n);
        log.append(append("a", expected, large.clone())).await.unwrap();
    }
    let mut seen = 0;
    while seen < 400 {
        for event in events.next().await.unwrap().iter() {
            seen += 1;
            assert_eq!(event.position(), Position(seen));
        }
    }
}
