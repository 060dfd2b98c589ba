//! Ogg with one stream of Opus (RFC 3533, RFC 7845): walked page by page.

use std::time::Duration;

use domain::Rejection;

use super::cursor::{Cursor, broken};

/// Opus counts in samples at this rate, whatever was recorded.
const RATE: u64 = 48_000;

/// How long it lasts.
pub(super) fn duration(bytes: &[u8]) -> Result<Duration, Rejection> {
    let mut cursor = Cursor::new(bytes);
    let (mut skipped, mut serial, mut samples) = (None, 0, 0);
    while !cursor.rest().is_empty() {
        if &cursor.name()? != b"OggS" || cursor.u8()? != 0 {
            return Err(broken("a page is no page"));
        }
        cursor.take(1)?;
        let granule = cursor.u64_le()?;
        let stream = cursor.u32_le()?;
        cursor.take(8)?;
        let segments = cursor.u8()?;
        let lengths = cursor.take(segments.into())?;
        let content = cursor.take(lengths.iter().map(|length| usize::from(*length)).sum())?;
        match skipped {
            None => {
                skipped = Some(skipped_by(content)?);
                serial = stream;
            }
            Some(_) if stream != serial => return Err(broken("there is more in it than one voice")),
            // All ones: no packet ends on this page.
            Some(_) if granule != u64::MAX && granule < samples => return Err(broken("a page goes back in time")),
            Some(_) if granule != u64::MAX => samples = granule,
            Some(_) => {}
        }
    }
    let skipped = skipped.ok_or_else(|| broken("there is no sound in it"))?;
    Ok(Duration::from_millis(samples.saturating_sub(skipped).saturating_mul(1_000) / RATE))
}

/// How many samples at the beginning are not played: in the header, which is the first page.
fn skipped_by(header: &[u8]) -> Result<u64, Rejection> {
    let mut cursor = Cursor::new(header);
    if cursor.take(8)? != b"OpusHead" {
        return Err(Rejection::MediumUnsupported { formats: super::VOICES });
    }
    let (version, channels) = (cursor.u8()?, cursor.u8()?);
    if version >> 4 != 0 || !(1..=2).contains(&channels) {
        return Err(broken("its header is wrong"));
    }
    cursor.u16_le().map(u64::from)
}
