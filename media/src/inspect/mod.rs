//! What bytes are, by what they say and not by what they are called.
//!
//! Nothing is decoded here: formats are walked from front to back, in time and memory that follow from the bytes alone, so
//! that whatever lies about itself is found out before anybody reserves memory for what it claims.
//!
//! # Layout
//! - [`cursor`]: reading bytes, never beyond their end.
//! - [`picture`]: pictures, taken apart and put together again; one file per format: `jpeg`, `png`, `gif`, `webp`;
//!   `orientation`: how they are to be turned.
//! - sound: `ogg`, `amr`; films and sound: `mpeg4` and its `fragments`, `webm`.

mod amr;
pub(crate) mod cursor;
mod fragments;
mod gif;
mod jpeg;
mod mpeg4;
mod ogg;
mod orientation;
pub(crate) mod picture;
mod png;
#[cfg(test)]
mod tests;
mod webm;
mod webp;

use std::{
    io::{self, Read, Seek},
    ops::Range,
    time::Duration,
};

use bytes::Bytes;
use commands::media::Claim;
use domain::{
    MediumKind, Rejection,
    medium::{MediumFacts, file_name},
    rejection::check_name,
};

use self::cursor::{CUT_OFF, broken};

const PICTURES: &str = "JPEG, PNG, GIF, WebP";
const VOICES: &str = "Ogg with Opus, AMR, M4A";
const VIDEOS: &str = "MP4, WebM";

/// Longest name of a file, in characters.
const NAME_CHARS: usize = 200;
/// Most places at which a voice message says how loud it is.
const WAVEFORM_MAX: usize = 64;
/// How many bytes at the beginning tell what something is.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// What is kept of the bytes.
#[derive(Debug)]
pub(crate) enum Kept {
    /// All of them.
    Whole,
    /// These, in order.
    Pieces(Vec<Bytes>),
    /// All, but boxes of MPEG-4 that hold what users and cameras wrote: where the name of each is, and its content.
    Blanked(Vec<(u64, Range<u64>)>),
}

/// What bytes turned out to be.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// All but how many bytes are kept.
    pub(crate) facts: MediumFacts,
    pub(crate) kept: Kept,
}

/// What can't be read from a file that was there a moment ago was cut off: its lengths were checked.
fn unreadable(_: io::Error) -> Rejection {
    CUT_OFF
}

/// Checks what is said of bytes before they come.
pub(crate) fn check_claim(claim: &Claim) -> Result<(), Rejection> {
    if claim.kind == MediumKind::File {
        check_name("name", file_name(&claim.name), NAME_CHARS)?;
    }
    let even = claim.waveform.iter().all(|loudness| *loudness <= 100);
    if claim.waveform.len() > WAVEFORM_MAX || !even {
        return Err(Rejection::InvalidField { field: "waveform", rule: "has up to 64 numbers from 0 to 100" });
    }
    Ok(())
}

/// Whether so many bytes that begin so are looked at as a whole in memory: not a file that only begins like a picture.
pub(crate) fn in_memory(claim: &Claim, head: &[u8], bytes: u64) -> bool {
    match claim.kind {
        MediumKind::Picture | MediumKind::Voice => true,
        MediumKind::File => picture::Format::of(head).is_some() && bytes <= claim.policy.picture_bytes,
        MediumKind::Video => false,
    }
}

/// Looks at all of the bytes at once. A picture whose pixels nobody could read in so many bytes of memory is too large: it
/// could never be shown.
///
/// # Errors
/// [`Rejection::MediumUnsupported`], [`Rejection::MediumBroken`], [`Rejection::MediumTooLarge`].
pub(crate) fn inspect(claim: &Claim, bytes: &Bytes, memory_bytes: u64) -> Result<Inspected, Rejection> {
    match claim.kind {
        MediumKind::Picture => inspect_picture(claim, bytes, memory_bytes),
        MediumKind::Voice => inspect_voice(claim, bytes),
        // A picture that is sent as a file tells as little of where it was taken as any other. What only begins like one, or
        // is more than pictures may be, is kept as it is.
        MediumKind::File if picture::Format::of(bytes).is_some() => inspect_picture(claim, bytes, u64::MAX)
            .or_else(|_| inspect_file(claim, bytes, &mut io::Cursor::new(bytes), bytes.len() as u64)),
        _ => inspect_file(claim, bytes, &mut io::Cursor::new(bytes), bytes.len() as u64),
    }
}

