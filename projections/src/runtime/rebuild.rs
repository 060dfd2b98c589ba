//! Rebuilding a projection while it serves: a fresh generation is built beside it from the first event on; when that
//! has caught up, it takes the slot over, and the former one and its rows go.

use std::{
    any::Any,
    fs,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use eventlog::Position;
use futures::{executor::block_on, future::BoxFuture};
use tokio::sync::oneshot;

use super::{
    AppliedHook, Projection, Slot, State,
    conductor::Conductor,
    generations::Opened,
    group::{Build, Group, House, Seat, StartBuild, StartError},
    queue::End,
    runner::{Admission, Gate, Runner},
    slot::{Progress, Serving},
};

/// How long the former generation's rows are kept for readers that still hold its view, in steps of [`LOOK_EVERY`].
const LOOKS: usize = 1200;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why a rebuild came to nothing. The former generation goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// No such projection.
    #[error("there is no read model of that name")]
    Unknown,
    /// It is being rebuilt already.
    #[error("the read model is being rebuilt already")]
    Underway,
    /// It is not there yet itself.
    #[error("the read model is still catching up")]
    CatchingUp,
    /// It could not be begun.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It stopped before it had caught up.
    #[error("the rebuild stopped at position {at}: {state:?}")]
    Ended {
        /// How far it had come.
        at: u64,
        /// What became of it.
        state: State,
    },
}

/// What happens when the build of `P` has caught up.
struct Succession<P: Projection> {
    seat: Arc<Seat>,
    slot: Arc<Slot<P::View>>,
    next: Arc<Serving<P::View>>,
    dir: std::path::PathBuf,
    /// Where the log ended when the rebuild began.
    target: Position,
    /// How the former one ended, once it has been stopped.
    former: Option<Progress>,
}

impl<P: Projection> Succession<P> {
    fn ask(&mut self, applied: Position) -> Admission {
        if applied < self.target {
            return Admission::Wait(self.target);
        }
        let former = match self.former.take() {
            Some(former) => former,
            None => match self.stop_former(applied) {
                Some(former) => former,
                // The group is being stopped, and this build with it.
                None => return Admission::Wait(Position(u64::MAX)),
            },
        };
        if applied < former.applied {
            let wanted = former.applied;
            self.former = Some(former);
            return Admission::Wait(wanted);
        }
        if let Err(error) = self.seat.generations.settle(&self.dir) {
            tracing::error!(%error, "a rebuilt read model could not be marked as complete");
        }
        let hooked = if former.state == State::Live { former.applied } else { applied };
        self.slot.switch(Arc::clone(&self.next));
        Admission::Admit { hooked }
    }

    /// Stops the former one when it is at least as far as this one, so that the hook sees every event once and no
    /// query goes back in time.
    fn stop_former(&self, applied: Position) -> Option<Progress> {
        let former = self.seat.running.lock().take()?;
        let mut progress = former.progress.clone();
        let met = |progress: &Progress| progress.applied >= applied || !progress.state.is_running();
        // An error means that its thread is gone, which `hand_over` below finds out as well.
        let state = block_on(progress.wait_for(met)).map(|progress| progress.state.clone());
        former.hand_over();
        let applied = progress.borrow().applied;
        Some(Progress { applied, state: state.unwrap_or(State::Stopped) })
    }
}

impl<P: Projection> Drop for Succession<P> {
    fn drop(&mut self) {
        if self.former.is_some() {
            self.slot.fail("its rebuild ended while taking over");
        }
    }
}

/// What begins a rebuild of `P`.
pub(crate) fn builder<P: Projection>(slot: Arc<Slot<P::View>>, hook: Option<AppliedHook<P::View>>) -> StartBuild {
    Box::new(move |seat, target| {
        let former: Arc<dyn Any + Send + Sync> = slot.present();
        let begun = seat.generations.begin::<P>();
        let Opened { projection, dir } = begun.map_err(|error| StartError::Projection { name: P::NAME, error })?;
        let next = Arc::new(Serving::new(projection.view(), projection.checkpoint()));
        let mut succession = Succession::<P> {
            seat: Arc::clone(seat),
            slot: Arc::clone(&slot),
            next: Arc::clone(&next),
            dir: dir.clone(),
            target,
            former: None,
        };
        let gate: Gate = Box::new(move |applied| succession.ask(applied));
        let until = Position(u64::MAX);
        let running = Runner { projection, serving: next, gate, hook: hook.clone(), until }.spawn()?;
        Ok(Build { running, dir, former: Arc::downgrade(&former) })
    })
}

