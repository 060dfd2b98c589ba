//! What the server keeps: a file of appends, and in memory where everything is.

use std::{
    collections::{HashMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::SystemTime,
};

use bytes::Bytes;
use parking_lot::RwLock;
use prost::Message;
use tokio::sync::{oneshot, watch};

use crate::wire::{Expected, Proposed, Written};

/// Appends that share one write and one barrier.
const BATCH: usize = 512;
/// First bytes of the file, so that no event is at position 0.
const HEADER: &[u8; 8] = b"logserv1";
/// How many ids of events are remembered to recognise repetitions with any expected version.
const REMEMBERED: usize = 100_000;

/// An event as the server keeps it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its stream.
    pub stream: Arc<str>,
    /// Its number in the stream, from 0.
    pub revision: u64,
    /// Its place in the log.
    pub position: u64,
    /// What was proposed.
    pub proposed: Arc<Proposed>,
}

/// The outcome of an append that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Revision of the last event.
    pub revision: u64,
    /// Position of the last event.
    pub position: u64,
}

/// The stream was not as expected: its last revision, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong(pub Option<u64>);

#[derive(Default)]
struct Shelves {
    events: Vec<Event>,
    /// Where in `events` the events of a stream are.
    streams: HashMap<Arc<str>, Vec<usize>>,
    /// Where in `events` an event of a known id is.
    ids: HashMap<uuid::Uuid, usize>,
    order: VecDeque<uuid::Uuid>,
}

type Reply = oneshot::Sender<Result<Accepted, Wrong>>;

struct Task {
    stream: String,
    expected: Expected,
    events: Vec<Proposed>,
    reply: Reply,
}

/// The log of one server, or of several that pretend to be a cluster.
pub struct Journal {
    shelves: RwLock<Shelves>,
    tasks: mpsc::SyncSender<Task>,
    /// How many events there are.
    grown: watch::Sender<usize>,
}

impl Journal {
    /// Opens the journal in a file, which is made if it is not there; with `sync`, every append waits for a real barrier.
    ///
    /// # Errors
    /// When the file can't be read or written.
    pub fn open(path: &Path, sync: bool) -> io::Result<Arc<Self>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            file.write_all(HEADER)?;
            bytes.extend_from_slice(HEADER);
        }
        let mut shelves = Shelves::default();
        let mut at = HEADER.len();
        while let Some(written) = next_written(&bytes, at) {
            shelves.take(&written.append, at as u64);
            at = written.end;
        }
        // What a kill in the middle of a write left.
        file.set_len(at as u64)?;
        file.seek(SeekFrom::End(0))?;
        let (tasks, waiting) = mpsc::sync_channel(16 * 1024);
        let grown = watch::Sender::new(shelves.events.len());
        let journal = Arc::new(Self { shelves: RwLock::new(shelves), tasks, grown });
        let writer = Writer { journal: Arc::downgrade(&journal), file, end: at as u64, sync };
        thread::spawn(move || writer.run(&waiting));
        Ok(journal)
    }

    /// Appends events to a stream.
    ///
    /// # Errors
    /// [`Wrong`] when the stream is not as expected.
    pub async fn append(
        &self,
        stream: String,
        expected: Expected,
        mut events: Vec<Proposed>,
    ) -> Result<Accepted, Wrong> {
        for event in &mut events {
            // Ids come in either form and are kept in one.
            let id = event.id.as_ref().map(crate::wire::Uuid::read).unwrap_or_default();
            event.id = Some(id.into());
        }
        let (reply, outcome) = oneshot::channel();
        let task = Task { stream, expected, events, reply };
        if self.tasks.try_send(task).is_err() {
            return std::future::pending().await;
        }
        match outcome.await {
            Ok(outcome) => outcome,
            Err(_) => std::future::pending().await,
        }
    }

    /// Up to `count` events of a stream from a revision on, and the stream's last revision; none for no such stream.
    #[must_use]
    pub fn stream(&self, stream: &str, from: u64, count: usize) -> Option<(Vec<Event>, u64)> {
        let shelves = self.shelves.read();
        let places = shelves.streams.get(stream)?;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(places.len());
        let page = places[from..].iter().take(count).map(|place| shelves.events[*place].clone()).collect();
        Some((page, places.len() as u64 - 1))
    }

    /// Up to `count` events at or after a position.
    #[must_use]
    pub fn all(&self, from: u64, count: usize) -> Vec<Event> {
        let shelves = self.shelves.read();
        let first = shelves.events.partition_point(|event| event.position < from);
        shelves.events[first..].iter().take(count).cloned().collect()
    }

    /// Up to `count` events before a position, the last one first.
    #[must_use]
    pub fn all_backwards(&self, before: u64, count: usize) -> Vec<Event> {
        let shelves = self.shelves.read();
        let end = shelves.events.partition_point(|event| event.position < before);
        shelves.events[..end].iter().rev().take(count).cloned().collect()
    }

    /// Whether an event begins at that position.
    #[must_use]
    pub fn is_event(&self, position: u64) -> bool {
        self.shelves.read().events.binary_search_by_key(&position, |event| event.position).is_ok()
    }

    /// Tells when there are more events.
    #[must_use]
    pub fn grown(&self) -> watch::Receiver<usize> {
        self.grown.subscribe()
    }
}

