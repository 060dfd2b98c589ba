//! What every adapter promises, checked on each of them by the same functions.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use eventlog::{
    Append, AppendError, Appended, ExpectedVersion, Hash, MemoryLog, Position, StoreKind, StreamName, port,
};
use support::{case::Case, event, open};
use uuid::Uuid;

use ExpectedVersion::{After, Any, Exact, NoStream};

/// The same tests for each adapter, and some for those that keep the log themselves.
macro_rules! conformance {
    (all: $($test:ident),* $(,)?; local: $($local:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Case::local(Arc::new(MemoryLog::new()))).await; })*
            $(#[tokio::test] async fn $local() { super::$local(Case::local(Arc::new(MemoryLog::new()))).await; })*
        }
        conformance!(@disk fjall, StoreKind::Fjall, $($test,)* $($local),*);
        conformance!(@disk sled, StoreKind::Sled, $($test,)* $($local),*);
        mod cluster {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $test() {
                super::$test(Case::cluster().await).await;
            })*
        }
    };
    (@disk $module:ident, $kind:expr, $($test:ident),*) => {
        mod $module {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $test() {
                let dir = tempfile::tempdir().unwrap();
                super::$test(Case::local(open($kind, dir.path()))).await;
            })*
        }
    };
}

conformance!(
    all:
    events_come_back_as_they_were_appended,
    versions_are_dense_and_positions_grow,
    an_append_with_a_stale_version_is_refused_and_changes_nothing,
    appends_to_a_stream_take_effect_in_the_order_of_the_calls,
    an_append_on_a_refused_one_is_refused_too,
    an_append_after_an_event_is_refused_where_another_took_its_place,
    appending_the_same_events_again_gives_the_first_answer,
    a_repetition_waiting_with_the_original_is_recognised,
    the_same_ids_in_other_places_are_a_conflict,
    any_version_repeats_only_at_the_end_of_the_stream,
    limits_are_kept_to_the_byte,
    pages_follow_each_other_without_gap_or_double,
    a_stream_is_read_from_any_version,
    every_event_names_the_hash_of_its_predecessor,
    streams_whose_names_begin_alike_stay_apart,
    a_subscription_hands_over_from_stored_to_live_without_gap_or_double,
    a_subscription_waits_for_what_is_to_come,
    only_one_of_many_writers_wins_a_version;
    local:
    positions_are_dense,
    the_largest_append_is_taken_whole,
);

