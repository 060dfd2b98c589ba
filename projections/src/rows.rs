//! What a projection that keeps its rows in fjall stands on.
//!
//! One database per projection with flat memory: small caches, small write buffers, few workers. A batch of rows and its
//! checkpoint are one write; it reaches the operating system, not necessarily the disk.

use std::{path::Path, sync::Arc};

use eventlog::Position;
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch as WriteBatch, PersistMode,
    compaction::Leveled,
    config::{BlockSizePolicy, CompressionPolicy, PartitioningPolicy},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    catalogue::{self, META, Workload},
    runtime::{ProjectionError, Row, Rows},
};

/// Block cache of one projection, in bytes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Write buffer of a keyspace that is read by ranges, in bytes. Merging tables is what costs most when read models are
/// rebuilt, and fewer, larger tables are merged less often.
const SCAN_BUFFER_BYTES: u64 = 32 * 1024 * 1024;
/// Write buffer of any other keyspace, in bytes.
const BUFFER_BYTES: u64 = 16 * 1024 * 1024;
/// Unmerged tables of a keyspace that is looked up by single keys: filters make each of them cheap to ask.
const LOOKUP_TABLES: u8 = 8;
/// Most bytes of journals that one projection keeps for recovery.
const JOURNAL_BYTES: u64 = 128 * 1024 * 1024;

/// Threads that flush and merge. While one merges, another must flush: four write buffers that wait for it make the engine
/// halt all writes for a tenth of a second.
const WORKERS: usize = 2;

const CHECKPOINT: &[u8] = b"checkpoint";

/// The database of one projection.
pub struct RowStore {
    projection: &'static str,
    database: Database,
    meta: Keyspace,
    checkpoint: Position,
}

impl RowStore {
    /// Opens or creates the database in `dir`.
    ///
    /// # Errors
    /// When it can't be opened or its checkpoint can't be read.
    pub fn open(dir: &Path, projection: &'static str) -> Result<Self, ProjectionError> {
        let database = Database::builder(dir)
            .cache_size(CACHE_BYTES)
            .worker_threads(WORKERS)
            .max_journaling_size(JOURNAL_BYTES)
            .open()?;
        let meta = database.keyspace(META, || options(Workload::Resident))?;
        let checkpoint = match meta.get(CHECKPOINT)? {
            None => Position::START,
            Some(bytes) => Position(number(&bytes).ok_or(ProjectionError::DamagedRow { keyspace: META })?),
        };
        Ok(Self { projection, database, meta, checkpoint })
    }

    /// A keyspace that the catalogue lists for this projection.
    ///
    /// # Errors
    /// [`ProjectionError::Uncatalogued`], or when it can't be opened.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, ProjectionError> {
        let entry = catalogue::entry(self.projection, name)
            .ok_or_else(|| ProjectionError::Uncatalogued(format!("{}/{name}", self.projection)))?;
        Ok(self.database.keyspace(name, || options(entry.workload))?)
    }

    /// The names of all keyspaces that exist.
    #[must_use]
    pub fn keyspace_names(&self) -> Vec<String> {
        self.database.list_keyspace_names().iter().map(ToString::to_string).collect()
    }

    /// Deletes a keyspace with all its rows, at once and not as part of a batch. Readers that hold it finish first.
    ///
    /// # Errors
    /// When it can't be deleted.
    pub fn delete_keyspace(&self, keyspace: Keyspace) -> Result<(), ProjectionError> {
        Ok(self.database.delete_keyspace(keyspace)?)
    }

    /// The last event whose rows are in place.
    #[must_use]
    pub fn checkpoint(&self) -> Position {
        self.checkpoint
    }

    /// An empty batch, to be filled and given to [`Self::commit`].
    #[must_use]
    pub fn batch(&self) -> WriteBatch {
        self.database.batch()
    }

    /// Writes a batch's rows together with the checkpoint.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn commit(&mut self, mut batch: WriteBatch, checkpoint: Position) -> Result<(), ProjectionError> {
        batch.insert(&self.meta, CHECKPOINT, checkpoint.0.to_be_bytes());
        batch.commit()?;
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// Puts everything behind a barrier.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&self) -> Result<(), ProjectionError> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }
}

fn options(workload: Workload) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default()
        .max_memtable_size(BUFFER_BYTES)
        // The filter of a large table in one piece, a megabyte, does not fit into the share of the cache that it would lie in,
        // and is read again for every key that is looked up. So it is with the index. The tables of the first level keep
        // theirs in memory.
        .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        .index_block_partitioning_policy(PartitioningPolicy::new([false, false, true]));
    match workload {
        Workload::Scan => options
            .max_memtable_size(SCAN_BUFFER_BYTES)
            .data_block_size_policy(BlockSizePolicy::all(16 * 1024))
            // Fresh tables are soon merged into others; compressing them would be work done twice.
            .data_block_compression_policy(CompressionPolicy::new([CompressionType::None, CompressionType::Lz4]))
            .expect_point_read_hits(true),
        Workload::Lookup => options
            .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::None))
            .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(LOOKUP_TABLES))),
        Workload::Resident => options
            .data_block_size_policy(BlockSizePolicy::all(16 * 1024))
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            .expect_point_read_hits(true),
    }
}

/// Every row of a fjall database that nobody has open.
pub(crate) fn all_rows(dir: &Path) -> Result<Rows, ProjectionError> {
    let database = Database::builder(dir).cache_size(CACHE_BYTES).worker_threads(1).open()?;
    let mut names: Vec<String> = database.list_keyspace_names().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    let open = |name: String| {
        let keyspace = database.keyspace(&name, KeyspaceCreateOptions::default)?;
        Ok((name, keyspace))
    };
    let keyspaces = names.into_iter().map(open).collect::<Result<Vec<_>, fjall::Error>>()?;
    Ok(Box::new(keyspaces.into_iter().flat_map(move |(name, keyspace)| {
        // The rows read from the database as long as they are walked.
        let held = database.clone();
        keyspace.iter().map(move |guard| {
            let _ = &held;
            let (key, value) = guard.into_inner()?;
            Ok(Row { keyspace: name.clone(), key: key.to_vec(), value: value.to_vec() })
        })
    })))
}

/// The JSON of a row.
pub(crate) fn to_json<T: Serialize>(row: &T) -> Result<Vec<u8>, ProjectionError> {
    serde_json::to_vec(row).map_err(|error| ProjectionError::Storage(error.to_string()))
}

/// A row that is JSON.
pub(crate) fn from_json<T: DeserializeOwned>(keyspace: &'static str, value: &[u8]) -> Result<T, ProjectionError> {
    serde_json::from_slice(value).map_err(|_| ProjectionError::DamagedRow { keyspace })
}

/// A number at the start of a key or value.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().copied().map(u64::from_be_bytes)
}

/// The 16 bytes of an id at some place of a key or value.
#[must_use]
pub fn id_at(bytes: &[u8], at: usize) -> Option<uuid::Uuid> {
    bytes.get(at..)?.first_chunk().copied().map(uuid::Uuid::from_bytes)
}

/// A number at some place of a key or value.
#[must_use]
pub fn number_at(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes.get(at..)?)
}
