//! Prebuilt requests in which only a number is changed from one to the next.

use super::load::Traffic;

/// Digits of a number.
pub(super) const DIGITS: usize = 12;
/// What stands for the number until there is one. Tokens and ids have no such sign.
pub(super) const PLACE: &str = "############";

/// A request that carries a number, at one or several places.
pub(super) struct Numbered {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Numbered {
    /// A request with [`PLACE`] wherever its number is to stand.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let found = bytes.windows(DIGITS).enumerate().filter(|(_, window)| *window == PLACE.as_bytes());
        let places = found.map(|(at, _)| at).collect();
        Self { bytes, places }
    }

    /// The request with that number.
    pub(super) fn with(&mut self, number: u64) -> &[u8] {
        for at in &self.places {
            let digits = self.bytes.get_mut(*at..at + DIGITS).unwrap_or_default();
            let mut rest = number;
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        &self.bytes
    }
}

/// One connection's share of such requests: in turn, each with a number of its own.
pub(super) struct Series {
    requests: Vec<Numbered>,
    turn: usize,
    next: u64,
}

impl Series {
    /// Shares requests out among connections, each to the one whose number comes with it. Their numbers go up from `first`.
    pub(super) fn shared_out(
        requests: impl Iterator<Item = (usize, Numbered)>,
        connections: usize,
        first: u64,
    ) -> Vec<Self> {
        let mut shares: Vec<Self> = (0..connections).map(|_| Self { requests: vec![], turn: 0, next: first }).collect();
        for (place, request) in requests {
            if let Some(share) = shares.get_mut(place % connections.max(1)) {
                share.requests.push(request);
            }
        }
        shares
    }
}

impl Traffic for Series {
    fn next(&mut self) -> &[u8] {
        let (turn, number) = (self.turn, self.next);
        self.turn = (turn + 1) % self.requests.len().max(1);
        self.next += 1;
        self.requests.get_mut(turn).map_or(&[], |request| request.with(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_at_each_of_its_places() {
        let mut request = Numbered::new(format!("key {PLACE}, body {PLACE}.").into_bytes());
        assert_eq!(request.with(1234), b"key 000000001234, body 000000001234.");
        assert_eq!(request.with(7), b"key 000000000007, body 000000000007.");
    }
}
