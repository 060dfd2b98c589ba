//! A disk that fails: nothing is acknowledged that is not on it, reading goes on, a restart finds what is truly there.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;
use teahouse_tests::{Person, Reply, Server, Setup, befriend, binary, until};

/// Makes every sync of a folder's files fail, as a dying disk does, until dropped.
struct FailingDisk {
    strace: Child,
    /// Where strace writes what it sees, so that it does not write among the tests' lines.
    _trace: tempfile::NamedTempFile,
}

impl FailingDisk {
    fn under(server: &Server, folder: &Path) -> Self {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut files = vec![];
        files_in(folder, &mut files);
        let strace = Command::new("strace")
            .args(files.iter().map(|file| format!("--trace-path={}", file.display())))
            .args(["--follow-forks", "--quiet=attach,exit", "--trace=fdatasync,fsync"])
            .args(["--inject=fdatasync,fsync:error=EIO", "--attach", &server.process_id().to_string(), "--output"])
            .arg(trace.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace must be installed: run tests/run");
        until("strace is attached", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
            status.lines().any(|line| line == format!("TracerPid:\t{}", strace.id())).then_some(())
        });
        Self { strace, _trace: trace }
    }
}

fn files_in(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_in(&path, files) } else { files.push(path) }
    }
}

impl Drop for FailingDisk {
    fn drop(&mut self) {
        // Asked to end, strace lets go of the server, which must not go down with it.
        let _ = Command::new("kill").args(["-TERM", &self.strace.id().to_string()]).status();
        let _ = self.strace.wait();
    }
}

fn send(by: &Person, talk: &str, text: &str) -> Reply {
    let message = json!({ "client_id": text, "content": { "kind": "text", "text": text } });
    by.post(&format!("/v1/conversations/{talk}/messages"), message)
}

#[test]
fn when_the_disk_fails_writes_are_refused_reading_goes_on_and_a_restart_mends_it() {
    for store in ["fjall", "sled"] {
        let server = Setup::new().argument("--store").argument(store).start();
        let [mei, lin] = server.people(["mei", "lin"]);
        let talk = befriend(&mei, &lin);
        for text in ["one", "two"] {
            send(&mei, &talk, text).done();
        }
        let failing = FailingDisk::under(&server, &server.data().join("log"));
        let refused =
            until("a write is refused", || Some(send(&mei, &talk, "three")).filter(|reply| reply.status != 201));
        refused.problem(503);
        assert!(refused.header("retry-after").is_some());
        drop(failing);
        // The disk answers again, and is not to be trusted before a restart has looked.
        for reply in [send(&lin, &talk, "four"), mei.patch("/v1/me", json!({ "about": "x" }))] {
            reply.problem(503);
            assert!(reply.header("retry-after").is_some());
        }
        assert_eq!(server.client().get("/livez").status, 200);
        let ready = server.client().get("/readyz");
        assert_eq!((ready.status, ready.json()["ready"].clone()), (503, json!(false)));
        // sled can't always be read once it could not write; fjall can.
        if store == "fjall" {
            send(&lin, &talk, "four").refused(503, "read-only");
            assert_eq!(lin.texts(&talk)[..2], ["one", "two"]);
            assert_eq!(lin.get("/v1/conversations").status, 200);
        }
        server.kill();
        server.start_again();
        // What was refused is said once however often it is sent again, in a conversation without a hole.
        for _ in 0..2 {
            send(&mei, &talk, "three").done();
            send(&lin, &talk, "four").done();
        }
        assert_eq!(lin.texts(&talk), ["one", "two", "three", "four"], "{store}");
        assert_eq!(server.stop(), Some(0));
        let data = server.data().display().to_string();
        let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
        let _ = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
    }
}

#[test]
fn when_the_whole_disk_fails_nothing_that_was_acknowledged_is_lost() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let failing = FailingDisk::under(&server, server.data());
    let mut acknowledged = vec![];
    let refused = until("a write is refused", || {
        let text = acknowledged.len().to_string();
        let reply = send(&mei, &talk, &text);
        match reply.status {
            201 => {
                acknowledged.push(text);
                None
            }
            _ => Some(reply),
        }
    });
    refused.problem(503);
    drop(failing);
    server.kill();
    server.start_again();
    assert_eq!(lin.texts(&talk)[..acknowledged.len()], acknowledged);
    send(&mei, &talk, "and on we go").done();
    assert_eq!(server.stop(), Some(0));
    let data = server.data().display().to_string();
    let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
    let _ = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
}
