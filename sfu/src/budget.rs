//! How much a device may send.

use std::time::Instant;

/// How much may still be sent: a second's worth at most, filled up as time goes by.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_per_second: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    /// A full one.
    pub(crate) fn new(kilobits: u32, now: Instant) -> Self {
        let bytes_per_second = f64::from(kilobits) * 125.0;
        Self { bytes_per_second, left: bytes_per_second, at: now }
    }

    /// Takes so many bytes out, if they are there.
    pub(crate) fn takes(&mut self, bytes: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + passed * self.bytes_per_second).min(self.bytes_per_second);
        // A datagram has at most 64 KiB.
        let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.left < bytes {
            return false;
        }
        self.left -= bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_sends_too_much_is_held_to_the_rate() {
        let start = Instant::now();
        let mut budget = Budget::new(80, start);
        let at = |millis| start + Duration::from_millis(millis);
        let taken = (0..20).filter(|_| budget.takes(1_000, at(0))).count();
        assert_eq!(taken, 10, "a second's worth at once");
        let taken = (1..=20).filter(|twentieth| budget.takes(1_000, at(twentieth * 50))).count();
        assert_eq!(taken, 10, "and then as much as the time gives");
    }
}
