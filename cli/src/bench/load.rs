//! Load: connections that send one request after the other, as fast as answers come or at a set pace.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{client::Connection, figure::Figure, latency::Latencies, process::Process};
use crate::error::Error;

/// Before this time is over nothing is counted.
pub(super) const WARM_UP: Duration = Duration::from_secs(2);

/// What one connection sends.
pub(super) trait Traffic: Send + 'static {
    /// The next request.
    fn next(&mut self) -> &[u8];

    /// Takes in a good answer. Tells whether the item is done; else the next request goes on with it.
    fn done_with(&mut self, _answer: &[u8]) -> bool {
        true
    }
}

/// The same request again and again.
pub(super) struct Repeated(pub(super) Vec<u8>);

impl Traffic for Repeated {
    fn next(&mut self) -> &[u8] {
        &self.0
    }
}

/// Requests in turn, again and again.
pub(super) struct InTurn {
    /// The requests.
    pub(super) requests: Vec<Vec<u8>>,
    /// Which is next.
    pub(super) turn: usize,
}

impl Traffic for InTurn {
    fn next(&mut self) -> &[u8] {
        self.turn = (self.turn + 1) % self.requests.len().max(1);
        self.requests.get(self.turn).map_or(&[], Vec::as_slice)
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Times of the items that were done within the measured time.
    pub(super) latencies: Latencies,
    /// Items that were done at all, warm-up included.
    pub(super) all: u64,
    /// Requests that were not answered well.
    pub(super) errors: u64,
    /// What the server used of the machine within the measured time, in percent of one core.
    pub(super) cpu_percent: f64,
    /// What the server had resident at the end, in MiB.
    pub(super) rss_mib: f64,
}

impl Answered {
    /// With what came of another load of as long a time.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.latencies.merge(other.latencies);
        self.all += other.all;
        self.errors += other.errors;
        self.cpu_percent = f64::midpoint(self.cpu_percent, other.cpu_percent);
        self.rss_mib = self.rss_mib.max(other.rss_mib);
        self
    }

    /// As a figure of a bench's case, measured for that time.
    pub(super) fn figure(mut self, bench: &'static str, case: impl Into<String>, seconds: u64) -> Figure {
        let took = Duration::from_secs(seconds);
        let mut figure = Figure::new(bench, case, self.latencies.count(), took).with_latencies(&mut self.latencies);
        figure.errors = self.errors;
        figure.cpu_percent = Some(self.cpu_percent);
        figure.rss_mib = Some(self.rss_mib);
        figure
    }
}

/// The measured time.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

/// When a connection sends that does not simply send after every answer.
#[derive(Clone, Copy)]
struct Pace {
    due: Instant,
    each: Duration,
}

impl Pace {
    /// Waits for the next turn and tells since when its time counts. A request that waited for the answer to the one
    /// before was due when it was due; one that only waited for this program's clock to tick was sent when it was sent.
    async fn turn(&mut self) -> Instant {
        let due = self.due;
        self.due += self.each;
        if Instant::now() > due {
            return due;
        }
        sleep_until(due).await;
        Instant::now()
    }
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
    put(address, server, traffic.into_iter().map(|source| (source, None)).collect(), seconds).await
}

/// Has all connections together send so many requests a second, whether answers come or not.
///
/// # Errors
/// When connections can't be made.
pub(super) async fn at_pace(
    address: SocketAddr,
    server: Process,
    traffic: Vec<impl Traffic>,
    per_second: u32,
    seconds: u64,
) -> Result<Answered, Error> {
    let between = Duration::from_secs(1) / per_second.max(1);
    let (start, connections) = (Instant::now(), traffic.len() as u32);
    // Spread over the interval, so that the connections don't march in step.
    let paced = traffic.into_iter().zip(0_u32..).map(|(source, number)| {
        let pace = Pace { due: start + between * number, each: between * connections };
        (source, Some(pace))
    });
    put(address, server, paced.collect(), seconds).await
}

async fn put(
    address: SocketAddr,
    server: Process,
    traffic: Vec<(impl Traffic, Option<Pace>)>,
    seconds: u64,
) -> Result<Answered, Error> {
    let begin = Instant::now() + WARM_UP;
    let window = Window { begin, end: begin + Duration::from_secs(seconds) };
    let mut connections = JoinSet::new();
    for (source, pace) in traffic {
        connections.spawn(one_connection(address, source, window, pace));
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

async fn one_connection(
    address: SocketAddr,
    mut source: impl Traffic,
    window: Window,
    mut pace: Option<Pace>,
) -> std::io::Result<Answered> {
    let mut answered = Answered::default();
    let mut connection = Connection::open(address).await?;
    // Since when the item under way has been so.
    let mut begun: Option<Instant> = None;
    loop {
        let sent = match &mut pace {
            Some(pace) => pace.turn().await,
            None => Instant::now(),
        };
        if sent >= window.end {
            return Ok(answered);
        }
        match connection.exchange(source.next()).await {
            Ok((200..=299, answer)) => {
                let since = *begun.get_or_insert(sent);
                if !source.done_with(answer) {
                    continue;
                }
                begun = None;
                answered.all += 1;
                let now = Instant::now();
                if now >= window.begin && now < window.end {
                    answered.latencies.add(now - since);
                }
            }
            Ok(_) => {
                begun = None;
                answered.errors += 1;
            }
            Err(_) => {
                begun = None;
                answered.errors += 1;
                connection = Connection::open(address).await?;
            }
        }
    }
}
