//! The numbers that a merchant gives its orders and refunds.

use crate::Rejection;

/// Longest number that a merchant gives an order or a refund, in characters.
pub const NUMBER_CHARS: usize = 64;

/// Checks a merchant's number of an order or a refund. The signs are those that WeChat Pay takes, so a number stands in
/// bills, paths and codes as it was given.
///
/// # Errors
/// [`Rejection::InvalidNumber`].
pub fn check_number(field: &'static str, number: &str) -> Result<(), Rejection> {
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    if (1..=NUMBER_CHARS).contains(&number.len()) && number.bytes().all(permitted) {
        return Ok(());
    }
    Err(Rejection::InvalidNumber { field, max: NUMBER_CHARS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_only_signs_that_a_bill_shows_as_they_are() {
        let longest = "9".repeat(NUMBER_CHARS);
        for good in ["T1", "2026-11-22_A|7*@", "-", longest.as_str()] {
            assert_eq!(check_number("out_trade_no", good), Ok(()), "{good}");
        }
        let long = "9".repeat(NUMBER_CHARS + 1);
        for bad in ["", "T,1", "T\n1", "T`1", "T\u{0}1", "T\"1", "T 1", "T/1", "=1", "茶", long.as_str()] {
            let refused = check_number("out_trade_no", bad).unwrap_err();
            assert_eq!(refused.code(), "invalid-number", "{bad:?}");
        }
    }
}
