//! `teahouse bench log`: the event log alone: durable appends, reading everything, opening again, memory and disk.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::Utc;
use eventlog::{
    Append, AppendError, DiskLog, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, Position, StoreKind, StreamName,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Bench, Place,
    figure::Figure,
    latency::Latencies,
    process::{Process, disk_bytes},
};
use crate::{audit::source::opened, error::Error};

const PAYLOAD_BYTES: usize = 300;
/// What a record of such an event takes, for the bare file.
const RECORD_BYTES: usize = PAYLOAD_BYTES + 160;
const APPENDERS: u64 = 256;
/// Streams of the long load, appended to at random.
const STREAMS: u64 = 200_000;
/// Records that are read at a time.
const PAGE: usize = 4096;

/// Measures the log in this process.
///
/// # Errors
/// When it fails.
pub(super) async fn run(bench: &Bench, events: Option<u64>) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let bare = bare_syncs(bench, &place.path().join("bare"))?;
    bare.tell(bench.json);
    let dir = place.path().join("log");
    let kind = StoreKind::from(bench.store);
    let log = opened(kind.open(&dir, None))?;
    appenders(bench, &log, 1).await?.with_ceiling(bare.per_second).tell(bench.json);
    appenders(bench, &log, APPENDERS).await?.tell(bench.json);
    if let Some(events) = events {
        load(&log, events).await?.tell(bench.json);
    }
    read_everything(&log).await?.tell(bench.json);
    let total = log.last_position().0;
    let rss_mib = Process::this().resident_mib();
    drop(log);
    opening(kind, &dir, total, rss_mib)?.tell(bench.json);
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::failed("the log", error)
}

/// The disk's own pace: one record's bytes at the end of a file, then the barrier.
fn bare_syncs(bench: &Bench, path: &Path) -> Result<Figure, Error> {
    let mut file = File::create(path).map_err(failed)?;
    let record = [7; RECORD_BYTES];
    let (began, mut latencies) = (Instant::now(), Latencies::default());
    while began.elapsed() < Duration::from_secs(bench.seconds) {
        let sent = Instant::now();
        file.write_all(&record).and_then(|()| file.sync_data()).map_err(failed)?;
        latencies.add(sent.elapsed());
    }
    let figure = Figure::new("log", "bare file: write and fdatasync", latencies.count(), began.elapsed());
    Ok(figure.with_latencies(&mut latencies))
}

/// Appenders that each wait for one append before they make the next.
async fn appenders(bench: &Bench, log: &Arc<DiskLog>, count: u64) -> Result<Figure, Error> {
    let process = Process::this();
    let (before, began) = (process.cpu(), Instant::now());
    let until = began + Duration::from_secs(bench.seconds);
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(append_until(log.clone(), number, until));
    }
    let mut latencies = Latencies::default();
    while let Some(outcome) = tasks.join_next().await {
        latencies.merge(outcome.map_err(failed)?.map_err(failed)?);
    }
    let cpu_percent = before.percent_until(process.cpu());
    let case = format!("append, {count} appender{}", if count == 1 { "" } else { "s" });
    let mut figure = Figure::new("log", case, latencies.count(), began.elapsed()).with_latencies(&mut latencies);
    figure.cpu_percent = Some(cpu_percent);
    figure.rss_mib = Some(process.resident_mib());
    Ok(figure)
}

async fn append_until(log: Arc<DiskLog>, number: u64, until: Instant) -> Result<Latencies, AppendError> {
    let stream = StreamName::new(format!("conversation-{}", Uuid::now_v7()))?;
    let payloads: Vec<Bytes> = (0..64).map(|seed| payload(number * 64 + seed)).collect();
    let (mut latencies, mut version) = (Latencies::default(), 0);
    for payload in payloads.iter().cycle() {
        let sent = Instant::now();
        if sent >= until {
            break;
        }
        version = log.append(one(&stream, ExpectedVersion::Exact(version), payload.clone())).await?.version;
        latencies.add(sent.elapsed());
    }
    Ok(latencies)
}

