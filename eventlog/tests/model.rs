//! Random histories of appends and restarts, against the simplest log there could be: a list.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::HashMap;

use eventlog::{AppendError, EventLog, ExpectedVersion, MemoryLog, NewEvent, Position, StoreKind};
use proptest::prelude::*;
use support::{append_events, event, everything, open, stream, verified};

#[derive(Clone, Debug)]
enum Step {
    /// Append `count` new events to a stream, expecting its version plus `off`, or whatever there is.
    Append { stream: u8, off: Option<i64>, count: usize, payload_bytes: usize },
    /// Append once more what an earlier step appended.
    Again(prop::sample::Index),
    /// Close and open.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let off = prop_oneof![4 => Just(Some(0)), 1 => (-2..3_i64).prop_map(Some), 2 => Just(None)];
    let append = (0..4_u8, off, 1..5_usize, 0..9_000_usize)
        .prop_map(|(stream, off, count, payload_bytes)| Step::Append { stream, off, count, payload_bytes });
    let again = any::<prop::sample::Index>().prop_map(Step::Again);
    prop::collection::vec(prop_oneof![8 => append, 2 => again, 1 => Just(Step::Restart)], 1..40)
}

/// An event that must be there.
struct Kept {
    stream: String,
    version: u64,
    event: NewEvent,
}

/// An append that was accepted: where, expecting what, with what.
struct Accepted {
    stream: String,
    expected: ExpectedVersion,
    events: Vec<NewEvent>,
    position: u64,
}

#[derive(Default)]
struct Model {
    log: Vec<Kept>,
    versions: HashMap<String, u64>,
    accepted: Vec<Accepted>,
}

impl Model {
    fn version(&self, stream: &str) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    fn accept(&mut self, stream: &str, expected: ExpectedVersion, events: Vec<NewEvent>) {
        let mut version = self.version(stream);
        for event in events.clone() {
            version += 1;
            self.log.push(Kept { stream: stream.to_owned(), version, event });
        }
        self.versions.insert(stream.to_owned(), version);
        self.accepted.push(Accepted { stream: stream.to_owned(), expected, events, position: self.log.len() as u64 });
    }

    async fn append(&mut self, log: &dyn EventLog, step: &Step) {
        let &Step::Append { stream, off, count, payload_bytes } = step else {
            return;
        };
        let name = format!("stream-{stream}");
        let actual = self.version(&name);
        let expected =
            off.map_or(ExpectedVersion::Any, |off| ExpectedVersion::Exact(actual.saturating_add_signed(off)));
        let events: Vec<_> = (0..count).map(|n| event(vec![n as u8; payload_bytes])).collect();
        let outcome = log.append(append_events(&name, expected, events.clone())).await;
        let holds = matches!(expected, ExpectedVersion::Any) || expected == ExpectedVersion::Exact(actual);
        if holds {
            self.accept(&name, expected, events);
            let appended = outcome.unwrap();
            assert_eq!(appended.position, Position(self.log.len() as u64));
            assert_eq!(appended.version, self.version(&name));
            assert!(!appended.repeated);
        } else {
            let stream = support::stream(&name);
            assert_eq!(outcome, Err(AppendError::Conflict { stream, expected, actual }));
        }
    }

    /// What was accepted with a known version is recognised for ever, with any version while it is the last.
    async fn again(&self, log: &dyn EventLog, which: &prop::sample::Index) {
        if self.accepted.is_empty() {
            return;
        }
        let Accepted { stream, expected, events, position } = which.get(&self.accepted);
        let last = self.log.iter().rev().find(|kept| &kept.stream == stream);
        let at_end = last.map(|kept| kept.event.event_id) == events.last().map(|e| e.event_id);
        if *expected == ExpectedVersion::Any && !at_end {
            return;
        }
        let appended = log.append(append_events(stream, *expected, events.clone())).await.unwrap();
        assert!(appended.repeated);
        assert_eq!(appended.position, Position(*position));
    }

    async fn check(&self, log: &dyn EventLog) {
        let read = verified(log).await;
        assert_eq!(read.len(), self.log.len());
        for (read, kept) in read.iter().zip(&self.log) {
            assert_eq!(read.stream(), kept.stream);
            assert_eq!(read.version(), kept.version);
            assert_eq!(read.event_id(), kept.event.event_id);
            assert_eq!(read.payload_bytes(), kept.event.payload);
        }
        for (name, version) in &self.versions {
            let of_stream: Vec<_> = read.iter().filter(|e| e.stream() == name).cloned().collect();
            let limit = usize::try_from(*version).unwrap() + 1;
            let listed = log.read_stream(&stream(name), 0, limit).await.unwrap();
            assert_eq!(listed, of_stream);
        }
        assert_eq!(everything(log, 3).await.unwrap(), read);
    }
}

async fn play(kind: Option<StoreKind>, steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let start = || -> std::sync::Arc<dyn EventLog> {
        match kind {
            Some(kind) => open(kind, dir.path()),
            None => std::sync::Arc::new(MemoryLog::new()),
        }
    };
    let mut model = Model::default();
    let mut log = start();
    for step in steps {
        match &step {
            Step::Append { .. } => model.append(log.as_ref(), &step).await,
            Step::Again(which) => model.again(log.as_ref(), which).await,
            Step::Restart if kind.is_some() => {
                drop(log);
                log = start();
            }
            Step::Restart => {}
        }
    }
    model.check(log.as_ref()).await;
}

fn run(kind: Option<StoreKind>, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(play(kind, steps));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_does_what_the_list_does(steps in steps()) {
        run(None, steps);
    }

    #[test]
    fn fjall_does_what_the_list_does(steps in steps()) {
        run(Some(StoreKind::Fjall), steps);
    }

    #[test]
    fn sled_does_what_the_list_does(steps in steps()) {
        run(Some(StoreKind::Sled), steps);
    }
}
