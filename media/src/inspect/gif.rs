//! GIF (87a and 89a): walked block by block.
//!
//! Kept are the frames, their control blocks and how often they are repeated. Comments, texts, other applications' blocks
//! and whatever follows the end are left out.

use bytes::Bytes;
use domain::Rejection;

use super::{
    cursor::{Cursor, broken},
    picture::{Format, Picture},
};

/// Most frames.
const FRAMES_MAX: u64 = 2_000;

/// Takes a GIF apart and puts it together again.
pub(super) fn inspect(bytes: &Bytes) -> Result<Picture, Rejection> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(6)?;
    let (width, height) = (cursor.u16_le()?, cursor.u16_le()?);
    let flags = cursor.u8()?;
    cursor.take(2)?;
    colour_table(&mut cursor, flags)?;
    let mut pieces = vec![bytes.slice(..cursor.at())];
    let mut frames = 0_u64;
    loop {
        let from = cursor.at();
        let keep = match cursor.u8()? {
            0x21 => extension(&mut cursor)?,
            0x2C => {
                frames += 1;
                if frames > FRAMES_MAX {
                    return Err(Rejection::MediumTooLarge { max: FRAMES_MAX, unit: "frames" });
                }
                frame(&mut cursor, width, height)?;
                true
            }
            0x3B => break pieces.push(bytes.slice(from..cursor.at())),
            _ => return Err(broken("a block is of no known kind")),
        };
        if keep {
            pieces.push(bytes.slice(from..cursor.at()));
        }
    }
    if frames == 0 {
        return Err(broken("there is no picture in it"));
    }
    let (width, height) = (width.into(), height.into());
    Ok(Picture { format: Format::Gif, width, height, frames, bytes_per_pixel: 9, pieces })
}

/// Passes over a colour table, where the flags say that there is one.
fn colour_table(cursor: &mut Cursor<'_>, flags: u8) -> Result<(), Rejection> {
    if flags & 0x80 != 0 {
        cursor.take(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

/// Passes over an extension; tells whether it stays.
fn extension(cursor: &mut Cursor<'_>) -> Result<bool, Rejection> {
    let label = cursor.u8()?;
    let first = cursor.rest().get(1..12);
    let keep = match label {
        0xF9 => true,
        0xFF => matches!(first, Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0")),
        _ => false,
    };
    sub_blocks(cursor)?;
    Ok(keep)
}

fn frame(cursor: &mut Cursor<'_>, width: u16, height: u16) -> Result<(), Rejection> {
    let (left, top) = (cursor.u16_le()?, cursor.u16_le()?);
    let (wide, high) = (cursor.u16_le()?, cursor.u16_le()?);
    let within = |from: u16, length: u16, max: u16| u32::from(from) + u32::from(length) <= u32::from(max);
    if !within(left, wide, width) || !within(top, high, height) {
        return Err(broken("a frame is larger than the picture"));
    }
    let flags = cursor.u8()?;
    colour_table(cursor, flags)?;
    cursor.take(1)?;
    sub_blocks(cursor)
}

fn sub_blocks(cursor: &mut Cursor<'_>) -> Result<(), Rejection> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            length => cursor.take(length.into())?,
        };
    }
}
