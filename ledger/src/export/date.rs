//! Times as text, and days. A day begins at midnight UTC.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::journal::Timestamp;

/// The moment in the calendar; the first or last one that a calendar has, where it is outside.
#[must_use]
pub fn moment(at: Timestamp) -> DateTime<Utc> {
    let outside = if at.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(at.0).unwrap_or(outside)
}

/// The day that a moment is on.
#[must_use]
pub fn day(at: Timestamp) -> NaiveDate {
    moment(at).date_naive()
}

/// The moment to the microsecond, as RFC 3339 writes it.
#[must_use]
pub fn text(at: Timestamp) -> String {
    moment(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// When things are booked. The journal's order is that of positions, and its days never run backwards: an event is booked
/// at its own time, or at the latest time of all before it where its clock ran behind.
#[derive(Clone, Copy, Debug)]
pub struct BookingTime {
    latest: Timestamp,
}

impl BookingTime {
    /// Nothing is booked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: Timestamp(i64::MIN) }
    }

    /// When the next event is booked, which happened `at`.
    pub fn of(&mut self, at: Timestamp) -> Timestamp {
        self.latest = self.latest.max(at);
        self.latest
    }
}

impl Default for BookingTime {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight() {
        let midnight = 1_700_006_400_000_000;
        assert_eq!(day(Timestamp(midnight)).to_string(), "2023-11-15");
        assert_eq!(day(Timestamp(midnight - 1)).to_string(), "2023-11-14");
        assert_eq!(text(Timestamp(midnight - 1)), "2023-11-14T23:59:59.999999Z");
        assert_eq!(text(Timestamp(i64::MAX)), text(Timestamp(i64::MAX - 1)));
    }

    #[test]
    fn a_clock_that_runs_behind_does_not_open_yesterday_again() {
        let mut time = BookingTime::new();
        let booked = [-5, 10, 7, 10, 11].map(|at| time.of(Timestamp(at)).0);
        assert_eq!(booked, [-5, 10, 10, 10, 11]);
    }
}
