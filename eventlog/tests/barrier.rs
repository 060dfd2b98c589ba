//! What the kernel was asked, by strace's account: a sync lies between a write and its acknowledgement.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{fs, path::Path};

use eventlog::StoreKind;
use support::child::{Appender, append_without_end};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the other tests"]
async fn appending_child() {
    append_without_end().await;
}

#[test]
fn fjall_syncs_its_journal_before_each_acknowledgement() {
    let trace = traced(StoreKind::Fjall);
    assert_synced(&trace, |call| call.path.ends_with(".jnl"));
}

#[test]
fn sled_syncs_its_data_file_before_each_acknowledgement() {
    let trace = traced(StoreKind::Sled);
    assert_synced(&trace, |call| call.path.ends_with("/sled/db"));
}

/// One system call that came back.
struct Call {
    name: String,
    /// What its file descriptor stands for.
    path: String,
    line: String,
}

const ACKS: usize = 40;

/// Runs a child with a single writer under strace for some acknowledgements and gives the calls it made.
fn traced(kind: StoreKind) -> Vec<Call> {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let strace = [
        "strace",
        "--follow-forks",
        "--decode-fds=path",
        "--trace=write,pwrite64,writev,pwritev,fdatasync,fsync,sync_file_range",
        "--quiet=all",
        "--output",
        trace.to_str().unwrap(),
    ];
    let mut appender = Appender::start(kind, &dir.path().join("log"), 1, &strace);
    for _ in 0..ACKS {
        let outcome = appender.next();
        assert!(matches!(outcome, Some(Ok(_))), "strace must be installed: {outcome:?}");
    }
    stop(appender);
    calls(&trace)
}

/// Kills the traced process and waits for strace to end by itself: killed, it would lose the end of the trace.
fn stop(mut appender: Appender) {
    let strace = appender.child.id();
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    for child in children.split_whitespace() {
        let killed = std::process::Command::new("kill").args(["-9", child]).status();
        assert!(killed.unwrap().success());
    }
    appender.child.wait().unwrap();
    appender.kill();
}

/// Reads a trace; a call that another thread's call interrupts counts where it came back.
fn calls(trace: &Path) -> Vec<Call> {
    let text = fs::read_to_string(trace).unwrap();
    let mut begun = std::collections::HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        let whole = if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread.to_owned(), start.to_owned());
            continue;
        } else if rest.starts_with("<... ") {
            begun.remove(thread).unwrap_or_default() + rest
        } else {
            rest.to_owned()
        };
        let Some((name, arguments)) = whole.split_once('(') else {
            continue;
        };
        let path = arguments.split_once('<').and_then(|(_, path)| path.split_once('>')).map_or("", |(path, _)| path);
        calls.push(Call { name: name.to_owned(), path: path.to_owned(), line: whole });
    }
    calls
}

/// Between the acknowledgement before and this one, the data file was written to, and then synced.
fn assert_synced(calls: &[Call], is_data: impl Fn(&Call) -> bool) {
    let (mut written, mut synced, mut acknowledged) = (false, false, 0);
    for call in calls {
        match call.name.as_str() {
            "write" if call.line.contains("ack ") && !is_data(call) => {
                assert!(written && synced, "not synced before {}", call.line);
                (written, synced) = (false, false);
                acknowledged += 1;
            }
            "write" | "pwrite64" | "writev" | "pwritev" if is_data(call) => {
                (written, synced) = (true, false);
            }
            "fdatasync" | "fsync" if is_data(call) && call.line.ends_with("= 0") => {
                synced = written;
            }
            _ => {}
        }
    }
    assert!(acknowledged >= ACKS);
}
