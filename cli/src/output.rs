//! Writing to standard output. A reader that goes away, such as `head`, ends the process quietly.

use std::io::{self, Write};

/// Writes one line.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}") {
        stop(&error);
    }
}

/// Does what has to be done when standard output takes nothing more.
pub(crate) fn stop(error: &io::Error) -> ! {
    let code = if error.kind() == io::ErrorKind::BrokenPipe { 0 } else { 2 };
    std::process::exit(code)
}
