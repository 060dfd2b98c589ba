//! Compact binary rows: numbers of variable length, ids, texts.
//!
//! A number takes 7 bits a byte, lowest first; the top bit says that more follow. A text is its length, then its UTF-8.

/// Appends a number.
pub(super) fn put_number(row: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        row.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    row.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low & 0x7f
}

/// Appends a text.
pub(super) fn put_text(row: &mut Vec<u8>, text: &str) {
    put_number(row, text.len() as u64);
    row.extend_from_slice(text.as_bytes());
}

/// Takes a row apart, front to back. Every step gives none when the row has no such bytes.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a row.
    pub(super) fn of(row: &'a [u8]) -> Self {
        Self { rest: row }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    /// A number.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    /// Nothing, where the row has ended.
    pub(super) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut row = vec![];
            put_number(&mut row, number);
            let mut fields = Fields::of(&row);
            assert_eq!(fields.number(), Some(number));
            assert_eq!(fields.end(), Some(()));
        }
    }

    #[test]
    fn a_row_cut_short_gives_no_field() {
        let mut row = vec![];
        put_text(&mut row, "茶馆");
        for length in 0..row.len() {
            assert_eq!(Fields::of(&row[..length]).text(), None);
        }
        assert_eq!(Fields::of(&row).text(), Some("茶馆"));
    }
}