async fn events_come_back_as_they_were_appended(log: Case) {
    let full = Append {
        fingerprint: Some([9; 16]),
        correlation_id: Uuid::from_u128(21),
        causation_id: Some(Uuid::from_u128(22)),
        ..log.one("user-1", NoStream, r#"{"text":"你好"}"#)
    };
    let bare = Append { actor: None, ..log.one("user-2", NoStream, "") };
    for wanted in [&full, &bare] {
        log.append(wanted.clone()).await.unwrap();
    }
    let read = log.everything(10).await.unwrap();
    for (read, wanted) in read.iter().zip([&full, &bare]) {
        assert_eq!(read.stream(), wanted.stream.as_str());
        assert_eq!(read.event_id(), wanted.events[0].event_id);
        assert_eq!(read.event_type(), wanted.events[0].event_type);
        assert_eq!(read.schema(), 1);
        assert_eq!(read.time(), wanted.time);
        assert_eq!(read.actor(), wanted.actor);
        assert_eq!(read.command_id(), wanted.command_id);
        assert_eq!(read.fingerprint(), wanted.fingerprint);
        assert_eq!(read.correlation_id(), wanted.correlation_id);
        assert_eq!(read.causation_id(), wanted.causation_id);
        assert_eq!(read.encoding(), wanted.events[0].encoding);
        assert_eq!(read.payload(), wanted.events[0].payload);
        assert_eq!(read.payload_bytes(), wanted.events[0].payload);
    }
    assert_eq!(read.len(), 2);
}

async fn versions_are_dense_and_positions_grow(log: Case) {
    let start = log.last_position();
    let two = vec![event("a"), event("b")];
    let appends = [
        log.several("s", NoStream, two),
        log.one("t", NoStream, "c"),
        log.one("s", Exact(2), "d"),
        log.one("s", Any, "e"),
    ];
    let mut told = vec![];
    for append in appends {
        let Appended { position, version, repeated } = log.append(append).await.unwrap();
        assert_eq!(log.last_position(), position);
        assert!(!repeated);
        told.push((position, version));
    }
    let events = log.verified().await;
    let payloads: Vec<_> = events.iter().map(|e| e.payload().to_vec()).collect();
    assert_eq!(payloads, [b"a", b"b", b"c", b"d", b"e"]);
    let last_of_each = [1, 2, 3, 4].map(|n: usize| (events[n].position(), events[n].version()));
    assert_eq!(told, last_of_each);
    assert_eq!(last_of_each.map(|(_, version)| version), [2, 1, 3, 4]);
    assert!(events[0].position() > start);
    assert!(events.is_sorted_by_key(|event| event.position()));
}

async fn positions_are_dense(log: Case) {
    for n in 1..=5 {
        let appended = log.append(log.one("s", Any, "a")).await.unwrap();
        assert_eq!(appended.position, Position(2 * n - 1));
        log.append(log.one(&format!("t{n}"), Any, "b")).await.unwrap();
    }
    let positions: Vec<_> = log.everything(3).await.unwrap().iter().map(|event| event.position().0).collect();
    assert_eq!(positions, (1..=10).collect::<Vec<_>>());
}

async fn an_append_with_a_stale_version_is_refused_and_changes_nothing(log: Case) {
    log.append(log.one("s", NoStream, "a")).await.unwrap();
    let last = log.append(log.one("s", Exact(1), "b")).await.unwrap().position;
    for expected in [NoStream, Exact(0), Exact(1), Exact(3), Exact(u64::MAX)] {
        let refused = log.append(log.one("s", expected, "x")).await;
        let conflict = AppendError::Conflict { stream: log.stream("s"), expected, actual: 2 };
        assert_eq!(refused, Err(conflict));
    }
    assert_eq!(log.last_position(), last);
    assert_eq!(log.verified().await.len(), 2);
    assert_eq!(log.refusing_writes(), None);
}

async fn appends_to_a_stream_take_effect_in_the_order_of_the_calls(log: Case) {
    let submitted: Vec<_> =
        (0..200).map(|version| log.append(log.one("s", Exact(version), version.to_string()))).collect();
    for (version, outcome) in (1..).zip(submitted) {
        assert_eq!(outcome.await.unwrap().version, version);
    }
    let events = log.verified().await;
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event.payload(), number.to_string().as_bytes());
    }
    assert_eq!(events.len(), 200);
}

async fn an_append_on_a_refused_one_is_refused_too(log: Case) {
    let first = log.append(log.one("s", Exact(5), "a"));
    let second = log.append(log.one("s", Exact(6), "b"));
    let third = log.append(log.one("s", NoStream, "c"));
    assert!(matches!(first.await, Err(AppendError::Conflict { actual: 0, .. })));
    assert!(matches!(second.await, Err(AppendError::Conflict { actual: 0, .. })));
    assert_eq!(third.await.unwrap().version, 1);
}

async fn an_append_after_an_event_is_refused_where_another_took_its_place(log: Case) {
    let there = log.one("s", NoStream, "a");
    log.append(there.clone()).await.unwrap();
    // As by somebody who does not know yet that there is something.
    let first = log.one("s", NoStream, "b");
    let after = |append: &Append| After { version: 1, event_id: append.events[0].event_id };
    let second = log.one("s", after(&first), "c");
    let expected = second.expected;
    let (first, second) = (log.append(first), log.append(second));
    assert!(matches!(first.await, Err(AppendError::Conflict { actual: 1, .. })));
    assert_eq!(second.await, Err(AppendError::Conflict { stream: log.stream("s"), expected, actual: 1 }));
    let third = log.one("s", after(&there), "d");
    let appended = log.append(third.clone()).await.unwrap();
    assert_eq!(appended.version, 2);
    assert_eq!(log.append(third).await, Ok(Appended { repeated: true, ..appended }));
    assert_eq!(log.verified().await.len(), 2);
}

