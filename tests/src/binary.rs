//! The binary `teahouse`: where it is, and running its commands to their end.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// The binary: what `TEAHOUSE_BIN` names, else the one that was built beside the tests.
///
/// # Panics
/// When there is none: `tests/run` builds it first.
#[must_use]
pub fn path() -> PathBuf {
    let named = std::env::var_os("TEAHOUSE_BIN").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| {
        // Tests run from target/PROFILE/deps, the binary is in target/PROFILE.
        let test = std::env::current_exe().expect("this test has a path");
        let profile = test.ancestors().nth(2).expect("the test is in target/PROFILE/deps");
        profile.join("teahouse")
    });
    let shown = binary.display();
    assert!(binary.is_file(), "{shown} is not there: run tests/run, or `cargo build -p teahouse`, or set TEAHOUSE_BIN");
    binary
}

/// The folder that the workspace is in.
#[must_use]
pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace").to_owned()
}

/// The binary as a command that knows nothing of the settings in this process's environment.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(path());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TEAHOUSE_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command of the binary came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub out: String,
    /// What it wrote on standard error.
    pub err: String,
}

impl Ran {
    /// The same, which must have ended with that exit code.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[track_caller]
    #[must_use]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

/// Runs the binary with those arguments to its end.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn run(arguments: &[&str]) -> Ran {
    let output: Output = command().args(arguments).output().expect("the binary can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
