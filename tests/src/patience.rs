//! Waiting for what happens a little later.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// The longest that anything is waited for. Far more than needed: only a failing test waits that long.
pub const DEADLINE: Duration = Duration::from_secs(60);
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer, and gives it.
///
/// # Panics
/// When there is none by the deadline.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "this did not happen in {DEADLINE:?}: {what}");
        std::thread::sleep(AGAIN_AFTER);
    }
}

/// What several threads do together within a time. When one of them fails the others give up as well: nobody waits for what
/// will never come.
#[derive(Debug)]
pub struct Together {
    end: Instant,
    limit: Duration,
    failed: AtomicBool,
}

impl Together {
    /// From now on, and no longer than that.
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self { end: Instant::now() + limit, limit, failed: AtomicBool::new(false) }
    }

    /// Does one thread's part.
    pub fn part<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Tell<'a>(&'a AtomicBool);
        impl Drop for Tell<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.store(true, Ordering::SeqCst);
                }
            }
        }
        let _tell = Tell(&self.failed);
        work()
    }

    /// To be called in every loop that waits for others.
    ///
    /// # Panics
    /// When one of them failed, or the time is over.
    #[track_caller]
    pub fn go_on(&self) {
        assert!(!self.failed.load(Ordering::SeqCst), "another part of this test failed: see above");
        assert!(Instant::now() < self.end, "this was not over in {:?}", self.limit);
    }
}
