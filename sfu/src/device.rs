//! A device of our own, which sends made-up pictures and counts what others send: to measure the forwarding, and to try it
//! without a browser.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    time::{Duration, Instant},
};

use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcError,
    change::{SdpAnswer, SdpOffer, SdpPendingOffer},
    media::{Direction, Frequency, MediaKind, MediaTime, Mid},
    net::{Protocol, Receive},
};
use tokio::{net::UdpSocket, sync::Barrier, time::Instant as Deadline};

use crate::{forwarder::bound, seat::connection};

/// Largest datagram.
const DATAGRAM: usize = 2_000;
/// Ticks of the clock of pictures, per second.
const TICKS: u64 = 90_000;
/// How long it may take until all have connected.
const CONNECTING: Duration = Duration::from_secs(60);

/// Why a device can't go on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The socket.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The connection.
    #[error(transparent)]
    Rtc(#[from] RtcError),
    /// What the other side says can't be understood.
    #[error("{0}")]
    Description(String),
}

/// A device that has made an offer.
pub struct Device {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    address: SocketAddr,
    pending: SdpPendingOffer,
    own: Mid,
}

/// What it sends, and for how long it listens.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// Bytes of a picture.
    pub bytes: usize,
    /// Time from one to the next.
    pub every: Duration,
    /// How many are sent.
    pub pictures: u32,
    /// For how many pictures of others it listens.
    pub awaited: u64,
    /// For how long it listens after its own last one at most.
    pub patience: Duration,
}

/// What it counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Pictures that it sent.
    pub sent: u64,
    /// Pictures of others that came whole.
    pub received: u64,
}

impl Device {
    /// A device on this machine that offers to send pictures, and to get those of the places for which that is said.
    ///
    /// It has to be made within a runtime.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn offering(places: &[bool]) -> Result<(Self, String), DeviceError> {
        let socket = UdpSocket::from_std(bound((Ipv4Addr::LOCALHOST, 0).into())?)?;
        let address = socket.local_addr()?;
        let mut rtc = Box::new(connection().build(Instant::now()));
        rtc.add_local_candidate(Candidate::host(address, "udp").map_err(|error| said(&error))?);
        let mut changes = rtc.sdp_api();
        let own = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        for is_wanted in places {
            let direction = if *is_wanted { Direction::RecvOnly } else { Direction::Inactive };
            changes.add_media(MediaKind::Video, direction, None, None, None);
        }
        let (offer, pending): (SdpOffer, _) =
            changes.apply().ok_or_else(|| DeviceError::Description("nothing to offer".to_owned()))?;
        Ok((Self { rtc, socket, address, pending, own }, offer.to_sdp_string()))
    }

    /// Takes the answer, connects, waits until all have, sends, listens and counts.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub async fn talk(self, answer: &str, traffic: Traffic, start: &Barrier) -> Result<Counted, DeviceError> {
        let Self { mut rtc, socket, address, pending, own } = self;
        let answer = SdpAnswer::from_sdp_string(answer).map_err(|error| said(&error))?;
        rtc.sdp_api().accept_answer(pending, answer)?;
        let mut counted = Counted::default();
        let mut buffer = vec![0; DATAGRAM];
        let mut schedule = None;
        let (mut everybody, late) = (pin!(start.wait()), Instant::now() + CONNECTING);
        // What it is told, it is told one at a time, and everything that comes of it is seen to before the next.
        while rtc.is_alive() {
            let next = settle(&mut rtc, &socket, &mut counted).await?;
            let (now, sent) = (Instant::now(), counted.sent);
            let due = schedule.map_or(late, |from| traffic.due(from, sent));
            if now >= next {
                rtc.handle_input(Input::Timeout(now))?;
                continue;
            }
            match schedule {
                Some(_)
                    if sent == u64::from(traffic.pictures) && (now >= due || counted.received >= traffic.awaited) =>
                {
                    break;
                }
                Some(_) if now >= due => {
                    send(&mut rtc, own, &traffic, sent)?;
                    counted.sent += 1;
                    continue;
                }
                None if now >= due => return Err(DeviceError::Description("it does not connect".to_owned())),
                _ => {}
            }
            tokio::select! {
                came = socket.recv_from(&mut buffer) => {
                    let (length, source) = came?;
                    if let Some(Ok(contents)) = buffer.get(..length).map(TryInto::try_into) {
                        let received = Receive { proto: Protocol::Udp, source, destination: address, contents };
                        rtc.handle_input(Input::Receive(Instant::now(), received))?;
                    }
                }
                _ = &mut everybody, if schedule.is_none() && rtc.is_connected() => schedule = Some(Instant::now()),
                () = tokio::time::sleep_until(Deadline::from_std(next.min(due))) => {}
            }
        }
        Ok(counted)
    }
}

impl Traffic {
    /// When the next picture is sent, or when it is over, if it began then and so many were sent.
    fn due(&self, from: Instant, sent: u64) -> Instant {
        let due = from + self.every * u32::try_from(sent).unwrap_or(u32::MAX);
        if sent < u64::from(self.pictures) { due } else { due + self.patience }
    }
}

fn said(error: &dyn std::fmt::Display) -> DeviceError {
    DeviceError::Description(error.to_string())
}

fn send(rtc: &mut Rtc, own: Mid, traffic: &Traffic, number: u64) -> Result<(), DeviceError> {
    let Some(writer) = rtc.writer(own) else { return Ok(()) };
    let Some(pt) = writer.payload_params().next().map(|params| params.pt()) else { return Ok(()) };
    let micros = u64::try_from(traffic.every.as_micros()).unwrap_or(0);
    let time = MediaTime::new(number * micros * TICKS / 1_000_000, Frequency::NINETY_KHZ);
    // A zero bit says that it is a whole picture.
    writer.write(pt, Instant::now(), time, vec![0; traffic.bytes])?;
    Ok(())
}

/// Sends what is to be sent and counts what came; when it wants to be looked at again.
async fn settle(rtc: &mut Rtc, socket: &UdpSocket, counted: &mut Counted) -> Result<Instant, DeviceError> {
    loop {
        match rtc.poll_output()? {
            Output::Timeout(next) => return Ok(next),
            Output::Transmit(datagram) => {
                socket.send_to(&datagram.contents, datagram.destination).await?;
            }
            Output::Event(Event::MediaData(_)) => counted.received += 1,
            Output::Event(_) => {}
        }
    }
}
