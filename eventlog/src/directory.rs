//! Opening a log's directory: who may, what must be there, and whether all that was acknowledged still is.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    as_found, pages,
    port::{Position, ReadError},
    store::{Store, StoreError},
    tail::TailMark,
};

/// Bytes of records at the end of the log that are read and checked when it is opened. More than an engine
/// holds outside of its sealed files, so that a hole left by its recovery is found.
const CHECKED_BYTES: usize = 256 * 1024 * 1024;
/// Records that are checked at a time.
const CHECKED_RECORDS: usize = 8 * 1024;

/// Why a directory could not be opened as an event log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another part of this one, has it open.
    #[error("the event log in {} is in use by another process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory belongs to the other engine.
    #[error("{} holds an event log of another store ({found})", dir.display())]
    OtherStore {
        /// The directory.
        dir: PathBuf,
        /// The engine whose files are there.
        found: &'static str,
    },
    /// The directory or a file beside the engine's can't be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// What could not be used.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files of the engine, or beside it, are lost or damaged, so that no record can be looked at.
    #[error(
        "the files of the event log in {} are damaged: {reason}; {}; `teahouse audit restore` makes a log of an export",
        dir.display(),
        known(*acknowledged)
    )]
    Broken {
        /// The directory.
        dir: PathBuf,
        /// Which file, or the engine's own words.
        reason: String,
        /// Up to where events are known to have been acknowledged, if the mark of that can be read.
        acknowledged: Option<Position>,
    },
    /// What is there is not what was acknowledged.
    #[error(transparent)]
    Damaged(#[from] ReadError),
}

fn known(acknowledged: Option<Position>) -> String {
    match acknowledged {
        Some(position) => format!("events up to position {position} were acknowledged"),
        None => "up to where events were acknowledged is not known".to_owned(),
    }
}

/// Looks whether files are there that an engine would make anew, or go without, instead of missing them; gives the first
/// that is not. Nothing is changed by it.
pub(crate) type FindLost = fn(&Path) -> io::Result<Option<PathBuf>>;

/// Opens or makes an engine's files in a folder.
pub(crate) type OpenStore = Box<dyn Fn(&Path) -> Result<Arc<dyn Store>, StoreError>>;

/// What an engine is asked to do when a log is opened.
pub(crate) struct Engine {
    /// Name of its folder in the log's directory.
    pub(crate) name: &'static str,
    /// Names of the folders of other engines.
    pub(crate) others: &'static [&'static str],
    /// Extension of the files that its recovery may cut off, if any; they are set aside before it runs.
    pub(crate) journals: Option<&'static str>,
    /// Finds lost files before it opens the others over them.
    pub(crate) find_lost: FindLost,
    /// Opens or makes its files.
    pub(crate) open: OpenStore,
}

/// A directory in use.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Position of the last record.
    pub(crate) last: Position,
    pub(crate) tail: TailMark,
    /// Keeps everyone else out for as long as it is open.
    pub(crate) lock: File,
}

