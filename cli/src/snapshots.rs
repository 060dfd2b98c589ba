//! Snapshots of long streams, on disk. They can be lost or deleted at any time; they are made again from the log.

use std::path::Path;

use commands::ports::Snapshots;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// Memory for snapshots that were read, in bytes: each is read once and then lives in the command side's own cache.
const CACHE_BYTES: u64 = 1024 * 1024;
/// Snapshots gathered in memory before they go to a table file, in bytes.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes of journals: the least that the engine takes.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

/// The latest snapshot of each long stream.
pub(crate) struct SnapshotStore {
    /// Stream name -> snapshot.
    rows: Keyspace,
    /// Keeps the rows' files open.
    _database: Database,
}

impl SnapshotStore {
    /// Opens or makes the store in a directory. What can't be opened is made anew, since nothing in it is missed.
    ///
    /// # Errors
    /// When not even a new one can be made.
    pub(crate) fn open(dir: &Path) -> Result<Self, fjall::Error> {
        Self::open_rows(dir).or_else(|error| {
            tracing::warn!(%error, "the snapshots can't be read and are made anew");
            std::fs::remove_dir_all(dir)?;
            Self::open_rows(dir)
        })
    }

    fn open_rows(dir: &Path) -> Result<Self, fjall::Error> {
        let database = Database::builder(dir)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(JOURNAL_BYTES)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        Ok(Self { rows: database.keyspace("snapshots", options)?, _database: database })
    }
}

impl Snapshots for SnapshotStore {
    fn load(&self, stream: &str) -> Option<Vec<u8>> {
        let found =
            self.rows.get(stream).inspect_err(|error| tracing::warn!(%error, stream, "a snapshot is unreadable"));
        found.ok().flatten().map(|bytes| bytes.to_vec())
    }

    fn save(&self, stream: &str, snapshot: &[u8]) {
        if let Err(error) = self.rows.insert(stream, snapshot) {
            tracing::warn!(%error, stream, "a snapshot could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_snapshot_of_a_stream_is_found_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("snapshots");
        let store = SnapshotStore::open(&path).unwrap();
        assert_eq!(store.load("user-a"), None);
        store.save("user-a", b"one");
        store.save("user-a", b"two");
        drop(store);
        assert_eq!(SnapshotStore::open(&path).unwrap().load("user-a").unwrap(), b"two");
    }

    #[test]
    fn a_store_that_can_not_be_opened_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("snapshots");
        drop(SnapshotStore::open(&path).unwrap());
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::write(entry.path(), b"nonsense").unwrap();
            }
        }
        assert_eq!(SnapshotStore::open(&path).unwrap().load("user-a"), None);
    }
}
