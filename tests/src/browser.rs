//! Browsers as ends of calls.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{binary, patience::DEADLINE, server::locked};

/// A Chromium with one page, without a screen, with made-up pictures and sound instead of a camera and a microphone.
///
/// The page comes from an HTTP server of its own, asks that server what it is to do, and reports to it.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    reports: Receiver<Value>,
    tell: Sender<String>,
    home: TempDir,
}

impl Browser {
    /// Opens a page of `tests/peers`, which is to do that.
    ///
    /// # Panics
    /// When it can't be started.
    #[track_caller]
    #[must_use]
    pub fn open(page: &str, task: &Value) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let (tell, told) = channel();
        let (address, reports) = serve(page, task, told);
        let log = File::create(home.path().join("stderr")).expect("its log can be written");
        let mut command = Command::new("chromium");
        command.args(["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        // The tests may run as root in a container, where its sandbox can't be set up.
        command.arg("--no-sandbox").arg(format!("--user-data-dir={}", home.path().display()));
        command.args(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
        command.args(["--allow-loopback-in-peer-connection", "--enable-logging=stderr"]);
        command.arg(format!("http://{address}/"));
        // What it leaves behind when it is killed goes with its home.
        command.env("TMPDIR", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().expect("chromium can be started: run tests/run, which installs it");
        Self { process, reports, tell, home }
    }

    /// Tells its page something, which it gets when it asks.
    ///
    /// # Panics
    /// When its server has ended.
    #[track_caller]
    pub fn tell(&self, what: &Value) {
        self.tell.send(what.to_string()).expect("the page's server listens");
    }

    /// The next thing that its page reports.
    ///
    /// # Panics
    /// When it reports nothing; with what the browser itself wrote.
    #[track_caller]
    #[must_use]
    pub fn told(&self) -> Value {
        self.reports.recv_timeout(DEADLINE * 6).unwrap_or_else(|_| {
            let log = std::fs::read(self.home.path().join("stderr")).unwrap_or_default();
            panic!("the page reports nothing; the browser wrote: {}", String::from_utf8_lossy(&log))
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a page is given.
struct Given {
    page: Vec<u8>,
    task: String,
    /// What it is told later.
    told: Mutex<Receiver<String>>,
}

/// Serves a page, its task and what it is told; where, and what the page reports. It ends with the test's process.
fn serve(page: &str, task: &Value, told: Receiver<String>) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address").to_string();
    let page = std::fs::read(binary::workspace().join("tests/peers").join(page)).expect("the page is there");
    let given = Arc::new(Given { page, task: task.to_string(), told: Mutex::new(told) });
    let (report, reports) = channel();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (given, report) = (given.clone(), report.clone());
            thread::spawn(move || answer(&connection, &given, &report));
        }
    });
    (address, reports)
}

/// Answers the one request of a connection; what is not understood is not answered.
fn answer(mut connection: &TcpStream, given: &Given, reports: &Sender<Value>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let first = lines.next()?;
    let length = |line: String| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let length = lines.take_while(|line| !line.is_empty()).filter_map(length).last().unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let told;
    let (status, kind, content) = match first.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["GET", "/"] => ("200 OK", "text/html", given.page.as_slice()),
        ["GET", "/task"] => ("200 OK", "application/json", given.task.as_bytes()),
        ["GET", "/told"] => {
            told = locked(&given.told).recv_timeout(DEADLINE * 6).ok()?;
            ("200 OK", "application/json", told.as_bytes())
        }
        ["POST", "/report"] => {
            // Nobody listens any more once the test is over.
            let _ = reports.send(serde_json::from_slice(&body).ok()?);
            ("200 OK", "application/json", b"{}".as_slice())
        }
        _ => ("404 Not Found", "text/plain", b"".as_slice()),
    };
    let length = content.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(content)).ok()
}
