//! `teahouse bench cluster`: servers whose log is on a cluster, and what that costs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::Utc;
use eventlog::{
    Append, BareClient, ClusterLog, ClusterOptions, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, StreamName,
};
use futures::future::try_join_all;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::{
    Bench, CONNECTIONS, Place,
    client::{self, Connection},
    figure::Figure,
    latency::Latencies,
    load::{Answered, Repeated, closed_loop},
    log_server::LogServer,
    replay,
    server::{self, Server, is_caught_up},
    world::{self, Census, Pair},
};
use crate::{error::Error, layout::DataDir};

const PAIRS: usize = 500;
/// Servers that share the log.
const SERVERS: usize = 3;
/// Appenders at a time, each with streams of its own.
const APPENDERS: [u64; 2] = [64, 1];
/// Events in a stream before the appender begins another one.
const IN_A_STREAM: u64 = 100;
const PAYLOAD: &[u8] = &[b'1'; 300];
/// How often a server is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);
/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// What keeps the log.
pub(super) enum Log {
    /// The log server of the tests, which is this program.
    OfTests(PathBuf),
    /// A cluster at an address.
    Real(String),
}

/// Measures how fast an empty server follows the log, one server against several, how soon writes are accepted again after
/// the log was away, and appends through the adapter against the bare client. The log is of no use afterwards.
///
/// # Errors
/// When something does not come up or fails.
pub(super) async fn run(bench: &Bench, events: u64, log: Log) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let (mut log_server, url) = match log {
        Log::OfTests(program) => {
            let server = LogServer::start(&program, &place.path().join("journal"))?;
            let url = server.url();
            (Some(server), url)
        }
        Log::Real(url) => (None, url),
    };
    let data = |number: usize| place.path().join(format!("server-{number}"));
    let settings = server::settings_on(&data(0), bench.store, Some(url.clone()))?;
    let world = world::people(&settings, Census { pairs: PAIRS, ..Census::default() })?;
    replay::talk(&*open(&url).await?, &world.pairs, events).await?;
    let mut servers = vec![Server::serve_on(&url, &data(0), bench.store)?];
    for number in 1..SERVERS {
        // Tokens are good everywhere.
        copy_secret(&data(0), &data(number))?;
        let (figure, server) = catch_up(bench, &url, &data(number)).await?;
        servers.push(server);
        if number == 1 {
            figure.tell(bench.json);
        }
    }
    until_caught_up(servers.get(..1).unwrap_or_default()).await?;
    one_and_several(bench, &servers, &world.pairs).await?;
    if let (Some(log_server), Some(server), Some(pair)) = (&mut log_server, servers.first(), world.pairs.first()) {
        recovery(log_server, server, pair).await?.tell(bench.json);
    }
    servers.into_iter().try_for_each(Server::stop)?;
    appends(bench, &url).await
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::failed("the cluster", error)
}

async fn open(url: &str) -> Result<Arc<ClusterLog>, Error> {
    let options = ClusterOptions::new(url);
    let opened = tokio::task::spawn_blocking(move || ClusterLog::open(&options));
    opened.await.map_err(failed)?.map_err(failed)
}

fn copy_secret(from: &Path, to: &Path) -> Result<(), Error> {
    let (from, to) = (DataDir::new(from.to_owned()), DataDir::new(to.to_owned()));
    std::fs::create_dir_all(to.root())
        .and_then(|()| std::fs::copy(from.secret(), to.secret()))
        .map(drop)
        .map_err(|error| Error::unavailable(to.root().display(), error))
}

/// Starts an empty server and measures until its read models have taken in the whole log, against the bare client that only
/// reads it.
async fn catch_up(bench: &Bench, url: &str, data: &Path) -> Result<(Figure, Server), Error> {
    let bare = BareClient::connect(url).map_err(failed)?;
    let began = Instant::now();
    let events = bare.count().await.map_err(failed)?;
    let ceiling = Figure::new("cluster", "the whole log, bare client", events, began.elapsed());
    let began = Instant::now();
    let server = Server::serve_on(url, data, bench.store)?;
    until_caught_up(std::slice::from_ref(&server)).await?;
    let took = began.elapsed();
    let figure = Figure::new("cluster", "an empty server takes in the whole log", events, took);
    Ok((figure.with_ceiling(ceiling.per_second), server))
}

async fn until_caught_up(servers: &[Server]) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    let query = client::get("/readyz", "");
    for server in servers {
        let mut connection = Connection::open(server.address).await.map_err(failed)?;
        while !is_caught_up(connection.exchange(&query).await.map_err(failed)?) {
            if Instant::now() > until {
                return Err(failed("a server does not catch up with the log"));
            }
            sleep(AGAIN_AFTER).await;
        }
    }
    Ok(())
}

/// Reads of one server, and the same of several at the same time; the second as a share of the first.
async fn one_and_several(bench: &Bench, servers: &[Server], pairs: &[Pair]) -> Result<(), Error> {
    let mut one = None;
    for servers in [servers.get(..1).unwrap_or_default(), servers] {
        let answered = histories(bench, servers, pairs).await?;
        let case = |processor: f64| {
            let count = servers.len();
            format!(
                "histories of {count} server{}, {processor:.0} us of processor each",
                if count == 1 { "" } else { "s" }
            )
        };
        let per_second = answered.latencies.count() as f64 / bench.seconds as f64;
        let processor = answered.cpu_percent * 1e4 / per_second.max(1e-9);
        let mut figure = answered.figure("cluster", case(processor), bench.seconds);
        match one {
            None => one = Some(figure.per_second),
            Some(one) => figure = figure.with_ceiling(one),
        }
        figure.tell(bench.json);
    }
    Ok(())
}

