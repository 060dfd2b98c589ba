//! The embedded alternative: records and index side by side in one sled tree, so that a batch is one atomic
//! write.
//!
//! sled has habits that the log must work around. Its `flush` starts writing but, on Linux, commits neither the
//! file's size nor the drive's cache, so a real `fdatasync` follows. A leaf of more than about 128 KiB goes to a
//! file that sled never syncs; a leaf has at most 17 entries, so long values are cut into small chunks.

use std::{
    fs::{self, File},
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;

use crate::{
    directory::{Engine, OpenError},
    disk::DiskLog,
    port::Position,
    record::Stored,
    store::{INDEX_KEY_BYTES, ScanError, Store, StoreError, Visit, index_key, trailing_u64},
};

/// First byte of a record's key.
const EVENT: u8 = b'e';
/// First byte of an index entry's key.
const STREAM: u8 = b's';
/// Bytes of each chunk of a value but its last, which is shorter, if need be empty.
const CHUNK_BYTES: usize = 4096;
/// How often opening sled anew is tried after a failed write.
const REOPEN_ATTEMPTS: u32 = 100;
/// Time between two such attempts.
const REOPEN_PAUSE: Duration = Duration::from_millis(20);

/// How a sled log may use the machine.
#[derive(Clone, Copy, Debug)]
pub struct SledOptions {
    /// Bytes of memory for pages; sled takes this as a wish and grows beyond it.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 * 1024 * 1024 }
    }
}

/// Opens event logs that sled keeps.
pub struct SledLog;

impl SledLog {
    /// Opens the log in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// When another process has it open, when it can't be read, or when something acknowledged is gone.
    pub fn open(dir: impl AsRef<Path>, options: SledOptions) -> Result<Arc<DiskLog>, OpenError> {
        let open = move |folder: &Path| SledStore::open(folder, options).map(|store| Arc::new(store) as Arc<dyn Store>);
        let engine = Engine { name: "sled", others: &["fjall"], journals: None, find_lost, open: Box::new(open) };
        DiskLog::open(dir.as_ref(), &engine)
    }
}

/// sled makes lost files anew, or panics.
fn find_lost(folder: &Path) -> io::Result<Option<PathBuf>> {
    Ok(["conf", "db"].into_iter().map(|name| folder.join(name)).find(|path| !path.exists()))
}

struct SledStore {
    /// None when sled could not be opened again after a failed write.
    database: RwLock<Option<sled::Db>>,
    folder: PathBuf,
    options: SledOptions,
    /// sled's one data file, for the barrier that sled doesn't make.
    data_file: File,
    /// Where sled would put what it doesn't sync.
    blobs: PathBuf,
}

impl SledStore {
    fn open(folder: &Path, options: SledOptions) -> Result<Self, StoreError> {
        let database = open_database(folder, options).map_err(failure)?;
        let data_file = File::open(folder.join("db")).map_err(|error| io_failure(&error))?;
        let store = Self {
            database: RwLock::new(Some(database)),
            folder: folder.to_owned(),
            options,
            data_file,
            blobs: folder.join("blobs"),
        };
        store.with(|database| store.barrier(database))?;
        Ok(store)
    }

    fn with<T, E: From<StoreError>>(&self, work: impl FnOnce(&sled::Db) -> Result<T, E>) -> Result<T, E> {
        match self.database.read().as_ref() {
            Some(database) => work(database),
            None => Err(StoreError::Failed("sled could not be opened again".into()).into()),
        }
    }

    fn apply(&self, database: &sled::Db, writes: sled::Batch) -> Result<(), StoreError> {
        database.apply_batch(writes).map_err(failure)?;
        self.barrier(database)
    }

    fn barrier(&self, database: &sled::Db) -> Result<(), StoreError> {
        database.flush().map_err(failure)?;
        let mut blobs = fs::read_dir(&self.blobs).map_err(|error| io_failure(&error))?;
        if blobs.next().is_some() {
            return Err(StoreError::Failed("sled put data into a file that it does not sync".into()));
        }
        self.data_file.sync_data().map_err(|error| io_failure(&error))
    }

    /// Opens sled anew after a failed write. Its readers finish the page splits that its writers began, so once
    /// it can't write, it can't reliably be read either, not even where nothing changed.
    fn reopen_for_reading(&self) {
        let mut database = self.database.write();
        // sled lets go of its files a moment after its last handle is dropped.
        *database = None;
        for _ in 0..REOPEN_ATTEMPTS {
            match open_database(&self.folder, self.options) {
                Ok(opened) => {
                    *database = Some(opened);
                    return;
                }
                Err(error) => tracing::warn!(%error, "sled can't be opened again yet"),
            }
            thread::sleep(REOPEN_PAUSE);
        }
    }
}

fn open_database(folder: &Path, options: SledOptions) -> sled::Result<sled::Db> {
    sled::Config::new()
        .path(folder)
        .cache_capacity(options.cache_bytes)
        // Every batch is flushed by its writer.
        .flush_every_ms(None)
        .open()
}

