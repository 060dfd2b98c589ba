//! Deciding which appends hold and laying out their records.

use std::sync::Arc;

use crate::{
    heads::{Head, Heads, indexed_record},
    import::ImportError,
    port::{Append, AppendError, Appended, ExpectedVersion, Position, ReadError, StreamName},
    record::{RecordError, RecordedEvent, Stored},
    store::Store,
    verify::{Breach, Rule},
};

/// What one append comes to, provided that the batch it is in becomes durable.
pub(crate) type Outcome = Result<Appended, AppendError>;

/// Turns appends into records. There is one for a log, and it sees every append in order.
pub(crate) struct Committer {
    store: Arc<dyn Store>,
    heads: Heads,
    /// Position of the last record laid out.
    last: Position,
    /// Whether nothing but imports went into this log, so that another may follow.
    importable: bool,
}

impl Committer {
    pub(crate) fn new(store: Arc<dyn Store>, last: Position) -> Self {
        Self { store, heads: Heads::new(), last, importable: last == Position::START }
    }

    /// Checks an append against its stream, counting what stands in `batch` already, and adds its records to
    /// the batch. The outcome may be told only when the batch is durable.
    pub(crate) fn add(&mut self, append: &Append, batch: &mut Vec<Stored>) -> Outcome {
        self.importable = false;
        let head = self
            .heads
            .get(&append.stream, guess(append.expected), self.store.as_ref())
            .map_err(|error| unavailable(&error))?;
        if let Some(first) = repeats_from(append, head) {
            let repeated = self.repeated(append, first, batch).map_err(|error| unavailable(&error))?;
            return repeated.ok_or_else(|| conflict(append, head));
        }
        if !expected(append, head) {
            return Err(conflict(append, head));
        }
        self.lay_out(append, head, batch)
    }

    /// The first answer again, if the events from version `first` on carry the ids of this append.
    fn repeated(&self, append: &Append, first: u64, batch: &[Stored]) -> Result<Option<Appended>, ReadError> {
        let mut last = None;
        for (version, event) in (first..).zip(&append.events) {
            match self.find(append, version, batch)? {
                Some(record) if record.event_id() == event.event_id => last = Some(record),
                _ => return Ok(None),
            }
        }
        Ok(last.map(|record| Appended { position: record.position(), version: record.version(), repeated: true }))
    }

    fn find(&self, append: &Append, version: u64, batch: &[Stored]) -> Result<Option<RecordedEvent>, ReadError> {
        let stream = append.stream.as_str();
        let waiting = batch
            .iter()
            .map(|stored| &stored.record)
            .find(|record| record.version() == version && record.stream() == stream);
        if let Some(record) = waiting {
            return Ok(Some(record.clone()));
        }
        let position = self.store.index_at(stream, version).map_err(|error| error.at(Position::START, Some(stream)))?;
        position.map(|position| indexed_record(stream, version, position, self.store.as_ref())).transpose()
    }

    fn lay_out(&mut self, append: &Append, mut head: Head, batch: &mut Vec<Stored>) -> Outcome {
        let start = batch.len();
        let mut position = self.last;
        for event in &append.events {
            position.0 += 1;
            let version = head.version + 1;
            match RecordedEvent::encode(append, event, position, version, head.hash) {
                Ok(stored) => {
                    head = Head::of(&stored.record);
                    batch.push(stored);
                }
                Err(_) => {
                    batch.truncate(start);
                    return Err(AppendError::Invalid("a field has no place in a record"));
                }
            }
        }
        self.heads.advance(&append.stream, head);
        self.last = position;
        Ok(Appended { position, version: head.version, repeated: false })
    }

    /// Adds a record that another log held, byte for byte, to the batch.
    pub(crate) fn import(&mut self, record: &RecordedEvent, batch: &mut Vec<Stored>) -> Result<Position, ImportError> {
        if !self.importable {
            return Err(ImportError::NotEmpty);
        }
        let refused = |rule| ImportError::Breach(Breach::of(record, rule));
        let stream =
            StreamName::new(record.stream()).map_err(|_| refused(Rule::Format(RecordError::Field("stream name"))))?;
        let head = self.heads.get(&stream, record.version().checked_sub(1), self.store.as_ref())?;
        if record.version() != head.version + 1 {
            return Err(refused(Rule::Version { expected: head.version + 1, found: record.version() }));
        }
        if record.previous_hash() != head.hash {
            return Err(refused(Rule::Chain));
        }
        let position = Position(self.last.0 + 1);
        batch.push(record.moved_to(position));
        self.heads.advance(&stream, Head::of(record));
        self.last = position;
        Ok(position)
    }
}

/// The version at which these very events may have been appended before, if that is what it looks like.
pub(crate) fn repeats_from(append: &Append, head: Head) -> Option<u64> {
    let count = append.events.len() as u64;
    let Some(before) = guess(append.expected) else {
        // Only the stream's end is compared, also when just some of the events are there.
        let known = head.version > 0 && append.events.iter().any(|e| e.event_id == head.event_id);
        return known.then(|| head.version.saturating_sub(count) + 1);
    };
    let there = before.checked_add(count).is_some_and(|last| last <= head.version);
    there.then(|| before + 1)
}

/// The version that an append takes its stream to be at.
pub(crate) fn guess(expected: ExpectedVersion) -> Option<u64> {
    match expected {
        ExpectedVersion::NoStream => Some(0),
        ExpectedVersion::Exact(version) | ExpectedVersion::After { version, .. } => Some(version),
        ExpectedVersion::Any => None,
    }
}

/// Whether a stream that ends so is as the append expects.
pub(crate) fn expected(append: &Append, head: Head) -> bool {
    match append.expected {
        ExpectedVersion::NoStream => head.version == 0,
        ExpectedVersion::Exact(version) => version == head.version,
        ExpectedVersion::After { version, event_id } => version == head.version && event_id == head.event_id,
        ExpectedVersion::Any => true,
    }
}

/// The refusal of an append to a stream that ends so.
pub(crate) fn conflict(append: &Append, head: Head) -> AppendError {
    AppendError::Conflict { stream: append.stream.clone(), expected: append.expected, actual: head.version }
}

/// The stream's end can't be told, so nothing can be decided about it.
fn unavailable(error: &ReadError) -> AppendError {
    AppendError::Unavailable(error.to_string().into())
}
