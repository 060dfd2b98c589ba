//! Ogg with one stream of Opus (RFC 3533, RFC 7845): walked page by page, each with its number and its checksum, from the
//! page that is marked as the first to the one that is marked as the last.

use std::time::Duration;

use crc::{Algorithm, Crc};
use domain::Rejection;

use super::cursor::{Cursor, broken};

/// Opus counts in samples at this rate, whatever was recorded.
const RATE: u64 = 48_000;
/// Among the marks of a page: it is the first, it is the last.
const FIRST: u8 = 0x02;
const LAST: u8 = 0x04;
/// What a page says where no packet ends on it.
const NO_GRANULE: u64 = u64::MAX;

/// Over a whole page, with zeros where it stands itself (RFC 3533, section 6).
static CHECKSUM: Crc<u32> = Crc::<u32>::new(&Algorithm {
    width: 32,
    poly: 0x04C1_1DB7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x89A1_897F,
    residue: 0,
});

/// A page.
struct Page<'a> {
    marks: u8,
    /// How many samples there are up to its end.
    granule: u64,
    stream: u32,
    number: u32,
    content: &'a [u8],
}

/// How long it lasts.
pub(super) fn duration(bytes: &[u8]) -> Result<Duration, Rejection> {
    let mut cursor = Cursor::new(bytes);
    let first = page(&mut cursor)?;
    if first.marks & FIRST == 0 {
        return Err(broken("its beginning is missing"));
    }
    let skipped = skipped_by(first.content)?;
    let (mut samples, mut number, mut marks) = (0, first.number, first.marks);
    while !cursor.rest().is_empty() {
        let page = page(&mut cursor)?;
        if page.stream != first.stream || marks & LAST != 0 || page.marks & FIRST != 0 {
            return Err(broken("there is more in it than one voice"));
        }
        number = number.wrapping_add(1);
        if page.number != number {
            return Err(broken("a page is missing"));
        }
        if page.granule != NO_GRANULE && page.granule < samples {
            return Err(broken("a page goes back in time"));
        }
        if page.granule != NO_GRANULE {
            samples = page.granule;
        }
        marks = page.marks;
    }
    // The last page need not be marked as such: Android's recorder never does, and RFC 7845 has readers take what is there.
    Ok(Duration::from_millis(samples.saturating_sub(skipped).saturating_mul(1_000) / RATE))
}

fn page<'a>(cursor: &mut Cursor<'a>) -> Result<Page<'a>, Rejection> {
    let from = cursor.at();
    if &cursor.name()? != b"OggS" || cursor.u8()? != 0 {
        return Err(broken("a page is no page"));
    }
    let (marks, granule) = (cursor.u8()?, cursor.u64_le()?);
    let (stream, number) = (cursor.u32_le()?, cursor.u32_le()?);
    let before = cursor.since(from);
    let told = cursor.u32_le()?;
    let behind = cursor.at();
    let segments = cursor.u8()?;
    let lengths = cursor.take(segments.into())?;
    let content = cursor.take(lengths.iter().map(|length| usize::from(*length)).sum())?;
    let mut checksum = CHECKSUM.digest();
    [before, &[0; 4], cursor.since(behind)].iter().for_each(|part| checksum.update(part));
    if checksum.finalize() != told {
        return Err(broken("a checksum is wrong"));
    }
    Ok(Page { marks, granule, stream, number, content })
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
