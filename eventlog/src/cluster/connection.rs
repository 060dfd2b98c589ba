//! The connection to a cluster: the only file that knows the crate `eventstore`, and how it is to be handled.
//!
//! - A client that failed to connect answers nothing ever again, and one whose node died stays with it. Clients are
//!   therefore replaced: at once when they are closed, and after [`FAILURES`] failures in a row.
//! - The client's connections live on the runtime they were made on, so all calls are made from the log's own.
//! - No call waits for ever: the client's own deadlines are only told to the server.
//! - Batches and subscriptions of the client are not used: one refused item ends a whole batch stream, and a
//!   subscription that the server ends well spins without ever giving its thread back. Appends in parallel share the
//!   connection anyway, and reads by the page have no state that could break.
//! - The client's small packets wait for the acknowledgement of those before: `sockets` sees to it that they don't.
//! - The client panics in a task of its own where the roots of trust can't be loaded or another part of the process
//!   installed a TLS provider first. Both are found out before it is made.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, EventData, ExpectedRevision, ReadAllOptions, ReadStream,
    ReadStreamOptions, ResolvedEvent, StreamPosition,
};
use parking_lot::RwLock;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use uuid::Uuid;

use super::{
    ClusterError,
    envelope::{Envelope, Found},
    sockets::Prompter,
};
use crate::port::{Position, StreamName};

/// Failures in a row after which a client is replaced.
const FAILURES: u32 = 3;
/// A client is given at least this long before it is replaced.
const SHORTEST_LIFE: Duration = Duration::from_millis(250);

/// What gRPC has for a call that will be refused however often it is made.
const INVALID_ARGUMENT: i32 = 3;

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The stream was not at the expected revision.
    Conflict,
    /// There is no such stream.
    NoStream,
    /// The events are more than the server takes.
    TooLarge,
    /// It may work later; whether an append was carried out is not known.
    Passing(String),
    /// It will not work later either.
    Lasting(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the stream is at another revision"),
            Self::NoStream => f.write_str("there is no such stream"),
            Self::TooLarge => f.write_str("the append is larger than the server takes"),
            Self::Passing(reason) | Self::Lasting(reason) => f.write_str(reason),
        }
    }
}

struct Current {
    client: Client,
    made: Instant,
    number: u64,
}

/// A cluster and the client that talks to it now.
pub(crate) struct Connection {
    settings: ClientSettings,
    /// How long one call may take.
    patience: Duration,
    current: RwLock<Current>,
    failures: AtomicU32,
    prompter: Prompter,
}

impl Connection {
    /// Prepares to talk to a cluster; nothing is sent yet. Must be called on the runtime that makes the calls.
    ///
    /// # Errors
    /// When the address can't be used, or something of the process keeps a client from working.
    pub(crate) fn new(url: &str, unverified: bool, patience: Duration) -> Result<Self, ClusterError> {
        let settings = settings(url, unverified)?;
        check_provider()?;
        check_roots(&settings)?;
        let client = Client::new(settings.clone()).map_err(|error| ClusterError::Client(error.to_string()))?;
        let current = RwLock::new(Current { client, made: Instant::now(), number: 0 });
        let ports = settings.hosts().iter().filter_map(|host| u16::try_from(host.port).ok());
        let prompter = Prompter::new(ports);
        Ok(Self { settings, patience, current, failures: AtomicU32::new(0), prompter })
    }

    /// Appends to a stream that must be at a version; 0 for one that must not be there. Gives the position that the server
    /// tells, which may be of an earlier append of the same events.
    pub(crate) async fn append(
        &self,
        stream: &StreamName,
        version: u64,
        events: Vec<Envelope>,
    ) -> Result<Position, Fault> {
        let expected = version.checked_sub(1).map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
        let options =
            AppendToStreamOptions::default().expected_revision(expected).requires_leader(true).deadline(self.patience);
        let events: Vec<EventData> = events.into_iter().map(packed).collect();
        let written =
            self.call(|client| async move { client.append_to_stream(stream.as_str(), &options, events).await }).await?;
        Ok(Position(written.position.commit))
    }

    /// Up to `limit` events of a stream with a version above `after`.
    pub(crate) async fn read_stream(&self, stream: &StreamName, after: u64, limit: usize) -> Result<Vec<Found>, Fault> {
        // The version after `after`, counted from 0.
        let options = ReadStreamOptions::default().forwards().position(StreamPosition::Position(after));
        self.read_stream_by(stream, &options.max_count(limit)).await
    }

    /// The last event of a stream.
    pub(crate) async fn read_last(&self, stream: &StreamName) -> Result<Option<Found>, Fault> {
        let options = ReadStreamOptions::default().backwards().position(StreamPosition::End).max_count(1);
        Ok(self.read_stream_by(stream, &options).await?.pop())
    }

