//! One clock for several senders: what takes a place after somebody else goes on where that one was.

use std::time::{Duration, Instant};

use str0m::media::MediaTime;

/// The clock of one line to one device. Every sender counts time from a number of their own.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    now: Option<At>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug)]
struct At {
    /// Who sends on it.
    sender: u64,
    /// What the sender's clock shows when the line's shows zero, modulo everything.
    offset: u64,
    /// What the line's clock shows.
    shown: u64,
    /// When that was.
    at: Instant,
}

impl Timeline {
    /// What the line's clock shows for something that a sender's clock showed.
    pub(crate) fn shown(&mut self, sender: u64, time: MediaTime, at: Instant) -> MediaTime {
        let (ticks, frequency) = (time.numer(), time.frequency());
        let offset = match self.now {
            Some(now) if now.sender == sender => now.offset,
            Some(now) => {
                let passed: Duration = at.saturating_duration_since(now.at);
                let ticks_passed = passed.as_micros() * u128::from(frequency.get()) / 1_000_000;
                let goes_on_at = now.shown.wrapping_add(u64::try_from(ticks_passed).unwrap_or(0).max(1));
                ticks.wrapping_sub(goes_on_at)
            }
            None => 0,
        };
        let shown = ticks.wrapping_sub(offset);
        self.now = Some(At { sender, offset, shown, at });
        MediaTime::new(shown, frequency)
    }
}

#[cfg(test)]
mod tests {
    use str0m::media::Frequency;

    use super::*;

    #[test]
    fn who_comes_after_somebody_goes_on_where_that_one_was() {
        let (mut line, start) = (Timeline::default(), Instant::now());
        let mut shown = |sender, ticks, millis| {
            let at = start + Duration::from_millis(millis);
            line.shown(sender, MediaTime::new(ticks, Frequency::NINETY_KHZ), at).numer()
        };
        assert_eq!([shown(1, 5_000, 0), shown(1, 8_000, 33)], [5_000, 8_000]);
        assert_eq!(shown(2, 77, 133), 17_000, "a tenth of a second later");
        assert_eq!(shown(2, 3_077, 166), 20_000);
        assert_eq!(shown(3, u64::MAX, 166), 20_001);
        assert_eq!(shown(3, 8, 166), 20_010);
    }
}
