//! The thread of one projection: takes batches from its queue and has the projection take them in.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use eventlog::Position;
use tokio::sync::watch;

use super::{
    Fact, Projection, ProjectionError,
    queue::{Batch, End, Pace, Queue, Taken},
    slot::{Progress, Serving, State},
};

/// How long nothing must come before a projection is told that it idles.
const IDLE_AFTER: Duration = Duration::from_millis(200);

/// Called with the view and the events that it has just taken in.
pub type AppliedHook<V> = Arc<dyn Fn(&V, &[Arc<Fact>]) + Send + Sync>;

/// Whether a projection that has come to some position may answer queries from now on.
pub(crate) enum Admission {
    /// Ask again when it has come to this position.
    Wait(Position),
    /// It may; the hook has been called already for events up to `hooked`.
    Admit { hooked: Position },
}

/// Decides about the admission of a projection that stands at a position.
pub(crate) type Gate = Box<dyn FnMut(Position) -> Admission + Send>;

/// A running projection, as those who control it see it.
pub(crate) struct Running {
    pub(crate) queue: Arc<Queue>,
    pub(crate) progress: watch::Receiver<Progress>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Stops it and waits until it has put everything on disk.
    pub(crate) fn stop(self) {
        self.queue.end(End::Stopped);
        self.join();
    }

    /// As [`Self::stop`], while its view goes on being served as it is.
    pub(crate) fn hand_over(self) {
        self.queue.end(End::HandedOver);
        self.join();
    }

    /// Waits for its end, which its queue's end brings.
    pub(crate) fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("a projection's thread panicked");
        }
    }
}

/// What a runner is to do.
pub(crate) struct Runner<P: Projection> {
    pub(crate) projection: P,
    pub(crate) serving: Arc<Serving<P::View>>,
    pub(crate) gate: Gate,
    pub(crate) hook: Option<AppliedHook<P::View>>,
    /// Events behind this position are left out.
    pub(crate) until: Position,
}

impl<P: Projection> Runner<P> {
    /// Starts the thread.
    pub(crate) fn spawn(self) -> std::io::Result<Running> {
        let queue = Arc::clone(&self.serving.queue);
        let progress = self.serving.progress.subscribe();
        let guard = Guard {
            name: P::NAME,
            queue: Arc::clone(&queue),
            progress: Arc::clone(&self.serving.progress),
            concluded: false,
        };
        let thread = std::thread::Builder::new().name(format!("view-{}", P::NAME)).spawn(move || {
            let mut run = Run {
                applied: self.projection.checkpoint(),
                wanted: Some(Position::START),
                hooked: Position::START,
                idle: true,
                runner: self,
            };
            let end = run.run(&guard.queue);
            guard.conclude(end);
        })?;
        Ok(Running { queue, progress, thread })
    }
}

/// The state of a runner's thread.
struct Run<P: Projection> {
    runner: Runner<P>,
    /// The last event taken in.
    applied: Position,
    /// Where the gate is to be asked again; none once it has admitted.
    wanted: Option<Position>,
    hooked: Position,
    /// Whether the projection knows already that nothing comes.
    idle: bool,
}

impl<P: Projection> Run<P> {
    fn run(&mut self, queue: &Queue) -> Result<End, ProjectionError> {
        self.ask_gate();
        let leisure = if self.runner.hook.is_some() { P::PACE } else { P::LEISURE };
        let mut pace = Pace::at_once();
        loop {
            let patience = (!self.idle).then_some(IDLE_AFTER);
            match queue.take(pace, patience) {
                Taken::Batches(batches) => {
                    pace = Pace::from_now(P::PACE, leisure);
                    self.take_in(&batches)?;
                }
                Taken::Nothing => {
                    self.runner.projection.idle()?;
                    self.idle = true;
                }
                Taken::End(end) => {
                    self.runner.projection.flush()?;
                    return Ok(end);
                }
            }
        }
    }

    fn take_in(&mut self, batches: &[Batch]) -> Result<(), ProjectionError> {
        let joined: Vec<Arc<Fact>>;
        let facts: &[Arc<Fact>] = match batches {
            [one] => one,
            many => {
                joined = many.iter().flat_map(|batch| batch.iter().cloned()).collect();
                &joined
            }
        };
        // The group's conductor starts at the lowest checkpoint, and goes on behind the highest end.
        let from = facts.partition_point(|fact| fact.position() <= self.applied);
        let to = facts.partition_point(|fact| fact.position() <= self.runner.until);
        let fresh = facts.get(from..to).unwrap_or_default();
        let Some(last) = fresh.last().map(|fact| fact.position()) else { return Ok(()) };
        self.runner.projection.apply(fresh)?;
        self.applied = last;
        self.idle = false;
        self.runner.serving.progress.send_modify(|progress| progress.applied = last);
        self.ask_gate();
        if self.wanted.is_none() {
            let unseen = fresh.partition_point(|fact| fact.position() <= self.hooked);
            let unseen = fresh.get(unseen..).unwrap_or_default();
            if let (Some(hook), false) = (&self.runner.hook, unseen.is_empty()) {
                hook(&self.runner.serving.view, unseen);
            }
        }
        Ok(())
    }

    fn ask_gate(&mut self) {
        while self.wanted.is_some_and(|wanted| self.applied >= wanted) {
            match (self.runner.gate)(self.applied) {
                Admission::Wait(position) => self.wanted = Some(position.max(Position(self.applied.0 + 1))),
                Admission::Admit { hooked } => {
                    self.hooked = hooked;
                    self.wanted = None;
                    self.runner.serving.progress.send_modify(|progress| progress.state = State::Live);
                }
            }
        }
    }
}

/// Sees to it that a projection's end is known, even when its thread panics.
struct Guard {
    name: &'static str,
    queue: Arc<Queue>,
    progress: Arc<watch::Sender<Progress>>,
    concluded: bool,
}

impl Guard {
    fn conclude(mut self, end: Result<End, ProjectionError>) {
        self.concluded = true;
        let state = match end {
            Ok(End::HandedOver) => return,
            Ok(End::Drained | End::Stopped) => State::Stopped,
            Ok(End::Failed(reason)) => State::Failed { reason },
            Err(ProjectionError::Poison { position, reason }) => State::Poisoned { at: position.0, reason },
            Err(error) => State::Failed { reason: error.to_string() },
        };
        if state != State::Stopped {
            tracing::error!(projection = self.name, ?state, "a projection stopped; rebuild it when the cause is gone");
        }
        self.progress.send_modify(|progress| progress.state = state);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.queue.end(End::Stopped);
        if !self.concluded {
            tracing::error!(projection = self.name, "a projection panicked");
            let reason = "it panicked".to_owned();
            self.progress.send_modify(|progress| progress.state = State::Failed { reason });
        }
    }
}
