//! Programs of official accounts that others' libraries were taken for, as processes of their own.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{binary, patience::until};

/// A running program, which ends with this value.
#[derive(Debug)]
pub struct Program {
    child: Child,
    port: u16,
    /// Where it keeps files of its own.
    _home: TempDir,
}

impl Program {
    /// Starts a script among `tests/bots` with a port that is free and what else it is given, and, where one
    /// is named, with a folder of `target/test-tools` before those in which Python looks for libraries.
    ///
    /// # Panics
    /// When it can't be started.
    #[must_use]
    pub fn start(script: &str, libraries: Option<&str>, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let tools = binary::workspace().join("target/test-tools");
        let home = TempDir::new().expect("a temporary directory");
        let mut command = Command::new(tools.join("bin/python"));
        command.envs(libraries.map(|libraries| ("PYTHONPATH", tools.join(libraries))));
        let started = command
            .arg(binary::workspace().join("tests/bots").join(script))
            .arg(port.to_string())
            .args(arguments)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = started.unwrap_or_else(|error| panic!("{script} can't be started, run tests/run: {error}"));
        let program = Self { child, port, _home: home };
        until("the program listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        program
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the test's own outcome matters more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
