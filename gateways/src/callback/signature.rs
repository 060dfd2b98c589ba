//! What shows a program that a call is genuine.

use sha1::{Digest, Sha1};

/// The SHA-1, in hexadecimal digits, of the parts in the order of their letters.
pub(super) fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_does_not_depend_on_the_order_of_its_parts() {
        // SHA-1 of "abc", from FIPS 180.
        assert_eq!(sign(&["c", "a", "b"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
