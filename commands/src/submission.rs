//! A command's events on their way into the log, and what is told of them once they are there.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Aggregate, CommandEvent, CommandId, EventFamily, UserId};
use eventlog::{
    Append, AppendError, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, Position, RecordedEvent, StreamName,
};
use uuid::Uuid;

use crate::{
    CommandError, Committed,
    keys::Guard,
    repository::{Cell, Repository, decode},
};

/// What the records of a command say that it did; `now` where there are none.
pub(crate) fn committed<E: EventFamily>(
    records: &[RecordedEvent],
    now: DateTime<Utc>,
) -> Result<Committed<E>, CommandError> {
    let mut committed = Committed { position: Position::START, version: 0, actor: None, at: now, events: vec![] };
    for record in records {
        committed.position = record.position();
        committed.version = record.version();
        committed.actor = record.actor().map(UserId);
        committed.at = record.time();
        // It says that there were no events.
        if CommandEvent::from_json(record.event_type(), record.schema(), record.payload()).is_ok_and(|c| c.is_some()) {
            continue;
        }
        // The same key with the same request always names the same use case, hence the same family of events.
        committed.events.push((record.event_id(), decode(record)?));
    }
    Ok(committed)
}

/// Events on their way into the log.
pub(crate) struct Submission<E> {
    pub(crate) stream: StreamName,
    /// The version before them.
    pub(crate) before: u64,
    pub(crate) actor: Option<UserId>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) events: Vec<(Uuid, E)>,
    pub(crate) outcome: futures::future::BoxFuture<'static, Result<eventlog::Appended, AppendError>>,
}

/// One append of a command.
pub(crate) struct Step {
    pub(crate) actor: Option<UserId>,
    pub(crate) command: CommandId,
    pub(crate) fingerprint: Option<[u8; 16]>,
}

impl Step {
    pub(crate) fn append<E: EventFamily>(
        &self,
        stream: StreamName,
        expected: ExpectedVersion,
        at: DateTime<Utc>,
        events: &[E],
    ) -> Result<Append, CommandError> {
        let new = |(index, event): (u64, &E)| {
            let payload = event.to_json().map_err(|error| CommandError::Internal(error.to_string()))?;
            // With a key, the ids follow from it, so that the log itself recognises the same event where it comes again.
            let event_id = match self.fingerprint {
                Some(_) => self.command.event_id(index, at, &payload),
                None => Uuid::now_v7(),
            };
            Ok(NewEvent {
                event_id,
                event_type: event.event_type(),
                schema: event.schema(),
                encoding: PayloadEncoding::Json,
                payload: Bytes::from(payload),
            })
        };
        Ok(Append {
            stream,
            expected,
            time: at,
            actor: self.actor.map(|actor| actor.0),
            command_id: self.command.0,
            fingerprint: self.fingerprint,
            correlation_id: self.command.0,
            causation_id: None,
            events: (0..).zip(events).map(new).collect::<Result<_, CommandError>>()?,
        })
    }
}

/// Waits for a submission to become durable, then lets go of its key and tells those who wait on the same stream.
pub(crate) async fn finish<A: Aggregate>(
    log: Arc<dyn EventLog>,
    repository: Arc<Repository<A>>,
    id: A::Id,
    cell: Arc<Cell<A>>,
    submission: Submission<A::Event>,
    guard: Option<Guard>,
) -> Result<Committed<A::Event>, (CommandError, Option<Guard>)> {
    let Submission { stream, before, actor, at, events, outcome } = submission;
    match outcome.await {
        // An attempt from before, perhaps of another node, with the same key.
        Ok(appended) if appended.repeated => {
            repository.forget(id, &cell);
            let count = events.len();
            let records = match log.read_stream(&stream, before, count).await {
                Ok(records) => records,
                Err(error) => return Err((error.into(), guard)),
            };
            if let Some(guard) = guard {
                guard.done(stream, before, count, appended.position);
            }
            committed(&records, at).map_err(|error| (error, None))
        }
        Ok(appended) => {
            cell.reached(appended.version);
            if let Some((event_id, _)) = events.last() {
                let mut cached = cell.cached.lock();
                // Only a state without anything still under way is wholly durable.
                if cached.version == appended.version && !cell.progress.borrow().dead {
                    repository.keep_snapshot(&stream, &mut cached, *event_id);
                }
            }
            if let Some(guard) = guard {
                guard.done(stream, before, events.len(), appended.position);
            }
            Ok(Committed { position: appended.position, version: appended.version, actor, at, events })
        }
        Err(error) => {
            repository.forget(id, &cell);
            Err((error.into(), guard))
        }
    }
}