async fn histories(bench: &Bench, servers: &[Server], pairs: &[Pair]) -> Result<Answered, Error> {
    let each = CONNECTIONS / servers.len().max(1);
    let load = |(number, server): (usize, &Server)| {
        let own = pairs.iter().skip(number * each).take(each);
        let path = |pair: &Pair| format!("/v1/conversations/{}/messages?limit=20", pair.conversation);
        let requests = own.map(|pair| Repeated(client::get(&path(pair), &pair.one.token))).collect();
        closed_loop(server.address, server.process(), requests, bench.seconds)
    };
    let answered = try_join_all(servers.iter().enumerate().map(load)).await?;
    Ok(answered.into_iter().fold(Answered::default(), |mut all, one| {
        all.latencies.merge(one.latencies);
        all.all += one.all;
        all.errors += one.errors;
        all.cpu_percent += one.cpu_percent;
        all.rss_mib += one.rss_mib;
        all
    }))
}

/// How long after the return of the log a message is taken again.
async fn recovery(log: &mut LogServer, server: &Server, pair: &Pair) -> Result<Figure, Error> {
    log.kill();
    let until = Instant::now() + PATIENCE;
    while ask(server, &client::get("/readyz", "")).await? < 500 {
        if Instant::now() > until {
            return Err(failed("the server does not notice that the log is away"));
        }
        sleep(AGAIN_AFTER).await;
    }
    log.start_again()?;
    let began = Instant::now();
    let path = format!("/v1/conversations/{}/messages", pair.conversation);
    let message = client::post(&path, &pair.one.token, r#"{"content":{"kind":"text","text":"is it back?"}}"#);
    while ask(server, &message).await? >= 300 {
        if Instant::now() > until {
            return Err(failed("the server takes no message after the log came back"));
        }
        sleep(AGAIN_AFTER).await;
    }
    let took = began.elapsed();
    let mut figure = Figure::new("cluster", "a message is taken after the log came back", 1, took);
    figure.p50_ms = Some(took.as_secs_f64() * 1e3);
    Ok(figure)
}

/// The status of an answer.
async fn ask(server: &Server, request: &[u8]) -> Result<u16, Error> {
    let mut connection = Connection::open(server.address).await.map_err(failed)?;
    Ok(connection.exchange(request).await.map_err(failed)?.0)
}

/// Durable appends of small events, by many at a time and by one: through the bare client as it comes, and through the
/// adapter. The bare client is first, since the adapter looks after all connections of this process.
async fn appends(bench: &Bench, url: &str) -> Result<(), Error> {
    let bare = Arc::new(BareClient::connect(url).map_err(failed)?);
    let time = Duration::from_secs(bench.seconds);
    let run = Uuid::now_v7();
    let mut ceilings = Vec::new();
    for appenders in APPENDERS {
        let bare = bare.clone();
        let append = move |appender, number| {
            let (bare, stream) = (bare.clone(), stream_of(&format!("bare-{appenders}"), run, appender, number));
            async move { bare.append(&stream, number % IN_A_STREAM, Bytes::from_static(PAYLOAD)).await.map_err(failed) }
        };
        let figure = by_many("bare client", appenders, time, append).await?;
        figure.tell(bench.json);
        ceilings.push(figure.per_second);
    }
    let log = open(url).await?;
    for (appenders, ceiling) in APPENDERS.into_iter().zip(ceilings) {
        let log = log.clone();
        let append = move |appender, number| {
            let (log, stream) = (log.clone(), stream_of(&format!("adapted-{appenders}"), run, appender, number));
            async move { log.append(event(stream, number % IN_A_STREAM)?).await.map(drop).map_err(failed) }
        };
        by_many("adapter", appenders, time, append).await?.with_ceiling(ceiling).tell(bench.json);
    }
    Ok(())
}

fn stream_of(kind: &str, run: Uuid, appender: u64, number: u64) -> String {
    format!("{kind}-{run}-{appender}-{}", number / IN_A_STREAM)
}

fn event(stream: String, version: u64) -> Result<Append, Error> {
    let command_id = Uuid::now_v7();
    Ok(Append {
        stream: StreamName::new(stream).map_err(failed)?,
        expected: if version == 0 { ExpectedVersion::NoStream } else { ExpectedVersion::Exact(version) },
        time: Utc::now(),
        actor: None,
        command_id,
        fingerprint: None,
        correlation_id: command_id,
        causation_id: None,
        events: vec![NewEvent {
            event_id: Uuid::now_v7(),
            event_type: "bench.happened",
            schema: 1,
            encoding: PayloadEncoding::Json,
            payload: Bytes::from_static(PAYLOAD),
        }],
    })
}

/// Appends by so many at a time for a while.
async fn by_many<F>(
    through: &str,
    appenders: u64,
    time: Duration,
    append: impl Fn(u64, u64) -> F + Clone + Send + 'static,
) -> Result<Figure, Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for appender in 0..appenders {
        let append = append.clone();
        tasks.spawn(async move {
            let (mut number, mut latencies) = (0, Latencies::default());
            while began.elapsed() < time {
                let start = Instant::now();
                append(appender, number).await?;
                latencies.add(start.elapsed());
                number += 1;
            }
            Ok::<_, Error>(latencies)
        });
    }
    let mut all = Latencies::default();
    while let Some(ended) = tasks.join_next().await {
        all.merge(ended.map_err(failed)??);
    }
    let who = if appenders == 1 { "1 appender".to_owned() } else { format!("{appenders} appenders") };
    let figure = Figure::new("cluster", format!("appends, {through}, {who}"), all.count(), began.elapsed());
    Ok(figure.with_latencies(&mut all))
}
