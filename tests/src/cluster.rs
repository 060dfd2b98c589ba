//! Several servers on one log, which a server for tests keeps.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Person, Reply, Server, Setup, Together, binary, money::fresh_key, patience::until, people::number_at,
    server::locked,
};

/// How long to wait before another server is asked.
const AGAIN_AFTER: Duration = Duration::from_millis(30);
/// The secret of every server of a cluster.
pub const SECRET_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// The log server: a process of its own, which keeps its port and what it was given over all starts.
#[derive(Debug)]
pub struct LogHost {
    home: TempDir,
    port: Mutex<u16>,
    process: Mutex<Option<Child>>,
    speaks_tls: bool,
}

impl LogHost {
    /// Starts one that has nothing yet.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::begin(false)
    }

    /// Starts one that speaks TLS, with a certificate of an authority of its own.
    #[must_use]
    #[track_caller]
    pub fn start_with_tls() -> Self {
        Self::begin(true)
    }

    #[track_caller]
    fn begin(speaks_tls: bool) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        if speaks_tls {
            make_certificate(home.path());
        }
        let host = Self { home, port: Mutex::new(0), process: Mutex::default(), speaks_tls };
        host.start_again();
        host
    }

    /// Starts it again with what it had.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&self) {
        let binary = binary::path().with_file_name("logserver");
        let mut command = Command::new(&binary);
        command.arg(self.home.path().join("journal")).arg(locked(&self.port).to_string());
        if self.speaks_tls {
            command.arg("--tls").arg(self.home.path().join("node.crt")).arg(self.home.path().join("node.key"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let shown = binary.display();
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}; run `cargo build -p logserver`"));
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut ready).expect("it says that it is ready");
        let port = ready.trim().strip_prefix("ready ").and_then(|port| port.parse().ok());
        *locked(&self.port) = port.unwrap_or_else(|| panic!("the log server does not come up: {ready}"));
        *locked(&self.process) = Some(child);
    }

    /// Kills it without warning.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let mut process = locked(&self.process).take().expect("the log server runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Gives it an order, such as `order cut-after-commit 2` or `cut`.
    ///
    /// # Panics
    /// When it does not run.
    pub fn order(&self, order: &str) {
        let mut process = locked(&self.process);
        let input = process.as_mut().and_then(|process| process.stdin.as_mut()).expect("the log server runs");
        writeln!(input, "{order}").expect("it listens");
    }

    /// How servers connect to it.
    #[must_use]
    pub fn url(&self) -> String {
        if self.speaks_tls { self.url_trusting(self) } else { self.url_with("tls=false") }
    }

    /// How servers connect to it that trust another one's authority.
    #[must_use]
    pub fn url_trusting(&self, other: &Self) -> String {
        self.url_with(&format!("tlsCaFile={}", other.home.path().join("ca.crt").display()))
    }

    /// Its address with other options.
    #[must_use]
    pub fn url_with(&self, options: &str) -> String {
        format!("esdb://127.0.0.1:{}?{options}", locked(&self.port))
    }
}

impl Drop for LogHost {
    fn drop(&mut self) {
        if let Some(mut process) = locked(&self.process).take() {
            // Nothing can be done about a failure here, and the test's own outcome matters more.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Makes an authority and a certificate of it for this machine, by the program `openssl`.
#[track_caller]
fn make_certificate(dir: &Path) {
    let openssl = |arguments: &str| {
        let ran = Command::new("openssl").current_dir(dir).args(arguments.split(' ')).output();
        let ran = ran.expect("openssl is installed: run tests/run");
        assert!(ran.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"));
    openssl(&format!("req {key} -subj /CN=log -keyout node.key -out node.csr"));
    let extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(dir.join("node.ext"), extensions).expect("it can be written");
    openssl("x509 -req -in node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile node.ext -out node.crt");
}

/// Servers on one log.
#[derive(Debug)]
pub struct Cluster {
    /// What keeps the log.
    pub log: LogHost,
    /// The servers.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Starts so many servers on a new log.
    #[must_use]
    #[track_caller]
    pub fn start(nodes: usize, setup: &Setup) -> Self {
        let log = LogHost::start();
        let setup = Self::setup(setup.clone(), &log);
        let nodes = (0..nodes).map(|_| setup.start()).collect();
        Self { log, nodes }
    }

    /// What a server needs to be one of those on that log.
    #[must_use]
    pub fn setup(setup: Setup, log: &LogHost) -> Setup {
        setup.with("TEAHOUSE_SECRET_KEY", SECRET_KEY).argument("--log").argument(&log.url())
    }

    /// Waits until every server has taken in all that the others know of; gives the position.
    #[track_caller]
    pub fn settle(&self) -> u64 {
        until("all nodes are at the same position", || {
            let position = |node: &Server| {
                let readiness = node.client().get("/readyz");
                (readiness.status == 200).then(|| number_at(&readiness.json(), "position"))
            };
            let positions: Option<Vec<u64>> = self.nodes.iter().map(position).collect();
            let positions = positions?;
            let last = positions.iter().max().copied()?;
            positions.iter().all(|position| *position == last).then_some(last)
        })
    }
}

impl Person {
    /// Posts something to one server after the other, beginning with the one of that number, always with the same key, until
    /// one of them knows what came of it.
    #[track_caller]
    pub fn ask_any(&self, servers: &[Server], first: usize, path: &str, body: &Value, together: &Together) -> Reply {
        let key = fresh_key();
        for server in (0..servers.len()).cycle().skip(first % servers.len()) {
            match self.at(&servers[server], 0).try_call("POST", path, Some(body), Some(&key)) {
                Ok(reply) if !is_undecided(&reply) => return reply,
                _ => std::thread::sleep(AGAIN_AFTER),
            }
            together.go_on();
        }
        unreachable!("the servers come round again and again")
    }
}

/// Whether it is not known yet what comes of it.
fn is_undecided(reply: &Reply) -> bool {
    reply.status >= 500 || (reply.status == 409 && reply.json()["code"] == "key-in-flight")
}