async fn appending_the_same_events_again_gives_the_first_answer(log: Case) {
    log.append(log.one("other", NoStream, "z")).await.unwrap();
    let first = log.several("s", NoStream, vec![event("a"), event("b")]);
    let second = log.several("s", Exact(2), vec![event("c")]);
    let answers = [log.append(first.clone()).await.unwrap(), log.append(second.clone()).await.unwrap()];
    for (again, answer) in [&first, &second].into_iter().zip(answers) {
        let repeated = Appended { repeated: true, ..answer };
        assert_eq!(log.append(again.clone()).await, Ok(repeated));
    }
    assert_eq!(log.last_position(), answers[1].position);
    assert_eq!(log.everything(10).await.unwrap().len(), 4);
}

async fn a_repetition_waiting_with_the_original_is_recognised(log: Case) {
    let original = log.one("s", NoStream, "a");
    let following = log.one("s", Exact(1), "b");
    let submitted = [&original, &following, &original, &following].map(|again| log.append(again.clone()));
    let mut answers = Vec::new();
    for outcome in submitted {
        let answer = outcome.await.unwrap();
        answers.push((answer.position.0, answer.version, answer.repeated));
    }
    let [first, second] = [answers[0].0, answers[1].0];
    assert_eq!(answers, [(first, 1, false), (second, 2, false), (first, 1, true), (second, 2, true)]);
    assert_eq!(log.everything(10).await.unwrap().len(), 2);
}

async fn the_same_ids_in_other_places_are_a_conflict(log: Case) {
    let (a, b, c) = (event("a"), event("b"), event("c"));
    let both = log.several("s", NoStream, vec![a.clone(), b.clone()]);
    let last = log.append(both).await.unwrap().position;
    let wrong = [
        (NoStream, vec![b.clone(), a.clone()]),
        (NoStream, vec![a.clone(), c.clone()]),
        (NoStream, vec![a.clone(), b.clone(), c.clone()]),
        (Exact(1), vec![b.clone(), c.clone()]),
        (Exact(1), vec![a.clone()]),
        (Any, vec![b.clone(), c.clone()]),
        (Any, vec![c, b]),
    ];
    for (expected, events) in wrong {
        let refused = log.append(log.several("s", expected, events)).await;
        assert!(matches!(refused, Err(AppendError::Conflict { actual: 2, .. })), "{refused:?}");
    }
    assert_eq!(log.last_position(), last);
    assert_eq!(log.everything(10).await.unwrap().len(), 2);
}

async fn any_version_repeats_only_at_the_end_of_the_stream(log: Case) {
    log.append(log.one("s", NoStream, "z")).await.unwrap();
    let appended = log.several("s", Any, vec![event("a"), event("b")]);
    let first = log.append(appended.clone()).await.unwrap();
    assert!(!first.repeated);
    let again = log.append(appended).await.unwrap();
    assert_eq!((again.position, again.version), (first.position, 3));
    assert!(again.repeated);
}

