//! Which line of an offer is for what.
//!
//! The first line of a kind is what the device sends. Each further one of that kind is for what somebody else sends: the
//! first of them for who has place 0, the next for place 1 and so on.

use commands::forwarding::{ForwardingError, PlaceLines};
use str0m::media::{MediaKind, Mid};

/// Most lines of a kind: the device's own, and one for each of as many people as any call may have.
const LINES_MAX: usize = 33;

/// The lines of one device, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    audio: Vec<String>,
    video: Vec<String>,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the device sends.
    Own(MediaKind),
    /// What is sent to it of who has that place.
    Of(usize, MediaKind),
}

impl Lines {
    /// Reads them out of a session description.
    ///
    /// # Errors
    /// [`ForwardingError::OfferRefused`] where there are others than for sound and pictures, too many, or none.
    pub(crate) fn of(sdp: &str) -> Result<Self, ForwardingError> {
        let refused = |why: &str| Err(ForwardingError::OfferRefused(why.to_owned()));
        let mut lines = Self::default();
        let mut kind = None;
        for line in sdp.lines() {
            if let Some(rest) = line.strip_prefix("m=") {
                kind = match rest.split(' ').next() {
                    Some("audio") => Some(MediaKind::Audio),
                    Some("video") => Some(MediaKind::Video),
                    _ => return refused("it has a line that is for neither sound nor pictures"),
                };
            } else if let (Some(name), Some(kind)) = (line.strip_prefix("a=mid:"), kind) {
                lines.named_mut(kind).push(name.trim().to_owned());
            }
        }
        match lines.audio.len().max(lines.video.len()) {
            0 => refused("it has no line for sound or pictures"),
            1..=LINES_MAX => Ok(lines),
            _ => refused("it has too many lines"),
        }
    }

    fn named(&self, kind: MediaKind) -> &[String] {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }

    fn named_mut(&mut self, kind: MediaKind) -> &mut Vec<String> {
        match kind {
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
        }
    }

    /// What a line is for.
    pub(crate) fn purpose(&self, mid: Mid) -> Option<Purpose> {
        [MediaKind::Audio, MediaKind::Video].into_iter().find_map(|kind| {
            let at = self.named(kind).iter().position(|name| Mid::from(name.as_str()) == mid)?;
            Some(if at == 0 { Purpose::Own(kind) } else { Purpose::Of(at - 1, kind) })
        })
    }

    /// The line for something; none where the device has none.
    pub(crate) fn line(&self, purpose: Purpose) -> Option<Mid> {
        let name = match purpose {
            Purpose::Own(kind) => self.named(kind).first(),
            Purpose::Of(place, kind) => self.named(kind).get(place + 1),
        };
        name.map(|name| Mid::from(name.as_str()))
    }

    /// The lines for each place.
    pub(crate) fn places(&self) -> Vec<PlaceLines> {
        let count = self.audio.len().max(self.video.len()).saturating_sub(1);
        let named = |kind, place: usize| self.named(kind).get(place + 1).cloned();
        let lines =
            |place| PlaceLines { place, audio: named(MediaKind::Audio, place), video: named(MediaKind::Video, place) };
        (0..count).map(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_kind_is_ones_own_and_the_others_are_for_places() {
        let sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n\
                   m=audio 9 X 111\r\na=mid:2\r\nm=video 9 X 96\r\na=mid:3\r\n\
                   m=audio 9 X 111\r\na=mid:5\r\n";
        let lines = Lines::of(sdp).unwrap();
        let mid = |name: &str| Mid::from(name);
        assert_eq!(lines.purpose(mid("1")), Some(Purpose::Own(MediaKind::Video)));
        assert_eq!(lines.purpose(mid("5")), Some(Purpose::Of(1, MediaKind::Audio)));
        assert_eq!(lines.purpose(mid("4")), None);
        assert_eq!(lines.line(Purpose::Of(0, MediaKind::Video)), Some(mid("3")));
        assert_eq!(lines.line(Purpose::Of(1, MediaKind::Video)), None);
        let places = lines.places();
        assert_eq!((places.len(), places[1].audio.as_deref(), places[1].video.as_deref()), (2, Some("5"), None));
    }

    #[test]
    fn offers_of_nothing_of_too_much_and_of_something_else_are_refused() {
        let line = |kind: &str, name: usize| format!("m={kind} 9 X 96\r\na=mid:{name}\r\n");
        let most: String = (0..LINES_MAX).map(|name| line("video", name)).collect();
        assert_eq!(Lines::of(&most).unwrap().places().len(), LINES_MAX - 1);
        let data = line("audio", 0) + &line("application", 1);
        for offer in ["v=0\r\n", &(most + &line("video", LINES_MAX)), &data] {
            assert!(matches!(Lines::of(offer), Err(ForwardingError::OfferRefused(_))), "{offer}");
        }
    }
}
