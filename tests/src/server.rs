//! One running server: a child process with a data directory of its own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Client, binary,
    patience::{DEADLINE, until},
};

/// What the operator of every test server shows.
pub const OPERATOR_TOKEN: &str = "operator-of-the-end-to-end-tests";

/// Settings that every test server has: no limits on how often, passwords that cost nothing, a clock that can be moved.
const SETTINGS: [(&str, &str); 25] = [
    ("TEAHOUSE_OPERATOR_TOKEN", OPERATOR_TOKEN),
    ("TEAHOUSE_LOG__FORMAT", "json"),
    ("TEAHOUSE_LOG__FILTER", "info"),
    ("TEAHOUSE_DEVELOPMENT__ADJUSTABLE_CLOCK", "true"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__MEMORY_KIB", "8"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__PASSES", "1"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__WAITING_MAX", "10000"),
    ("TEAHOUSE_API__READ_WAIT_MS", "30000"),
    ("TEAHOUSE_CLUSTER__PATIENCE_MS", "30000"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_ADDRESS", "0"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_HANDLE", "0"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_HANDLE_EVERYWHERE", "0"),
    ("TEAHOUSE_API__RATES__REGISTRATIONS_PER_ADDRESS", "0"),
    ("TEAHOUSE_API__RATES__PEOPLE_SEARCHES", "0"),
    ("TEAHOUSE_API__RATES__MESSAGE_SEARCHES", "0"),
    ("TEAHOUSE_API__RATES__FRIEND_REQUESTS", "0"),
    ("TEAHOUSE_API__RATES__MESSAGES", "0"),
    ("TEAHOUSE_API__RATES__PAYMENTS", "0"),
    ("TEAHOUSE_API__RATES__OUTSIDE_CALLS", "0"),
    ("TEAHOUSE_API__RATES__CALLS", "0"),
    ("TEAHOUSE_API__RATES__SIGNALS", "0"),
    ("TEAHOUSE_API__RATES__UPLOADS", "0"),
    ("TEAHOUSE_API__RATES__DOWNLOADS", "0"),
    ("TEAHOUSE_API__RATES__COMMANDS", "0"),
    ("TEAHOUSE_API__RATES__QUERIES", "0"),
];

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    settings: Vec<(String, String)>,
    removed: Vec<String>,
    arguments: Vec<String>,
}

impl Setup {
    /// The usual settings of tests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No settings but those that the tests can't do without: a log that is read by programs, and an operator.
    #[must_use]
    pub fn as_shipped() -> Self {
        let kept = ["TEAHOUSE_OPERATOR_TOKEN", "TEAHOUSE_LOG__FORMAT"];
        let names = SETTINGS.iter().map(|(name, _)| *name).filter(|name| !kept.contains(name));
        Self { removed: names.map(str::to_owned).collect(), ..Self::default() }
    }

    /// With another value of a setting, by the name of its environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a setting that test servers usually have.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.removed.push(name.to_owned());
        self
    }

    /// With one more argument to `serve`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts a server so, with an empty data directory.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(&self) -> Server {
        let home = TempDir::new().expect("a temporary directory");
        let data = home.path().join("data");
        self.start_on(home, data)
    }

    /// Starts a server on a data directory in a home that goes away with it.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_on(&self, home: TempDir, data: PathBuf) -> Server {
        let server = Server {
            setup: Mutex::new(self.clone()),
            data,
            process: Mutex::default(),
            address: Arc::default(),
            log: Arc::default(),
            _home: home,
        };
        server.start_again();
        server
    }
}

/// Where a server listens; another port after each start.
#[derive(Debug, Default)]
pub struct Address(Mutex<String>);

impl Address {
    /// Where it listens at present.
    #[must_use]
    pub fn now(&self) -> String {
        locked(&self.0).clone()
    }

    /// It listens there from now on.
    pub(crate) fn set(&self, address: String) {
        *locked(&self.0) = address;
    }
}

/// A server that was started, and goes away with this value.
#[derive(Debug)]
pub struct Server {
    setup: Mutex<Setup>,
    data: PathBuf,
    process: Mutex<Option<Child>>,
    address: Arc<Address>,
    /// Everything it wrote on standard error, over all starts.
    log: Arc<Mutex<String>>,
    _home: TempDir,
}

