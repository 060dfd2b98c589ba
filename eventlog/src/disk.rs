//! A log in a directory of its own, whichever engine keeps the records.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use futures::future::{self, BoxFuture, FutureExt};
use parking_lot::Mutex;

use crate::{
    committer::Committer,
    core::{Core, off_the_runtime},
    import::ImportError,
    limits, pages,
    port::{Append, AppendError, Appended, EventLog, Position, ReadError, StreamName, Subscription},
    record::RecordedEvent,
    store::{Store, StoreError},
    tail::TailMark,
    writer::{self, Queue},
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
    /// What is there is not what was acknowledged.
    #[error(transparent)]
    Damaged(#[from] ReadError),
}

/// What an engine is asked to do when a log is opened.
pub(crate) struct Engine {
    /// Name of its folder in the log's directory.
    pub(crate) name: &'static str,
    /// Names of the folders of other engines.
    pub(crate) others: &'static [&'static str],
    /// Opens or makes its files.
    pub(crate) open: Box<dyn FnOnce(&Path) -> Result<Arc<dyn Store>, StoreError>>,
}

/// An event log on a local disk: the engine's files, a tail mark beside them, and a writer thread.
///
/// Dropping it writes what waits and ends the writer.
pub struct DiskLog {
    core: Arc<Core>,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl DiskLog {
    pub(crate) fn open(dir: &Path, engine: Engine) -> Result<Arc<Self>, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(dir).map_err(io(dir))?;
        let lock = lock(dir)?;
        let other = engine.others.iter().find(|other| dir.join(other).exists());
        if let Some(found) = other {
            let dir = dir.to_owned();
            return Err(OpenError::OtherStore { dir, found });
        }
        let folder = dir.join(engine.name);
        let tail_path = dir.join("tail");
        let existed = folder.exists();
        let (tail, marked) = match TailMark::open(&tail_path) {
            Ok(Some((_, marked))) if !existed && marked > Position::START => {
                return Err(missing(&folder).into());
            }
            Ok(Some(found)) => found,
            Ok(None) if existed => return Err(missing(&tail_path).into()),
            Ok(None) => {
                let mark = TailMark::create(&tail_path, Position::START).map_err(io(&tail_path))?;
                (mark, Position::START)
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(unusable(error.to_string()).into());
            }
            Err(error) => return Err(io(&tail_path)(error)),
        };
        let store = open_engine(engine, &folder)?;
        let last = check_end(store.as_ref(), marked)?;
        let core = Arc::new(Core::new(Arc::clone(&store), last, Some((tail, lock))));
        let queue = Arc::new(Queue::default());
        let committer = Committer::new(store, last);
        let writer = writer::start(Arc::clone(&core), Arc::clone(&queue), committer).map_err(io(dir))?;
        Ok(Arc::new(Self { core, queue, writer: Mutex::new(Some(writer)) }))
    }

    /// Appends records of another log in their order, keeping every byte; only their positions are given anew.
    /// Works on a log that was empty when it was opened, as often as needed, until something else is appended.
    /// Gives the position of the last record.
    ///
    /// # Errors
    /// When the log held something else, when a record doesn't follow from its predecessors (those before it
    /// are imported), or when they can't be written.
    pub fn import(&self, records: Vec<RecordedEvent>) -> BoxFuture<'static, Result<Position, ImportError>> {
        match self.queue.import(records) {
            Ok(outcome) => async move { outcome.await.unwrap_or_else(|_| Err(writer::closing().into())) }.boxed(),
            Err(error) => future::ready(Err(error.into())).boxed(),
        }
    }

    /// Writes what waits, takes nothing more and ends the writer. Reads go on.
    pub fn close(&self) {
        self.queue.close();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the event log's writer panicked");
        }
    }
}

impl Drop for DiskLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl EventLog for DiskLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let submitted = match (limits::check(&append), self.core.poisoned()) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(reason)) => Err(AppendError::Poisoned(reason)),
            (Ok(()), None) => self.queue.append(append),
        };
        match submitted {
            Ok(outcome) => async move { outcome.await.unwrap_or_else(|_| Err(writer::closing())) }.boxed(),
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let (core, stream) = (Arc::clone(&self.core), stream.clone());
        off_the_runtime(move || core.stream_page(&stream, after, limit)).boxed()
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let core = Arc::clone(&self.core);
        off_the_runtime(move || core.page(after, limit)).boxed()
    }

    fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
        self.core.subscribe(after)
    }

    fn last_position(&self) -> Position {
        self.core.live.last()
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        self.core.poisoned()
    }
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

/// Opens the engine's files. Engines panic on some damages; that must not take the process along.
fn open_engine(engine: Engine, folder: &Path) -> Result<Arc<dyn Store>, ReadError> {
    let name = engine.name;
    match catch_unwind(AssertUnwindSafe(|| (engine.open)(folder))) {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(error.at(Position(1), None)),
        Err(_) => Err(unusable(format!("{name} can't make sense of its files"))),
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

fn missing(path: &Path) -> ReadError {
    unusable(format!("{} is missing", path.display()))
}

/// Damage that concerns the log from its first event on.
fn unusable(rule: String) -> ReadError {
    ReadError::Damaged { position: Position(1), stream: None, rule }
}
