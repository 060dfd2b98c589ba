//! WebSockets that listen.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    client::{Connection, websocket},
    messages::numbers_in,
    world::Person,
};
use crate::error::Error;

/// Room for what comes in and goes out on one socket, in bytes; the library's own default is a lot for thousands.
const BUFFER_BYTES: usize = 8 * 1024;
/// How often it is looked whether everything has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A person's WebSocket.
pub(super) async fn connect(address: SocketAddr, person: &Person) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = upgraded(address, person).await?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
}

/// The bare stream of a person's WebSocket.
pub(super) async fn upgraded(address: SocketAddr, person: &Person) -> Result<TcpStream, Error> {
    let failed = |error: std::io::Error| Error::failed("a WebSocket", error);
    let connection = Connection::open(address).await.map_err(failed)?;
    connection.upgrade(&websocket(&person.token)).await.map_err(failed)
}

/// Sockets that count the messages pushed to them.
pub(super) struct Listeners {
    tasks: JoinSet<()>,
    heard: Arc<Vec<AtomicU64>>,
}

/// Has people listen.
///
/// # Errors
/// When a socket can't be made.
pub(super) async fn listen(address: SocketAddr, people: impl Iterator<Item = &Person>) -> Result<Listeners, Error> {
    let mut sockets = vec![];
    for person in people {
        sockets.push(connect(address, person).await?);
    }
    let heard: Arc<Vec<AtomicU64>> = Arc::new(sockets.iter().map(|_| AtomicU64::new(0)).collect());
    let mut tasks = JoinSet::new();
    for (number, socket) in sockets.into_iter().enumerate() {
        let heard = heard.clone();
        tasks.spawn(each_text(socket, move |text| {
            if let Some(count) = heard.get(number) {
                count.fetch_add(numbers_in(text).count() as u64, Ordering::Relaxed);
            }
        }));
    }
    Ok(Listeners { tasks, heard })
}

impl Listeners {
    /// How many pushes of `sent` messages have not come to all listeners taken together, after waiting for them.
    pub(super) async fn missing_of(mut self, sent: u64, patience: Duration) -> u64 {
        let until = Instant::now() + patience;
        loop {
            let heard = self.heard.iter().map(|count| count.load(Ordering::Relaxed));
            let missing = heard.map(|heard| sent.saturating_sub(heard)).sum();
            if missing == 0 || Instant::now() >= until {
                self.tasks.abort_all();
                return missing;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Calls with every text that comes, until the socket ends.
pub(super) async fn each_text(mut socket: WebSocketStream<TcpStream>, mut hear: impl FnMut(&str)) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => hear(text.as_str()),
            // The answer to a ping is queued by the library, and goes out with this.
            Message::Ping(_) => drop(socket.flush().await),
            _ => {}
        }
    }
}