/// Opens a directory, or makes it.
pub(crate) fn open(dir: &Path, engine: &Engine) -> Result<Opened, OpenError> {
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let lock = lock(dir)?;
    if let Some(found) = engine.others.iter().find(|other| dir.join(other).exists()) {
        return Err(OpenError::OtherStore { dir: dir.to_owned(), found });
    }
    let (folder, tail) = (dir.join(engine.name), dir.join("tail"));
    clear_half_made(dir, &folder, &tail).map_err(io_error(dir))?;
    if !folder.exists() && !tail.exists() {
        return make(dir, engine, lock);
    }
    let broken = |reason: String, acknowledged| OpenError::Broken { dir: dir.to_owned(), reason, acknowledged };
    let missing = |path: &Path| format!("{} is missing", path.display());
    let (tail, marked) = match TailMark::open(&tail) {
        Ok(Some(found)) => found,
        Ok(None) => return Err(broken(missing(&tail), None)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(broken(error.to_string(), None)),
        Err(error) => return Err(io_error(&tail)(error)),
    };
    if !folder.exists() {
        return Err(broken(missing(&folder), Some(marked)));
    }
    // Before the engine looks: it might mend by leaving out what is lost, and find nothing wrong the next time.
    if let Some(lost) = (engine.find_lost)(&folder).map_err(io_error(&folder))? {
        return Err(broken(missing(&lost), Some(marked)));
    }
    if let Some(extension) = engine.journals {
        as_found::set_aside(dir, &folder, extension).map_err(io_error(dir))?;
    }
    let store = open_engine(engine, &folder).map_err(|error| match error {
        EngineError::Damaged(reason) => broken(reason, Some(marked)),
        EngineError::Failed(error) => error.into(),
    })?;
    let last = check_end(store.as_ref(), marked)?;
    as_found::discard(dir).map_err(io_error(dir))?;
    Ok(Opened { store, last, tail, lock })
}

/// The file that is there while a directory is being made.
fn making(dir: &Path) -> PathBuf {
    dir.join("making")
}

/// Makes a log where there is none.
fn make(dir: &Path, engine: &Engine, lock: File) -> Result<Opened, OpenError> {
    let making = making(dir);
    File::create(&making).and_then(|file| file.sync_all()).map_err(io_error(&making))?;
    sync_folder(dir).map_err(io_error(dir))?;
    let store = open_engine(engine, &dir.join(engine.name)).map_err(|error| match error {
        EngineError::Damaged(reason) => OpenError::Broken { dir: dir.to_owned(), reason, acknowledged: None },
        EngineError::Failed(error) => error.into(),
    })?;
    let tail = TailMark::create(&dir.join("tail"), Position::START).map_err(io_error(dir))?;
    // From here on the log counts as made, so this must be durable before anything is acknowledged.
    fs::remove_file(&making).and_then(|()| sync_folder(dir)).map_err(io_error(&making))?;
    Ok(Opened { store, last: Position::START, tail, lock })
}

/// Removes what is left of a making that was interrupted. Nothing in it can have been acknowledged.
fn clear_half_made(dir: &Path, folder: &Path, tail: &Path) -> io::Result<()> {
    let making = making(dir);
    if !making.exists() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    if tail.exists() {
        fs::remove_file(tail)?;
    }
    fs::remove_file(making)
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { path: path.to_owned(), source }
}

/// Keeps everyone else out of a directory for as long as the file is open.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = match File::options().append(true).create(true).open(&path) {
        Ok(file) => file,
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// Why an engine did not open its files.
enum EngineError {
    /// They are not what it wrote: its own words.
    Damaged(String),
    /// They can't be read.
    Failed(ReadError),
}

/// Opens the engine's files. Engines panic on some damages; that must not take the process along.
fn open_engine(engine: &Engine, folder: &Path) -> Result<Arc<dyn Store>, EngineError> {
    match catch_unwind(AssertUnwindSafe(|| (engine.open)(folder))) {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(StoreError::Damaged(rule))) => Err(EngineError::Damaged(rule.to_string())),
        Ok(Err(StoreError::Failed(reason))) => Err(EngineError::Failed(ReadError::Unavailable(reason))),
        Err(_) => Err(EngineError::Damaged(format!("{} can't make sense of its files", engine.name))),
    }
}

/// Compares the end of the log with the tail mark and re-reads what may have been in flight.
fn check_end(store: &dyn Store, marked: Position) -> Result<Position, ReadError> {
    let last = store.last().map_err(|error| error.at(Position(marked.0.max(1)), None))?;
    if last < marked {
        return Err(ReadError::Damaged {
            position: Position(last.0 + 1),
            stream: None,
            rule: format!("the log ends at {last}, but events up to {marked} were acknowledged"),
        });
    }
    let (mut bytes, mut until) = (0, last);
    while bytes < CHECKED_BYTES && until > Position::START {
        let after = Position(until.0.saturating_sub(CHECKED_RECORDS as u64));
        let page = pages::all(store, after, until, CHECKED_RECORDS)?;
        bytes += page.iter().map(|record| record.canonical_bytes().len()).sum::<usize>();
        until = after;
    }
    Ok(last)
}
