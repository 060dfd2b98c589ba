//! The file that a sandbox remembers by: a line of JSON for each thing that happened, on disk before anybody hears of it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// A book, open for writing by one process.
#[derive(Debug)]
pub(super) struct Book {
    file: File,
    /// A write failed: what is on disk behind it is not known, so nothing is written any more until the next start.
    broken: bool,
}

/// Why a book can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BookError {
    /// Another process has it.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A line is not one of ours, or does not follow from those before it.
    #[error("{}: line {line} is damaged", path.display())]
    Damaged {
        /// Which book.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It can't be read or written.
    #[error("the book: {0}")]
    Io(#[from] io::Error),
    /// A write failed before.
    #[error("the book could not be written earlier; start again")]
    Broken,
}

impl Book {
    /// Opens or begins the book at a path and gives its lines. A last line without an end was never answered for, since
    /// the process died while it was written: it is cut off.
    ///
    /// # Errors
    /// [`BookError`]
    pub(super) fn open<L: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<L>), BookError> {
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        // A bank's book holds the numbers of cards: nobody else reads it.
        let mut file = File::options().read(true).append(true).create(true).mode(0o600).open(path)?;
        file.try_lock().map_err(|_| BookError::InUse(path.to_owned()))?;
        File::open(dir)?.sync_all()?;
        let mut bytes = vec![];
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            tracing::warn!(bytes = bytes.len() - whole, "half a line at the book's end is cut off");
            file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
            bytes.truncate(whole);
        }
        // What a process before us wrote may not have been on disk yet when it died; what is answered from now on is.
        file.sync_all()?;
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
        let damaged = |line| BookError::Damaged { path: path.to_owned(), line: line + 1 };
        let lines = lines.map(|(at, line)| serde_json::from_slice(line).map_err(|_| damaged(at)));
        Ok((Self { file, broken: false }, lines.collect::<Result<_, _>>()?))
    }

    /// Writes a line; it is on disk when this returns.
    ///
    /// # Errors
    /// [`BookError::Io`]; from then on [`BookError::Broken`].
    pub(super) fn append(&mut self, line: &impl Serialize) -> Result<(), BookError> {
        if self.broken {
            return Err(BookError::Broken);
        }
        let mut bytes = serde_json::to_vec(line).map_err(io::Error::from)?;
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        self.broken = written.is_err();
        Ok(written?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_there_again_and_half_a_line_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/bank.jsonl");
        let (mut book, lines) = Book::open::<String>(&path).unwrap();
        assert!(lines.is_empty());
        assert!(matches!(Book::open::<String>(&path), Err(BookError::InUse(_))));
        book.append(&"one").unwrap();
        book.append(&"two").unwrap();
        drop(book);
        File::options().append(true).open(&path).unwrap().write_all(b"\"thr").unwrap();
        let (mut book, lines) = Book::open::<String>(&path).unwrap();
        assert_eq!(lines, ["one", "two"]);
        book.append(&"three").unwrap();
        drop(book);
        assert_eq!(Book::open::<String>(&path).unwrap().1, ["one", "two", "three"]);
    }

    #[test]
    fn a_damaged_line_is_named_and_never_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bank.jsonl");
        fs::write(&path, "\"one\"\ntwo\n\"three\"\n").unwrap();
        assert!(matches!(Book::open::<String>(&path), Err(BookError::Damaged { line: 2, .. })));
    }
}
