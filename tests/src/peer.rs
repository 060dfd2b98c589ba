//! Programs by others as ends of calls, with a WebRTC of their own, and the TURN server that some of them need.

use std::{
    io::{BufRead, BufReader, Write},
    net::UdpSocket,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    binary,
    patience::{DEADLINE, until},
};

/// A program that takes part in a call: it is told things and says things, a line each.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    tell: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Peer {
    /// Starts a Python program of `tests/peers` and tells it what to do.
    ///
    /// # Panics
    /// When it can't be started.
    #[track_caller]
    #[must_use]
    pub fn start(program: &str, task: &Value) -> Self {
        let python = tool("python");
        let script = binary::workspace().join("tests/peers").join(program);
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Python can be started");
        let out = process.stdout.take().expect("its output is ours");
        let (say, said) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = say.send(line);
            }
        });
        let tell = process.stdin.take();
        let mut peer = Self { process, tell, said };
        peer.tell(&task.to_string());
        peer
    }

    /// Tells it a line.
    ///
    /// # Panics
    /// When it has ended.
    #[track_caller]
    pub fn tell(&mut self, line: &str) {
        let input = self.tell.as_mut().expect("it is still listened to");
        writeln!(input, "{line}").expect("it still listens");
    }

    /// The next line that it says.
    ///
    /// # Panics
    /// When it says nothing more.
    #[track_caller]
    #[must_use]
    pub fn said(&self) -> String {
        self.said.recv_timeout(DEADLINE * 6).expect("the peer says something")
    }

    /// The next line as JSON.
    ///
    /// # Panics
    /// As [`Self::said`], and where it is no JSON.
    #[track_caller]
    #[must_use]
    pub fn told(&self) -> Value {
        let line = self.said();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// Lets it end, and waits until it has.
    pub fn end(mut self) {
        self.tell = None;
        let _ = self.process.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program that `tests/run` has installed from PyPI.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    let tool = binary::workspace().join("target/test-tools/bin").join(name);
    assert!(tool.is_file(), "{} is not there: run tests/run, which installs it", tool.display());
    tool
}

/// A coturn on this machine.
#[derive(Debug)]
pub struct Coturn {
    process: Child,
    /// Where it listens.
    pub port: u16,
    _home: TempDir,
}

impl Coturn {
    /// Starts one that knows a secret.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(secret: &str) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let config = home.path().join("turnserver.conf");
        let text = format!(
            "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nuse-auth-secret\nstatic-auth-secret={secret}\n\
             realm=teahouse.test\nallow-loopback-peers\nno-tls\nno-dtls\nno-cli\nlog-file=stdout\nsimple-log\n\
             pidfile={home}/turn.pid\nuserdb={home}/turn.db\n",
            home = home.path().display()
        );
        std::fs::write(&config, text).expect("its settings can be written");
        let mut command = Command::new("turnserver");
        command.arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("coturn can be started: run tests/run, which installs it");
        let coturn = Self { process, port, _home: home };
        until("coturn answers", || coturn.answers().then_some(()));
        coturn
    }

    /// Whether it answers a STUN binding request.
    fn answers(&self) -> bool {
        let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
        let Ok(socket) = UdpSocket::bind("127.0.0.1:0") else { return false };
        let _ = socket.set_read_timeout(Some(std::time::Duration::from_millis(200)));
        let sent = socket.send_to(&request, ("127.0.0.1", self.port)).is_ok();
        sent && socket.recv(&mut [0; 512]).is_ok()
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}
