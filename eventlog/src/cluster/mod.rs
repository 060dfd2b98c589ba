//! The log of a cluster: KurrentDB or EventStoreDB, shared by several nodes.
//!
//! - `connection`: the client and its traps; the one file to change for another client.
//! - `envelope`: how a record travels, byte for byte.
//! - `lanes`: appends, in order within each stream, in parallel between streams.
//! - `feed`: following the whole log, for those who follow it here and to confirm what was appended.
//! - `health`: whether the cluster answers.
//! - `import`: bringing another log's records there.
//! - `sockets`: having the client's packets sent at once.

mod connection;
mod envelope;
mod feed;
mod health;
mod import;
mod lanes;
mod sockets;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::{self, BoxFuture, FutureExt};
use lru::LruCache;
use parking_lot::Mutex;
use tokio::{
    runtime::{self, Handle, Runtime},
    sync::{Notify, oneshot},
    time::sleep,
};
use uuid::Uuid;

pub use self::connection::BareClient;
use self::{
    connection::{Connection, Fault},
    envelope::Found,
    health::Health,
    lanes::Lanes,
};
use crate::{
    follower::{CATCH_UP_EVENTS, Followed, Follower},
    heads::{Head, KEPT_HEADS},
    import::ImportError,
    limits,
    live::Live,
    port::{Append, AppendError, Appended, EventLog, Position, ReadError, StreamName, Subscription},
    record::RecordedEvent,
};

/// Time between two attempts at something that the cluster does not do now.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Events looked through at a time for the last one of ours.
const LAST_AMONG: usize = 256;

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Its address, `esdb://...`, with whatever that says of users and certificates.
    pub url: String,
    /// Whether certificates may go unchecked where the address says so: for development only.
    pub unverified: bool,
    /// How long an append or a read tries before it is given up.
    pub patience: Duration,
    /// How long to wait for a cluster at the start.
    pub start_patience: Duration,
}

impl ClusterOptions {
    /// The cluster at an address, with times that suit a network without surprises.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let (patience, start_patience) = (Duration::from_secs(4), Duration::from_secs(60));
        Self { url: url.into(), unverified: false, patience, start_patience }
    }
}

/// Why a cluster can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The address is not one of a cluster. It is not told, since a password may be in it.
    #[error("the address of the cluster is not of the form esdb://[USER:PASSWORD@]HOST:PORT[,HOST:PORT][?OPTIONS]")]
    Address,
    /// Certificates would go unchecked.
    #[error("tlsVerifyCert=false is only for development: name the cluster's own authority with tlsCaFile instead")]
    Unverified,
    /// The roots of trust can't be used.
    #[error("the roots of trust for the cluster can't be used: {0}")]
    Roots(String),
    /// Another part of this process installed a TLS provider before the first client was made.
    #[error("another part of this process installed a TLS provider before the cluster's client could")]
    Provider,
    /// The client could not be made.
    #[error("no client for the cluster: {0}")]
    Client(String),
    /// Nobody answered.
    #[error("the cluster does not answer: {0}")]
    Absent(String),
    /// What is there can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An event log on a cluster, which other nodes write to as well.
///
/// It knows the whole log up to [`EventLog::last_position`], and what is behind that a moment later.
pub struct ClusterLog {
    inner: Arc<Inner>,
    runtime: Option<Runtime>,
}

/// What appends, reads and the feed share.
struct Inner {
    connection: Connection,
    /// What the client's connections live on.
    runtime: Handle,
    /// How long an append or a read tries.
    patience: Duration,
    /// What the feed brought.
    live: Live,
    /// The last position that was acknowledged here; the feed may not have come so far.
    acknowledged: AtomicU64,
    heads: Mutex<LruCache<StreamName, Head>>,
    lanes: Lanes,
    /// Who waits for the feed to bring an event.
    awaited: Mutex<HashMap<Uuid, oneshot::Sender<RecordedEvent>>>,
    /// Tells the feed that there is something.
    wake: Notify,
    health: Health,
}