impl Store for SledStore {
    fn write(&self, batch: &[Stored]) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for Stored { record, value } in batch {
            let position = record.position();
            for (number, chunk) in (0..).zip(chunks(value)) {
                writes.insert(&chunk_key(position, number)[..], chunk);
            }
            let entry = stream_key(record.stream(), record.version());
            writes.insert(&entry[..], &position.0.to_be_bytes());
        }
        let written = self.with(|database| self.apply(database, writes));
        if written.is_err() {
            self.reopen_for_reading();
        }
        written
    }

    fn last(&self) -> Result<Position, StoreError> {
        let range = chunk_key(Position::START, 0)..=chunk_key(Position(u64::MAX), u8::MAX);
        self.with(|database| match database.range(range).next_back() {
            Some(entry) => chunk_position(&entry.map_err(failure)?.0),
            None => Ok(Position::START),
        })
    }

    fn get(&self, position: Position) -> Result<Option<Bytes>, StoreError> {
        let key = chunk_key(position, 0);
        self.with(|database| {
            let Some(first) = database.get(key).map_err(failure)? else {
                return Ok(None);
            };
            if first.len() < CHUNK_BYTES {
                return Ok(Some(Bytes::copy_from_slice(&first)));
            }
            let mut value = BytesMut::new();
            for entry in database.range(key..=chunk_key(position, u8::MAX)) {
                value.extend_from_slice(&entry.map_err(failure)?.1);
            }
            Ok(Some(value.freeze()))
        })
    }

    fn scan(&self, after: Position, until: Position, limit: usize, visit: Visit<'_>) -> Result<(), ScanError> {
        let range = (Bound::Excluded(chunk_key(after, u8::MAX)), Bound::Included(chunk_key(until, u8::MAX)));
        self.with(|database| {
            let mut entries = database.range(range);
            for _ in 0..limit {
                let Some(entry) = entries.next() else {
                    break;
                };
                let (key, first) = entry.map_err(failure)?;
                let position = chunk_position(&key)?;
                let mut last_chunk = first.len();
                let mut value = BytesMut::from(&first[..]);
                while last_chunk == CHUNK_BYTES
                    && let Some(entry) = entries.next()
                {
                    let (_, chunk) = entry.map_err(failure)?;
                    value.extend_from_slice(&chunk);
                    last_chunk = chunk.len();
                }
                visit(position, value.freeze()).map_err(ScanError::Visit)?;
            }
            Ok(())
        })
    }

    fn index(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<(u64, Position)>, StoreError> {
        let range = (Bound::Excluded(stream_key(stream, after)), Bound::Included(stream_key(stream, u64::MAX)));
        self.with(|database| database.range(range).take(limit).map(entry_of).collect())
    }

    fn index_at(&self, stream: &str, version: u64) -> Result<Option<Position>, StoreError> {
        let key = stream_key(stream, version);
        let position = self.with(|database| database.get(key).map_err(failure))?;
        position.map(|p| trailing_u64(&p).map(Position)).transpose()
    }

    fn index_tail(&self, stream: &str) -> Result<Option<(u64, Position)>, StoreError> {
        let range = stream_key(stream, 0)..=stream_key(stream, u64::MAX);
        self.with(|database| database.range(range).next_back().map(entry_of).transpose())
    }
}

/// A value in chunks: all of full length but the last, which never is.
fn chunks(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = value.chunks_exact(CHUNK_BYTES);
    let rest = whole.remainder();
    whole.chain(std::iter::once(rest))
}

/// The key of one chunk of a record: chunks follow their record's first, records their position.
fn chunk_key(position: Position, number: u8) -> [u8; 10] {
    let mut key = [EVENT; 10];
    let fields = position.0.to_be_bytes().into_iter().chain([number]);
    key.iter_mut().skip(1).zip(fields).for_each(|(to, from)| *to = from);
    key
}

fn chunk_position(key: &[u8]) -> Result<Position, StoreError> {
    trailing_u64(key.get(..9).unwrap_or_default()).map(Position)
}

fn stream_key(stream: &str, version: u64) -> [u8; INDEX_KEY_BYTES + 1] {
    let mut key = [STREAM; INDEX_KEY_BYTES + 1];
    let entry = index_key(stream, version);
    key.iter_mut().skip(1).zip(entry).for_each(|(to, from)| *to = from);
    key
}

fn entry_of(entry: sled::Result<(sled::IVec, sled::IVec)>) -> Result<(u64, Position), StoreError> {
    let (key, value) = entry.map_err(failure)?;
    Ok((trailing_u64(&key)?, Position(trailing_u64(&value)?)))
}

/// Tells damaged or missing files from a disk that can't be reached.
fn failure(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => io_failure(&error),
        error => StoreError::Damaged(error.to_string().into()),
    }
}

fn io_failure(error: &io::Error) -> StoreError {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    let text = format!("sled: {error}").into();
    match error.kind() {
        InvalidData | NotFound | UnexpectedEof => StoreError::Damaged(text),
        _ => StoreError::Failed(text),
    }
}
