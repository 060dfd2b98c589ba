//! Reading pages of a store, with the checks that every read makes.

use crate::{
    heads::indexed_record,
    port::{Position, ReadError, StreamName},
    record::RecordedEvent,
    store::{ScanError, Store},
};

/// Room made in advance for a page, whatever limit the caller names.
const FIRST_ROOM: usize = 4096;

/// Up to `limit` records with `after < position <= until`: dense, each with its CRC checked.
pub(crate) fn all(
    store: &dyn Store,
    after: Position,
    until: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let there = usize::try_from(until.0.saturating_sub(after.0)).unwrap_or(usize::MAX);
    let wanted = limit.min(there);
    let mut page = Vec::with_capacity(wanted.min(FIRST_ROOM));
    let mut next = Position(after.0.saturating_add(1));
    if wanted == 0 {
        return Ok(page);
    }
    let scanned = store.scan(after, until, wanted, &mut |position, value| {
        if position != next {
            return Err(missing(next));
        }
        next.0 += 1;
        page.push(RecordedEvent::from_stored(position, value)?);
        Ok(())
    });
    match scanned {
        Ok(()) if page.len() < wanted => Err(missing(next)),
        Ok(()) => Ok(page),
        Err(ScanError::Visit(error)) => Err(error),
        Err(ScanError::Store(error)) => Err(error.at(next, None)),
    }
}

/// Up to `limit` records of a stream with a version above `after` and a position up to `until`, versions dense.
pub(crate) fn stream(
    store: &dyn Store,
    stream: &StreamName,
    after: u64,
    until: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let name = stream.as_str();
    let Some(first) = after.checked_add(1) else {
        return Ok(Vec::new());
    };
    let entries = store.index(name, after, limit).map_err(|error| error.at(Position::START, Some(name)))?;
    let mut page = Vec::with_capacity(entries.len());
    for (expected, (version, position)) in (first..).zip(entries) {
        if position > until {
            break;
        }
        if version != expected {
            return Err(ReadError::Damaged {
                position,
                stream: Some(name.to_owned()),
                rule: format!("the stream's version {expected} is missing from its index"),
            });
        }
        page.push(indexed_record(name, version, position, store)?);
    }
    Ok(page)
}

fn missing(position: Position) -> ReadError {
    ReadError::Damaged { position, stream: None, rule: "the record is missing".to_owned() }
}
