//! Journals as they were found, kept in case the engine's recovery throws part of them away.
//!
//! An engine cuts its journal off at the first thing in it that it can't read, also where whole batches follow.
//! The log refuses to open after such a cut, and what was cut off is still here for whoever repairs it.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::directory::sync_folder;

/// How much of a file is looked at or copied at a time.
const PIECE_BYTES: usize = 1024 * 1024;

fn aside(dir: &Path) -> PathBuf {
    dir.join("as-found")
}

/// Copies the journals in a folder, unless those from before an earlier, failed opening are still here.
pub(crate) fn set_aside(dir: &Path, folder: &Path, extension: &str) -> io::Result<()> {
    let (aside, copying) = (aside(dir), dir.join("as-found.part"));
    if aside.exists() {
        return Ok(());
    }
    if copying.exists() {
        fs::remove_dir_all(&copying)?;
    }
    fs::create_dir(&copying)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension)
            && let Some(name) = path.file_name()
        {
            copy(&path, &copying.join(name))?;
        }
    }
    sync_folder(&copying)?;
    fs::rename(&copying, &aside)?;
    sync_folder(dir)
}

/// Forgets the copies once the log has been found whole.
pub(crate) fn discard(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(aside(dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a file but for the zeros that it was given in advance.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let used = used_bytes(&mut from)?;
    from.seek(SeekFrom::Start(0))?;
    let mut to = File::create(to)?;
    let mut rest = from.take(used);
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while rest.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)? > 0 {
        to.write_all(&piece)?;
        piece.clear();
    }
    to.sync_all()
}

/// Length of a file up to the last piece that is not all zeros.
fn used_bytes(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let zeros = vec![0; PIECE_BYTES];
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while end > 0 {
        let start = (end - 1) / PIECE_BYTES as u64 * PIECE_BYTES as u64;
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut piece)?;
        if zeros.get(..piece.len()) != Some(piece.as_slice()) {
            break;
        }
        end = start;
    }
    Ok(end)
}