async fn limits_are_kept_to_the_byte(log: Case) {
    let invalid = |outcome| matches!(outcome, Err(AppendError::Invalid(_)));
    let longest = "s".repeat(port::MAX_STREAM_NAME_BYTES);
    assert!(StreamName::new(format!("{longest}s")).is_err());
    for name in ["", "a b", "a/b", "a\0b", "ä"] {
        assert!(StreamName::new(name).is_err(), "{name:?}");
    }
    let largest = vec![b'x'; port::MAX_PAYLOAD_BYTES];
    let fits = log.append(log.one(&longest, NoStream, largest.clone())).await;
    assert_eq!(fits.unwrap().version, 1);
    let too_large = [largest.as_slice(), b"x"].concat();
    assert!(invalid(log.append(log.one("s", NoStream, too_large)).await));
    assert!(invalid(log.append(log.several("s", Any, vec![])).await));
    let many = vec![event(""); port::MAX_EVENTS_PER_APPEND + 1];
    assert!(invalid(log.append(log.several("s", Any, many)).await));
    let types: [&'static str; 3] = ["", "with space", "t".repeat(101).leak()];
    for event_type in types {
        let mut odd = event("");
        odd.event_type = event_type;
        assert!(invalid(log.append(log.several("s", Any, vec![odd])).await));
    }
    let mut longest_type = event("");
    longest_type.event_type = "t".repeat(port::MAX_EVENT_TYPE_BYTES).leak();
    let fits = log.append(log.several("s", Any, vec![longest_type])).await;
    assert_eq!(fits.unwrap().version, 1);
    let events = log.verified().await;
    assert_eq!(events[0].payload(), largest);
    assert_eq!(events.len(), 2);
}

async fn the_largest_append_is_taken_whole(log: Case) {
    let sizes = [0, 1, 4_000, 4_096, 8_192, 20_000, port::MAX_PAYLOAD_BYTES];
    let events: Vec<_> =
        (0..port::MAX_EVENTS_PER_APPEND).map(|n| event(vec![b'a' + (n % 26) as u8; sizes[n % sizes.len()]])).collect();
    let appended = log.append(log.several("s", NoStream, events.clone())).await.unwrap();
    assert_eq!(appended.version, events.len() as u64);
    let read = log.verified().await;
    assert_eq!(read.len(), events.len());
    for (read, wanted) in read.iter().zip(&events) {
        assert_eq!(read.payload_bytes(), wanted.payload);
    }
    let one = log.read_stream(&log.stream("s"), 6, 1).await.unwrap();
    assert_eq!(one[0].payload_bytes(), events[6].payload);
}

async fn pages_follow_each_other_without_gap_or_double(log: Case) {
    for batch in 0..7 {
        let events = (0..9).map(|n| event(format!("{batch}.{n}"))).collect();
        let name = format!("s{}", batch % 2);
        log.append(log.several(&name, Any, events)).await.unwrap();
    }
    let whole = log.read_all(log.start, 1_000).await.unwrap();
    assert_eq!(whole.len(), 63);
    for size in [1, 2, 7, 63, 64] {
        assert_eq!(log.everything(size).await.unwrap(), whole);
    }
    assert_eq!(log.read_all(whole[59].position(), 2).await.unwrap(), whole[60..62]);
    assert_eq!(log.read_all(whole[62].position(), 5).await.unwrap(), []);
    assert_eq!(log.read_all(Position(u64::MAX), 5).await.unwrap(), []);
    assert_eq!(log.read_all(log.start, 0).await.unwrap(), []);
}

async fn a_stream_is_read_from_any_version(log: Case) {
    for n in 0..30 {
        let name = ["s", "t", "u"][n % 3];
        log.append(log.one(name, Any, n.to_string())).await.unwrap();
    }
    let name = log.stream("t");
    let whole = log.read_stream(&name, 0, 100).await.unwrap();
    let versions: Vec<_> = whole.iter().map(|e| e.version()).collect();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    assert!(whole.iter().all(|e| e.stream() == name.as_str()));
    assert_eq!(log.read_stream(&name, 4, 3).await.unwrap(), whole[4..7]);
    assert_eq!(log.read_stream(&name, 10, 3).await.unwrap(), []);
    assert_eq!(log.read_stream(&name, u64::MAX, 3).await.unwrap(), []);
    assert_eq!(log.read_stream(&log.stream("v"), 0, 3).await.unwrap(), []);
}

async fn every_event_names_the_hash_of_its_predecessor(log: Case) {
    log.append(log.one("s", NoStream, "a")).await.unwrap();
    log.append(log.one("t", NoStream, "b")).await.unwrap();
    log.append(log.one("s", Exact(1), "c")).await.unwrap();
    let events = log.everything(10).await.unwrap();
    assert_eq!(events[0].previous_hash(), Hash::ZERO);
    assert_eq!(events[1].previous_hash(), Hash::ZERO);
    assert_eq!(events[2].previous_hash(), events[0].hash());
    let independent = blake3::hash(events[0].canonical_bytes());
    assert_eq!(events[0].hash(), Hash(*independent.as_bytes()));
}

async fn streams_whose_names_begin_alike_stay_apart(log: Case) {
    for name in ["a", "a-", "a-b", "a-bc", "b"] {
        for version in 0..3 {
            log.append(log.one(name, Exact(version), name.to_owned())).await.unwrap();
        }
    }
    for name in ["a", "a-", "a-b", "a-bc", "b"] {
        let events = log.read_stream(&log.stream(name), 0, 10).await.unwrap();
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(|e| e.payload() == name.as_bytes()));
    }
}

