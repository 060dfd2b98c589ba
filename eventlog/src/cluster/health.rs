//! Whether the cluster answers, as far as the calls that were made can tell.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Reads that fail for no longer than this are no reason to call the cluster absent: it may be choosing a leader.
const BLINK: Duration = Duration::from_secs(1);
/// For how long a failed append counts.
const REMEMBERED: Duration = Duration::from_secs(3);

/// Since when, and in which words, something fails.
type Failing = Mutex<Option<(Instant, Arc<str>)>>;

/// What the last calls came to.
#[derive(Default)]
pub(crate) struct Health {
    /// Since when nothing could be read.
    reading: Failing,
    /// When an append was given up last.
    writing: Failing,
}

impl Health {
    pub(crate) fn read(&self) {
        let mut reading = self.reading.lock();
        if reading.take().is_some_and(|(since, _)| since.elapsed() > BLINK) {
            tracing::info!("the cluster answers again");
        }
    }

    pub(crate) fn not_read(&self, reason: &str) {
        let mut reading = self.reading.lock();
        match &mut *reading {
            Some((_, words)) => *words = reason.into(),
            None => {
                tracing::warn!(%reason, "the cluster can't be read");
                *reading = Some((Instant::now(), reason.into()));
            }
        }
    }

    pub(crate) fn wrote(&self) {
        *self.writing.lock() = None;
    }

    pub(crate) fn not_written(&self, reason: &str) {
        *self.writing.lock() = Some((Instant::now(), reason.into()));
    }

    /// Whether nothing could be read for so long that waiting any more helps nobody.
    pub(crate) fn gone(&self, patience: Duration) -> bool {
        self.reading.lock().as_ref().is_some_and(|(since, _)| since.elapsed() > patience)
    }

    /// Why writes are likely to be refused, if they are.
    pub(crate) fn refusing(&self) -> Option<Arc<str>> {
        let reading = self.reading.lock().clone().filter(|(since, _)| since.elapsed() > BLINK);
        let writing = || self.writing.lock().clone().filter(|(last, _)| last.elapsed() < REMEMBERED);
        reading.or_else(writing).map(|(_, reason)| reason)
    }
}
