//! How long things took.

use std::time::Duration;

/// All measured times, each kept, so that quantiles are exact.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    micros: Vec<u32>,
}

impl Latencies {
    /// Takes a time.
    pub(super) fn add(&mut self, took: Duration) {
        self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Takes the times of another.
    pub(super) fn merge(&mut self, other: Self) {
        self.micros.extend(other.micros);
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.micros.len() as u64
    }

    /// All of them together.
    pub(super) fn sum(&self) -> Duration {
        self.micros.iter().map(|micros| Duration::from_micros(u64::from(*micros))).sum()
    }

    /// The time within which a share of all stayed, in milliseconds.
    pub(super) fn quantile_ms(&mut self, share: f64) -> Option<f64> {
        let rank = (self.micros.len() as f64 * share).ceil().max(1.0) as usize - 1;
        if rank >= self.micros.len() {
            return None;
        }
        let (_, micros, _) = self.micros.select_nth_unstable(rank);
        Some(f64::from(*micros) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile_ms(0.5), None);
        (1..=1000).rev().for_each(|millis| latencies.add(Duration::from_millis(millis)));
        assert_eq!(latencies.quantile_ms(0.5), Some(500.0));
        assert_eq!(latencies.quantile_ms(0.99), Some(990.0));
        assert_eq!(latencies.quantile_ms(0.999), Some(999.0));
    }
}
