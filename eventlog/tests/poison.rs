//! A device that fails: writes are refused from then on, reads go on, opening anew tells what is really there.
//!
//! The failing device is made by strace, which lets chosen system calls of a child process fail. That the child
//! can still read, and that it is told why it can't write, is checked by the child itself.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use eventlog::{EventLog, ExpectedVersion, StoreKind};
use support::{
    append,
    child::{Appender, append_without_end},
    open, verified,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the other tests"]
async fn appending_child() {
    append_without_end().await;
}

#[tokio::test]
async fn fjall_takes_no_more_writes_after_a_failed_sync() {
    poisons(StoreKind::Fjall, "fjall/0.jnl", "fdatasync:error=EIO").await;
}

#[tokio::test]
async fn sled_takes_no_more_writes_after_a_failed_sync() {
    poisons(StoreKind::Sled, "sled/db", "fdatasync:error=EIO").await;
}

#[tokio::test]
async fn fjall_takes_no_more_writes_on_a_full_disk() {
    poisons(StoreKind::Fjall, "fjall/0.jnl", "write:error=ENOSPC").await;
}

#[tokio::test]
async fn sled_takes_no_more_writes_on_a_full_disk() {
    poisons(StoreKind::Sled, "sled/db", "pwrite64:error=ENOSPC").await;
}

/// Lets a system call on a file fail for ever from its 30th time on.
async fn poisons(kind: StoreKind, file: &str, fault: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = format!("--trace-path={}", dir.path().join(file).display());
    let fault = format!("--inject={fault}:when=30+");
    let strace = ["strace", "--follow-forks", &file, &fault, "--quiet=all", "--output=/dev/null"];
    let mut appender = Appender::start(kind, dir.path(), 1, &strace);
    let mut acknowledged = Vec::new();
    let reason = loop {
        match appender.next() {
            Some(Ok(ack)) => acknowledged.push(ack),
            Some(Err(reason)) => break reason,
            None => panic!("strace must be installed, and the child must have been refused"),
        }
    };
    assert!(!acknowledged.is_empty());
    assert!(reason.contains("refuses writes since a write failed"), "{reason}");
    appender.finish();

    let log = open(kind, dir.path());
    let events = verified(log.as_ref()).await;
    for ack in &acknowledged {
        let event = &events[usize::try_from(ack.position - 1).unwrap()];
        assert_eq!(event.event_id(), ack.event_id);
    }
    let late = log.append(append("late", ExpectedVersion::NoStream, "x")).await;
    assert!(!late.unwrap().repeated);
}