impl ClusterLog {
    /// Connects to a cluster and finds the end of its log. Blocks until that is done; not to be called on a runtime.
    ///
    /// # Errors
    /// When the address can't be used or nobody answers.
    pub fn open(options: &ClusterOptions) -> Result<Arc<Self>, ClusterError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cluster-log")
            .enable_all()
            .build()
            .map_err(|error| ClusterError::Client(error.to_string()))?;
        let opened = runtime.block_on(Inner::open(options));
        let inner = match opened {
            Ok((inner, end)) => {
                runtime.spawn(feed::follow(inner.clone(), end));
                inner
            }
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        Ok(Arc::new(Self { inner, runtime: Some(runtime) }))
    }

    /// Appends records of another log in their order, keeping every byte; only their positions are given anew. The log
    /// must have held nothing, or just what an interrupted import of the same records left. The caller sees to it that
    /// they are whole. Gives the position of the last record.
    ///
    /// # Errors
    /// [`ImportError::NotEmpty`] where the log holds something else; when they can't be written.
    pub fn import(&self, records: Vec<RecordedEvent>) -> BoxFuture<'static, Result<Position, ImportError>> {
        let closed = || AppendError::Unavailable("the event log was closed".into());
        let task = self.inner.runtime.spawn(self.inner.clone().import(records));
        async move { task.await.unwrap_or_else(|_| Err(closed().into())) }.boxed()
    }

    /// Does something on the runtime that the client's connections live on.
    fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ReadError>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ReadError>> {
        let closed = || ReadError::Unavailable("the event log was closed".into());
        let Some(runtime) = &self.runtime else { return future::ready(Err(closed())).boxed() };
        let task = runtime.spawn(work);
        async move { task.await.unwrap_or_else(|_| Err(closed())) }.boxed()
    }
}

impl Drop for ClusterLog {
    fn drop(&mut self) {
        self.inner.live.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Inner {
    /// Connects; gives also the place from where the feed goes on.
    async fn open(options: &ClusterOptions) -> Result<(Arc<Self>, Position), ClusterError> {
        let connection = Connection::new(&options.url, options.unverified, options.patience / 2)?;
        let until = Instant::now() + options.start_patience;
        let (end, last) = loop {
            match find_end(&connection).await? {
                Ok(found) => break found,
                Err(fault) if Instant::now() > until => return Err(ClusterError::Absent(fault.to_string())),
                Err(Fault::Lasting(reason)) => return Err(ClusterError::Absent(reason)),
                Err(fault) => {
                    tracing::warn!(%fault, "the cluster does not answer yet");
                    sleep(AGAIN_AFTER * 10).await;
                }
            }
        };
        let inner = Self {
            connection,
            runtime: Handle::current(),
            patience: options.patience,
            live: Live::new(last),
            acknowledged: AtomicU64::new(last.0),
            heads: Mutex::new(LruCache::new(KEPT_HEADS)),
            lanes: Lanes::default(),
            awaited: Mutex::default(),
            wake: Notify::new(),
            health: Health::default(),
        };
        Ok((Arc::new(inner), end))
    }

    /// Reads until it works, or for as long as the log's patience lasts.
    async fn patiently<T, F>(&self, read: impl Fn() -> F) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let until = Instant::now() + self.patience;
        loop {
            match read().await {
                Ok(read) => return Ok(read),
                Err(Fault::Passing(_)) if Instant::now() < until && !self.health.gone(self.patience) => {
                    sleep(AGAIN_AFTER).await;
                }
                Err(fault) => return Err(ReadError::Unavailable(fault.to_string().into())),
            }
        }
    }

    /// Up to `limit` records of ours behind a position, and not behind what the feed brought.
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let last = self.live.last();
        let (mut page, mut at) = (Vec::new(), after);
        while page.len() < limit && at < last {
            let wanted = limit - page.len();
            // The event at the position itself comes as well.
            let found = self.patiently(|| self.connection.read_all(at, wanted.saturating_add(1))).await?;
            let before = at;
            for event in found {
                if event.position > at && event.position <= last && page.len() < limit {
                    at = event.position;
                    page.extend(event.record()?);
                }
            }
            if at == before {
                break;
            }
        }
        Ok(page)
    }

