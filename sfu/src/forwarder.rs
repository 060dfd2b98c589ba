//! The adapter of the command side's port.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    thread,
};

use async_trait::async_trait;
use commands::forwarding::{ForwardedAnswer, ForwardedSeat, ForwardingError, MediaForwarder};
use domain::{CallId, DeviceId};
use socket2::{Domain, Socket, Type};
use tokio::sync::{mpsc, oneshot};

use crate::{
    SfuOptions,
    run::{Loop, Order, Seated},
    seat::Seat,
};

/// How many orders wait at most.
const ORDERS: usize = 256;
/// Room for datagrams that wait in the system, in bytes each way; it may give less.
const SOCKET_BYTES: usize = 4 * 1024 * 1024;

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened on, or the thread not started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It listens on all addresses, and it is not said by which devices reach it.
    #[error("`sfu.address` must say by which address devices reach it")]
    NoAddress,
}

/// A running forwarding unit. It ends when it is dropped.
pub struct Forwarder {
    orders: mpsc::Sender<Order>,
    seated: Seated,
    address: SocketAddr,
    kilobits_max: u32,
}

impl Forwarder {
    /// Starts it; none where the settings name no address to listen on.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(options: &SfuOptions) -> Result<Option<Self>, StartError> {
        let Some(listen) = options.listen else { return Ok(None) };
        let ip = options.address.or_else(|| Some(listen.ip()).filter(|ip: &IpAddr| !ip.is_unspecified()));
        let ip = ip.ok_or(StartError::NoAddress)?;
        let socket = bound(listen)?;
        let address = SocketAddr::new(ip, socket.local_addr()?.port());
        let (orders, ordered) = mpsc::channel(ORDERS);
        let seated = Seated::default();
        let forwarder = Self { orders, seated: seated.clone(), address, kilobits_max: options.kilobits_max };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let forwarding = {
            let _within = runtime.enter();
            Loop::new(socket, address, options.clone(), ordered, seated)?
        };
        let run = move || runtime.block_on(forwarding.run());
        thread::Builder::new().name("sfu".to_owned()).spawn(run)?;
        tracing::info!(%address, "forwarding groups' calls");
        Ok(Some(forwarder))
    }
}

/// A UDP socket that does not block, with room for what comes while others have the processor.
pub(crate) fn bound(listen: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, None)?;
    socket.set_recv_buffer_size(SOCKET_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    Ok(socket.into())
}

#[async_trait]
impl MediaForwarder for Forwarder {
    async fn admit(&self, seat: ForwardedSeat, offer: String) -> Result<ForwardedAnswer, ForwardingError> {
        let (address, kilobits_max) = (self.address, self.kilobits_max);
        // Making keys takes time that others' pictures don't have.
        let made = tokio::task::spawn_blocking(move || Seat::new(seat, &offer, address, kilobits_max));
        let (seat, sdp) = made.await.map_err(|_| ForwardingError::Stopped)??;
        let places = seat.lines.places();
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(Order::Admit(Box::new(seat), answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ForwardingError::Full,
            mpsc::error::TrySendError::Closed(_) => ForwardingError::Stopped,
        })?;
        answered.await.map_err(|_| ForwardingError::Stopped)??;
        Ok(ForwardedAnswer { sdp, places })
    }

    fn seated(&self) -> Vec<ForwardedSeat> {
        self.seated.lock().clone()
    }

    fn dismiss(&self, call: CallId, device: DeviceId) {
        if self.orders.try_send(Order::Dismiss(call, device)).is_err() {
            tracing::debug!("a device is dismissed a little later");
        }
    }
}
