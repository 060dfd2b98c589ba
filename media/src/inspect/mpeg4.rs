//! MPEG-4 (ISO base media file format, ISO/IEC 14496-12): walked box by box.
//!
//! Boxes that users and cameras write what they like into, places among it, are found, to be blanked where they are: so
//! nothing else moves, and no offset in the file has to change.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
    time::Duration,
};

use domain::Rejection;

use super::{
    cursor::{CUT_OFF, Cursor, broken},
    fragments::Fragments,
    unreadable,
};

/// Largest description of a film: an hour's needs less than two megabytes.
const DESCRIPTION_BYTES: u64 = 16 * 1024 * 1024;
/// Most boxes side by side, and most that are blanked, so that a file of nothing but boxes does not keep anybody busy.
const BOXES_MAX: usize = 100_000;

/// Boxes that others stand in, in whatever place these are.
const CONTAINERS: [&[u8; 4]; 6] = [b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"traf"];
/// How deep they stand in one another at most.
const DEPTH_MAX: u32 = 8;

/// What films say that they are, in their first box: of files that are something else (pictures, raw ones of cameras), the
/// parts that are blanked in films may be what matters.
const FILMS: [&[u8]; 25] = [
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41", b"mp42", b"avc1",
    b"hvc1", b"dash", b"mmp4", b"M4V ", b"M4VH", b"M4VP", b"f4v ", b"qt  ", b"MSNV", b"XAVC", b"CAEP", b"3gp", b"3g2",
];

/// Whether bytes begin like a film.
pub(super) fn is_film(head: &[u8]) -> bool {
    let brand = head.get(8..12).filter(|_| super::is_mpeg4(head));
    brand.is_some_and(|brand| FILMS.iter().any(|film| brand.starts_with(film)))
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Film {
    pub(super) duration: Duration,
    /// Of the first picture track, as it is shown.
    pub(super) size: Option<(u32, u32)>,
    pub(super) has_sound: bool,
    /// What is to be blanked: the four bytes of a box's name, and all of its content.
    pub(super) personal: Vec<(u64, Range<u64>)>,
    fragments: Fragments,
}

/// A box: its name, where that is, and where its content is.
pub(super) struct Found {
    pub(super) name: [u8; 4],
    named_at: u64,
    content: Range<u64>,
}

/// Walks a file of so many bytes.
pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64) -> Result<Film, Rejection> {
    let mut film = None;
    let (mut at, mut has_content) = (0, false);
    let (mut further, mut fragments) = (vec![], vec![]);
    for count in 0.. {
        if at == bytes {
            break;
        }
        let found = next_box(file, at, bytes)?;
        at = found.content.end;
        match &found.name {
            b"ftyp" if count == 0 => {}
            _ if count == 0 => return Err(broken("it is not what it begins as")),
            b"moov" if film.is_none() => film = Some(description(file, &found.content)?),
            b"mdat" => has_content = true,
            b"moof" => fragments.push(found.content),
            b"mfra" | b"sidx" | b"styp" | b"pdin" | b"ssix" | b"prft" => {}
            // What writers add for themselves, places among it, and what was there before: no film needs it.
            name if name.iter().all(|sign| sign.is_ascii_graphic() || *sign == b' ') => {
                if !found.content.is_empty() {
                    further.push((found.named_at, found.content));
                }
            }
            _ => return Err(broken("a part is of no known kind")),
        }
        if count > BOXES_MAX {
            return Err(broken("it has too many parts"));
        }
    }
    let mut film: Film = film.filter(|_| has_content).ok_or_else(|| broken("there is no film in it"))?;
    film.personal.extend(further);
    for fragment in fragments {
        let bytes = content_of(file, &fragment)?;
        film.fragments.take(&bytes)?;
        find_personal(&bytes, fragment.start, 0, &mut film.personal)?;
    }
    film.duration = film.duration.max(film.fragments.duration());
    Ok(film)
}

fn next_box(file: &mut (impl Read + Seek), at: u64, end: u64) -> Result<Found, Rejection> {
    file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
    let mut head = [0; 16];
    let there = usize::try_from((end - at).min(16)).unwrap_or(16);
    let head = head.get_mut(..there).ok_or(CUT_OFF)?;
    file.read_exact(head).map_err(unreadable)?;
    found_box(&mut Cursor::new(head), at, end)
}

