//! A child process that appends and tells its parent, on standard output, what was acknowledged.
//!
//! The child is this very test binary, run again for the one ignored test `appending_child`.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventlog::{AppendError, EventLog, ExpectedVersion, StoreKind};
use uuid::Uuid;

use super::{append, append_events, event, open, verified};

const STORE: &str = "EVENTLOG_CHILD_STORE";
const DIR: &str = "EVENTLOG_CHILD_DIR";
const WRITERS: &str = "EVENTLOG_CHILD_WRITERS";

/// What one acknowledgement said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub position: u64,
    pub event_id: Uuid,
}

/// A running child and its acknowledgements.
pub struct Appender {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Appender {
    /// Starts a child that opens a log and appends to it without end, `writers` at a time. `wrapper` is a
    /// command to run it under, such as strace with its options.
    pub fn start(kind: StoreKind, dir: &Path, writers: usize, wrapper: &[&str]) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut words = wrapper.iter().map(|word| (*word).to_owned());
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(this);
                command
            }
            None => Command::new(this),
        };
        let mut child = command
            .args(["--ignored", "--exact", "appending_child", "--nocapture"])
            .env(STORE, kind.to_string())
            .env(DIR, dir)
            .env(WRITERS, writers.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("the child needs {wrapper:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that the child wrote about an append: an acknowledgement or why it got none.
    pub fn next(&mut self) -> Option<Result<Ack, String>> {
        loop {
            let line = self.lines.next()?.unwrap();
            // The test harness of the child may have begun the line.
            if let Some((_, ack)) = line.split_once("ack ") {
                let (position, event_id) = ack.split_once(' ').unwrap();
                return Some(Ok(Ack { position: position.parse().unwrap(), event_id: event_id.parse().unwrap() }));
            }
            if let Some((_, reason)) = line.split_once("refused ") {
                return Some(Err(reason.to_owned()));
            }
        }
    }

    /// Waits until a child whose log refuses to be written to has ended, and checks that it was content.
    pub fn finish(mut self) {
        let rest: Vec<_> = self.lines.by_ref().map_while(Result::ok).collect();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest:?}");
    }

    /// Kills the child without warning and gives what it had acknowledged but nobody had read yet.
    pub fn kill(mut self) -> Vec<Ack> {
        self.child.kill().unwrap();
        let mut rest = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            let ack = line.strip_prefix("ack ").and_then(|ack| ack.split_once(' '));
            // The last line may be cut short.
            if let Some((position, event_id)) = ack
                && let (Ok(position), Ok(event_id)) = (position.parse(), event_id.parse())
            {
                rest.push(Ack { position, event_id });
            }
        }
        self.child.wait().unwrap();
        rest
    }
}

/// What the child does: its test must call this. It ends only when the log refuses to be written to, and then
/// checks that everything acknowledged can still be read.
pub async fn append_without_end() {
    let word = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run by the tests that need a child"));
    let log = open(word(STORE).parse().unwrap(), Path::new(&word(DIR)));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writers = (0..word(WRITERS).parse().unwrap()).map(|writer: usize| {
        let (log, acknowledged) = (log.clone(), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            for round in 0_usize.. {
                let name = format!("stream-{}", (writer + round) % 17);
                let payload = vec![b'x'; 20 + (round * 37) % 3_000];
                let event = event(payload);
                let event_id = event.event_id;
                let append = append_events(&name, ExpectedVersion::Any, vec![event]);
                let line = match log.append(append).await {
                    Ok(appended) => {
                        acknowledged.fetch_max(appended.position.0, Ordering::Relaxed);
                        format!("ack {} {event_id}\n", appended.position)
                    }
                    Err(error) => format!("refused {error}\n"),
                };
                std::io::stdout().write_all(line.as_bytes()).unwrap();
                if line.starts_with("refused") {
                    break;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let reason = log.refusing_writes().unwrap();
    let refused = log.append(append("late", ExpectedVersion::Any, "x")).await;
    assert_eq!(refused, Err(AppendError::Poisoned(reason)));
    let readable = verified(log.as_ref()).await.len() as u64;
    assert_eq!(readable, acknowledged.load(Ordering::Relaxed));
}
