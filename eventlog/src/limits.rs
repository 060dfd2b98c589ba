//! The limits that every adapter holds appends to.

use crate::port::{Append, AppendError, MAX_EVENT_TYPE_BYTES, MAX_EVENTS_PER_APPEND, MAX_PAYLOAD_BYTES, NewEvent};

/// Refuses an append that no log would take.
pub(crate) fn check(append: &Append) -> Result<(), AppendError> {
    if append.events.is_empty() || append.events.len() > MAX_EVENTS_PER_APPEND {
        return Err(AppendError::Invalid("an append has 1 to 1,000 events"));
    }
    append.events.iter().try_for_each(check_event)
}

fn check_event(event: &NewEvent) -> Result<(), AppendError> {
    let type_name = event.event_type.as_bytes();
    if type_name.is_empty() || type_name.len() > MAX_EVENT_TYPE_BYTES || !type_name.iter().all(u8::is_ascii_graphic) {
        return Err(AppendError::Invalid("an event type has 1 to 100 bytes of visible ASCII"));
    }
    if event.schema == 0 {
        return Err(AppendError::Invalid("schema versions count from 1"));
    }
    if event.payload.len() > MAX_PAYLOAD_BYTES {
        return Err(AppendError::Invalid("a payload has at most 64 KiB"));
    }
    Ok(())
}

/// About how many bytes an append will hold while it waits.
pub(crate) fn weight(append: &Append) -> usize {
    append.events.iter().map(|event| event.payload.len() + size_of::<NewEvent>()).sum::<usize>() + size_of::<Append>()
}
