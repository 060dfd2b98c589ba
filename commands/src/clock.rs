//! Clocks: time comes in from here and nowhere else, so that tests and replays can set it.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Where "now" comes from. It never goes back, and is cut to whole microseconds, as the log keeps it.
pub trait Clock: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> DateTime<Utc>;

    /// Moves the clock ahead, where it can be moved; tells whether it was.
    fn advance(&self, _by: TimeDelta) -> bool {
        false
    }
}

/// The machine's clock, kept from going back when somebody sets it.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        let measured = Utc::now().timestamp_micros();
        from_micros(self.latest.fetch_max(measured, Ordering::Relaxed).max(measured))
    }
}

/// The machine's clock plus an offset that can be moved ahead: for tests and for developers who wait for deadlines.
#[derive(Debug, Default)]
pub struct AdjustableClock {
    system: SystemClock,
    offset_micros: AtomicI64,
}

impl Clock for AdjustableClock {
    fn now(&self) -> DateTime<Utc> {
        self.system.now() + TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    fn advance(&self, by: TimeDelta) -> bool {
        let micros = by.num_microseconds().unwrap_or(0).max(0);
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
        true
    }
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adjustable_clock_moves_ahead_and_never_back() {
        let clock = AdjustableClock::default();
        let before = clock.now();
        assert!(clock.advance(TimeDelta::days(1)));
        assert!(clock.advance(TimeDelta::days(-1)));
        assert!(clock.now() - before >= TimeDelta::days(1));
    }

    #[test]
    fn the_system_clock_can_not_be_moved() {
        assert!(!SystemClock::default().advance(TimeDelta::days(1)));
    }
}
