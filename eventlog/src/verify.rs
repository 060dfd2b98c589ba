//! Checking that records form a whole log: dense versions and an unbroken hash chain in every stream.

use std::{collections::HashMap, fmt};

use crate::{
    port::{Hash, Position, ReadError},
    record::{RecordError, RecordedEvent},
};

/// A rule of the log that a record breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Positions grow from record to record.
    Order {
        /// Position of the record before.
        previous: Position,
    },
    /// Versions of a stream are 1, 2, 3 and so on.
    Version {
        /// The version that had to come.
        expected: u64,
        /// The version that came.
        found: u64,
    },
    /// A record names the hash of its predecessor in the stream.
    Chain,
    /// The bytes are a record of a known format.
    Format(RecordError),
    /// The store gives what was written to it: its own words on what it found.
    Stored(String),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { previous } => write!(f, "positions must grow, {previous} came before"),
            Self::Version { expected, found } => {
                write!(f, "versions must be dense, expected {expected}, found {found}")
            }
            Self::Chain => f.write_str("the hash of the predecessor must be named"),
            Self::Format(error) => write!(f, "the bytes must be a record: {error}"),
            Self::Stored(rule) => write!(f, "what is stored must be what was written: {rule}"),
        }
    }
}

/// A rule broken somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Where in the log.
    pub position: Position,
    /// In which stream, if that could be told.
    pub stream: Option<String>,
    /// Which rule.
    pub rule: Rule,
}

impl Breach {
    pub(crate) fn of(record: &RecordedEvent, rule: Rule) -> Self {
        Self { position: record.position(), stream: Some(record.stream().to_owned()), rule }
    }

    /// The breach that a failed read tells of; none when the log just couldn't be reached.
    #[must_use]
    pub fn from_read(error: &ReadError) -> Option<Self> {
        match error {
            ReadError::Damaged { position, stream, rule } => {
                Some(Self { position: *position, stream: stream.clone(), rule: Rule::Stored(rule.clone()) })
            }
            ReadError::Unavailable(_) => None,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.stream.as_deref().unwrap_or("unknown");
        write!(f, "position {}, stream {stream}: {}", self.position, self.rule)
    }
}

/// The end of a stream as far as it was followed.
#[derive(Clone, Copy)]
struct Link {
    version: u64,
    hash: Hash,
}

/// A fold over the records of a log, in the log's order, that names every breach.
///
/// It keeps 40 bytes and the name for each stream it has met. Its state after the last record says how far it got.
#[derive(Default)]
pub struct Verifier {
    streams: HashMap<Box<str>, Link>,
    last: Position,
    records: u64,
}

impl Verifier {
    /// A verifier that has seen nothing; the first record of every stream must come to it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record and says which rule it breaks, if one. After a breach the stream is followed from
    /// the record that came, so that one break is reported once.
    pub fn check(&mut self, record: &RecordedEvent) -> Option<Breach> {
        self.records += 1;
        let found = record.version();
        let link = Link { version: found, hash: record.hash() };
        let before = match self.streams.get_mut(record.stream()) {
            Some(known) => Some(std::mem::replace(known, link)),
            None => {
                self.streams.insert(record.stream().into(), link);
                None
            }
        };
        let (expected, hash) = before.map_or((1, Hash::ZERO), |l| (l.version + 1, l.hash));
        let previous = std::mem::replace(&mut self.last, record.position());
        let rule = if record.position() <= previous {
            Rule::Order { previous }
        } else if found != expected {
            Rule::Version { expected, found }
        } else if record.previous_hash() != hash {
            Rule::Chain
        } else {
            return None;
        };
        Some(Breach::of(record, rule))
    }

    /// Position of the last record checked.
    #[must_use]
    pub fn last_position(&self) -> Position {
        self.last
    }

    /// How many records were checked.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many streams were met.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }
}