impl Shelves {
    fn take(&mut self, written: &Written, position: u64) -> Accepted {
        let stream: Arc<str> = written.stream.as_str().into();
        let mut last = Accepted { revision: 0, position };
        for (number, proposed) in (0..).zip(&written.events) {
            let id = proposed.id.as_ref().map(crate::wire::Uuid::read).unwrap_or_default();
            last = Accepted { revision: written.first_revision + number, position: position + number };
            let place = self.events.len();
            self.events.push(Event {
                stream: stream.clone(),
                revision: last.revision,
                position: last.position,
                proposed: Arc::new(proposed.clone()),
            });
            self.streams.entry(stream.clone()).or_default().push(place);
            self.ids.insert(id, place);
            self.order.push_back(id);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
        last
    }

    fn last(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).map(|places| places.len() as u64 - 1)
    }

    /// What the append comes to without writing anything: the first answer again, a conflict, or the first revision to write.
    fn judge(&self, task: &Task) -> Result<Result<Accepted, u64>, Wrong> {
        let current = self.last(&task.stream);
        let next = current.map_or(0, |last| last + 1);
        let wanted = match task.expected {
            Expected::Revision(revision) => Some(revision.saturating_add(1)),
            Expected::NoStream(_) => Some(0),
            Expected::StreamExists(_) if current.is_none() => return Err(Wrong(None)),
            Expected::Any(_) | Expected::StreamExists(_) => None,
        };
        let first = match wanted {
            Some(wanted) if wanted == next => return Ok(Err(next)),
            Some(wanted) if wanted > next => return Err(Wrong(current)),
            Some(wanted) => wanted,
            None => {
                let known = task.events.first().and_then(|event| self.ids.get(&event.id.as_ref()?.read()));
                match known.map(|place| &self.events[*place]).filter(|event| *event.stream == *task.stream) {
                    Some(event) => event.revision,
                    None => return Ok(Err(next)),
                }
            }
        };
        let places = &self.streams[task.stream.as_str()][usize::try_from(first).unwrap_or(usize::MAX)..];
        let same = |(place, event): (&usize, &Proposed)| self.events[*place].proposed.id == event.id;
        if places.len() >= task.events.len() && places.iter().zip(&task.events).all(same) {
            let last = &self.events[places[task.events.len() - 1]];
            return Ok(Ok(Accepted { revision: last.revision, position: last.position }));
        }
        Err(Wrong(current))
    }
}

struct Found {
    append: Written,
    end: usize,
}

fn next_written(bytes: &[u8], at: usize) -> Option<Found> {
    let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let append = Written::decode(rest.get(..length)?).ok()?;
    Some(Found { append, end: at + 4 + length })
}

struct Writer {
    journal: std::sync::Weak<Journal>,
    file: File,
    end: u64,
    sync: bool,
}

impl Writer {
    fn run(mut self, waiting: &mpsc::Receiver<Task>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = vec![first];
            batch.extend(waiting.try_iter().take(BATCH));
            let Some(journal) = self.journal.upgrade() else { return };
            let mut replies: Vec<(Reply, Result<Accepted, Wrong>)> = Vec::with_capacity(batch.len());
            let mut bytes = Vec::new();
            // Readers see nothing of a batch before it is in the file.
            let mut shelves = journal.shelves.write();
            for task in batch {
                let outcome = match shelves.judge(&task) {
                    Ok(Ok(repeated)) => Ok(repeated),
                    Err(wrong) => Err(wrong),
                    Ok(Err(first_revision)) => {
                        let written = Written { stream: task.stream, first_revision, events: created(task.events) };
                        let position = self.end + bytes.len() as u64;
                        bytes
                            .extend_from_slice(&u32::try_from(written.encoded_len()).unwrap_or(u32::MAX).to_be_bytes());
                        written.encode(&mut bytes).expect("a vector grows");
                        Ok(shelves.take(&written, position))
                    }
                };
                replies.push((task.reply, outcome));
            }
            self.file.write_all(&bytes).expect("the server's file can be written");
            if self.sync {
                self.file.sync_data().expect("the server's file can be synced");
            }
            self.end += bytes.len() as u64;
            let events = shelves.events.len();
            drop(shelves);
            journal.grown.send_replace(events);
            for (reply, outcome) in replies {
                // Who went away wants no answer.
                let _ = reply.send(outcome);
            }
        }
    }
}

/// With the time at which the server took them, as the protocol tells it: ticks of 100 ns since 1970.
fn created(mut events: Vec<Proposed>) -> Vec<Proposed> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ticks = (since.as_nanos() / 100).to_string();
    for event in &mut events {
        event.metadata.insert("created".to_owned(), ticks.clone());
    }
    events
}

/// An event of the server's own, as real ones write them among everybody's.
#[must_use]
pub fn system_event(event_type: &str) -> Proposed {
    let metadata = [("type", event_type), ("content-type", "application/json")];
    Proposed {
        id: Some(uuid::Uuid::new_v4().into()),
        metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        custom_metadata: Bytes::new(),
        data: Bytes::from_static(b"{}"),
    }
}
