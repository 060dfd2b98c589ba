//! Fragments of films in MPEG-4 (ISO/IEC 14496-12, section 8.8): a film that is written while it is recorded says nothing
//! in its description of how long it lasts, but in each fragment how long the samples in it do.

use std::{collections::HashMap, time::Duration};

use domain::Rejection;

use super::{
    cursor::{Cursor, broken},
    mpeg4::{boxes, in_time},
};

/// What is said of a track: how many of its units make a second, and how long a sample lasts where nothing else is said.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    scale: u32,
    usual: u32,
    /// How long all samples last together, in units.
    samples: u64,
    /// When the first fragment begins, and the last one ends, where they say so.
    span: Option<(u64, u64)>,
}

/// The tracks of a film by their numbers.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    tracks: HashMap<u32, Track>,
}

impl Fragments {
    /// A track of the description, and how many of its units make a second.
    pub(super) fn add_track(&mut self, number: u32, scale: u32) {
        self.tracks.entry(number).or_default().scale = scale;
    }

    /// What the description says of samples in fragments (`trex`).
    pub(super) fn take_usual(&mut self, content: &[u8]) -> Result<(), Rejection> {
        let mut cursor = Cursor::new(content);
        cursor.take(4)?;
        let number = cursor.u32_be()?;
        cursor.take(4)?;
        self.tracks.entry(number).or_default().usual = cursor.u32_be()?;
        Ok(())
    }

    /// A fragment (`moof`).
    pub(super) fn take(&mut self, content: &[u8]) -> Result<(), Rejection> {
        for (found, inner) in boxes(content, 0)? {
            if &found.name == b"traf" {
                self.take_samples(inner)?;
            }
        }
        Ok(())
    }

    /// The samples of one track in a fragment.
    fn take_samples(&mut self, content: &[u8]) -> Result<(), Rejection> {
        let (mut number, mut usual, mut begins, mut samples) = (0, None, None, 0_u64);
        for (found, inner) in boxes(content, 0)? {
            match &found.name {
                b"tfhd" => (number, usual) = header(inner)?,
                b"tfdt" => {
                    let mut cursor = Cursor::new(inner);
                    let version = cursor.u8()?;
                    cursor.take(3)?;
                    begins = Some(if version == 1 { cursor.u64_be()? } else { cursor.u32_be()?.into() });
                }
                b"trun" => {
                    let each = usual.or(self.tracks.get(&number).map(|track| track.usual)).unwrap_or_default();
                    samples = samples.saturating_add(run(inner, each)?);
                }
                _ => {}
            }
        }
        let track = self.tracks.get_mut(&number).ok_or_else(|| broken("a fragment is of no track"))?;
        track.samples = track.samples.saturating_add(samples);
        if let Some(begin) = begins {
            let (first, last) = track.span.unwrap_or((begin, begin));
            track.span = Some((first.min(begin), last.max(begin.saturating_add(samples))));
        }
        Ok(())
    }

    /// How long the longest track lasts: its samples, or the time from its first to its last, whichever is more.
    pub(super) fn duration(&self) -> Duration {
        let lasting = |track: &Track| {
            let span = track.span.map_or(0, |(first, last)| last - first);
            in_time(track.samples.max(span), track.scale)
        };
        self.tracks.values().map(lasting).max().unwrap_or_default()
    }
}

/// The number of the track that a fragment's samples are of, and how long each lasts where that is said (`tfhd`).
fn header(content: &[u8]) -> Result<(u32, Option<u32>), Rejection> {
    let mut cursor = Cursor::new(content);
    let flags = cursor.u32_be()?;
    let number = cursor.u32_be()?;
    // Where the samples are, and which description is theirs.
    cursor.take(if flags & 0x01 == 0 { 0 } else { 8 })?;
    cursor.take(if flags & 0x02 == 0 { 0 } else { 4 })?;
    let usual = if flags & 0x08 == 0 { None } else { Some(cursor.u32_be()?) };
    Ok((number, usual))
}

/// How long samples that follow each other last together, each so long where nothing else is said (`trun`).
fn run(content: &[u8], usual: u32) -> Result<u64, Rejection> {
    let mut cursor = Cursor::new(content);
    let flags = cursor.u32_be()?;
    let count = cursor.u32_be()?;
    if flags & 0x100 == 0 {
        return Ok(u64::from(count) * u64::from(usual));
    }
    // Where they are, and what is special about the first.
    cursor.take(if flags & 0x01 == 0 { 0 } else { 4 })?;
    cursor.take(if flags & 0x04 == 0 { 0 } else { 4 })?;
    // Behind how long a sample lasts: its size, its flags, when it is shown.
    let further = 4 * usize::try_from((flags & 0xE00).count_ones()).unwrap_or_default();
    let mut units = 0_u64;
    for _ in 0..count {
        units = units.saturating_add(cursor.u32_be()?.into());
        cursor.take(further)?;
    }
    Ok(units)
}
