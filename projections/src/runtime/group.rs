//! A group of projections that follow one log together: starting, stopping, telling how they are.

use std::{
    any::Any,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use eventlog::{EventLog, Position};
use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppliedHook, Projection, ProjectionError, Slot, State,
    conductor::Conductor,
    follower::{Follow, Follower},
    generations::{Generations, Opened},
    queue::{End, Queue},
    rebuild,
    runner::{Admission, Runner, Running},
    slot::{Progress, Serving},
};

/// Why read models could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process uses the directory.
    #[error("the read models in {} are in use by another process", .0.display())]
    InUse(PathBuf),
    /// The directory or a thread could not be had.
    #[error("the read models can't be started: {0}")]
    Io(#[from] std::io::Error),
    /// One of them could not be opened, not even anew.
    #[error("read model {name} can't be opened: {error}")]
    Projection {
        /// Which.
        name: &'static str,
        /// Why.
        error: ProjectionError,
    },
}

/// How a projection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// The version of its code.
    pub version: u32,
    /// Position of the last event taken in.
    pub position: u64,
    /// How far the log's end is ahead of that, in positions.
    pub lag: u64,
    /// What it is doing.
    #[serde(flatten)]
    pub state: State,
    /// How far a rebuild beside it has come, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuilding: Option<u64>,
}

/// A build of another generation, from its beginning.
pub(crate) struct Build {
    pub(crate) running: Running,
    pub(crate) dir: PathBuf,
    /// The view that it will replace: its rows can be deleted when nobody reads it any more.
    pub(crate) former: Weak<dyn Any + Send + Sync>,
}

pub(crate) type StartBuild = Box<dyn Fn(&Arc<Seat>, Position) -> Result<Build, StartError> + Send + Sync>;

/// One projection of a group.
pub(crate) struct Seat {
    pub(crate) name: &'static str,
    version: u32,
    pub(crate) generations: Generations,
    /// The one that answers queries; taken out when it is stopped.
    pub(crate) running: Mutex<Option<Running>>,
    /// The one that is being rebuilt beside it.
    pub(crate) build: Mutex<Option<(Arc<Queue>, tokio::sync::watch::Receiver<Progress>)>>,
    pub(crate) rebuilding: AtomicBool,
    progress: Box<dyn Fn() -> Progress + Send + Sync>,
    pub(crate) start_build: StartBuild,
}

impl Seat {
    pub(crate) fn progress(&self) -> Progress {
        (self.progress)()
    }
}

/// A group that is being put together.
pub struct GroupBuilder {
    log: Arc<dyn EventLog>,
    root: PathBuf,
    /// Where the log ended when the start began: who is there answers queries.
    live_at: Position,
    lowest: Option<Position>,
    seats: Vec<Arc<Seat>>,
    followers: Vec<Follower>,
    lock: File,
}

impl GroupBuilder {
    /// Begins a group over the read models in a directory, and locks that.
    ///
    /// # Errors
    /// [`StartError::InUse`], or when the directory can't be made.
    pub fn new(log: Arc<dyn EventLog>, root: &Path) -> Result<Self, StartError> {
        let lock = lock(root)?;
        let live_at = log.last_position();
        Ok(Self { log, root: root.to_owned(), live_at, lowest: None, seats: vec![], followers: vec![], lock })
    }

    /// Opens a projection and starts its thread. The hook is called for events that come once it answers queries.
    ///
    /// # Errors
    /// When it can't be opened, not even anew.
    pub fn add<P: Projection>(&mut self, hook: Option<AppliedHook<P::View>>) -> Result<Arc<Slot<P::View>>, StartError> {
        let failed = |error| StartError::Projection { name: P::NAME, error };
        let generations = Generations::of::<P>(&self.root);
        let Opened { projection, dir } = generations.open::<P>(self.live_at).map_err(failed)?;
        let checkpoint = projection.checkpoint();
        self.lowest = Some(self.lowest.unwrap_or(checkpoint).min(checkpoint));
        let serving = Arc::new(Serving::new(projection.view(), checkpoint));
        let slot = Arc::new(Slot::new(Arc::clone(&serving)));
        let gate = first_gate(generations.clone(), dir, self.live_at);
        let until = Position(u64::MAX);
        let running = Runner { projection, serving, gate, hook: hook.clone(), until }.spawn()?;
        let shown = Arc::clone(&slot);
        self.seats.push(Arc::new(Seat {
            name: P::NAME,
            version: P::VERSION,
            generations,
            running: Mutex::new(Some(running)),
            build: Mutex::default(),
            rebuilding: AtomicBool::new(false),
            progress: Box::new(move || shown.progress()),
            start_build: rebuild::builder::<P>(Arc::clone(&slot), hook),
        }));
        Ok(slot)
    }

