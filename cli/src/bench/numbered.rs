//! Prebuilt requests in which only a number is changed from one to the next.

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
