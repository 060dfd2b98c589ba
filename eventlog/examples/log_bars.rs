//! Measures an event log on a fresh directory: durable appends alone and in company, a long load, reading
//! everything, opening again, memory and disk.
//!
//! `cargo run --release -p eventlog --example log_bars -- [fjall|sled] [EVENTS] [EVENTS PER APPEND] [DIR]`
//!
//! EVENTS is how many the long load writes. On a busy machine the processor times say more than the paces.

use std::{
    error::Error,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::Utc;
use eventlog::{
    Append, AppendError, DiskLog, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, Position, StoreKind,
    StreamName, Verifier,
};
use uuid::Uuid;

// The allocator of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PAYLOAD_BYTES: usize = 300;
const STREAMS: u64 = 200_000;
const APPENDERS: u64 = 256;
const SPELL: Duration = Duration::from_secs(4);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let kind: StoreKind = args.next().as_deref().unwrap_or("fjall").parse()?;
    let events: u64 = args.next().as_deref().unwrap_or("1000000").parse()?;
    let each: u64 = args.next().as_deref().unwrap_or("1").parse()?;
    let dir = args
        .next()
        .map_or_else(|| std::env::temp_dir().join(format!("log-bars-{}", std::process::id())), PathBuf::from);
    fs::create_dir_all(&dir)?;
    let measured = measure(kind, (events, each), &dir).await;
    fs::remove_dir_all(&dir)?;
    measured
}

async fn measure(kind: StoreKind, (events, each): (u64, u64), dir: &Path) -> Outcome<()> {
    let bare = bare_syncs(&dir.join("bare"))?;
    println!("bare write + fdatasync of one record: {bare:.0}/s");
    let home = dir.join("log");
    let log = kind.open(&home, None)?;
    let alone = appenders(&log, 1).await?;
    println!("one appender: {alone:.0} events/s, {:.2} of the bare rate", alone / bare);
    let company = appenders(&log, APPENDERS).await?;
    println!("{APPENDERS} appenders: {company:.0} events/s");
    load(&log, events, each).await?;
    let total = log.last_position().0;
    let payload = total * PAYLOAD_BYTES as u64;
    read_everything(&log, None).await?;
    println!("resident: {} MiB", resident_mib()?);
    drop(log);
    let disk = disk_bytes(&home)?;
    println!("disk: {} MiB for {total} events, {:.2} x payload", disk >> 20, disk as f64 / payload as f64);
    let began = Instant::now();
    let log = kind.open(&home, None)?;
    println!("open: {:.2} s", began.elapsed().as_secs_f64());
    println!("resident: {} MiB", resident_mib()?);
    read_everything(&log, Some(Verifier::new())).await?;
    read_everything(&log, None).await?;
    println!("resident: {} MiB", resident_mib()?);
    Ok(())
}