    /// Up to `limit` records of a stream with a version above `after`.
    async fn stream_page(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        if limit == 0 || after == u64::MAX {
            return Ok(Vec::new());
        }
        let found = self.patiently(|| self.connection.read_stream(stream, after, limit)).await?;
        let page = records(stream, after, found)?;
        if let Some(last) = page.last().filter(|_| page.len() < limit) {
            self.note_head(stream, last);
        }
        Ok(page)
    }

    /// Notes the end of a stream, unless a later one is known.
    fn note_head(&self, stream: &StreamName, last: &RecordedEvent) {
        let mut heads = self.heads.lock();
        if heads.get(stream).is_none_or(|head| head.version < last.version()) {
            heads.put(stream.clone(), Head::of(last));
        }
    }
}

/// The records of a stream from what was found in it: all ours, without a gap.
fn records(stream: &StreamName, after: u64, found: Vec<Found>) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut records = Vec::with_capacity(found.len());
    for (expected, found) in (after.saturating_add(1)..).zip(found) {
        let (position, version) = (found.position, found.revision.saturating_add(1));
        match found.record()? {
            Some(record) if version == expected => records.push(record),
            _ => {
                return Err(ReadError::Damaged {
                    position,
                    stream: Some(stream.to_string()),
                    rule: format!("the stream's version {expected} is missing"),
                });
            }
        }
    }
    Ok(records)
}

/// The place of the last event of all, and that of the last one of ours.
async fn find_end(connection: &Connection) -> Result<Result<(Position, Position), Fault>, ReadError> {
    let (mut end, mut before) = (None, None);
    loop {
        let found = match connection.read_back(before, LAST_AMONG).await {
            Ok(found) => found,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(oldest) = found.last().map(|event| event.position) else {
            return Ok(Ok((end.unwrap_or_default(), Position::START)));
        };
        before = Some(oldest);
        for event in found {
            let end = *end.get_or_insert(event.position);
            if let Some(record) = event.record()? {
                return Ok(Ok((end, record.position())));
            }
        }
    }
}

impl Followed for Inner {
    fn live(&self) -> &Live {
        &self.live
    }

    fn stored(self: Arc<Self>, after: Position) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let runtime = self.runtime.clone();
        let task = runtime.spawn(async move { self.page(after, CATCH_UP_EVENTS).await });
        async move { task.await.unwrap_or_else(|_| Err(ReadError::Unavailable("the event log was closed".into()))) }
            .boxed()
    }
}

impl EventLog for ClusterLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        match limits::check(&append).and_then(|()| self.inner.submit(append)) {
            Ok(outcome) => async move {
                outcome.await.unwrap_or_else(|_| Err(AppendError::Unavailable("the event log was closed".into())))
            }
            .boxed(),
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let (inner, stream) = (self.inner.clone(), stream.clone());
        self.on_runtime(async move { inner.stream_page(&stream, after, limit).await })
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'static, Result<Vec<RecordedEvent>, ReadError>> {
        let inner = self.inner.clone();
        self.on_runtime(async move { inner.page(after, limit).await })
    }

    fn subscribe(&self, after: Position) -> Box<dyn Subscription> {
        let log: Arc<dyn Followed> = self.inner.clone();
        Box::new(Follower::new(log, after))
    }

    fn last_position(&self) -> Position {
        Position(self.inner.acknowledged.load(Ordering::Acquire)).max(self.inner.live.last())
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        self.inner.health.refusing()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
