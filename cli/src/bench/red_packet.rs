//! `teahouse bench redpacket`: opening red packets: many at a time, and one that a whole group wants.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::HoldId;
use futures::future::{join_all, try_join_all};

use super::{
    Bench, CONNECTIONS, Place, ceiling,
    client::{self, Connection},
    figure::Figure,
    latency::Latencies,
    load::{Traffic, closed_loop},
    market::SHARES,
    server::{self, Server},
    world::{self, Census, Circle, Person},
};
use crate::error::Error;

/// Members of the group that opens.
const CIRCLE: usize = 500;
/// Red packets for each second of the measurement and its warm-up: three times as many as are expected to be emptied.
const PER_SECOND: usize = 300;
/// How long the warm-up is, with time to spare.
const WARM_UP_SECONDS: usize = 3;

/// Measures opens over many packets against the ceiling, then one packet that all want.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, "redpacket", "").await?;
    ceiling.tell(bench.json);
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let packets = PER_SECOND * (bench.seconds as usize + WARM_UP_SECONDS);
    let census = Census { circle: CIRCLE, packets: packets + 1, ..Census::default() };
    let mut world = world::people(&settings, census)?;
    let server = Server::serve(&place.data(), bench.store)?;
    let wanted = world.packets.pop();
    if let (Some(circle), Some(wanted)) = (&world.circle, wanted) {
        many(bench, &server, circle, world.packets).await?.with_ceiling(ceiling.per_second).tell(bench.json);
        one(&server, circle, wanted).await?.tell(bench.json);
    }
    server.stop()
}

fn opening(packet: HoldId, person: &Person, key: &str) -> Vec<u8> {
    client::post_once(&format!("/v1/red-packets/{packet}/open"), &person.token, key, "")
}

/// One connection's share of the opens. All of them go round the packets, one member after the other.
struct Opens {
    packets: Arc<Vec<HoldId>>,
    members: Arc<Vec<Person>>,
    request: Vec<u8>,
    next: u64,
    step: u64,
}

impl Traffic for Opens {
    fn next(&mut self) -> &[u8] {
        let packets = self.packets.len().max(1) as u64;
        let (packet, member) = (self.next % packets, self.next / packets % self.members.len().max(1) as u64);
        if let (Some(packet), Some(member)) = (self.packets.get(packet as usize), self.members.get(member as usize)) {
            self.request = opening(*packet, member, &format!("open {}", self.next));
        }
        self.next += self.step;
        &self.request
    }
}

async fn many(bench: &Bench, server: &Server, circle: &Circle, packets: Vec<HoldId>) -> Result<Figure, Error> {
    let case = format!("{CONNECTIONS} connections, {} packets of {SHARES} shares", packets.len());
    let packets = Arc::new(packets);
    let members: Arc<Vec<Person>> = Arc::new(circle.members.iter().take(SHARES).cloned().collect());
    let opens = |next| Opens {
        packets: packets.clone(),
        members: members.clone(),
        request: vec![],
        next,
        step: CONNECTIONS as u64,
    };
    let traffic = (0..CONNECTIONS as u64).map(opens).collect();
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    Ok(answered.figure("redpacket", case, bench.seconds))
}

/// Everybody in the group opens the same packet at once. Whoever is late is told so; any other answer is an error.
async fn one(server: &Server, circle: &Circle, packet: HoldId) -> Result<Figure, Error> {
    let failed = |error: std::io::Error| Error::failed("a connection", error);
    let connecting = circle.members.iter().map(|_| Connection::open(server.address));
    let mut connections = try_join_all(connecting).await.map_err(failed)?;
    let (process, began) = (server.process(), Instant::now());
    let before = process.cpu();
    let opens = connections.iter_mut().zip(&circle.members).map(|(connection, member)| async move {
        let status = connection.exchange(&opening(packet, member, "open together")).await.map(|(status, _)| status);
        (status, began.elapsed())
    });
    let answers = join_all(opens).await;
    let cpu_percent = before.percent_until(process.cpu());
    let (mut latencies, mut took, mut errors) = (Latencies::default(), Duration::ZERO, 0);
    for (status, after) in answers {
        match status {
            Ok(200) => {
                latencies.add(after);
                took = took.max(after);
            }
            Ok(409) => {}
            _ => errors += 1,
        }
    }
    let taken = latencies.count();
    let case = format!("one packet of {SHARES}, {CIRCLE} at once: all in {:.0} ms", took.as_secs_f64() * 1e3);
    let mut figure = Figure::new("redpacket", case, taken, took).with_latencies(&mut latencies);
    figure.errors = errors + taken.abs_diff(SHARES as u64);
    figure.cpu_percent = Some(cpu_percent);
    figure.rss_mib = Some(process.resident_mib());
    Ok(figure)
}
