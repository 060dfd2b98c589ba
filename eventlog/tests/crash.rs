//! Killed without warning, again and again: what was acknowledged is there, and the log is whole.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use eventlog::{EventLog, StoreKind};
use support::{
    child::{Appender, append_without_end},
    open, verified,
};
use uuid::Uuid;

const ROUNDS: usize = 12;

#[tokio::test]
async fn whatever_fjall_acknowledged_survives_kill_9() {
    survives_kill_9(StoreKind::Fjall).await;
}

#[tokio::test]
async fn whatever_sled_acknowledged_survives_kill_9() {
    survives_kill_9(StoreKind::Sled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the other tests"]
async fn appending_child() {
    append_without_end().await;
}

async fn survives_kill_9(kind: StoreKind) {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut appender = Appender::start(kind, dir.path(), 1 + 7 * (round % 3), &[]);
        let enough = 1 + usize::from(Uuid::new_v4().as_bytes()[0]) * 2;
        for _ in 0..enough {
            acknowledged.push(appender.next().unwrap().unwrap());
        }
        acknowledged.extend(appender.kill());

        let log = open(kind, dir.path());
        let events = verified(log.as_ref()).await;
        for ack in &acknowledged {
            let event = &events[usize::try_from(ack.position - 1).unwrap()];
            assert_eq!(event.position().0, ack.position);
            assert_eq!(event.event_id(), ack.event_id);
        }
        assert!(log.last_position().0 >= acknowledged.len() as u64);
    }
}