async fn a_subscription_hands_over_from_stored_to_live_without_gap_or_double(log: Case) {
    const WRITERS: usize = 4;
    const EACH: u64 = 300;
    for n in 0..50 {
        log.append(log.one("early", Exact(n), "e")).await.unwrap();
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for version in 0..EACH {
                    let name = format!("w{writer}");
                    log.append(log.one(&name, Exact(version), "x")).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let total = 50 + WRITERS * EACH as usize;
    let followers: Vec<_> = [0, 10, 50, 400]
        .map(|after| {
            let log = log.clone();
            tokio::spawn(async move {
                // From some place in what is there already, which may still have to be written.
                let from = loop {
                    let there = log.read_all(log.start, after).await.unwrap();
                    if there.len() == after {
                        break there.last().map_or(log.start, |event| event.position());
                    }
                    tokio::task::yield_now().await;
                };
                let mut events = log.subscribe(from);
                let mut seen = Vec::new();
                while after + seen.len() < total {
                    seen.extend(events.next().await.unwrap().iter().map(|event| event.position()));
                }
                (after, seen)
            })
        })
        .into_iter()
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all: Vec<_> = log.everything(500).await.unwrap().iter().map(|event| event.position()).collect();
    assert_eq!(all.len(), total);
    for follower in followers {
        let (after, seen) = follower.await.unwrap();
        assert_eq!(seen, all[after..]);
    }
}

async fn a_subscription_waits_for_what_is_to_come(log: Case) {
    let first = log.append(log.one("s", NoStream, "a")).await.unwrap();
    let mut events = log.subscribe(first.position);
    let early = tokio::time::timeout(Duration::ZERO, events.next()).await;
    assert!(early.is_err());
    let second = log.append(log.one("s", Exact(1), "b")).await.unwrap();
    let batch = events.next().await.unwrap();
    assert_eq!((batch[0].position(), batch.len()), (second.position, 1));
    let early = tokio::time::timeout(Duration::ZERO, events.next()).await;
    assert!(early.is_err());
    log.append(log.one("s", Exact(2), "c")).await.unwrap();
    let batch = events.next().await.unwrap();
    assert_eq!(batch[0].payload_bytes(), Bytes::from("c"));
}

async fn only_one_of_many_writers_wins_a_version(log: Case) {
    for version in 0..20 {
        let racing: Vec<_> =
            (0..8).map(|n| tokio::spawn(log.append(log.one("s", Exact(version), n.to_string())))).collect();
        let mut won = 0;
        for outcome in racing {
            match outcome.await.unwrap() {
                Ok(appended) => {
                    assert_eq!(appended.version, version + 1);
                    won += 1;
                }
                Err(AppendError::Conflict { actual, .. }) => assert_eq!(actual, version + 1),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, 1);
    }
    assert_eq!(log.verified().await.len(), 20);
}
