//! A bank or billers for the wallet: a process of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Arc, Mutex, mpsc::channel},
};

use tempfile::TempDir;

use crate::{
    Client, binary,
    patience::DEADLINE,
    server::{Address, follow, locked},
};

/// What those who call the sandboxes of tests have to show.
pub const SANDBOX_SECRET: &str = "secret-of-the-sandboxes-of-the-end-to-end-tests";

/// A bank or billers that were started, and go away with this value. They keep their address over all starts.
#[derive(Debug)]
pub struct Sandbox {
    kind: &'static str,
    home: TempDir,
    process: Mutex<Option<Child>>,
    address: Arc<Address>,
    log: Arc<Mutex<String>>,
}

impl Sandbox {
    /// A bank.
    #[must_use]
    pub fn bank() -> Self {
        Self::start("bank", "")
    }

    /// Billers.
    #[must_use]
    pub fn biller() -> Self {
        Self::start("biller", "")
    }

    /// One or the other, with faults from the start.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(kind: &'static str, faults: &str) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        fs::write(home.path().join("faults.toml"), faults).expect("the file can be written");
        let sandbox = Self { kind, home, process: Mutex::default(), address: Arc::default(), log: Arc::default() };
        sandbox.start_again();
        sandbox
    }

    /// Starts it again after it was killed, on the books that it left.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&self) {
        let before = self.address.now();
        let mut command = binary::command();
        // It ends with this process, also where nobody is left to drop it.
        command.arg("sandbox").arg(self.kind).arg("--until-input-ends");
        command.args(["--listen", if before.is_empty() { "127.0.0.1:0" } else { &before }]);
        command.arg("--data").arg(self.data()).arg("--faults").arg(self.home.path().join("faults.toml"));
        command.env("SANDBOX_SECRET", SANDBOX_SECRET).env("TEAHOUSE_LOG__FORMAT", "json");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let ((tell, told), log) = (channel(), self.log.clone());
        std::thread::spawn(move || follow(stderr, &log, &tell));
        *locked(&self.process) = Some(child);
        match told.recv_timeout(DEADLINE) {
            Ok(address) => self.address.set(address),
            Err(_) => panic!("the sandbox does not come up:\n{}", self.log()),
        }
    }

    /// Kills it without warning, as `kill -9` does.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let mut process = locked(&self.process).take().expect("the sandbox runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        locked(&self.process).as_ref().expect("the sandbox runs").id()
    }

    /// Its address as `http://HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address.now())
    }

    /// A client that shows the secret.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address.clone()).with_token(SANDBOX_SECRET)
    }

    /// Has other faults, in TOML, until it is started again.
    ///
    /// # Panics
    /// When they are not taken.
    #[track_caller]
    pub fn faults(&self, rules: &str) {
        let request = ureq::put(format!("{}/v1/admin/faults", self.url()));
        let request = request.header("authorization", format!("Bearer {SANDBOX_SECRET}"));
        request.content_type("application/toml").send(rules).expect("the faults are taken");
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Everything it wrote on standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        locked(&self.log).clone()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(mut process) = locked(&self.process).take() {
            // Nothing can be done about a failure here, and the test's own outcome matters more.
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- what the {} wrote ---\n{}", self.kind, self.log());
        }
    }
}
