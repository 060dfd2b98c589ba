//! A projection as offline work sees it: by name, without its types.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use eventlog::Position;

use super::{
    Projection, ProjectionError, Rows,
    generations::{Generations, Opened},
    runner::{Admission, Runner, Running},
    slot::Serving,
};

/// A projection without its types.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// The version of its code.
    pub version: u32,
    rows: fn(&Path) -> Result<Rows, ProjectionError>,
    checkpoint: fn(&Path) -> Result<Option<Position>, ProjectionError>,
    settled: fn(&Path) -> Option<PathBuf>,
    start: fn(&Path, Position) -> Result<OfflineRun, ProjectionError>,
}

/// A projection that takes events in with nobody asking it anything.
pub(crate) struct OfflineRun {
    pub(crate) running: Running,
    pub(crate) checkpoint: Position,
    /// Declares its rows complete, for when it has taken everything in.
    pub(crate) settle: Box<dyn FnOnce() -> std::io::Result<()> + Send>,
}

impl Kind {
    /// The kind of a projection.
    #[must_use]
    pub fn of<P: Projection>() -> Self {
        Self {
            name: P::NAME,
            version: P::VERSION,
            rows: P::rows,
            checkpoint: checkpoint::<P>,
            settled: settled::<P>,
            start: start::<P>,
        }
    }

    /// All rows of its complete generation in a directory of read models.
    pub(crate) fn rows(&self, root: &Path) -> Result<Option<Rows>, ProjectionError> {
        (self.settled)(root).map(|dir| (self.rows)(&dir)).transpose()
    }

    /// How far its complete generation in a directory of read models has come, where there is one.
    ///
    /// # Errors
    /// When its rows can't be read.
    pub fn checkpoint(&self, root: &Path) -> Result<Option<Position>, ProjectionError> {
        (self.checkpoint)(root)
    }

    /// Opens or begins it in a directory of read models and starts its thread; it takes in what comes up to `until`.
    pub(crate) fn start(&self, root: &Path, until: Position) -> Result<OfflineRun, ProjectionError> {
        (self.start)(root, until)
    }
}

fn settled<P: Projection>(root: &Path) -> Option<PathBuf> {
    Generations::of::<P>(root).settled()
}

fn checkpoint<P: Projection>(root: &Path) -> Result<Option<Position>, ProjectionError> {
    settled::<P>(root).map(|dir| Ok(P::open(&dir)?.checkpoint())).transpose()
}

fn start<P: Projection>(root: &Path, until: Position) -> Result<OfflineRun, ProjectionError> {
    let generations = Generations::of::<P>(root);
    let Opened { projection, dir } = generations.open::<P>(until)?;
    let checkpoint = projection.checkpoint();
    let serving = Arc::new(Serving::new(projection.view(), checkpoint));
    let gate = Box::new(|_| Admission::Wait(Position(u64::MAX)));
    let running = Runner { projection, serving, gate, hook: None, until }.spawn()?;
    let settle = Box::new(move || {
        generations.settle(&dir)?;
        generations.sweep(&dir);
        Ok(())
    });
    Ok(OfflineRun { running, checkpoint, settle })
}
