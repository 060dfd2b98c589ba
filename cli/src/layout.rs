//! What lies where in a data directory.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use eventlog::StoreKind;

/// A data directory.
///
/// ```text
/// <data>/log/        the event log: the only thing that can't be made again
/// <data>/media/      pictures, voice, video and files, as blobs; and what is made of them
/// <data>/views/      the read models: made again from the log when they are missing
/// <data>/snapshots/  states of long streams: made again from the log as well
/// <data>/secret.key  the server's secret, unless it is a setting
/// <data>/restoring   only while an export is being restored
/// <data>/cluster-log where the log is on a cluster: which log the read models are made from
/// ```
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The directory at a path, whether it is there or not.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Its path.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the event log is.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Where the read models are.
    pub(crate) fn views(&self) -> PathBuf {
        self.root.join("views")
    }

    /// Where the bytes of media are.
    pub(crate) fn media(&self) -> PathBuf {
        self.root.join("media")
    }

    /// Where snapshots of long streams are.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where a sandbox of `serve --demo` keeps its books.
    pub(crate) fn sandbox(&self, name: &str) -> PathBuf {
        self.root.join("sandbox").join(name)
    }

    /// Where the server's secret is, unless it is a setting.
    pub(crate) fn secret(&self) -> PathBuf {
        self.root.join("secret.key")
    }

    /// Where it is noted which log of a cluster the read models are made from: the id of its first event.
    pub(crate) fn cluster_mark(&self) -> PathBuf {
        self.root.join("cluster-log")
    }

    /// The engine whose event log is there, if one is.
    pub(crate) fn store(&self) -> Option<StoreKind> {
        let log = self.log();
        [StoreKind::Fjall, StoreKind::Sled].into_iter().find(|kind| log.join(kind.to_string()).exists())
    }

    /// Whether a restore into this directory was begun and not finished: its log ends too early.
    pub(crate) fn is_being_restored(&self) -> bool {
        self.mark().exists()
    }

    /// Notes that a restore begins, before it writes anything else.
    pub(crate) fn begin_restore(&self) -> io::Result<()> {
        fs::create_dir_all(&self.root)?;
        File::create(self.mark())?.sync_all()?;
        File::open(&self.root)?.sync_all()
    }

    /// Notes that a restore is finished.
    pub(crate) fn end_restore(&self) -> io::Result<()> {
        fs::remove_file(self.mark())?;
        File::open(&self.root)?.sync_all()
    }

    fn mark(&self) -> PathBuf {
        self.root.join("restoring")
    }
}
