//! The embedded default: records and index in two keyspaces of one fjall database.

use std::{
    fs, io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{
        BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
        PartitioningPolicy,
    },
};

use crate::{
    directory::{Engine, OpenError},
    disk::DiskLog,
    port::Position,
    record::Stored,
    store::{ScanError, Store, StoreError, Visit, index_key, trailing_u64},
};

/// Bytes of journal files that may lie about; also bounds what an opening has to replay.
const JOURNAL_BYTES: u64 = 128 * 1024 * 1024;
/// Records gathered in memory before they go to a table file.
const EVENTS_MEMTABLE_BYTES: u64 = 32 * 1024 * 1024;
/// Index entries gathered in memory before they go to a table file.
const STREAMS_MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
/// Records lie in order and are mostly read in order, so big blocks compress well and cost little.
const EVENTS_BLOCK_BYTES: u32 = 16 * 1024;
/// Values of a scan that share an allocation, in bytes.
const ROOM_BYTES: usize = 32 * 1024;
const STREAMS_BLOCK_BYTES: u32 = 4 * 1024;

/// How a fjall log may use the machine.
#[derive(Clone, Copy, Debug)]
pub struct FjallOptions {
    /// Bytes of memory for blocks that were read.
    pub cache_bytes: u64,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 * 1024 * 1024 }
    }
}

/// Opens event logs that fjall keeps.
pub struct FjallLog;

impl FjallLog {
    /// Opens the log in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// When another process has it open, when it can't be read, or when something acknowledged is gone.
    pub fn open(dir: impl AsRef<Path>, options: FjallOptions) -> Result<Arc<DiskLog>, OpenError> {
        let open =
            move |folder: &Path| FjallStore::open(folder, options).map(|store| Arc::new(store) as Arc<dyn Store>);
        let engine =
            Engine { name: "fjall", others: &["sled"], journals: Some("jnl"), find_lost, open: Box::new(open) };
        DiskLog::open(dir.as_ref(), &engine)
    }
}

/// Keyspaces of a log: fjall's own, records, index.
const KEYSPACES: usize = 3;

/// fjall takes a keyspace without its `current` for one whose making was interrupted, and deletes it.
fn find_lost(folder: &Path) -> io::Result<Option<PathBuf>> {
    let (version, keyspaces) = (folder.join("version"), folder.join("keyspaces"));
    if !version.exists() {
        return Ok(Some(version));
    }
    if !keyspaces.exists() {
        return Ok(Some(keyspaces));
    }
    let mut count = 0;
    for keyspace in fs::read_dir(&keyspaces)? {
        let current = keyspace?.path().join("current");
        if !current.exists() {
            return Ok(Some(current));
        }
        count += 1;
    }
    Ok((count < KEYSPACES).then(|| keyspaces.join("*")))
}

struct FjallStore {
    database: Database,
    /// Position -> stored record.
    events: Keyspace,
    /// Hash of the stream's name, version -> position.
    streams: Keyspace,
}

impl FjallStore {
    fn open(folder: &Path, options: FjallOptions) -> Result<Self, StoreError> {
        let database = Database::builder(folder)
            .cache_size(options.cache_bytes)
            .max_journaling_size(JOURNAL_BYTES)
            .journal_compression(CompressionType::None)
            .open()
            .map_err(failure)?;
        let events = database
            .keyspace("events", || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(EVENTS_MEMTABLE_BYTES)
                    .data_block_size_policy(BlockSizePolicy::all(EVENTS_BLOCK_BYTES))
                    .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
                    // Whoever asks for a position knows that it is there.
                    .filter_policy(FilterPolicy::disabled())
            })
            .map_err(failure)?;
        let streams = database
            .keyspace("streams", || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(STREAMS_MEMTABLE_BYTES)
                    .data_block_size_policy(BlockSizePolicy::all(STREAMS_BLOCK_BYTES))
                    .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
                    // A filter in one piece has megabytes, and its share of the cache may have less.
                    .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
                    // Before a stream's next event is written, the index is asked whether it is there already.
                    .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(
                        8.0,
                    ))))
            })
            .map_err(failure)?;
        Ok(Self { database, events, streams })
    }
}

impl Store for FjallStore {
    fn write(&self, batch: &[Stored]) -> Result<(), StoreError> {
        let mut writes = fjall::OwnedWriteBatch::with_capacity(self.database.clone(), batch.len() * 2)
            .durability(Some(PersistMode::SyncData));
        for Stored { record, value } in batch {
            let position = record.position().0.to_be_bytes();
            writes.insert(&self.events, position, value.as_ref());
            writes.insert(&self.streams, index_key(record.stream(), record.version()), position);
        }
        writes.commit().map_err(failure)
    }

    fn last(&self) -> Result<Position, StoreError> {
        let Some(last) = self.events.last_key_value() else {
            return Ok(Position::START);
        };
        let key = last.key().map_err(failure)?;
        trailing_u64(&key).map(Position)
    }

    fn get(&self, position: Position) -> Result<Option<Bytes>, StoreError> {
        let value = self.events.get(position.0.to_be_bytes()).map_err(failure)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, after: Position, until: Position, limit: usize, visit: Visit<'_>) -> Result<(), ScanError> {
        let range = (Bound::Excluded(after.0.to_be_bytes()), Bound::Included(until.0.to_be_bytes()));
        // Copies, since a value that stays around would keep its whole block in the cache; together, since one
        // allocation for each would cost more than the copying.
        let mut room = BytesMut::new();
        for entry in self.events.range(range).take(limit) {
            let (key, value) = entry.into_inner().map_err(failure)?;
            if room.capacity() < value.len() {
                room = BytesMut::with_capacity(value.len().max(ROOM_BYTES));
            }
            room.extend_from_slice(&value);
            visit(Position(trailing_u64(&key)?), room.split().freeze()).map_err(ScanError::Visit)?;
        }
        Ok(())
    }

    fn index(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<(u64, Position)>, StoreError> {
        let range = (Bound::Excluded(index_key(stream, after)), Bound::Included(index_key(stream, u64::MAX)));
        self.streams.range(range).take(limit).map(entry_of).collect()
    }

    fn index_at(&self, stream: &str, version: u64) -> Result<Option<Position>, StoreError> {
        let position = self.streams.get(index_key(stream, version)).map_err(failure)?;
        position.map(|p| trailing_u64(&p).map(Position)).transpose()
    }

    fn index_tail(&self, stream: &str) -> Result<Option<(u64, Position)>, StoreError> {
        let range = index_key(stream, 0)..=index_key(stream, u64::MAX);
        self.streams.range(range).next_back().map(entry_of).transpose()
    }
}

fn entry_of(entry: fjall::Guard) -> Result<(u64, Position), StoreError> {
    let (key, value) = entry.into_inner().map_err(failure)?;
    Ok((trailing_u64(&key)?, Position(trailing_u64(&value)?)))
}

/// Tells damaged or missing files from a disk that can't be reached.
fn failure(error: fjall::Error) -> StoreError {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    let text: Arc<str> = error.to_string().into();
    let io = match &error {
        fjall::Error::Io(io) | fjall::Error::Storage(fjall::LsmError::Io(io)) => Some(io.kind()),
        fjall::Error::Locked | fjall::Error::Poisoned => return StoreError::Failed(text),
        _ => None,
    };
    match io {
        None | Some(NotFound | UnexpectedEof | InvalidData) => StoreError::Damaged(text),
        Some(_) => StoreError::Failed(text),
    }
}
