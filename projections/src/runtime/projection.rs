//! What a projection is.

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::Position;

use super::Fact;

/// Why a projection can't go on.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProjectionError {
    /// An event that it can't take in. It stops there, and only it.
    #[error("the event at position {position} can't be taken in: {reason}")]
    Poison {
        /// Which event.
        position: Position,
        /// Why.
        reason: String,
    },
    /// Its rows can't be read or written.
    #[error("its rows can't be read or written: {0}")]
    Storage(String),
    /// A row on disk that this code can't read.
    #[error("a row of keyspace {keyspace} is damaged")]
    DamagedRow {
        /// In which keyspace.
        keyspace: &'static str,
    },
    /// A keyspace that the catalogue doesn't know.
    #[error("keyspace {0} is not in the catalogue")]
    Uncatalogued(String),
}

impl From<fjall::Error> for ProjectionError {
    fn from(error: fjall::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<std::io::Error> for ProjectionError {
    fn from(error: std::io::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

/// One row of a projection, for comparisons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Where it stands.
    pub keyspace: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// Rows in ascending order of keyspace and key.
pub type Rows = Box<dyn Iterator<Item = Result<Row, ProjectionError>> + Send>;

/// A read model: a fold over the log in its order, with rows on disk and a view that queries read.
///
/// Rows and their checkpoint are written in one batch, without a barrier: after a crash the projection goes on from
/// the last checkpoint that its rows agree with. The rows after an event depend on the events up to it and on nothing
/// else: not on where batches ended, on clocks, nor on the order of a hash map.
pub trait Projection: Send + Sized + 'static {
    /// Its name: the first part of its directory's name, a word in operators' commands.
    const NAME: &'static str;
    /// Raised whenever the code would give other rows for the same events; rows of another version are not read.
    const VERSION: u32;
    /// Least time from the beginning of one batch to that of the next, while little waits. Under load every batch costs a
    /// wake-up and a write of its own, so fewer and larger ones leave more time to everything else; a single event after
    /// a pause is taken in at once.
    const PACE: Duration = Duration::from_millis(5);
    /// The same while nobody waits for it to come to some position: under load most projections have little to do with
    /// what happens. Those that a hook listens to keep their pace, and so should those whose view is relied on as it is,
    /// unless whoever looks waits for it where what it finds is not enough, as payments do.
    const LEISURE: Duration = Duration::from_millis(25);
    /// What queries read, from many threads while the projection writes.
    type View: Send + Sync + 'static;

    /// Opens its rows in `dir`, or starts anew where there are none.
    ///
    /// # Errors
    /// When the rows can't be opened or read.
    fn open(dir: &Path) -> Result<Self, ProjectionError>;

    /// The view over the rows; the same one at every call.
    fn view(&self) -> Arc<Self::View>;

    /// The last event whose rows are safely in place. After a reopening, `apply` goes on behind it.
    fn checkpoint(&self) -> Position;

    /// Takes events in: those after the last one taken in, in the order of the log, at least one. Writes their rows and
    /// the new checkpoint in one batch.
    ///
    /// # Errors
    /// Whatever stops this projection. Nothing of the batch is on disk then; the view is not served any more.
    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError>;

    /// Called when events were taken in and then none came for a little while: the time for work put off.
    ///
    /// # Errors
    /// Whatever stops this projection.
    fn idle(&mut self) -> Result<(), ProjectionError> {
        Ok(())
    }

    /// Puts everything taken in on disk, for a clean end.
    ///
    /// # Errors
    /// When it can't be written.
    fn flush(&mut self) -> Result<(), ProjectionError>;

    /// All rows in `dir`, while nobody has it open, for comparing two directories. Keyspaces of fjall as they are,
    /// unless a projection keeps its rows in something else.
    ///
    /// # Errors
    /// When the rows can't be opened.
    fn rows(dir: &Path) -> Result<Rows, ProjectionError> {
        crate::rows::all_rows(dir)
    }
}