    async fn read_stream_by(&self, stream: &StreamName, options: &ReadStreamOptions) -> Result<Vec<Found>, Fault> {
        let read =
            self.call(|client| async move { collect(client.read_stream(stream.as_str(), options).await?).await }).await;
        match read {
            Err(Fault::NoStream) => Ok(Vec::new()),
            read => read,
        }
    }

    /// Up to `limit` events from a position on, its own among them, also those that are not ours.
    pub(crate) async fn read_all(&self, from: Position, limit: usize) -> Result<Vec<Found>, Fault> {
        let options = match from {
            Position::START => ReadAllOptions::default().position(StreamPosition::Start),
            from => ReadAllOptions::default().position(StreamPosition::Position(both(from))),
        };
        self.read_all_by(&options.forwards().max_count(limit)).await
    }

    /// Up to `limit` events before a position, or at the end, the last one first.
    pub(crate) async fn read_back(&self, before: Option<Position>, limit: usize) -> Result<Vec<Found>, Fault> {
        let from = before.map_or(StreamPosition::End, |before| StreamPosition::Position(both(before)));
        self.read_all_by(&ReadAllOptions::default().position(from).backwards().max_count(limit)).await
    }

    async fn read_all_by(&self, options: &ReadAllOptions) -> Result<Vec<Found>, Fault> {
        self.call(|client| async move { collect(client.read_all(options).await?).await }).await
    }

    /// Makes a call within the time it may take, and replaces the client where it is of no use any more.
    async fn call<T, F>(&self, call: impl FnOnce(Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = eventstore::Result<T>>,
    {
        let (client, number) = {
            let current = self.current.read();
            (current.client.clone(), current.number)
        };
        let began = Instant::now();
        match tokio::time::timeout(self.patience, call(client)).await {
            Ok(Ok(answer)) => {
                self.failures.store(0, Ordering::Relaxed);
                self.prompter.took(began.elapsed());
                Ok(answer)
            }
            Ok(Err(error)) => {
                let closed =
                    matches!(error, eventstore::Error::ConnectionClosed | eventstore::Error::GrpcConnectionError(_));
                let fault = fault(error);
                if matches!(fault, Fault::Passing(_)) {
                    self.failed(number, closed);
                }
                Err(fault)
            }
            Err(_) => {
                self.failed(number, false);
                Err(Fault::Passing(format!("no answer within {:?}", self.patience)))
            }
        }
    }

    fn failed(&self, number: u64, closed: bool) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if !closed && failures < FAILURES {
            return;
        }
        let mut current = self.current.write();
        // Somebody else may have replaced it already, or it is too young to be judged.
        if current.number != number || current.made.elapsed() < SHORTEST_LIFE {
            return;
        }
        match Client::new(self.settings.clone()) {
            Ok(client) => *current = Current { client, made: Instant::now(), number: number + 1 },
            Err(error) => tracing::warn!(%error, "no new client for the cluster; the old one stays"),
        }
        self.failures.store(0, Ordering::Relaxed);
    }
}

/// The client with nothing of ours around it: what the adapter costs is measured against it.
pub struct BareClient(Client);

impl BareClient {
    /// Connects; to be called on a runtime.
    ///
    /// # Errors
    /// When the address can't be used, or something of the process keeps a client from working.
    pub fn connect(url: &str) -> Result<Self, ClusterError> {
        let settings = settings(url, false)?;
        check_provider()?;
        check_roots(&settings)?;
        Client::new(settings).map(Self).map_err(|error| ClusterError::Client(error.to_string()))
    }

    /// Appends an event to a stream that is at a version; 0 for one that is not there.
    ///
    /// # Errors
    /// When that fails, whyever.
    pub async fn append(&self, stream: &str, version: u64, payload: Bytes) -> Result<(), ClusterError> {
        let expected = version.checked_sub(1).map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
        let options = AppendToStreamOptions::default().expected_revision(expected);
        let event = EventData::binary("bare", payload).id(Uuid::now_v7());
        let appended = self.0.append_to_stream(stream, &options, event).await;
        appended.map(drop).map_err(|error| ClusterError::Absent(error.to_string()))
    }