impl Group {
    /// Rebuilds a projection from the first event on, while it goes on serving. The future tells when the rebuilt one
    /// has taken over; the rebuild goes on when the future is dropped.
    ///
    /// # Errors
    /// When it can't be begun.
    pub fn rebuild(&self, name: &str) -> Result<BoxFuture<'static, Result<(), RebuildError>>, RebuildError> {
        let seat = self.house.seats.iter().find(|seat| seat.name == name).ok_or(RebuildError::Unknown)?;
        if seat.progress().state == State::CatchingUp {
            return Err(RebuildError::CatchingUp);
        }
        if seat.rebuilding.swap(true, Ordering::AcqRel) {
            return Err(RebuildError::Underway);
        }
        let (tell, told) = oneshot::channel();
        let (house, tended) = (Arc::clone(&self.house), Arc::clone(seat));
        let thread = std::thread::Builder::new().name(format!("rebuild-{name}")).spawn(move || {
            let outcome = supervise(&house, &tended);
            let former = outcome.as_ref().ok().cloned();
            if let Err(error) = &outcome {
                tracing::warn!(projection = tended.name, %error, "a rebuild came to nothing");
            }
            // Whoever asked may not want to know any more.
            let _ = tell.send(outcome.map(drop));
            if let Some(former) = former {
                clear_away(&house, &tended, &former);
            }
            tended.rebuilding.store(false, Ordering::Release);
        });
        let thread = thread.map_err(|error| {
            seat.rebuilding.store(false, Ordering::Release);
            StartError::from(error)
        })?;
        self.supervisors.lock().push(thread);
        let gone = || RebuildError::Ended { at: 0, state: State::Stopped };
        Ok(Box::pin(async move { told.await.unwrap_or_else(|_| Err(gone())) }))
    }
}

/// Builds, and waits until the build has taken over or ended.
fn supervise(house: &House, seat: &Arc<Seat>) -> Result<Weak<dyn Any + Send + Sync>, RebuildError> {
    let Build { running, dir, former } = (seat.start_build)(seat, house.log.last_position())?;
    let mut progress = running.progress.clone();
    *seat.build.lock() = Some((Arc::clone(&running.queue), progress.clone()));
    let conductor = Conductor::start(Arc::clone(&house.log), Position::START, vec![Arc::clone(&running.queue)]);
    if conductor.is_err() || house.stopping.load(Ordering::Acquire) {
        running.queue.end(End::Stopped);
    }
    // An error means that the thread is gone; its state says why.
    let _ = block_on(progress.wait_for(|progress| progress.state != State::CatchingUp));
    seat.build.lock().take();
    let Progress { applied, state } = progress.borrow().clone();
    match (state, conductor) {
        (State::Live, Ok(conductor)) => {
            *seat.running.lock() = Some(running);
            house.conductors.lock().push(conductor);
            Ok(former)
        }
        (state, conductor) => {
            running.stop();
            if let Ok(conductor) = conductor {
                conductor.stop();
            }
            if !seat.generations.is_settled(&dir) {
                // What is left of it is deleted at the next start.
                let _ = fs::remove_dir_all(&dir);
            }
            Err(RebuildError::Ended { at: applied.0, state })
        }
    }
}

/// Deletes the former generation's rows when nobody reads them any more. The next start does it where this can't.
fn clear_away(house: &House, seat: &Seat, former: &Weak<dyn Any + Send + Sync>) {
    for _ in 0..LOOKS {
        if former.strong_count() == 0 {
            if let Some(settled) = seat.generations.settled() {
                seat.generations.sweep(&settled);
            }
            return;
        }
        if house.stopping.load(Ordering::Acquire) {
            return;
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}
