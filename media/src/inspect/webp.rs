//! WebP: walked chunk by chunk.
//!
//! Kept is what the picture, its colours and its movement need. EXIF, XMP, chunks that nobody knows and whatever follows
//! the end are left out; of EXIF only how the picture is to be turned comes back, in a chunk of our own.

use bytes::Bytes;
use domain::Rejection;
use image::metadata::Orientation;

use super::{
    cursor::{Cursor, broken},
    orientation,
    picture::{Format, Picture},
};

/// Most frames.
const FRAMES_MAX: u64 = 2_000;
/// In the flags of `VP8X`: there is XMP.
const XMP: u8 = 0x04;
/// There is EXIF.
const EXIF: u8 = 0x08;

/// Takes a WebP apart and puts it together again.
pub(super) fn inspect(bytes: &Bytes) -> Result<Picture, Rejection> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(4)?;
    let length = usize::try_from(cursor.u32_le()?).unwrap_or(usize::MAX);
    let mut inside = Cursor::new(cursor.take(length)?);
    if &inside.name()? != b"WEBP" {
        return Err(broken("it is not what it begins as"));
    }
    let (mut size, mut frames, mut has_pixels) = (None, 0, false);
    let (mut described, mut turned) = (None, None);
    let mut pieces = vec![];
    while !inside.rest().is_empty() {
        let from = inside.at();
        let name = inside.name()?;
        let length = usize::try_from(inside.u32_le()?).unwrap_or(usize::MAX);
        let content = inside.take(length)?;
        // Every chunk has an even length.
        inside.take(length % 2)?;
        let whole = bytes.slice(8 + from..8 + inside.at());
        match &name {
            b"VP8X" => {
                size = Some(canvas(content)?);
                described = described.or(Some(pieces.len()));
                pieces.push(with_flags(&whole, |flags| flags & !(XMP | EXIF)));
                continue;
            }
            b"EXIF" => {
                turned = turned.or(orientation::told(content));
                continue;
            }
            b"VP8 " => size = size.or(Some(lossy_size(content)?)),
            b"VP8L" => size = size.or(Some(lossless_size(content)?)),
            b"ANMF" => frames += 1,
            b"ALPH" | b"ANIM" | b"ICCP" => {}
            _ => continue,
        }
        has_pixels |= matches!(&name, b"VP8 " | b"VP8L" | b"ANMF");
        pieces.push(whole);
    }
    if frames > FRAMES_MAX {
        return Err(Rejection::MediumTooLarge { max: FRAMES_MAX, unit: "frames" });
    }
    let (width, height) = size.filter(|_| has_pixels).ok_or_else(|| broken("there is no picture in it"))?;
    // Only what describes itself can have EXIF.
    let turned = turned.filter(|_| described.is_some()).unwrap_or(Orientation::NoTransforms);
    if let Some(exif) = orientation::exif(turned) {
        if let Some(description) = described.and_then(|at| pieces.get_mut(at)) {
            *description = with_flags(description, |flags| flags | EXIF);
        }
        let length = u32::try_from(exif.len()).unwrap_or(u32::MAX).to_le_bytes();
        pieces.push([b"EXIF".as_slice(), &length, &exif].concat().into());
    }
    let (width, height) = orientation::shown(turned, (width, height));
    let kept: usize = pieces.iter().map(Bytes::len).sum();
    let length = u32::try_from(kept + 4).map_err(|_| broken("a length is wrong"))?;
    pieces.insert(0, [b"RIFF".as_slice(), &length.to_le_bytes(), b"WEBP"].concat().into());
    Ok(Picture { format: Format::Webp, width, height, frames: frames.max(1), bytes_per_pixel: 9, pieces })
}

fn canvas(content: &[u8]) -> Result<(u32, u32), Rejection> {
    let mut cursor = Cursor::new(content);
    cursor.take(4)?;
    let mut side = || {
        let low = cursor.u16_le()?;
        Ok::<_, Rejection>((u32::from(cursor.u8()?) << 16 | u32::from(low)) + 1)
    };
    Ok((side()?, side()?))
}

/// The same `VP8X` with other flags.
fn with_flags(chunk: &Bytes, change: impl Fn(u8) -> u8) -> Bytes {
    let mut chunk = chunk.to_vec();
    if let Some(flags) = chunk.get_mut(8) {
        *flags = change(*flags);
    }
    chunk.into()
}

fn lossy_size(content: &[u8]) -> Result<(u32, u32), Rejection> {
    let mut cursor = Cursor::new(content);
    cursor.take(3)?;
    if cursor.take(3)? != [0x9D, 0x01, 0x2A] {
        return Err(broken("its header is wrong"));
    }
    let mut side = || cursor.u16_le().map(|side| u32::from(side & 0x3FFF));
    Ok((side()?, side()?))
}

fn lossless_size(content: &[u8]) -> Result<(u32, u32), Rejection> {
    let mut cursor = Cursor::new(content);
    if cursor.u8()? != 0x2F {
        return Err(broken("its header is wrong"));
    }
    let bits = cursor.u32_le()?;
    Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}
