//! One device in one call: its connection, what it sends and what it is sent.

use std::{
    collections::{HashMap, VecDeque},
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use commands::forwarding::{ForwardedSeat, ForwardingError};
use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    change::SdpOffer,
    media::{KeyframeRequestKind, MediaData, MediaKind},
};

use crate::{
    budget::Budget,
    lines::{Lines, Purpose},
    timeline::Timeline,
};

/// The shortest time between two requests for a whole picture.
const KEYFRAME_EVERY: Duration = Duration::from_millis(500);
/// How many packets of a line are kept to be sent again to who missed them: what a second of good pictures takes.
const KEPT_PACKETS: usize = 300;
/// How often the connection is told the time before others have their turn.
const TURNS: usize = 64;

/// What all connections have in common. Every browser has these two codecs, so that nothing has to be made into something
/// else.
pub(crate) fn connection() -> RtcConfig {
    let crypto = Arc::new(str0m::crypto::from_feature_flags());
    let connection = Rtc::builder().set_crypto_provider(crypto).set_send_buffer_video(KEPT_PACKETS);
    connection.clear_codecs().enable_opus(true, false).enable_vp8(true)
}

/// Something that one device told, for others.
pub(crate) enum Told {
    /// Sound or a picture that it sent.
    Media(Box<MediaData>, MediaKind),
    /// It can't go on without a whole picture of who has that place.
    WantsPicture(usize),
    /// It has just connected, and needs a whole picture of everybody.
    Connected,
}

/// A device in a call.
pub(crate) struct Seat {
    /// Which.
    pub(crate) of: ForwardedSeat,
    /// Tells it from what the same device had before.
    pub(crate) number: u64,
    /// Its lines.
    pub(crate) lines: Lines,
    /// It was told to go.
    pub(crate) dismissed: bool,
    /// When its connection wants to be told the time.
    pub(crate) next: Instant,
    rtc: Box<Rtc>,
    budget: Budget,
    timelines: HashMap<(usize, MediaKind), Timeline>,
    keyframe_asked: Option<Instant>,
    heard: Instant,
}

impl Seat {
    /// A seat for a device, and the answer to its offer.
    ///
    /// # Errors
    /// [`ForwardingError::OfferRefused`].
    pub(crate) fn new(
        of: ForwardedSeat,
        offer: &str,
        address: SocketAddr,
        kilobits_max: u32,
    ) -> Result<(Self, String), ForwardingError> {
        let refused = |error: &dyn std::fmt::Display| ForwardingError::OfferRefused(error.to_string());
        let now = Instant::now();
        let lines = Lines::of(offer)?;
        let mut rtc = Box::new(connection().set_ice_lite(true).build(now));
        rtc.add_local_candidate(Candidate::host(address, "udp").map_err(|error| refused(&error))?);
        let described = SdpOffer::from_sdp_string(offer).map_err(|error| refused(&error))?;
        let answer = rtc.sdp_api().accept_offer(described).map_err(|error| refused(&error))?;
        let budget = Budget::new(kilobits_max, now);
        let (timelines, keyframe_asked) = (HashMap::new(), None);
        let (number, dismissed) = (0, false);
        let seat = Self { of, number, lines, dismissed, next: now, rtc, budget, timelines, keyframe_asked, heard: now };
        Ok((seat, answer.to_sdp_string()))
    }

    /// Whether it has hung up, was put out, or has not been heard of for so long.
    pub(crate) fn is_gone(&self, now: Instant, silence: Duration) -> bool {
        !self.rtc.is_alive() || now > self.heard + silence
    }

    /// Whether a datagram is from its device.
    pub(crate) fn accepts(&self, datagram: &Input<'_>) -> bool {
        self.rtc.accepts(datagram)
    }

    /// Takes a datagram of so many bytes; drops it where the device sends too much.
    pub(crate) fn receive(&mut self, datagram: Input<'_>, bytes: usize, now: Instant) {
        self.heard = now;
        if self.budget.takes(bytes, now) {
            self.take(datagram);
        }
    }

    /// Says farewell, and forwards nothing from here or to here any more.
    pub(crate) fn dismiss(&mut self) {
        self.dismissed = true;
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }

    /// Sends it what somebody else has sent.
    pub(crate) fn send(&mut self, sender: u64, place: usize, kind: MediaKind, data: &MediaData) {
        let Some(mid) = self.lines.line(Purpose::Of(place, kind)) else { return };
        // It may have turned the line off.
        if !self.rtc.media(mid).is_some_and(|line| line.direction().is_sending()) {
            return;
        }
        let timeline = self.timelines.entry((place, kind)).or_default();
        let Some(writer) = self.rtc.writer(mid) else { return };
        let Some(pt) = writer.match_params(data.params) else { return };
        let time = timeline.shown(sender, data.time, data.network_time);
        if let Err(error) = writer.write(pt, data.network_time, time, data.data.clone()) {
            self.fail(&error);
        }
    }

    /// Asks it for a whole picture, from which others can go on; not too often.
    pub(crate) fn ask_for_keyframe(&mut self, now: Instant) {
        if self.keyframe_asked.is_some_and(|asked| now < asked + KEYFRAME_EVERY) {
            return;
        }
        let Some(mid) = self.lines.line(Purpose::Own(MediaKind::Video)) else { return };
        let Some(mut writer) = self.rtc.writer(mid) else { return };
        if writer.is_request_keyframe_possible(KeyframeRequestKind::Pli)
            && writer.request_keyframe(None, KeyframeRequestKind::Pli).is_ok()
        {
            self.keyframe_asked = Some(now);
        }
    }

    /// Sends what it is to be sent and gathers what it told, after each change, until there is only waiting left.
    pub(crate) fn settle(&mut self, socket: &UdpSocket, told: &mut VecDeque<(u64, Told)>) {
        let now = Instant::now();
        for _ in 0..TURNS {
            self.drain(socket, told);
            if self.next > now || !self.rtc.is_alive() {
                return;
            }
            self.take(Input::Timeout(now));
        }
    }

    fn drain(&mut self, socket: &UdpSocket, told: &mut VecDeque<(u64, Told)>) {
        while self.rtc.is_alive() {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(next)) => {
                    self.next = next;
                    return;
                }
                Ok(Output::Transmit(datagram)) => {
                    // What the network does not take is lost, as anywhere.
                    let _ = socket.send_to(&datagram.contents, datagram.destination);
                }
                Ok(Output::Event(event)) => told.extend(self.tell(event).map(|what| (self.number, what))),
                Err(error) => self.fail(&error),
            }
        }
    }

    fn tell(&mut self, event: Event) -> Option<Told> {
        match event {
            Event::Connected => Some(Told::Connected),
            Event::MediaData(data) => {
                let Some(Purpose::Own(kind)) = self.lines.purpose(data.mid) else { return None };
                if kind == MediaKind::Video && !data.contiguous {
                    self.ask_for_keyframe(Instant::now());
                }
                // Of pictures in several sizes, none is chosen.
                data.rid.is_none().then(|| Told::Media(Box::new(data), kind))
            }
            Event::KeyframeRequest(request) => match self.lines.purpose(request.mid)? {
                Purpose::Of(place, MediaKind::Video) => Some(Told::WantsPicture(place)),
                _ => None,
            },
            _ => None,
        }
    }

    fn take(&mut self, input: Input<'_>) {
        if self.rtc.is_alive()
            && let Err(error) = self.rtc.handle_input(input)
        {
            self.fail(&error);
        }
    }

    fn fail(&mut self, error: &str0m::RtcError) {
        tracing::debug!(%error, "a device's connection is over");
        self.rtc.disconnect();
    }
}
