//! Ending a server as `kill -9` does before and after every append of something (`development.crash_file`).

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{Server, Setup};

/// A file by which a server is told where to end itself.
#[derive(Debug)]
pub struct CrashFile {
    home: TempDir,
}

impl CrashFile {
    /// A file for a server that is not told anything yet.
    ///
    /// # Panics
    /// When there can be none.
    #[must_use]
    pub fn new() -> Self {
        Self { home: TempDir::new().expect("a temporary directory") }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("crash")
    }

    /// Runs an operation with a crash at every one of its points: first just before the first append, then just after it, then
    /// before the second one, and so on until it comes through. After each crash the server is started again, `recovered` is
    /// called, and the operation is run again, with what `prepare` made for it. `check` is called after each time.
    ///
    /// # Panics
    /// When it crashes on one side of an append only, or writes nothing.
    pub fn at_every_point<O>(
        &self,
        server: &Server,
        mut prepare: impl FnMut() -> O,
        run: impl Fn(&O) -> Option<()>,
        recovered: impl Fn(),
        check: impl Fn(&O, &str),
    ) {
        for nth in 1.. {
            let crashed = ["before", "after"].map(|side| {
                let (once, place) = (prepare(), format!("{side} {nth}"));
                fs::write(self.path(), &place).expect("the file is written");
                let came_through = run(&once).is_some();
                fs::remove_file(self.path()).expect("the file is removed");
                if !came_through {
                    server.ends();
                    server.start_again();
                    recovered();
                    run(&once).expect("the server answers again");
                }
                check(&once, &place);
                !came_through
            });
            assert_eq!(crashed[0], crashed[1], "at append {nth} it crashed on one side only");
            if !crashed[0] {
                assert!(nth > 1, "nothing was written");
                return;
            }
        }
    }
}

impl Default for CrashFile {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// With a file by which it is told where to end itself.
    #[must_use]
    pub fn obeying(self, file: &CrashFile) -> Self {
        self.with("TEAHOUSE_DEVELOPMENT__CRASH_FILE", &file.path().display().to_string())
    }
}
