//! Where queries find the present view of a projection, and how far it has come.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use eventlog::Position;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::queue::Queue;

/// What a projection is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It reads what happened before the server started and answers nothing yet.
    CatchingUp,
    /// It follows the log and answers.
    Live,
    /// It met an event that it can't take in, and stopped there.
    Poisoned {
        /// The event's position.
        at: u64,
        /// Why it can't.
        reason: String,
    },
    /// It stopped for another reason.
    Failed {
        /// Which.
        reason: String,
    },
    /// It was told to stop.
    Stopped,
    /// A rebuilt one answers in its place.
    Superseded,
}

impl State {
    /// Whether it takes events in.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::CatchingUp | Self::Live)
    }
}

/// How far a projection has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) applied: Position,
    pub(crate) state: State,
}

/// Why a view can't answer now. Trying again later may help.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Lagging {
    /// It still reads what happened before the server started.
    #[error("the read model is catching up and stands at position {applied}")]
    CatchingUp {
        /// How far it is.
        applied: Position,
    },
    /// It did not come to the wanted position in time.
    #[error("the read model stands at position {applied}, {wanted} was wanted")]
    Late {
        /// Where the caller wanted it.
        wanted: Position,
        /// How far it is.
        applied: Position,
    },
    /// It has stopped.
    #[error("the read model has stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// One generation of a projection: its view, its progress and its queue.
pub(crate) struct Serving<V> {
    pub(crate) view: Arc<V>,
    pub(crate) progress: Arc<watch::Sender<Progress>>,
    /// What waits to be taken in.
    pub(crate) queue: Arc<Queue>,
}

impl<V> Serving<V> {
    pub(crate) fn new(view: Arc<V>, applied: Position) -> Self {
        let progress = Progress { applied, state: State::CatchingUp };
        Self { view, progress: Arc::new(watch::Sender::new(progress)), queue: Arc::default() }
    }
}

/// The place of one projection's view. After a rebuild another view stands in it; a caller that holds the former one
/// may finish with it.
pub struct Slot<V> {
    serving: ArcSwap<Serving<V>>,
}

impl<V> Slot<V> {
    pub(crate) fn new(serving: Arc<Serving<V>>) -> Self {
        Self { serving: ArcSwap::new(serving) }
    }

    /// Puts another generation in, which serves from now on; whoever waits on the former one goes on waiting on this.
    pub(crate) fn switch(&self, next: Arc<Serving<V>>) {
        next.progress.send_modify(|progress| progress.state = State::Live);
        let former = self.serving.swap(next);
        former.progress.send_modify(|progress| progress.state = State::Superseded);
    }

    /// Says that what stands here has come to an end of that kind.
    pub(crate) fn fail(&self, reason: &str) {
        let reason = reason.to_owned();
        self.serving.load().progress.send_modify(|progress| progress.state = State::Failed { reason });
    }

    pub(crate) fn progress(&self) -> Progress {
        self.serving.load().progress.borrow().clone()
    }

    /// The view that stands here, whether or not it may answer.
    pub(crate) fn present(&self) -> Arc<V> {
        Arc::clone(&self.serving.load().view)
    }

    /// How far the view has come.
    #[must_use]
    pub fn position(&self) -> Position {
        self.serving.load().progress.borrow().applied
    }

    /// The view as it is.
    ///
    /// # Errors
    /// While it catches up, or when it has stopped.
    pub fn now(&self) -> Result<Arc<V>, Lagging> {
        loop {
            let serving = self.serving.load_full();
            let progress = serving.progress.borrow();
            match verdict(&progress, Position::START) {
                Verdict::Serve => return Ok(Arc::clone(&serving.view)),
                Verdict::Reload => {}
                Verdict::Wait => return Err(Lagging::CatchingUp { applied: progress.applied }),
                Verdict::Refuse(reason) => return Err(Lagging::Stopped { reason }),
            }
        }
    }

    /// The view once it has taken in the event at a position; waits for that at most `limit`. Needs a tokio runtime
    /// with a timer.
    ///
    /// # Errors
    /// When it does not get there in time, or has stopped.
    pub async fn at_least(&self, wanted: Position, limit: Duration) -> Result<Arc<V>, Lagging> {
        {
            // The common case costs no timer.
            let serving = self.serving.load();
            if matches!(verdict(&serving.progress.borrow(), wanted), Verdict::Serve) {
                return Ok(Arc::clone(&serving.view));
            }
        }
        match tokio::time::timeout(limit, self.wait(wanted)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Lagging::Late { wanted, applied: self.position() }),
        }
    }

    async fn wait(&self, wanted: Position) -> Result<Arc<V>, Lagging> {
        loop {
            let serving = self.serving.load_full();
            let _hurry = serving.queue.hurry();
            let mut progress = serving.progress.subscribe();
            let decided = progress.wait_for(|progress| !matches!(verdict(progress, wanted), Verdict::Wait)).await;
            // The sender lives in `serving`, so the wait can't fail.
            let Ok(decided) = decided else { continue };
            match verdict(&decided, wanted) {
                Verdict::Serve => return Ok(Arc::clone(&serving.view)),
                Verdict::Refuse(reason) => return Err(Lagging::Stopped { reason }),
                Verdict::Wait | Verdict::Reload => {}
            }
        }
    }
}

enum Verdict {
    Serve,
    Wait,
    /// Another generation stands in the slot.
    Reload,
    Refuse(String),
}

fn verdict(progress: &Progress, wanted: Position) -> Verdict {
    match &progress.state {
        State::Live if progress.applied >= wanted => Verdict::Serve,
        State::Live | State::CatchingUp => Verdict::Wait,
        State::Superseded => Verdict::Reload,
        State::Poisoned { at, reason } => Verdict::Refuse(format!("the event at position {at}: {reason}")),
        State::Failed { reason } => Verdict::Refuse(reason.clone()),
        State::Stopped => Verdict::Refuse("the server is stopping".into()),
    }
}
