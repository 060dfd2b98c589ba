//! What other nodes write: heard from the log, and taken into the cached streams.
//!
//! Only a log that is shared needs this. A cached stream that is decided on would be found stale by its next append; one
//! that is only looked at (a friendship, a block, a token) would not, so every event goes to the stream that it is of.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::CommandId;
use eventlog::{EventLog, Position, ReadError, RecordedEvent};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{CommandError, Commands};

/// How long a command waits until what this node knows of the log is heard.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait before a log that could not be reached is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How many keyed commands are remembered with a stream.
const REMEMBERED: usize = 64;

/// How far the log was heard.
pub(crate) struct Heard {
    log: Arc<dyn EventLog>,
    /// None where nobody else writes, so that there is nothing to hear.
    to: Option<watch::Sender<Position>>,
}

impl Heard {
    /// Nothing of what comes behind the log's present end.
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        let to = log.is_shared().then(|| watch::Sender::new(log.last_position()));
        Self { log, to }
    }

    /// Whether there are others.
    pub(crate) fn is_shared(&self) -> bool {
        self.to.is_some()
    }

    /// Waits until all that this node knows of the log was heard.
    ///
    /// # Errors
    /// Where that takes too long.
    pub(crate) async fn all(&self) -> Result<(), CommandError> {
        let Some(to) = &self.to else { return Ok(()) };
        let last = self.log.last_position();
        if *to.borrow() >= last {
            return Ok(());
        }
        let mut to = to.subscribe();
        match tokio::time::timeout(PATIENCE, to.wait_for(|to| *to >= last)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(ReadError::Unavailable("this node has not heard all of the log that it should".into()).into()),
        }
    }
}

/// The keyed commands whose events came into a state last, from wherever: a node that is asked to carry out one of them
/// again may not have it in its history yet.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    commands: VecDeque<(Position, Uuid)>,
    /// Position of the last one that is not remembered any more.
    forgotten: Position,
}

impl Recent {
    /// Nothing is known of what happened up to a position.
    pub(crate) fn behind(forgotten: Position) -> Self {
        Self { commands: VecDeque::new(), forgotten }
    }

    /// Remembers a record's command.
    pub(crate) fn note(&mut self, record: &RecordedEvent) {
        if record.fingerprint().is_none() {
            return;
        }
        if self.commands.len() >= REMEMBERED
            && let Some((position, _)) = self.commands.pop_front()
        {
            self.forgotten = position;
        }
        self.commands.push_back((record.position(), record.command_id()));
    }

    /// Up to where the history has to be looked through before a command is known to be new, where it was looked through up
    /// to `looked`; none when it is new.
    pub(crate) fn unknown_up_to(&self, command: CommandId, looked: Position) -> Option<Position> {
        let found = self.commands.iter().rev().find(|(_, known)| *known == command.0).map(|(position, _)| *position);
        found.or(Some(self.forgotten)).filter(|position| *position > looked)
    }
}

impl Commands {
    /// Takes what others write into the cached streams, for ever; ends at once where there are no others.
    pub async fn hear_others(self: Arc<Self>) {
        let Some(to) = &self.heard.to else { return };
        loop {
            let mut events = self.log.subscribe(*to.borrow());
            let error = loop {
                match events.next().await {
                    Ok(batch) => {
                        batch.iter().for_each(|record| self.streams.hear(record));
                        if let Some(last) = batch.last() {
                            to.send_replace(last.position());
                        }
                    }
                    Err(error) => break error,
                }
            };
            tracing::warn!(%error, "what other nodes write can't be heard; trying again");
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}
