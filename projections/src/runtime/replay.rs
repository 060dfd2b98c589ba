//! Building read models aside, at full speed, with nobody asking them anything.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use eventlog::{EventLog, Position, ReadError};

use super::{
    ProjectionError, StartError, State,
    conductor::{PAGE_EVENTS, batch_of},
    group,
    kind::{Kind, OfflineRun},
    queue::{End, Queue},
};

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// The last event to take in.
    pub to: Position,
    /// The name of the only projection to build; none means all.
    pub only: Option<String>,
    /// Build each projection only as far as the one in this directory of read models has come, so that the two can be
    /// compared. What is not there is not built.
    pub as_far_as: Option<PathBuf>,
}

/// What came of one projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its name.
    pub name: &'static str,
    /// The last event that it took in.
    pub position: Position,
    /// Why it stopped early, if it did.
    pub stopped: Option<String>,
}

/// Why a replay could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No such projection.
    #[error("there is no read model {0}")]
    Unknown(String),
    /// The directory, a thread or a projection could not be had.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A projection could not be opened.
    #[error("read model {name}: {error}")]
    Projection {
        /// Which.
        name: &'static str,
        /// Why.
        error: ProjectionError,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

struct Part {
    kind: Kind,
    run: OfflineRun,
}

/// Builds projections in a directory, going on where a former replay into it ended. Blocks until that is done;
/// `progress` is told the position and the number of events read so far, again and again.
///
/// # Errors
/// [`ReplayError`]; a projection that stops at an event is no error but told in the answer.
pub fn replay(
    kinds: &[Kind],
    log: &Arc<dyn EventLog>,
    root: &Path,
    options: &ReplayOptions,
    progress: &(dyn Fn(Position, u64) + Sync),
) -> Result<Vec<Replayed>, ReplayError> {
    let _lock = group::lock(root)?;
    let mut parts = vec![];
    for kind in chosen(kinds, options)? {
        let failed = |error| ReplayError::Projection { name: kind.name, error };
        let until = match &options.as_far_as {
            None => Some(options.to),
            Some(other) => kind.checkpoint(other).map_err(failed)?.map(|checkpoint| checkpoint.min(options.to)),
        };
        if let Some(until) = until {
            parts.push((until, Part { kind, run: kind.start(root, until).map_err(failed)? }));
        }
    }
    let from = parts.iter().map(|(_, part)| part.run.checkpoint).min().unwrap_or(options.to);
    let to = parts.iter().map(|(until, _)| *until).max().unwrap_or(from);
    let queues: Vec<Arc<Queue>> = parts.iter().map(|(_, part)| Arc::clone(&part.run.running.queue)).collect();
    let read = std::thread::scope(|scope| {
        // A thread of its own, since the caller may be part of a runtime already.
        scope.spawn(|| read_all(log, from, to, &queues, progress)).join()
    });
    let read = read.unwrap_or_else(|_| Err(ReadError::Unavailable("the reading thread panicked".into())));
    queues.iter().for_each(|queue| queue.end(if read.is_ok() { End::Drained } else { End::Stopped }));
    let outcome: Result<Vec<Replayed>, std::io::Error> =
        parts.into_iter().map(|(_, part)| part.finish(read.is_ok())).collect();
    read?;
    Ok(outcome.map_err(StartError::from)?)
}

impl Part {
    fn finish(self, complete: bool) -> std::io::Result<Replayed> {
        let progress = self.run.running.progress.clone();
        self.run.running.join();
        let end = progress.borrow().clone();
        let stopped = match end.state {
            State::Stopped => None,
            State::Poisoned { at, reason } => Some(format!("the event at position {at}: {reason}")),
            State::Failed { reason } => Some(reason),
            // Nobody asks it anything, so these don't occur.
            State::CatchingUp | State::Live | State::Superseded => Some("it ended without a reason".to_owned()),
        };
        if complete && stopped.is_none() {
            (self.run.settle)()?;
        }
        Ok(Replayed { name: self.kind.name, position: end.applied, stopped })
    }
}

fn chosen(kinds: &[Kind], options: &ReplayOptions) -> Result<Vec<Kind>, ReplayError> {
    let wanted = |kind: &&Kind| options.only.as_ref().is_none_or(|only| kind.name == only);
    let chosen: Vec<Kind> = kinds.iter().filter(wanted).copied().collect();
    match &options.only {
        Some(only) if chosen.is_empty() => Err(ReplayError::Unknown(only.clone())),
        _ => Ok(chosen),
    }
}

fn read_all(
    log: &Arc<dyn EventLog>,
    from: Position,
    to: Position,
    queues: &[Arc<Queue>],
    progress: &(dyn Fn(Position, u64) + Sync),
) -> Result<(), ReadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| ReadError::Unavailable(error.to_string().into()))?;
    let (mut at, mut events) = (from, 0);
    let mut queues = queues.to_vec();
    while at < to && !queues.is_empty() {
        let mut page = runtime.block_on(log.read_all(at, PAGE_EVENTS))?;
        page.retain(|record| record.position() <= to);
        let batch = batch_of(page.into_iter());
        let Some(last) = batch.last().map(|fact| fact.position()) else { break };
        at = last;
        events += batch.len() as u64;
        queues.retain(|queue| queue.push(Arc::clone(&batch)));
        progress(at, events);
    }
    Ok(())
}