/// Looks at bytes that begin so, and are in a file.
///
/// # Errors
/// As [`inspect`].
pub(crate) fn inspect_file(
    claim: &Claim,
    head: &[u8],
    file: &mut (impl Read + Seek),
    bytes: u64,
) -> Result<Inspected, Rejection> {
    if claim.kind != MediumKind::Video {
        // So is a film. What only begins like one is kept as it is.
        let film = if mpeg4::is_film(head) { mpeg4::inspect(file, bytes).ok() } else { None };
        let kept = film.filter(|film| film.size.is_some()).map_or(Kept::Whole, |film| Kept::Blanked(film.personal));
        let facts = MediumFacts { content_type: inert_type(head).to_owned(), ..named(claim) };
        return Ok(Inspected { facts, kept });
    }
    let (content_type, duration, size, kept) = if is_mpeg4(head) {
        let film = mpeg4::inspect(file, bytes)?;
        ("video/mp4", film.duration, film.size, Kept::Blanked(film.personal))
    } else if head.first_chunk().copied().map(u32::from_be_bytes) == Some(webm::EBML) {
        let film = webm::inspect(file, bytes, webm::ELEMENTS_MAX)?;
        ("video/webm", film.duration, film.size, Kept::Whole)
    } else {
        return Err(Rejection::MediumUnsupported { formats: VIDEOS });
    };
    let (width, height) = size.ok_or_else(|| broken("there are no pictures in it"))?;
    let duration_ms = Some(lasting(duration, claim.policy.video_seconds)?);
    let facts = MediumFacts {
        content_type: content_type.to_owned(),
        width: Some(width),
        height: Some(height),
        duration_ms,
        ..MediumFacts::default()
    };
    Ok(Inspected { facts, kept })
}

fn inspect_picture(claim: &Claim, bytes: &Bytes, memory_bytes: u64) -> Result<Inspected, Rejection> {
    let picture = picture::inspect(bytes, &claim.policy)?;
    if picture.decoding_bytes() > memory_bytes {
        return Err(picture::needs_more_memory(memory_bytes));
    }
    let facts = MediumFacts {
        content_type: picture.format.content_type().to_owned(),
        width: Some(picture.width),
        height: Some(picture.height),
        ..named(claim)
    };
    Ok(Inspected { facts, kept: Kept::Pieces(picture.pieces) })
}

fn inspect_voice(claim: &Claim, bytes: &Bytes) -> Result<Inspected, Rejection> {
    let mut kept = Kept::Whole;
    let (content_type, duration) = if bytes.starts_with(b"OggS") {
        ("audio/ogg", ogg::duration(bytes)?)
    } else if bytes.starts_with(amr::WIDE) {
        ("audio/amr-wb", amr::duration(bytes)?)
    } else if bytes.starts_with(amr::NARROW) {
        ("audio/amr", amr::duration(bytes)?)
    } else if is_mpeg4(bytes) {
        let film = mpeg4::inspect(&mut io::Cursor::new(bytes), bytes.len() as u64)?;
        if film.size.is_some() || !film.has_sound {
            return Err(broken("there is more than sound in it, or none"));
        }
        kept = Kept::Blanked(film.personal);
        ("audio/mp4", film.duration)
    } else {
        return Err(Rejection::MediumUnsupported { formats: VOICES });
    };
    let facts = MediumFacts {
        content_type: content_type.to_owned(),
        duration_ms: Some(lasting(duration, claim.policy.voice_seconds)?),
        waveform: claim.waveform.clone(),
        ..MediumFacts::default()
    };
    Ok(Inspected { facts, kept })
}

/// What is told of a file besides its bytes; other kinds have no names.
fn named(claim: &Claim) -> MediumFacts {
    let name = if claim.kind == MediumKind::File { file_name(&claim.name).to_owned() } else { String::new() };
    MediumFacts { name, ..MediumFacts::default() }
}

/// A duration in milliseconds, which must be above zero, and a second longer than allowed at most: recorders stop late.
fn lasting(duration: Duration, seconds_max: u64) -> Result<u64, Rejection> {
    if duration.is_zero() {
        return Err(broken("it lasts no time"));
    }
    if duration >= Duration::from_secs(seconds_max + 1) {
        return Err(Rejection::MediumTooLarge { max: seconds_max, unit: "seconds" });
    }
    Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn is_mpeg4(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
}

/// The type of a file, where it is one that no reader runs anything of; else just bytes.
fn inert_type(head: &[u8]) -> &'static str {
    use infer::MatcherType as T;
    let found = infer::get(head)
        .filter(|found| matches!(found.matcher_type(), T::Archive | T::Audio | T::Book | T::Doc | T::Video));
    found.map_or("application/octet-stream", |found| found.mime_type())
}