    /// Gives a follower what happens from the start on, on a thread of that name, at least `pace` from batch to batch.
    ///
    /// # Errors
    /// When the thread can't be had.
    pub fn follow(&mut self, name: &str, pace: Duration, follow: Follow) -> Result<(), StartError> {
        self.followers.push(Follower::spawn(name, self.live_at, pace, follow)?);
        Ok(())
    }

    /// Starts following the log.
    ///
    /// # Errors
    /// When the thread can't be had.
    pub fn start(self) -> Result<Group, StartError> {
        let running = self.seats.iter().filter_map(|seat| seat.running.lock().as_ref().map(|r| Arc::clone(&r.queue)));
        let after = self.lowest.unwrap_or(Position::START);
        let followers = self.followers.iter().map(|follower| Arc::clone(&follower.queue));
        let conductor = Conductor::start(Arc::clone(&self.log), after, running.chain(followers).collect())?;
        let house = House {
            log: self.log,
            seats: self.seats,
            conductors: Mutex::new(vec![conductor]),
            stopping: AtomicBool::new(false),
        };
        let followers = Mutex::new(self.followers);
        Ok(Group { house: Arc::new(house), supervisors: Mutex::default(), followers, _lock: self.lock })
    }
}

/// Admits a projection when it stands where the log ended at the start; then no older rows are needed any more.
fn first_gate(generations: Generations, dir: PathBuf, live_at: Position) -> super::runner::Gate {
    Box::new(move |applied| {
        if applied < live_at {
            return Admission::Wait(live_at);
        }
        if !generations.is_settled(&dir)
            && let Err(error) = generations.settle(&dir)
        {
            let dir = dir.display();
            tracing::warn!(%dir, %error, "a read model could not be marked as complete");
        }
        generations.sweep(&dir);
        Admission::Admit { hooked: applied }
    })
}

/// Keeps other processes out of a directory of read models.
pub(crate) fn lock(root: &Path) -> Result<File, StartError> {
    fs::create_dir_all(root)?;
    let lock = File::create(root.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What a group shares with the threads that look after its rebuilds.
pub(crate) struct House {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) seats: Vec<Arc<Seat>>,
    pub(crate) conductors: Mutex<Vec<Conductor>>,
    pub(crate) stopping: AtomicBool,
}

/// Projections that follow one log together. Stops them when it is dropped.
pub struct Group {
    pub(crate) house: Arc<House>,
    /// The threads that look after rebuilds.
    pub(crate) supervisors: Mutex<Vec<JoinHandle<()>>>,
    followers: Mutex<Vec<Follower>>,
    /// Held as long as the group lives.
    _lock: File,
}

impl Group {
    /// How each projection is.
    #[must_use]
    pub fn status(&self) -> Vec<ProjectionStatus> {
        let last = self.house.log.last_position();
        let status = |seat: &Arc<Seat>| {
            let Progress { applied, state } = seat.progress();
            ProjectionStatus {
                name: seat.name,
                version: seat.version,
                position: applied.0,
                lag: last.0.saturating_sub(applied.0),
                state,
                rebuilding: seat.build.lock().as_ref().map(|(_, progress)| progress.borrow().applied.0),
            }
        };
        self.house.seats.iter().map(status).collect()
    }

    /// Stops all projections, puts their rows on disk and waits for their threads. Blocks for as long as that takes.
    pub fn stop(&self) {
        self.house.stopping.store(true, Ordering::Release);
        for seat in &self.house.seats {
            if let Some((queue, _)) = seat.build.lock().as_ref() {
                queue.end(End::Stopped);
            }
        }
        for supervisor in std::mem::take(&mut *self.supervisors.lock()) {
            if supervisor.join().is_err() {
                tracing::error!("the thread of a rebuild panicked");
            }
        }
        let running: Vec<Running> = self.house.seats.iter().filter_map(|seat| seat.running.lock().take()).collect();
        running.iter().for_each(|running| running.queue.end(End::Stopped));
        let followers = std::mem::take(&mut *self.followers.lock());
        followers.iter().for_each(|follower| follower.queue.end(End::Stopped));
        for conductor in std::mem::take(&mut *self.house.conductors.lock()) {
            conductor.stop();
        }
        running.into_iter().for_each(Running::join);
        followers.into_iter().for_each(Follower::stop);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}
