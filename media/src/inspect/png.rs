//! PNG: walked chunk by chunk, each with its checksum.
//!
//! Kept is what the picture and its colours need. Texts, times, EXIF, private chunks, the frames of an animation and
//! whatever follows the end are left out; of EXIF only how the picture is to be turned comes back, in a chunk of our own.

use bytes::Bytes;
use domain::Rejection;
use image::metadata::Orientation;

use super::{
    cursor::{Cursor, broken},
    orientation,
    picture::{Format, Picture},
};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";

/// Chunks that stay.
const KEPT: [&[u8; 4]; 15] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs",
    b"cICP", b"mDCV", b"cLLI",
];

/// Takes a PNG apart and puts it together again.
pub(super) fn inspect(bytes: &Bytes) -> Result<Picture, Rejection> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE.len())?;
    let mut pieces = vec![bytes.slice(..SIGNATURE.len())];
    let mut header = None;
    let mut has_pixels = false;
    let mut turned = None;
    loop {
        let from = cursor.at();
        let length = usize::try_from(cursor.u32_be()?).unwrap_or(usize::MAX);
        let named = cursor.at();
        let name = cursor.name()?;
        let content = cursor.take(length)?;
        if crc32fast::hash(cursor.since(named)) != cursor.u32_be()? {
            return Err(broken("a checksum is wrong"));
        }
        match (&name, header) {
            (b"IHDR", None) => header = Some(read_header(content)?),
            (b"IHDR", Some(_)) => return Err(broken("it has several headers")),
            (_, None) => return Err(broken("its header is missing")),
            (b"IDAT", _) => has_pixels = true,
            (b"eXIf", _) => turned = turned.or(orientation::told(content)),
            _ => {}
        }
        if KEPT.contains(&&name) {
            pieces.push(bytes.slice(from..cursor.at()));
        } else if name.first().is_some_and(u8::is_ascii_uppercase) {
            return Err(broken("it has a part that nobody knows"));
        }
        if &name == b"IEND" {
            break;
        }
    }
    match header {
        Some((size, bytes_per_pixel)) if has_pixels => {
            let turned = turned.unwrap_or(Orientation::NoTransforms);
            if let Some(exif) = orientation::exif(turned) {
                // Behind the signature and the header: readers look for it before the pixels.
                pieces.insert(2, chunk(b"eXIf", &exif));
            }
            let (width, height) = orientation::shown(turned, size);
            Ok(Picture { format: Format::Png, width, height, frames: 1, bytes_per_pixel, pieces })
        }
        _ => Err(broken("there is no picture in it")),
    }
}

/// A chunk of a name with its checksum.
fn chunk(name: &[u8; 4], content: &[u8]) -> Bytes {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    let named = [name, content].concat();
    [length.as_slice(), &named, &crc32fast::hash(&named).to_be_bytes()].concat().into()
}

/// Width and height, and the bytes of a pixel.
fn read_header(content: &[u8]) -> Result<((u32, u32), u64), Rejection> {
    let mut cursor = Cursor::new(content);
    let (width, height) = (cursor.u32_be()?, cursor.u32_be()?);
    let (depth, colours) = (cursor.u8()?, cursor.u8()?);
    let sound = match colours {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if content.len() != 13 || !sound {
        return Err(broken("its header is wrong"));
    }
    // Palettes and grey levels become colours, each with a channel for transparency.
    Ok(((width, height), if depth == 16 { 8 } else { 4 }))
}