/// Locks, whatever became of those who locked before: a test that failed is no reason for others to fail.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// A server with the usual settings and an empty data directory.
    #[must_use]
    pub fn start() -> Self {
        Setup::new().start()
    }

    /// Starts the stopped server again, on the data that it left.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&self) {
        let (tell, told) = channel();
        let mut child = self.serve().spawn().expect("the binary can be started");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let log = self.log.clone();
        std::thread::spawn(move || follow(stderr, &log, &tell));
        *locked(&self.process) = Some(child);
        match told.recv_timeout(DEADLINE) {
            Ok(address) => self.address.set(address),
            Err(_) => panic!("the server does not come up:\n{}", self.log()),
        }
        let client = self.client();
        until("the server is ready", || (client.get("/readyz").status == 200).then_some(()));
    }

    fn serve(&self) -> Command {
        let mut command = binary::command();
        command.arg("serve").arg("--data").arg(&self.data).args(["--listen", "127.0.0.1:0"]);
        let setup = locked(&self.setup);
        command.args(&setup.arguments).envs(SETTINGS).envs(setup.settings.iter().cloned());
        setup.removed.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Gives a setting another value, from the next start on.
    pub fn set(&self, name: &str, value: &str) {
        locked(&self.setup).settings.push((name.to_owned(), value.to_owned()));
    }

    /// Kills it without warning, as `kill -9` does.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let mut process = locked(&self.process).take().expect("the server runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not run, or does not end in time.
    #[track_caller]
    pub fn ends(&self) {
        let mut process = locked(&self.process).take().expect("the server runs");
        until("the server ends", || process.try_wait().expect("it can be waited for"));
    }

    /// Asks it to stop, as `kill` does, waits until it has, and gives its exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    #[track_caller]
    pub fn stop(&self) -> Option<i32> {
        let mut process = locked(&self.process).take().expect("the server runs");
        let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(asked.expect("there is a kill command").success());
        until("the server stops", || process.try_wait().expect("it can be waited for")).code()
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        locked(&self.process).as_ref().expect("the server runs").id()
    }

    /// How much memory it has resident at present, in KiB.
    ///
    /// # Panics
    /// Where the system does not tell.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("there is a line for it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// A client that nobody has logged in with.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address.clone())
    }

    /// A client with the operator's token.
    #[must_use]
    pub fn operator(&self) -> Client {
        self.client().with_token(OPERATOR_TOKEN)
    }

    /// Its address as `http://HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address.now())
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything it wrote on standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        locked(&self.log).clone()
    }

    /// Moves its clock ahead.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        self.operator().post("/v1/operator/clock", json!({ "advance_seconds": by.as_secs() })).done();
    }

    /// Every event that it ever wrote, as `audit events` shows it to an operator.
    ///
    /// # Panics
    /// When it can't be read.
    #[track_caller]
    #[must_use]
    pub fn events(&self, further: &[&str]) -> Vec<Value> {
        let url = self.url();
        let arguments = ["audit", "events", "--format", "jsonl", "--server", &url, "--token", OPERATOR_TOKEN];
        let ran = binary::run(&[&arguments, further].concat()).ended_with(0);
        ran.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

impl Server {
    /// The text of every message that was ever sent.
    #[track_caller]
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let sent = self.events(&["--type", "message.sent"]);
        sent.iter().filter_map(|event| event["payload"]["content"]["text"].as_str()).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = locked(&self.process).take() {
            // Nothing can be done about a failure here, and the test's own outcome matters more.
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(20_000);
            let from = (from..=log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(0);
            eprintln!("--- what the server wrote (its end) ---\n{}", log.split_at(from).1);
        }
    }
}

/// Keeps what the server writes, and tells its address as soon as it says so.
pub(crate) fn follow(stderr: ChildStderr, log: &Mutex<String>, tell: &Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Ok(said) = serde_json::from_str::<Value>(&line)
            && said["message"] == "ready"
            && let Some(address) = said["address"].as_str()
        {
            // Nobody listens any more once the server is up.
            let _ = tell.send(address.to_owned());
        }
        let mut log = locked(log);
        log.push_str(&line);
        log.push('\n');
    }
}

/// A server that the tests of one file share while any of them runs.
#[derive(Debug)]
pub struct Shared {
    running: Mutex<Weak<Server>>,
}

impl Shared {
    /// None is running yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { running: Mutex::new(Weak::new()) }
    }

    /// The running server, started if there is none.
    pub fn server(&self) -> Arc<Server> {
        let mut running = locked(&self.running);
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Server::start());
        *running = Arc::downgrade(&server);
        server
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}