/// Fills the log from many streams at random.
async fn load(log: &Arc<DiskLog>, events: u64) -> Result<Figure, Error> {
    let names = (0..STREAMS).map(|_| StreamName::new(format!("conversation-{}", Uuid::now_v7())));
    let names: Arc<Vec<StreamName>> = Arc::new(names.collect::<Result<_, _>>().map_err(failed)?);
    let process = Process::this();
    let (before, began) = (process.cpu(), Instant::now());
    let mut tasks = JoinSet::new();
    for number in 0..APPENDERS {
        let (log, names) = (log.clone(), names.clone());
        tasks.spawn(async move {
            let mut chance = number + 1;
            for _ in 0..events.div_ceil(APPENDERS) {
                chance = draw(chance);
                let which = (chance >> 33) as usize % names.len().max(1);
                if let Some(stream) = names.get(which) {
                    log.append(one(stream, ExpectedVersion::Any, payload(chance))).await?;
                }
            }
            Ok::<_, AppendError>(())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.map_err(failed)?.map_err(failed)?;
    }
    let done = events.div_ceil(APPENDERS) * APPENDERS;
    let cpu_percent = before.percent_until(process.cpu());
    let case = format!("load, {APPENDERS} appenders, {STREAMS} streams");
    let mut figure = Figure::new("log", case, done, began.elapsed());
    figure.cpu_percent = Some(cpu_percent);
    figure.rss_mib = Some(process.resident_mib());
    Ok(figure)
}

async fn read_everything(log: &Arc<DiskLog>) -> Result<Figure, Error> {
    let (began, mut count, mut after) = (Instant::now(), 0, Position::START);
    loop {
        let page = log.read_all(after, PAGE).await.map_err(failed)?;
        let Some(last) = page.last() else { break };
        after = last.position();
        count += page.len() as u64;
    }
    let mut figure = Figure::new("log", "read everything", count, began.elapsed());
    figure.rss_mib = Some(Process::this().resident_mib());
    Ok(figure)
}

/// How long opening takes, and what the log is on disk.
fn opening(kind: StoreKind, dir: &Path, total: u64, rss_mib: f64) -> Result<Figure, Error> {
    let per_item = disk_bytes(dir) as f64 / total.max(1) as f64;
    let began = Instant::now();
    let log = opened(kind.open(dir, None))?;
    let took = began.elapsed();
    drop(log);
    let of_payload = per_item / PAYLOAD_BYTES as f64;
    let case = format!("open {total} events: {:.2} s, disk {of_payload:.2} x payload", took.as_secs_f64());
    let mut figure = Figure::new("log", case, total, took);
    figure.disk_bytes_per_item = Some(per_item);
    figure.rss_mib = Some(rss_mib);
    Ok(figure)
}

fn one(stream: &StreamName, expected: ExpectedVersion, payload: Bytes) -> Append {
    let command_id = Uuid::now_v7();
    let event = NewEvent {
        event_id: Uuid::now_v7(),
        event_type: "message.sent",
        schema: 1,
        encoding: PayloadEncoding::Json,
        payload,
    };
    Append {
        stream: stream.clone(),
        expected,
        time: Utc::now(),
        actor: Some(command_id),
        command_id,
        fingerprint: None,
        correlation_id: command_id,
        causation_id: None,
        events: vec![event],
    }
}

/// A payload of letters and digits that don't repeat, so that compression has little to win.
fn payload(seed: u64) -> Bytes {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
    let mut text = Vec::with_capacity(PAYLOAD_BYTES);
    text.extend_from_slice(br#"{"text":""#);
    let mut chance = draw(seed);
    while text.len() < PAYLOAD_BYTES - 2 {
        chance = draw(chance);
        let letters = chance.to_be_bytes().into_iter().take(6).filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        text.extend(letters);
    }
    text.truncate(PAYLOAD_BYTES - 2);
    text.extend_from_slice(b"\"}");
    text.into()
}

/// The next number of a simple sequence that looks random.
fn draw(chance: u64) -> u64 {
    chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_json_of_the_stated_length() {
        for seed in [0, 1, u64::MAX] {
            let payload = payload(seed);
            assert_eq!(payload.len(), PAYLOAD_BYTES);
            serde_json::from_slice::<serde_json::Value>(&payload).unwrap();
        }
        assert_ne!(payload(1), payload(2));
    }
}
