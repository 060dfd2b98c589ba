//! The journal that a log carries: its entries, in order, one at a time.

use domain::DomainEvent;
use eventlog::{Breach, Position, RecordedEvent, verify::Rule};
use ledger::{
    AsOf, Booked, Timestamp,
    export::{Origin, date::BookingTime},
};

use super::source::Source;
use crate::{error::Error, progress::Progress};

/// An event that moved money.
pub(super) struct Moved<'a> {
    /// Its record.
    pub(super) record: &'a RecordedEvent,
    /// The event.
    pub(super) event: &'a DomainEvent,
    /// Its entry, at the time that it is booked at.
    pub(super) booked: &'a Booked,
}

/// How far a journal was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadTo {
    /// Position of the last event, money or not; 0 where there is none.
    pub(super) position: u64,
    /// Up to when things are booked there.
    pub(super) at: Timestamp,
}

impl Moved<'_> {
    /// What books say of where the entry comes from.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            kind: self.record.event_type().to_owned(),
            stream: self.record.stream().to_owned(),
            version: self.record.version(),
            at: time_of(self.record),
            event: self.record.event_id().to_string(),
            hash: self.record.hash().to_string(),
        }
    }
}

/// When an event says that it happened.
pub(super) fn time_of(record: &RecordedEvent) -> Timestamp {
    Timestamp(record.time().timestamp_micros())
}

/// Hands every entry of the log to `take`, up to where `until` says. Payloads of other events are not looked at.
///
/// # Errors
/// A breach where the log has one or an event can't be decoded, whatever keeps the log out of reach, and what `take` gives.
pub(super) fn read(
    source: &mut dyn Source,
    until: Option<AsOf>,
    progress: Option<&Progress>,
    mut take: impl FnMut(&Moved<'_>) -> Result<(), Error>,
) -> Result<ReadTo, Error> {
    let mut time = BookingTime::new();
    let mut read = ReadTo { position: 0, at: Timestamp(0) };
    loop {
        let page = source.page(Position(read.position))?;
        if page.is_empty() {
            return Ok(read);
        }
        for record in &page {
            let (position, at) = (record.position().0, time.of(time_of(record)));
            if until.is_some_and(|until| !until.includes(position, at)) {
                return Ok(read);
            }
            read = ReadTo { position, at };
            if !DomainEvent::carries_entry(record.event_type()) {
                continue;
            }
            let event = decode(record)?;
            if let Some(entry) = event.entry() {
                take(&Moved { record, event: &event, booked: &Booked { position, at, entry: entry.clone() } })?;
            }
        }
        if let Some(progress) = progress {
            progress.advance(page.len() as u64);
        }
    }
}

fn decode(record: &RecordedEvent) -> Result<DomainEvent, Error> {
    DomainEvent::from_json(record.event_type(), record.schema(), record.payload()).map_err(|error| {
        let rule = Rule::Stored(format!("the event must be decodable: {error}"));
        Error::Breach(Breach { position: record.position(), stream: Some(record.stream().to_owned()), rule })
    })
}
