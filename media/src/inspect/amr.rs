//! AMR, narrow and wide band, in its storage format (RFC 4867, section 5): walked frame by frame.

use std::time::Duration;

use domain::Rejection;

use super::cursor::{Cursor, broken};

pub(super) const NARROW: &[u8] = b"#!AMR\n";
pub(super) const WIDE: &[u8] = b"#!AMR-WB\n";

/// Every frame lasts so many milliseconds.
const FRAME_MS: u64 = 20;
/// How many bytes follow the first byte of a frame, by its type; none for types that there are not.
const NARROW_BYTES: [Option<usize>; 16] = [
    Some(12),
    Some(13),
    Some(15),
    Some(17),
    Some(19),
    Some(20),
    Some(26),
    Some(31),
    Some(5),
    None,
    None,
    None,
    None,
    None,
    None,
    Some(0),
];
const WIDE_BYTES: [Option<usize>; 16] = [
    Some(17),
    Some(23),
    Some(32),
    Some(36),
    Some(40),
    Some(46),
    Some(50),
    Some(58),
    Some(60),
    Some(5),
    None,
    None,
    None,
    None,
    Some(0),
    Some(0),
];

/// How long it lasts.
pub(super) fn duration(bytes: &[u8]) -> Result<Duration, Rejection> {
    let (header, table) = if bytes.starts_with(WIDE) { (WIDE, WIDE_BYTES) } else { (NARROW, NARROW_BYTES) };
    let mut cursor = Cursor::new(bytes);
    cursor.take(header.len())?;
    let mut frames = 0;
    while !cursor.rest().is_empty() {
        let kind = usize::from(cursor.u8()? >> 3 & 0xF);
        let length = table.get(kind).copied().flatten().ok_or_else(|| broken("a frame is of no known kind"))?;
        cursor.take(length)?;
        frames += 1;
    }
    Ok(Duration::from_millis(frames * FRAME_MS))
}
