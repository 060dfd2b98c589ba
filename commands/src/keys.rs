//! Idempotency keys: a request that is sent again gets the first answer again.
//!
//! What is under way and what the history does not know yet is kept here; everything older is in the history.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use domain::CommandId;
use eventlog::{Position, StreamName};
use parking_lot::Mutex;

use crate::{CommandError, ports::CommandHistory};

/// A request's key, as far as commands care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandKey {
    /// The command that it names.
    pub id: CommandId,
    /// Keyed hash of the request, to tell a repetition from another request with the same key.
    pub fingerprint: [u8; 16],
}

/// Where the events of a past command are.
#[derive(Clone, Debug)]
pub(crate) enum Past {
    /// In a stream, after a version, that many.
    InStream(StreamName, u64, usize),
    /// In the whole log, after a position.
    After(Position),
}

#[derive(Debug)]
enum State {
    UnderWay,
    Done { fingerprint: [u8; 16], stream: StreamName, after: u64, count: usize },
}

#[derive(Debug, Default)]
struct Table {
    states: HashMap<CommandId, State>,
    /// Commands that are done, in the order of the log, until the history has them.
    recent: VecDeque<(Position, CommandId)>,
}

/// Keys under way and recently done.
pub(crate) struct Keys {
    table: Mutex<Table>,
    history: Arc<dyn CommandHistory>,
}

/// What a key turned out to be.
pub(crate) enum Claim {
    /// Nobody used it; it is under way now, until the guard is dropped.
    New(Guard),
    /// The same request was carried out before.
    Repeated(Past),
}

/// Keeps a key under way; when dropped without [`Guard::done`], the key is free again.
pub(crate) struct Guard {
    keys: Arc<Keys>,
    pub(crate) key: CommandKey,
    /// Up to where the log was looked through for the key.
    pub(crate) looked: Position,
}

impl Keys {
    pub(crate) fn new(history: Arc<dyn CommandHistory>) -> Self {
        Self { table: Mutex::default(), history }
    }

    /// Claims a key.
    pub(crate) fn claim(self: &Arc<Self>, key: CommandKey) -> Result<Claim, CommandError> {
        {
            let mut table = self.table.lock();
            match table.states.get(&key.id) {
                Some(State::UnderWay) => return Err(CommandError::KeyInFlight),
                Some(State::Done { fingerprint, .. }) if *fingerprint != key.fingerprint => {
                    return Err(CommandError::KeyReused);
                }
                Some(State::Done { stream, after, count, .. }) => {
                    return Ok(Claim::Repeated(Past::InStream(stream.clone(), *after, *count)));
                }
                None => {}
            }
            table.states.insert(key.id, State::UnderWay);
        }
        let guard = Guard { keys: self.clone(), key, looked: self.history.applied() };
        Ok(guard.find()?.map_or_else(|| Claim::New(guard), Claim::Repeated))
    }

    /// Whether a key is under way or done, with whatever request.
    pub(crate) fn is_known(&self, key: CommandId) -> Result<bool, CommandError> {
        Ok(self.table.lock().states.contains_key(&key) || self.history.find(key)?.is_some())
    }

    /// Waits until the history has what came into the log up to a position.
    pub(crate) async fn reached(&self, position: Position) -> Result<(), CommandError> {
        self.history.reached(position).await
    }
}

impl Guard {
    fn find(&self) -> Result<Option<Past>, CommandError> {
        match self.keys.history.find(self.key.id)? {
            Some(past) if past.fingerprint == self.key.fingerprint => Ok(Some(Past::After(past.after))),
            Some(_) => Err(CommandError::KeyReused),
            None => Ok(None),
        }
    }

    /// Looks for the key again in the log up to a position at least: another node may have carried out the command.
    pub(crate) async fn look_again(&mut self, position: Position) -> Result<Option<Past>, CommandError> {
        self.keys.reached(position).await?;
        self.looked = self.keys.history.applied();
        self.find()
    }

    /// The command was carried out: its events are in `stream` after a version and end at `position`.
    pub(crate) fn done(self, stream: StreamName, after: u64, count: usize, position: Position) {
        let known = self.keys.history.applied();
        let mut table = self.keys.table.lock();
        let fingerprint = self.key.fingerprint;
        table.states.insert(self.key.id, State::Done { fingerprint, stream, after, count });
        table.recent.push_back((position, self.key.id));
        while let Some((position, id)) = table.recent.front().copied() {
            if position > known {
                break;
            }
            table.recent.pop_front();
            table.states.remove(&id);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut table = self.keys.table.lock();
        if matches!(table.states.get(&self.key.id), Some(State::UnderWay)) {
            table.states.remove(&self.key.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::PastCommand;

    struct Empty(Position);

    #[async_trait::async_trait]
    impl CommandHistory for Empty {
        fn find(&self, _: CommandId) -> Result<Option<PastCommand>, CommandError> {
            Ok(None)
        }
        fn applied(&self) -> Position {
            self.0
        }
        async fn reached(&self, _: Position) -> Result<(), CommandError> {
            Ok(())
        }
    }

    fn keys(applied: u64) -> Arc<Keys> {
        Arc::new(Keys::new(Arc::new(Empty(Position(applied)))))
    }

    fn key(fingerprint: u8) -> CommandKey {
        CommandKey { id: CommandId(uuid::Uuid::from_u128(7)), fingerprint: [fingerprint; 16] }
    }

    fn new(claim: Result<Claim, CommandError>) -> Guard {
        match claim {
            Ok(Claim::New(guard)) => guard,
            _ => panic!("the key should have been free"),
        }
    }

    fn stream() -> StreamName {
        StreamName::new("user-1").unwrap()
    }

    #[test]
    fn a_key_under_way_is_refused_and_free_again_after_a_failure() {
        let keys = keys(0);
        let guard = new(keys.claim(key(1)));
        assert!(matches!(keys.claim(key(1)), Err(CommandError::KeyInFlight)));
        drop(guard);
        new(keys.claim(key(1)));
    }

    #[test]
    fn a_done_key_is_repeated_for_the_same_request_only() {
        let keys = keys(0);
        new(keys.claim(key(1))).done(stream(), 3, 1, Position(9));
        assert!(matches!(keys.claim(key(1)), Ok(Claim::Repeated(Past::InStream(_, 3, 1)))));
        assert!(matches!(keys.claim(key(2)), Err(CommandError::KeyReused)));
    }

    #[test]
    fn a_key_leaves_the_table_once_the_history_has_it() {
        let keys = keys(9);
        new(keys.claim(key(1))).done(stream(), 3, 1, Position(9));
        assert!(keys.table.lock().states.is_empty());
    }
}
