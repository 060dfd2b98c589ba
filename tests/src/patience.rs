//! Waiting for what happens a little later.

use std::time::{Duration, Instant};

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