/// Reads a box's head, which is at some place of a file, where `end` is the end of what it is in.
fn found_box(cursor: &mut Cursor<'_>, at: u64, end: u64) -> Result<Found, Rejection> {
    let length = cursor.u32_be()?;
    let name = cursor.name()?;
    let (length, head) = match length {
        0 => (end - at, 8),
        1 => (cursor.u64_be()?, 16),
        length => (length.into(), 8),
    };
    let content_end = at.checked_add(length).filter(|content_end| *content_end <= end).ok_or(CUT_OFF)?;
    if length < head {
        return Err(broken("a length is wrong"));
    }
    Ok(Found { name, named_at: at + 4, content: at + head..content_end })
}

/// The content of a box that describes something.
fn content_of(file: &mut (impl Read + Seek), content: &Range<u64>) -> Result<Vec<u8>, Rejection> {
    let length = content.end - content.start;
    if length > DESCRIPTION_BYTES {
        return Err(broken("its description is too large"));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.seek(SeekFrom::Start(content.start)).map_err(unreadable)?;
    file.read_exact(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn description(file: &mut (impl Read + Seek), content: &Range<u64>) -> Result<Film, Rejection> {
    let bytes = content_of(file, content)?;
    let (mut film, mut scale, mut of_fragments) = (Film::default(), 0, 0);
    for (found, inner) in boxes(&bytes, content.start)? {
        match &found.name {
            b"mvhd" => {
                let (duration, units) = header_duration(inner)?;
                film.duration = film.duration.max(duration);
                scale = units;
            }
            b"trak" => track(&mut film, inner, found.content.start)?,
            b"mvex" => {
                for (found, inner) in boxes(inner, found.content.start)? {
                    match &found.name {
                        b"mehd" => of_fragments = of_fragments.max(fragments_units(inner)?),
                        b"trex" => film.fragments.take_usual(inner)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if film.duration.is_zero() {
        film.duration = in_time(of_fragments, scale);
    }
    find_personal(&bytes, content.start, 0, &mut film.personal)?;
    Ok(film)
}

/// Finds what users and cameras wrote, and what is left of something else, in a piece of a file that begins at some place
/// there, and in whatever stands in it.
fn find_personal(bytes: &[u8], from: u64, depth: u32, all: &mut Vec<(u64, Range<u64>)>) -> Result<(), Rejection> {
    if depth > DEPTH_MAX {
        return Err(broken("its parts stand in one another too deep"));
    }
    for (found, inner) in boxes(bytes, from)? {
        match &found.name {
            b"udta" | b"meta" | b"uuid" | b"free" | b"skip" if !inner.is_empty() => {
                all.push((found.named_at, found.content));
                if all.len() > BOXES_MAX {
                    return Err(broken("it has too many parts"));
                }
            }
            name if CONTAINERS.contains(&name) => find_personal(inner, found.content.start, depth + 1, all)?,
            _ => {}
        }
    }
    Ok(())
}

/// The boxes side by side in a piece of a file that begins at some place there.
pub(super) fn boxes(bytes: &[u8], from: u64) -> Result<Vec<(Found, &[u8])>, Rejection> {
    let end = from + bytes.len() as u64;
    let (mut at, mut found_boxes) = (from, vec![]);
    while at < end {
        let within = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
        let found = found_box(&mut Cursor::new(bytes.get(within(at)..).unwrap_or_default()), at, end)?;
        let content = bytes.get(within(found.content.start)..within(found.content.end)).ok_or(CUT_OFF)?;
        at = found.content.end;
        found_boxes.push((found, content));
        if found_boxes.len() > BOXES_MAX {
            return Err(broken("it has too many parts"));
        }
    }
    Ok(found_boxes)
}

/// How long a film or a track lasts by its header, and how many of its units make a second.
fn header_duration(header: &[u8]) -> Result<(Duration, u32), Rejection> {
    let mut cursor = Cursor::new(header);
    let version = cursor.u8()?;
    cursor.take(3)?;
    let (scale, duration) = if version == 1 {
        cursor.take(16)?;
        (cursor.u32_be()?, cursor.u64_be()?)
    } else {
        cursor.take(8)?;
        (cursor.u32_be()?, cursor.u32_be()?.into())
    };
    // All ones: it does not say.
    let says = duration != u64::MAX && (version == 1 || duration != u64::from(u32::MAX));
    Ok((in_time(if says { duration } else { 0 }, scale), scale))
}

/// How long the samples of a track last together.
fn samples_duration(table: &[u8], scale: u32) -> Result<Duration, Rejection> {
    let mut cursor = Cursor::new(table);
    cursor.take(4)?;
    let mut units = 0_u64;
    for _ in 0..cursor.u32_be()? {
        let (count, each) = (cursor.u32_be()?, cursor.u32_be()?);
        units = units.saturating_add(u64::from(count) * u64::from(each));
    }
    Ok(in_time(units, scale))
}

/// How long all fragments last together, in the film's units.
fn fragments_units(header: &[u8]) -> Result<u64, Rejection> {
    let mut cursor = Cursor::new(header);
    let version = cursor.u8()?;
    cursor.take(3)?;
    if version == 1 { cursor.u64_be() } else { cursor.u32_be().map(u64::from) }
}

pub(super) fn in_time(duration: u64, scale: u32) -> Duration {
    Duration::from_millis(duration.saturating_mul(1_000).checked_div(scale.into()).unwrap_or_default())
}

fn track(film: &mut Film, bytes: &[u8], from: u64) -> Result<(), Rejection> {
    let (mut number, mut size, mut scale, mut handler) = (0, None, 0, *b"none");
    for (found, inner) in boxes(bytes, from)? {
        match &found.name {
            b"tkhd" => (number, size) = track_header(inner).map(|(number, size)| (number, Some(size)))?,
            b"mdia" => {
                let media = track_media(inner)?;
                (handler, scale) = (media.handler, media.scale);
                film.duration = film.duration.max(media.duration);
            }
            _ => {}
        }
    }
    film.fragments.add_track(number, scale);
    match &handler {
        b"vide" => film.size = film.size.or(size),
        b"soun" => film.has_sound = true,
        _ => {}
    }
    Ok(())
}

/// What a track is of.
struct TrackMedia {
    handler: [u8; 4],
    /// How many of its units make a second.
    scale: u32,
    /// Whichever of its header and its samples says more: a film's own header may say anything.
    duration: Duration,
}

fn track_media(bytes: &[u8]) -> Result<TrackMedia, Rejection> {
    let (mut handler, mut told, mut scale, mut samples) = (*b"none", Duration::ZERO, 0, None);
    for (found, inner) in boxes(bytes, 0)? {
        match &found.name {
            b"mdhd" => (told, scale) = header_duration(inner)?,
            b"hdlr" => {
                let mut cursor = Cursor::new(inner);
                cursor.take(8)?;
                handler = cursor.name()?;
            }
            b"minf" => samples = inside(inner, *b"stbl")?.map(|tables| inside(tables, *b"stts")).transpose()?.flatten(),
            _ => {}
        }
    }
    let samples = samples.map_or(Ok(Duration::ZERO), |table| samples_duration(table, scale))?;
    Ok(TrackMedia { handler, scale, duration: told.max(samples) })
}

/// The content of the first box of a name among those side by side.
fn inside(bytes: &[u8], name: [u8; 4]) -> Result<Option<&[u8]>, Rejection> {
    Ok(boxes(bytes, 0)?.into_iter().find(|(found, _)| found.name == name).map(|(_, inner)| inner))
}

/// A track's number, and at the end of its header width and height, turned as its matrix says.
fn track_header(header: &[u8]) -> Result<(u32, (u32, u32)), Rejection> {
    let mut cursor = Cursor::new(header);
    let wide = cursor.u8()? == 1;
    cursor.take(3 + if wide { 16 } else { 8 })?;
    let number = cursor.u32_be()?;
    cursor.take(if wide { 12 } else { 8 } + 16)?;
    let first = cursor.u32_be()?;
    cursor.take(32)?;
    let (width, height) = (cursor.u32_be()? >> 16, cursor.u32_be()? >> 16);
    // Turned by a quarter, the first number of the matrix is zero.
    Ok((number, if first == 0 { (height, width) } else { (width, height) }))
}
