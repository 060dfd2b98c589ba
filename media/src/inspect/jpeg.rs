//! JPEG (ITU-T T.81): walked marker by marker.
//!
//! Kept is what a picture needs: frame, tables, scans, JFIF, Adobe's colour transform and a colour profile. Everything else
//! (EXIF with its places, XMP, comments, further pictures, whatever follows the end) is left out; of EXIF only how the
//! picture is to be turned comes back, in an EXIF block of our own.

use bytes::Bytes;
use domain::Rejection;
use image::metadata::Orientation;

use super::{
    cursor::{Cursor, broken},
    orientation,
    picture::{Format, Picture},
};

/// Most scans: a progressive picture has about ten, and each costs a reader a pass over all of it.
const SCANS_MAX: u32 = 100;

/// Takes a JPEG apart and puts it together again.
pub(super) fn inspect(bytes: &Bytes) -> Result<Picture, Rejection> {
    let mut cursor = Cursor::new(bytes);
    let mut walk =
        Walk { whole: bytes, pieces: vec![], size: None, turned: Orientation::NoTransforms, progressive: false };
    cursor.take(2)?;
    walk.keep(0, 2);
    let mut scans = 0;
    loop {
        let from = cursor.at();
        match marker(&mut cursor)? {
            0xD9 => {
                if scans == 0 {
                    return Err(broken("there is no picture in it"));
                }
                walk.keep(from, cursor.at());
                return walk.end();
            }
            // Single markers without a length.
            0x01 | 0xD0..=0xD7 => {}
            0xDA => {
                scans += 1;
                if scans > SCANS_MAX || walk.size.is_none() {
                    return Err(broken("its scans are out of order, or too many"));
                }
                segment(&mut cursor)?;
                skip_scan(&mut cursor)?;
                walk.keep(from, cursor.at());
            }
            marker => {
                let content = segment(&mut cursor)?;
                if walk.takes(marker, content)? {
                    walk.keep(from, cursor.at());
                }
            }
        }
    }
}

struct Walk<'a> {
    whole: &'a Bytes,
    pieces: Vec<Bytes>,
    size: Option<(u32, u32)>,
    turned: Orientation,
    progressive: bool,
}

impl Walk<'_> {
    fn keep(&mut self, from: usize, to: usize) {
        self.pieces.push(self.whole.slice(from..to));
    }

    /// Whether a segment stays.
    fn takes(&mut self, marker: u8, content: &[u8]) -> Result<bool, Rejection> {
        match marker {
            // Baseline, extended and progressive frames.
            0xC0..=0xC2 => {
                if self.size.is_some() {
                    return Err(broken("it has several frames"));
                }
                let mut frame = Cursor::new(content);
                frame.take(1)?;
                let (height, width) = (frame.u16_be()?, frame.u16_be()?);
                self.size = Some((width.into(), height.into()));
                self.progressive = marker == 0xC2;
                Ok(true)
            }
            // Lossless, hierarchical and arithmetically coded frames are read by hardly anybody.
            0xC3 | 0xC5..=0xC7 | 0xC8..=0xCB | 0xCD..=0xCF | 0xDE | 0xDF => {
                Err(Rejection::MediumUnsupported { formats: super::PICTURES })
            }
            // Tables; the number of lines; restart intervals.
            0xC4 | 0xCC | 0xDB..=0xDD => Ok(true),
            0xE0 => Ok(content.starts_with(b"JFIF\0")),
            0xE1 => {
                let exif = content.starts_with(orientation::MARK).then(|| orientation::told(content)).flatten();
                self.turned = exif.unwrap_or(self.turned);
                Ok(false)
            }
            0xE2 => Ok(content.starts_with(b"ICC_PROFILE\0")),
            0xEE => Ok(content.starts_with(b"Adobe")),
            _ => Ok(false),
        }
    }

    fn end(mut self) -> Result<Picture, Rejection> {
        let (width, height) = self.size.ok_or_else(|| broken("there is no picture in it"))?;
        let (width, height) = orientation::shown(self.turned, (width, height));
        if let Some(exif) = orientation::exif(self.turned) {
            self.pieces.insert(1, block(&exif));
        }
        // Of a progressive picture a reader holds all coefficients, two bytes each, and then the pixels.
        let bytes_per_pixel = if self.progressive { 9 } else { 4 };
        Ok(Picture { format: Format::Jpeg, width, height, frames: 1, bytes_per_pixel, pieces: self.pieces })
    }
}

/// A segment of EXIF.
fn block(exif: &[u8]) -> Bytes {
    let length = u16::try_from(2 + orientation::MARK.len() + exif.len()).unwrap_or(u16::MAX);
    [[0xFF, 0xE1].as_slice(), &length.to_be_bytes(), orientation::MARK, exif].concat().into()
}

/// The next marker; any number of fill bytes may stand before it.
fn marker(cursor: &mut Cursor<'_>) -> Result<u8, Rejection> {
    if cursor.u8()? != 0xFF {
        return Err(broken("a marker is missing"));
    }
    loop {
        match cursor.u8()? {
            0xFF => {}
            0 => return Err(broken("a marker is missing")),
            marker => return Ok(marker),
        }
    }
}

/// What a segment says behind its length.
fn segment<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Rejection> {
    let length = usize::from(cursor.u16_be()?);
    cursor.take(length.checked_sub(2).ok_or_else(|| broken("a length is wrong"))?)
}

/// Passes over coded pixels, up to the marker behind them.
fn skip_scan(cursor: &mut Cursor<'_>) -> Result<(), Rejection> {
    loop {
        let rest = cursor.rest();
        let marker = rest.iter().position(|byte| *byte == 0xFF).ok_or(super::cursor::CUT_OFF)?;
        match rest.get(marker + 1).ok_or(super::cursor::CUT_OFF)? {
            // A stuffed byte or a restart: still within the scan.
            0 | 0xD0..=0xD7 => cursor.take(marker + 2)?,
            _ => {
                cursor.take(marker)?;
                return Ok(());
            }
        };
    }
}