/// Payload like a message's: JSON with ids and text that does not repeat.
fn payload(seed: u64) -> Bytes {
    let mut text = String::with_capacity(PAYLOAD_BYTES + 64);
    text.push_str(r#"{"conversation":""#);
    while text.len() < PAYLOAD_BYTES - 2 {
        let piece = Uuid::new_v4().simple().to_string();
        text.push_str(&piece);
        text.push_str(if seed.is_multiple_of(2) { " said, " } else { " wrote " });
    }
    text.truncate(PAYLOAD_BYTES - 2);
    text.push_str("\"}");
    text.into()
}

/// More payloads than a block of records has room for, so that they don't compress each other away.
fn payloads() -> Arc<Vec<Bytes>> {
    Arc::new((0..8192).map(payload).collect())
}

fn some_of(payloads: &[Bytes], number: u64, count: u64) -> &[Bytes] {
    let start = (number as usize % payloads.len()).min(payloads.len() - count as usize);
    payloads.get(start..start + count as usize).unwrap_or_default()
}

fn append(stream: &StreamName, expected: ExpectedVersion, payloads: &[Bytes]) -> Append {
    let command_id = Uuid::now_v7();
    let events = payloads.iter().map(|payload| NewEvent {
        event_id: Uuid::now_v7(),
        event_type: "message.sent",
        schema: 1,
        encoding: PayloadEncoding::Json,
        payload: payload.clone(),
    });
    Append {
        stream: stream.clone(),
        expected,
        time: Utc::now(),
        actor: Some(command_id),
        command_id,
        fingerprint: None,
        correlation_id: command_id,
        causation_id: None,
        events: events.collect(),
    }
}

/// The disk's own pace: one record's bytes at the end of a file, then the barrier.
fn bare_syncs(path: &Path) -> Outcome<f64> {
    let mut file = File::create(path)?;
    let record = [7; PAYLOAD_BYTES + 160];
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < SPELL {
        file.write_all(&record)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Appenders that each wait for one append before they make the next.
async fn appenders(log: &Arc<DiskLog>, count: u64) -> Outcome<f64> {
    let payloads = payloads();
    let cpu = cpu_seconds()?;
    let until = Instant::now() + SPELL;
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (log, payloads) = (Arc::clone(log), Arc::clone(&payloads));
            tokio::spawn(async move {
                let stream = StreamName::new(format!("conversation-{}", Uuid::now_v7()))?;
                let mut version = 0;
                while Instant::now() < until {
                    let payload = some_of(&payloads, version + number * 31, 1);
                    let expected = ExpectedVersion::Exact(version);
                    version = log.append(append(&stream, expected, payload)).await?.version;
                }
                Ok::<_, AppendError>(version)
            })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        written += task.await??;
    }
    let cpu = (cpu_seconds()? - cpu) * 1e6 / written as f64;
    println!("  {cpu:.1} us of processor time an event");
    Ok(written as f64 / SPELL.as_secs_f64())
}

/// Fills the log from many streams at random.
async fn load(log: &Arc<DiskLog>, events: u64, each: u64) -> Outcome<()> {
    let names: Vec<_> =
        (0..STREAMS).map(|_| StreamName::new(format!("conversation-{}", Uuid::now_v7()))).collect::<Result<_, _>>()?;
    let (names, payloads) = (Arc::new(names), payloads());
    let cpu = cpu_seconds()?;
    let began = Instant::now();
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|number| {
            let (log, names) = (Arc::clone(log), Arc::clone(&names));
            let payloads = Arc::clone(&payloads);
            tokio::spawn(async move {
                let mut chance = number + 1;
                for _ in 0..events / APPENDERS / each {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let which = (chance >> 33) as usize % names.len();
                    let payload = some_of(&payloads, chance >> 40, each);
                    if let Some(stream) = names.get(which) {
                        log.append(append(stream, ExpectedVersion::Any, payload)).await?;
                    }
                }
                Ok::<_, AppendError>(())
            })
        })
        .collect();
    let mut last = Instant::now();
    let mut reported = log.last_position().0;
    for task in tasks {
        while !task.is_finished() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if last.elapsed() > Duration::from_secs(10) {
                let now = log.last_position().0;
                let pace = (now - reported) as f64 / last.elapsed().as_secs_f64();
                println!("  at {now}: {pace:.0}/s, resident {} MiB", resident_mib()?);
                (last, reported) = (Instant::now(), now);
            }
        }
        task.await??;
    }
    let pace = events as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu_seconds()? - cpu) * 1e6 / events as f64;
    println!("  {cpu:.1} us of processor time an event");
    println!("load of {events} events over {STREAMS} streams: {pace:.0} events/s");
    Ok(())
}

async fn read_everything(log: &Arc<DiskLog>, mut verifier: Option<Verifier>) -> Outcome<()> {
    let (began, mut count, mut after) = (Instant::now(), 0_u64, Position::START);
    let cpu = cpu_seconds()?;
    let what = if verifier.is_some() { "verification" } else { "read" };
    loop {
        let page = log.read_all(after, 4096).await?;
        let Some(last) = page.last() else { break };
        after = last.position();
        count += page.len() as u64;
        if let Some(verifier) = &mut verifier
            && let Some(breach) = page.iter().find_map(|record| verifier.check(record))
        {
            return Err(breach.to_string().into());
        }
    }
    let pace = count as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu_seconds()? - cpu) * 1e6 / count as f64;
    println!("  {cpu:.2} us of processor time an event");
    println!("{what} of {count} events: {pace:.0} events/s");
    Ok(())
}

/// Processor time that this process has used, in user and system mode.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

fn resident_mib() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.unwrap_or("0").parse::<u64>()? >> 10)
}

fn disk_bytes(dir: &Path) -> Outcome<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes +=
            if entry.file_type()?.is_dir() { disk_bytes(&entry.path())? } else { entry.metadata()?.blocks() * 512 };
    }
    Ok(bytes)
}