    /// Reads the whole log; gives how many events there are.
    ///
    /// # Errors
    /// When that fails, whyever.
    pub async fn count(&self) -> Result<u64, ClusterError> {
        let absent = |error: eventstore::Error| ClusterError::Absent(error.to_string());
        let mut events = self.0.read_all(&ReadAllOptions::default()).await.map_err(absent)?;
        let mut count = 0;
        while events.next().await.map_err(absent)?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Reads the address, quicker to look for nodes than the client is by itself.
fn settings(url: &str, unverified: bool) -> Result<ClientSettings, ClusterError> {
    let mut text = url.to_owned();
    let lower = url.to_lowercase();
    for (name, value) in [("discoveryInterval", "100"), ("connectionName", "teahouse")] {
        if !lower.contains(&format!("{}=", name.to_lowercase())) {
            let separator = if text.contains('?') { '&' } else { '?' };
            text.push_str(&format!("{separator}{name}={value}"));
        }
    }
    // What can't be read is not shown: a password may be in it.
    let settings: ClientSettings = text.parse().map_err(|_| ClusterError::Address)?;
    if settings.hosts().is_empty() {
        return Err(ClusterError::Address);
    }
    if settings.is_secure_mode_enabled() && !settings.is_tls_certificate_verification_enabled() && !unverified {
        return Err(ClusterError::Unverified);
    }
    Ok(settings)
}

/// The first client of a process installs its TLS provider and panics, in a task where nobody hears it, if there is one.
fn check_provider() -> Result<(), ClusterError> {
    static FREE: OnceLock<bool> = OnceLock::new();
    if *FREE.get_or_init(|| CryptoProvider::get_default().is_none()) { Ok(()) } else { Err(ClusterError::Provider) }
}

/// The client loads roots of trust also where it does not need them, and panics where it can't.
fn check_roots(settings: &ClientSettings) -> Result<(), ClusterError> {
    let unusable = |reason: String| Err(ClusterError::Roots(reason));
    match settings.tls_ca_file() {
        Some(path) => {
            let mut certificates = match CertificateDer::pem_file_iter(path) {
                Ok(certificates) => certificates.peekable(),
                Err(error) => return unusable(format!("{path}: {error}")),
            };
            if certificates.peek().is_none() {
                return unusable(format!("{path}: there is no certificate in it"));
            }
            let mut roots = rustls::RootCertStore::empty();
            for certificate in certificates {
                match certificate.map(|certificate| roots.add(certificate)) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return unusable(format!("{path}: {error}")),
                    Err(error) => return unusable(format!("{path}: {error}")),
                }
            }
            Ok(())
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            match native.errors.first() {
                None => Ok(()),
                Some(error) => unusable(format!("{error}; name a file with tlsCaFile")),
            }
        }
    }
}

/// A place in the log as the client has it. Events that are appended in one go have places of their own, so that the two
/// parts are the same.
fn both(Position(place): Position) -> eventstore::Position {
    eventstore::Position { commit: place, prepare: place }
}

fn packed(envelope: Envelope) -> EventData {
    let Envelope { id, event_type, data, is_json, metadata } = envelope;
    let event = if is_json {
        serde_json::from_slice::<&serde_json::value::RawValue>(&data)
            .and_then(|json| EventData::json(&event_type, &json))
            .unwrap_or_else(|_| EventData::binary(&event_type, data.clone()))
    } else {
        EventData::binary(event_type, data)
    };
    event.id(id).metadata(metadata)
}

async fn collect(mut stream: ReadStream) -> eventstore::Result<Vec<Found>> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await? {
        events.extend(unpacked(event));
    }
    Ok(events)
}

fn unpacked(resolved: ResolvedEvent) -> Option<Found> {
    let event = resolved.event?;
    let envelope = Envelope {
        id: event.id,
        event_type: event.event_type,
        data: event.data,
        is_json: event.is_json,
        metadata: event.custom_metadata,
    };
    Some(Found {
        envelope,
        stream: event.stream_id,
        revision: event.revision,
        position: Position(event.position.commit),
    })
}

/// What an error means. A conflict comes in two shapes: as itself, and as a status with the server's words.
fn fault(error: eventstore::Error) -> Fault {
    use eventstore::Error;
    match &error {
        Error::WrongExpectedVersion { .. } => Fault::Conflict,
        Error::Grpc { message, .. } if message.contains("WrongExpectedVersion") => Fault::Conflict,
        Error::Grpc { message, .. } if message.contains("Maximum Append Size") => Fault::TooLarge,
        // Such as a place in the log at which no event begins.
        Error::Grpc { code, .. } if i32::from(*code) == INVALID_ARGUMENT => Fault::Lasting(error.to_string()),
        Error::ResourceNotFound => Fault::NoStream,
        Error::ServerError(_)
        | Error::NotLeaderException(_)
        | Error::ConnectionClosed
        | Error::Grpc { .. }
        | Error::GrpcConnectionError(_)
        | Error::DeadlineExceeded => Fault::Passing(error.to_string()),
        _ => Fault::Lasting(error.to_string()),
    }
}
