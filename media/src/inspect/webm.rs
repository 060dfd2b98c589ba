//! WebM (EBML, RFC 8794): walked element by element.

use std::{
    io::{BufRead, BufReader, Read, Seek},
    time::Duration,
};

use domain::Rejection;

use super::{
    cursor::{CUT_OFF, Cursor, broken},
    unreadable,
};

pub(super) const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TIME_SCALE: u32 = 0x002A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const VIDEO: u32 = 0xE0;
const WIDTH: u32 = 0xB0;
const HEIGHT: u32 = 0xBA;
const CLUSTER: u32 = 0x1F43_B675;
const CLUSTER_TIME: u32 = 0xE7;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const SIMPLE_BLOCK: u32 = 0xA3;

/// Largest element that is read as a value.
const VALUE_BYTES: u64 = 64;
/// Most elements, so that a file of nothing but empty ones does not keep anybody busy: more than there are blocks in a day's
/// film of sixty pictures and fifty pieces of sound a second.
pub(super) const ELEMENTS_MAX: usize = 10_000_000;
/// Nanoseconds of a tick where the file says nothing else.
const USUAL_TICK: u64 = 1_000_000;

/// What was found.
#[derive(Debug)]
pub(super) struct Film {
    pub(super) duration: Duration,
    /// Of the first picture track.
    pub(super) size: Option<(u32, u32)>,
}

#[derive(Default)]
struct Walk {
    is_webm: bool,
    tick: Option<u64>,
    /// As the file says, in ticks; what is recorded live says nothing.
    told: Option<f64>,
    cluster: u64,
    /// When the last block begins, in ticks.
    last: u64,
    blocks: bool,
    width: Option<u32>,
    height: Option<u32>,
}

/// Walks a file of so many bytes, and of so many elements at most.
pub(super) fn inspect(file: &mut (impl Read + Seek), bytes: u64, elements_max: usize) -> Result<Film, Rejection> {
    let mut reader = BufReader::new(file);
    let mut walk = Walk::default();
    let (mut at, mut elements) = (0, 0);
    while at < bytes {
        elements += 1;
        if elements > elements_max {
            return Err(broken("it has too many parts"));
        }
        let (id, id_bytes) = number(&mut reader, false)?;
        let (length, length_bytes) = number(&mut reader, true)?;
        at += id_bytes + length_bytes;
        let id = u32::try_from(id).map_err(|_| broken("a part is of no known kind"))?;
        let open = length == (1 << (7 * length_bytes)) - 1;
        match id {
            // Containers are gone into, whether they say where they end or not.
            EBML | SEGMENT | INFO | TRACKS | TRACK | VIDEO | CLUSTER | BLOCK_GROUP => {
                if !open && length > bytes - at {
                    return Err(CUT_OFF);
                }
            }
            _ if open || length > bytes - at => return Err(CUT_OFF),
            _ => {
                walk.take(id, length, &mut reader)?;
                at += length;
            }
        }
    }
    walk.end()
}

/// An element's id, or its length, where the bit that tells how many bytes it has is no part of the number.
fn number(reader: &mut impl BufRead, unmarked: bool) -> Result<(u64, u64), Rejection> {
    let mut bytes = [0; 8];
    let (first, rest) = bytes.split_at_mut(1);
    reader.read_exact(first).map_err(unreadable)?;
    let head = first.first().copied().unwrap_or_default();
    let more = head.leading_zeros() as usize;
    let rest = rest.get_mut(..more).ok_or_else(|| broken("a length is wrong"))?;
    reader.read_exact(rest).map_err(unreadable)?;
    let head = if unmarked { u64::from(head) & ((0x80 >> more) - 1) } else { head.into() };
    let number = rest.iter().fold(head, |number, byte| number << 8 | u64::from(*byte));
    Ok((number, more as u64 + 1))
}

impl Walk {
    fn take(&mut self, id: u32, length: u64, reader: &mut BufReader<impl Read + Seek>) -> Result<(), Rejection> {
        let read = match id {
            DOC_TYPE | TIME_SCALE | DURATION | WIDTH | HEIGHT | CLUSTER_TIME => length.min(VALUE_BYTES),
            BLOCK | SIMPLE_BLOCK => length.min(4),
            _ => 0,
        };
        let mut bytes = [0; VALUE_BYTES as usize];
        let bytes = bytes.get_mut(..usize::try_from(read).unwrap_or_default()).unwrap_or_default();
        reader.read_exact(bytes).map_err(unreadable)?;
        let ahead = i64::try_from(length - read).map_err(|_| CUT_OFF)?;
        reader.seek_relative(ahead).map_err(unreadable)?;
        let unsigned = || bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        match id {
            DOC_TYPE => self.is_webm = bytes.starts_with(b"webm"),
            TIME_SCALE => self.tick = Some(unsigned()),
            DURATION => self.told = float(bytes),
            WIDTH => self.width = self.width.or(u32::try_from(unsigned()).ok()),
            HEIGHT => self.height = self.height.or(u32::try_from(unsigned()).ok()),
            CLUSTER_TIME => self.cluster = unsigned(),
            BLOCK | SIMPLE_BLOCK => {
                // The track's number, which has one byte where there are few of them, then the time within the cluster.
                let mut cursor = Cursor::new(bytes);
                cursor.take(1)?;
                let within = cursor.u16_be()?.cast_signed();
                self.last = self.last.max(self.cluster.saturating_add_signed(within.into()));
                self.blocks = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Film, Rejection> {
        if !self.is_webm {
            return Err(Rejection::MediumUnsupported { formats: super::VIDEOS });
        }
        if !self.blocks {
            return Err(broken("there is no film in it"));
        }
        let tick = self.tick.unwrap_or(USUAL_TICK) as f64 / 1e9;
        let told = self.told.filter(|told| told.is_finite() && *told > 0.0);
        // What is told may be less than there is.
        let seconds = told.unwrap_or_default().max(self.last as f64) * tick;
        let duration = Duration::try_from_secs_f64(seconds).map_err(|_| broken("its length is wrong"))?;
        Ok(Film { duration, size: self.width.zip(self.height) })
    }
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => bytes.first_chunk().map(|bytes| f32::from_be_bytes(*bytes).into()),
        8 => bytes.first_chunk().map(|bytes| f64::from_be_bytes(*bytes)),
        _ => None,
    }
}
