//! The log server of the tests, as a process of its own: what stands in for a cluster where none is at hand.

use std::{
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::error::Error;

/// A log server on a file, which is killed with this value.
pub(super) struct LogServer {
    program: PathBuf,
    journal: PathBuf,
    /// The same over all starts.
    port: u16,
    child: Child,
}

impl LogServer {
    /// Starts one on a new file, which it syncs with every write.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start(program: &Path, journal: &Path) -> Result<Self, Error> {
        let (port, child) = begin(program, journal, 0)?;
        Ok(Self { program: program.to_owned(), journal: journal.to_owned(), port, child })
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        // Where it has ended by itself nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again after it was killed, with what it had.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start_again(&mut self) -> Result<(), Error> {
        (_, self.child) = begin(&self.program, &self.journal, self.port)?;
        Ok(())
    }

    /// How servers connect to it.
    pub(super) fn url(&self) -> String {
        format!("esdb://127.0.0.1:{}?tls=false", self.port)
    }
}

impl Drop for LogServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn begin(program: &Path, journal: &Path, port: u16) -> Result<(u16, Child), Error> {
    let failed = |error: io::Error| Error::unavailable(program.display(), error);
    let mut command = Command::new(program);
    command.arg(journal).arg(port.to_string()).arg("--sync");
    // It ends when its input does, hence with this process however that ends.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut ready = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut ready).map_err(failed)?;
    }
    match ready.trim().strip_prefix("ready ").and_then(|port| port.parse().ok()) {
        Some(port) => Ok((port, child)),
        None => Err(Error::Unavailable(format!("{} does not come up", program.display()))),
    }
}
