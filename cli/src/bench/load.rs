//! Load: connections that send one request after the other, as fast as answers come or at a set pace.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{client::Connection, latency::Latencies, process::Process};
use crate::error::Error;

/// Before this time is over nothing is counted.
const WARM_UP: Duration = Duration::from_secs(2);

/// What one connection sends.
pub(super) trait Traffic: Send + 'static {
    /// The next request.
    fn next(&mut self) -> &[u8];
}

/// The same request again and again.
pub(super) struct Repeated(pub(super) Vec<u8>);

impl Traffic for Repeated {
    fn next(&mut self) -> &[u8] {
        &self.0
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Times of the requests that were answered well within the measured time.
    pub(super) latencies: Latencies,
    /// Requests that were answered well at all, warm-up included.
    pub(super) all: u64,
    /// Requests that were not answered well.
    pub(super) errors: u64,
    /// What the server used of the machine within the measured time, in percent of one core.
    pub(super) cpu_percent: f64,
    /// What the server had resident at the end, in MiB.
    pub(super) rss_mib: f64,
}

/// The measured time.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

/// Has every connection send a request as soon as the one before is answered.
///
/// # Errors
/// When connections can't be made.
pub(super) async fn closed_loop(
    address: SocketAddr,
    server: Process,
    traffic: Vec<impl Traffic>,
    seconds: u64,
) -> Result<Answered, Error> {
    let begin = Instant::now() + WARM_UP;
    let window = Window { begin, end: begin + Duration::from_secs(seconds) };
    let mut connections = JoinSet::new();
    for source in traffic {
        connections.spawn(one_connection(address, source, window));
    }
    sleep_until(window.begin).await;
    let before = server.cpu();
    sleep_until(window.end).await;
    let cpu_percent = before.percent_until(server.cpu());
    let mut answered = Answered { cpu_percent, rss_mib: server.resident_mib(), ..Answered::default() };
    while let Some(part) = connections.join_next().await {
        let part = part.map_err(|error| Error::failed("a connection", error))?;
        let part = part.map_err(|error| Error::failed("a connection", error))?;
        answered.latencies.merge(part.latencies);
        answered.all += part.all;
        answered.errors += part.errors;
    }
    Ok(answered)
}

async fn one_connection(address: SocketAddr, mut source: impl Traffic, window: Window) -> std::io::Result<Answered> {
    let mut answered = Answered::default();
    let mut connection = Connection::open(address).await?;
    loop {
        let sent = Instant::now();
        if sent >= window.end {
            return Ok(answered);
        }
        match connection.exchange(source.next()).await {
            Ok((200..=299, _)) => {
                answered.all += 1;
                let now = Instant::now();
                if now >= window.begin && now < window.end {
                    answered.latencies.add(now - sent);
                }
            }
            Ok(_) => answered.errors += 1,
            Err(_) => {
                answered.errors += 1;
                connection = Connection::open(address).await?;
            }
        }
    }
}
