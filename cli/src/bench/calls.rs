//! `teahouse bench calls`: from placing a call to its invitation on the callee's WebSocket.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Bench, Place,
    client::post,
    figure::Figure,
    latency::Latencies,
    load::{Traffic, at_pace},
    server::{self, Server},
    sockets,
    world::{self, Census, Pair},
};
use crate::error::Error;

/// Calls placed per second.
const PER_SECOND: u32 = 200;
/// Pairs of friends, each of which has one call at a time.
const PAIRS: usize = 256;
/// How long the last invitations are waited for, and how often it is looked whether they were seen.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Connections that place calls.
const CALLERS: usize = 32;

/// Places calls at a steady rate; each is given up once it was answered for.
///
/// # Errors
/// When the server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { pairs: PAIRS, ..Census::default() })?;
    let server = Server::serve(&place.data(), bench.store)?;
    let journey = Arc::new(Mutex::new(Journey { placed: vec![None; PAIRS], seen: Latencies::default() }));
    let mut listeners = JoinSet::new();
    for (number, pair) in world.pairs.iter().enumerate() {
        let socket = sockets::connect(server.address, &pair.other).await?;
        let journey = journey.clone();
        listeners.spawn(sockets::each_text(socket, move |text| journey.lock().see(number, text)));
    }
    let traffic = shared_out(&world.pairs, &journey);
    let began = Instant::now();
    // Each call is two requests.
    let answered = at_pace(server.address, server.process(), traffic, 2 * PER_SECOND, bench.seconds).await?;
    let took = began.elapsed();
    let patience = Instant::now() + PATIENCE;
    while journey.lock().seen.count() < answered.all && Instant::now() < patience {
        sleep(LOOK_EVERY).await;
    }
    listeners.abort_all();
    let (errors, all) = (answered.errors, answered.all);
    let (cpu_percent, rss_mib) = (answered.cpu_percent, answered.rss_mib);
    answered.figure("calls", format!("placed and given up, {PER_SECOND}/s"), bench.seconds).tell(bench.json);
    let mut seen = std::mem::take(&mut journey.lock().seen);
    let mut figure = Figure::new("calls", "placed to seen on the callee's WebSocket", seen.count(), took);
    // An invitation that nobody saw is an error.
    figure.errors = errors + all.saturating_sub(seen.count());
    (figure.cpu_percent, figure.rss_mib) = (Some(cpu_percent), Some(rss_mib));
    figure.with_latencies(&mut seen).tell(bench.json);
    server.stop()
}

/// When each pair's call was placed, and how long invitations took.
struct Journey {
    placed: Vec<Option<Instant>>,
    seen: Latencies,
}

impl Journey {
    fn place(&mut self, pair: usize) {
        if let Some(placed) = self.placed.get_mut(pair) {
            *placed = Some(Instant::now());
        }
    }

    fn see(&mut self, pair: usize, text: &str) {
        if !text.contains(r#""type":"call.invited""#) {
            return;
        }
        if let Some(placed) = self.placed.get_mut(pair).and_then(Option::take) {
            self.seen.add(placed.elapsed());
        }
    }
}

/// What one connection does: it calls for one pair after the other, and gives each call up.
struct Calling {
    pairs: Vec<Caller>,
    turn: usize,
    /// The request that gives the present call up.
    giving_up: Option<Vec<u8>>,
    journey: Arc<Mutex<Journey>>,
}

/// Who calls, and how.
struct Caller {
    pair: usize,
    token: String,
    request: Vec<u8>,
}

fn shared_out(pairs: &[Pair], journey: &Arc<Mutex<Journey>>) -> Vec<Calling> {
    let calling = |first: usize| {
        let own = pairs.iter().enumerate().skip(first).step_by(CALLERS);
        let caller = |(pair, of): (usize, &Pair)| {
            let body = format!(r#"{{"conversation":"{}","media":"voice"}}"#, of.conversation);
            let token = of.one.token.clone();
            Caller { pair, request: post("/v1/calls", &token, &body), token }
        };
        Calling { pairs: own.map(caller).collect(), turn: 0, giving_up: None, journey: journey.clone() }
    };
    (0..CALLERS).map(calling).collect()
}

impl Traffic for Calling {
    fn next(&mut self) -> &[u8] {
        if let Some(request) = &self.giving_up {
            return request;
        }
        let Some(caller) = self.pairs.get(self.turn) else { return &[] };
        self.journey.lock().place(caller.pair);
        &caller.request
    }

    fn done_with(&mut self, answer: &[u8]) -> bool {
        if self.giving_up.take().is_some() {
            self.turn = (self.turn + 1) % self.pairs.len().max(1);
            return true;
        }
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let call = answer.get("call").and_then(serde_json::Value::as_str).unwrap_or_default();
        let token = self.pairs.get(self.turn).map_or("", |caller| caller.token.as_str());
        self.giving_up = Some(post(&format!("/v1/calls/{call}/cancel"), token, "{}"));
        false
    }
}
