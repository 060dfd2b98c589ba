//! Where an entry comes from.

use crate::journal::Timestamp;

/// The event that carried an entry: enough to find it in the log and to see that it is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The event's type name, such as `wallet.paid`: what the entry was for.
    pub kind: String,
    /// The stream that the event is in.
    pub stream: String,
    /// The event's version in its stream.
    pub version: u64,
    /// When the event says that it happened; the entry may have been booked a little later.
    pub at: Timestamp,
    /// The event's id.
    pub event: String,
    /// The hash of the event's record, hexadecimal.
    pub hash: String,
}

/// Text as every tool reads it, whatever was in it: other than plain ASCII, and what means something to a tool, becomes `_`.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_graphic() && !"\"\\;,|[]()".contains(char) { char } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_can_end_a_line_or_a_quotation() {
        assert_eq!(plain("wallet-0190f3c2.paid"), "wallet-0190f3c2.paid");
        assert_eq!(plain("a\"b\n2026-01-01 open X;c\\ 茶"), "a_b_2026-01-01_open_X_c___");
    }
}
