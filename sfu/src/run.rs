//! The thread's loop: datagrams, time, orders.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use commands::forwarding::{ForwardedSeat, ForwardingError};
use domain::{CallId, DeviceId};
use parking_lot::Mutex;
use str0m::{
    Input,
    net::{Protocol, Receive},
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
};

use crate::{
    SfuOptions,
    seat::{Seat, Told},
};

/// Most datagrams read before it looks at the time and at orders.
const BATCH: usize = 64;
/// Largest datagram.
const DATAGRAM: usize = 2_000;
/// How long it waits at most before it looks who is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long it waits while nobody is there.
const AT_REST: Duration = Duration::from_secs(3_600);
/// From how many addresses each device's datagrams are expected.
const SOURCES: usize = 16;

/// What the loop is told.
pub(crate) enum Order {
    /// A device comes, or comes anew.
    Admit(Box<Seat>, oneshot::Sender<Result<(), ForwardingError>>),
    /// A device is in that call no longer.
    Dismiss(CallId, DeviceId),
}

/// Who has a seat, for those who ask.
pub(crate) type Seated = Arc<Mutex<Vec<ForwardedSeat>>>;

/// The loop.
pub(crate) struct Loop {
    socket: UdpSocket,
    /// The same, to send without waiting.
    outgoing: std::net::UdpSocket,
    /// How devices reach it.
    address: SocketAddr,
    options: SfuOptions,
    orders: mpsc::Receiver<Order>,
    seated: Seated,
    seats: Vec<Seat>,
    numbers: u64,
    /// Whose datagrams come from where, as far as it is known; only to find them sooner.
    sources: HashMap<SocketAddr, u64>,
    told: VecDeque<(u64, Told)>,
}

impl Loop {
    /// A loop that nobody has come to, on a socket that does not block. It has to be made within a runtime.
    ///
    /// # Errors
    /// When the socket can't be waited for.
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        address: SocketAddr,
        options: SfuOptions,
        orders: mpsc::Receiver<Order>,
        seated: Seated,
    ) -> std::io::Result<Self> {
        let outgoing = socket.try_clone()?;
        let socket = UdpSocket::from_std(socket)?;
        let (seats, sources, told) = (vec![], HashMap::new(), VecDeque::new());
        Ok(Self { socket, outgoing, address, options, orders, seated, seats, numbers: 0, sources, told })
    }

    /// Runs until nobody can order anything any more.
    pub(crate) async fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let next = self.next();
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                readable = self.socket.readable() => {
                    if readable.is_ok() {
                        self.read(&mut buffer);
                    }
                }
                () = tokio::time::sleep_until(next.into()) => {}
            }
            let now = Instant::now();
            for at in 0..self.seats.len() {
                if self.seats.get(at).is_some_and(|seat| seat.next <= now) {
                    self.change(at, |_| {});
                }
            }
            self.forward();
            self.clear(now);
        }
    }

    /// When there is something to do again.
    fn next(&self) -> Instant {
        let now = Instant::now();
        // With nobody there, there is nothing to look at.
        let latest = now + if self.seats.is_empty() { AT_REST } else { LOOK_AGAIN };
        self.seats.iter().map(|seat| seat.next).fold(latest, Instant::min)
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Admit(seat, answer) => {
                // Who asked may be gone.
                let _ = answer.send(self.admit(*seat));
            }
            Order::Dismiss(call, device) => {
                let of_device = |seat: &Seat| seat.of.call == call && seat.of.device == device;
                if let Some(at) = self.seats.iter().position(of_device) {
                    self.change(at, Seat::dismiss);
                    self.publish();
                }
            }
        }
    }

    fn admit(&mut self, mut seat: Seat) -> Result<(), ForwardingError> {
        let is_same = |other: &Seat| other.of.call == seat.of.call && other.of.device == seat.of.device;
        let others = self.seats.iter().filter(|seat| !is_same(seat) && !seat.dismissed).count();
        if others >= self.options.devices_max {
            return Err(ForwardingError::Full);
        }
        self.numbers += 1;
        seat.number = self.numbers;
        self.seats.retain(|seat| !is_same(seat));
        self.seats.push(seat);
        self.publish();
        Ok(())
    }

    /// Reads what has come.
    fn read(&mut self, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Ok((length, source)) = self.socket.try_recv_from(buffer) else { return };
            let now = Instant::now();
            let Some(Ok(contents)) = buffer.get(..length).map(TryInto::try_into) else { continue };
            let received = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
            let datagram = Input::Receive(now, received);
            let Some(at) = self.sender(source, &datagram) else { continue };
            self.change(at, |seat| seat.receive(datagram, length, now));
            self.forward();
        }
    }

    /// Whose datagram that is.
    fn sender(&mut self, source: SocketAddr, datagram: &Input<'_>) -> Option<usize> {
        let known = self.sources.get(&source).copied();
        let accepts = |seat: &Seat| seat.accepts(datagram);
        let at_source = self.seats.iter().position(|seat| Some(seat.number) == known && accepts(seat));
        let at = at_source.or_else(|| self.seats.iter().position(accepts))?;
        if at_source.is_none() {
            if self.sources.len() >= self.seats.len() * SOURCES {
                self.sources.clear();
            }
            self.sources.extend(self.seats.get(at).map(|seat| (source, seat.number)));
        }
        Some(at)
    }

    /// Changes a seat, sends what is to be sent then, and gathers what it tells.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Seat)) {
        if let Some(seat) = self.seats.get_mut(at) {
            change(seat);
            seat.settle(&self.outgoing, &mut self.told);
        }
    }

    /// Brings what devices told to those whom it concerns.
    fn forward(&mut self) {
        while let Some((number, what)) = self.told.pop_front() {
            let from = self.seats.iter().find(|seat| seat.number == number && !seat.dismissed);
            let Some(from) = from.map(|seat| seat.of) else { continue };
            let now = Instant::now();
            let hears = |seat: &Seat| seat.of.call == from.call && seat.number != number && !seat.dismissed;
            for at in 0..self.seats.len() {
                if self.seats.get(at).is_some_and(hears) {
                    self.change(at, |seat| match &what {
                        Told::Media(data, kind) => seat.send(number, from.place, *kind, data),
                        Told::WantsPicture(place) if seat.of.place != *place => {}
                        Told::WantsPicture(_) | Told::Connected => seat.ask_for_keyframe(now),
                    });
                }
            }
        }
    }

    /// Forgets who is gone.
    fn clear(&mut self, now: Instant) {
        let (before, silence) = (self.seats.len(), Duration::from_secs(self.options.silent_seconds));
        self.seats.retain(|seat| !seat.is_gone(now, silence));
        if self.seats.len() != before {
            let seats = &self.seats;
            self.sources.retain(|_, number| seats.iter().any(|seat| seat.number == *number));
            self.publish();
        }
    }

    fn publish(&self) {
        *self.seated.lock() = self.seats.iter().filter(|seat| !seat.dismissed).map(|seat| seat.of).collect();
    }
}
