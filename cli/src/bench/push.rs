//! `teahouse bench push`: from sending a message to seeing it on the other's WebSocket, and what an idle WebSocket costs.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Bench, CONNECTIONS, Place,
    chat::PAIRS,
    client::Connection,
    figure::Figure,
    latency::Latencies,
    load::{Traffic, closed_loop},
    messages::{Talk, numbers_in},
    server::{self, Server},
    sockets,
    world::{self, Census, Person, World},
};
use crate::error::Error;

/// WebSockets that do nothing.
const IDLE: usize = 10_000;
/// How many of them connect at the same time.
const CONNECTING: usize = 64;
/// After this time what was allocated for connecting is free again.
const SETTLING: Duration = Duration::from_secs(3);
/// How long the last pushes may take.
const LAST_PUSHES: Duration = Duration::from_secs(5);
/// Before this time is over nothing is counted.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures pushes at half the rate that the server takes at most, then idle sockets.
///
/// # Errors
/// When the server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { pairs: PAIRS, loners: IDLE, ..Census::default() })?;
    let server = Server::serve(&place.data(), bench.store)?;
    let traffic = Talk::of_first_halves(&world.pairs, CONNECTIONS);
    let first_number = 1_000_000_000;
    let most = closed_loop(server.address, server.process(), traffic, bench.seconds.div_ceil(2)).await?;
    let most = most.latencies.count() as f64 / bench.seconds.div_ceil(2) as f64;
    pushes(bench, &server, &world, most, first_number).await?.tell(bench.json);
    idle(&server, &world.loners).await?.tell(bench.json);
    server.stop()
}

/// When each message was sent, by its number.
#[derive(Default)]
struct Journey {
    sent: Vec<Option<Instant>>,
    seen: Latencies,
}

/// Sends at half of `most` messages a second, while the other of each pair listens.
async fn pushes(bench: &Bench, server: &Server, world: &World, most: f64, first: u64) -> Result<Figure, Error> {
    let journey = Arc::new(Mutex::new(Journey::default()));
    let mut listeners = JoinSet::new();
    for pair in &world.pairs {
        let socket = sockets::connect(server.address, &pair.other).await?;
        let journey = journey.clone();
        listeners.spawn(sockets::each_text(socket, move |text| journey.lock().see(text, first)));
    }
    let rate = most / 2.0;
    let each = Duration::from_secs_f64(CONNECTIONS as f64 / rate.max(1.0));
    let begin = Instant::now() + WARM_UP;
    let end = begin + Duration::from_secs(bench.seconds);
    let mut senders = JoinSet::new();
    for (talk, number) in Talk::of_first_halves(&world.pairs, CONNECTIONS).into_iter().zip(0_u32..) {
        // Spread over the interval, so that the senders don't march in step.
        let start = Instant::now() + each * number / CONNECTIONS as u32;
        let pace = Pace { start, each, begin, end, first };
        senders.spawn(send_at_pace(server.address, talk.starting_at(first), pace, journey.clone()));
    }
    sleep_until(begin).await;
    let before = server.process().cpu();
    sleep_until(end).await;
    let cpu_percent = before.percent_until(server.process().cpu());
    let (mut sent, mut errors) = (0, 0);
    while let Some(outcome) = senders.join_next().await {
        let outcome = outcome.map_err(|error| Error::failed("a sender", error))?;
        let (of_one, failed) = outcome.map_err(|error| Error::failed("a sender", error))?;
        sent += of_one;
        errors += failed;
    }
    let patience = Instant::now() + LAST_PUSHES;
    while journey.lock().seen.count() < sent && Instant::now() < patience {
        sleep(Duration::from_millis(10)).await;
    }
    listeners.abort_all();
    let mut seen = std::mem::take(&mut journey.lock().seen);
    let case = format!("send to seen, half the maximum rate of {most:.0}/s");
    let mut figure = Figure::new("push", case, seen.count(), Duration::from_secs(bench.seconds));
    // A message that was never seen is an error.
    figure.errors = errors + sent.saturating_sub(seen.count());
    figure.cpu_percent = Some(cpu_percent);
    figure.rss_mib = Some(server.process().resident_mib());
    Ok(figure.with_latencies(&mut seen).with_ceiling(most))
}

impl Journey {
    fn send(&mut self, index: u64, at: Instant) {
        let Ok(index) = usize::try_from(index) else { return };
        if self.sent.len() <= index {
            self.sent.resize(index + 1, None);
        }
        if let Some(place) = self.sent.get_mut(index) {
            *place = Some(at);
        }
    }

    fn see(&mut self, text: &str, first: u64) {
        let now = Instant::now();
        for number in numbers_in(text) {
            let index = number.checked_sub(first).and_then(|index| usize::try_from(index).ok());
            if let Some(Some(sent)) = index.and_then(|index| self.sent.get(index)) {
                self.seen.add(now - *sent);
            }
        }
    }
}

/// When one connection sends.
#[derive(Clone, Copy)]
struct Pace {
    start: Instant,
    each: Duration,
    /// Messages from here on count.
    begin: Instant,
    end: Instant,
    /// The number of the first message.
    first: u64,
}

async fn send_at_pace(
    address: SocketAddr,
    mut talk: Talk,
    pace: Pace,
    journey: Arc<Mutex<Journey>>,
) -> std::io::Result<(u64, u64)> {
    let mut connection = Connection::open(address).await?;
    let (mut counted, mut errors, mut due, mut free) = (0, 0, pace.start, pace.start);
    while due < pace.end {
        sleep_until(due).await;
        // A message that waited for the answer to the one before was due when it was due; one that only waited for
        // this program's clock to tick was sent when it was sent.
        let at = if free > due { due } else { Instant::now() };
        let counts = due >= pace.begin;
        if counts {
            journey.lock().send(talk.next_number() - pace.first, at);
        }
        match connection.exchange(talk.next()).await? {
            (200..=299, _) => counted += u64::from(counts),
            _ => errors += 1,
        }
        free = Instant::now();
        due += pace.each;
    }
    Ok((counted, errors))
}

/// What WebSockets cost that do nothing.
async fn idle(server: &Server, people: &[Person]) -> Result<Figure, Error> {
    sleep(SETTLING).await;
    let before = server.process().resident_bytes();
    let began = Instant::now();
    let sockets = stream::iter(people).map(|person| sockets::upgraded(server.address, person));
    let sockets: Vec<TcpStream> = sockets.buffer_unordered(CONNECTING).try_collect().await?;
    let took = began.elapsed();
    sleep(SETTLING).await;
    let grown = server.process().resident_bytes().saturating_sub(before);
    let mut figure = Figure::new("push", format!("{IDLE} idle WebSockets"), sockets.len() as u64, took);
    figure.resident_bytes_per_item = Some(grown as f64 / sockets.len().max(1) as f64);
    figure.rss_mib = Some(server.process().resident_mib());
    Ok(figure)
}
