//! Which commands have been done: for whoever repeats an idempotency key after the server forgot about it.
//!
//! One small row per keyed command, in a keyspace per day of the events' own time. A day's keyspace goes as a whole
//! when the newest event is more than [`DAYS_KEPT`] days younger, so a key is known for at least 48 hours.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use domain::CommandId;
use eventlog::Position;
use fjall::Keyspace;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, number},
};

/// Days before the newest event's day whose commands are still known.
pub const DAYS_KEPT: u64 = 2;

const DAY_PREFIX: &str = "day-";
const HORIZON: &str = "horizon";
const NEWEST_DAY: &[u8] = b"newest-day";
const SECONDS_PER_DAY: u64 = 24 * 3600;

/// What is known of a command that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Just before its first record: reading the log behind this finds its records.
    pub after: Position,
    /// Keyed hash of the request that carried it.
    pub fingerprint: [u8; 16],
}

impl Found {
    fn to_value(self) -> Vec<u8> {
        [self.after.0.to_be_bytes().as_slice(), &self.fingerprint].concat()
    }

    fn from_value(value: &[u8]) -> Option<Self> {
        let fingerprint = *value.get(8..)?.first_chunk()?;
        Some(Self { after: Position(number(value)?), fingerprint })
    }
}

/// The index as queries see it.
#[derive(Default)]
pub struct CommandIndexView {
    days: RwLock<Days>,
}

impl CommandIndexView {
    /// The command, if it was done within the days that are kept.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn find(&self, command: CommandId) -> Result<Option<Found>, ProjectionError> {
        self.days.read().find(command.0)
    }
}

/// The days whose commands are known, each with its rows.
#[derive(Default)]
struct Days {
    rows: BTreeMap<u64, Keyspace>,
}

impl Days {
    fn find(&self, command: Uuid) -> Result<Option<Found>, ProjectionError> {
        for rows in self.rows.values().rev() {
            if let Some(value) = rows.get(command.as_bytes())? {
                let damaged = ProjectionError::DamagedRow { keyspace: "day-*" };
                return Found::from_value(&value).ok_or(damaged).map(Some);
            }
        }
        Ok(None)
    }
}

/// Folds the index.
pub struct CommandIndexProjection {
    store: RowStore,
    horizon: Keyspace,
    /// Day of the newest event, in days since 1970-01-01.
    newest: u64,
    view: Arc<CommandIndexView>,
}

/// Rows that a batch adds, by day; days that have passed out of the window in the middle of it are gone from here.
type Pending = BTreeMap<u64, HashMap<Uuid, Found>>;

impl CommandIndexProjection {
    /// Days on disk that are older than this are on their way out.
    fn oldest_kept(newest: u64) -> u64 {
        newest.saturating_sub(DAYS_KEPT)
    }

    /// Collects what the batch adds, and the newest day then.
    fn collect(&self, batch: &[Arc<Fact>]) -> Result<(Pending, u64), ProjectionError> {
        let (mut pending, mut newest) = (Pending::new(), self.newest);
        let days = self.view.days.read();
        let mut former = None;
        // Positions need not be dense: what comes before an event is where the one before it is.
        let mut last = self.store.checkpoint();
        for fact in batch {
            let after = std::mem::replace(&mut last, fact.position());
            let Some(fingerprint) = fact.record.fingerprint() else { continue };
            let command = fact.record.command_id();
            // The records of one append follow each other.
            if former.replace(command) == Some(command) {
                continue;
            }
            let seconds = u64::try_from(fact.at().timestamp()).unwrap_or(0);
            let day = seconds / SECONDS_PER_DAY;
            newest = newest.max(day);
            let oldest = Self::oldest_kept(newest);
            while pending.first_key_value().is_some_and(|(first, _)| *first < oldest) {
                pending.pop_first();
            }
            if day < oldest || pending.values().any(|rows| rows.contains_key(&command)) {
                continue;
            }
            let mut stored = days.rows.range(oldest..).map(|(_, rows)| rows.contains_key(command.as_bytes()));
            if !stored.try_fold(false, |any, found| found.map(|found| any || found))? {
                pending.entry(day).or_default().insert(command, Found { after, fingerprint });
            }
        }
        Ok((pending, newest))
    }

    /// Opens keyspaces for days that have none yet.
    fn make_days(&self, pending: &Pending) -> Result<(), ProjectionError> {
        for day in pending.keys() {
            if !self.view.days.read().rows.contains_key(day) {
                let rows = self.store.keyspace(&format!("{DAY_PREFIX}{day:08}"))?;
                self.view.days.write().rows.insert(*day, rows);
            }
        }
        Ok(())
    }

    /// Deletes the days that are over. A crash before this leaves them to the next opening.
    fn drop_old_days(&self) -> Result<(), ProjectionError> {
        let oldest = Self::oldest_kept(self.newest);
        let old = {
            let mut days = self.view.days.write();
            let kept = days.rows.split_off(&oldest);
            std::mem::replace(&mut days.rows, kept)
        };
        old.into_values().try_for_each(|rows| self.store.delete_keyspace(rows))
    }
}

impl Projection for CommandIndexProjection {
    const NAME: &'static str = "commands";
    const VERSION: u32 = 1;
    type View = CommandIndexView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let horizon = store.keyspace(HORIZON)?;
        let damaged = ProjectionError::DamagedRow { keyspace: HORIZON };
        let newest = horizon.get(NEWEST_DAY)?.map_or(Ok(0), |value| number(&value).ok_or(damaged))?;
        let mut days = Days::default();
        for name in store.keyspace_names() {
            if let Some(day) = name.strip_prefix(DAY_PREFIX).and_then(|day| day.parse().ok()) {
                days.rows.insert(day, store.keyspace(&name)?);
            }
        }
        let view = Arc::new(CommandIndexView { days: RwLock::new(days) });
        let index = Self { store, horizon, newest, view };
        index.drop_old_days()?;
        Ok(index)
    }

    fn view(&self) -> Arc<CommandIndexView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let (pending, newest) = self.collect(batch)?;
        self.make_days(&pending)?;
        let mut rows = self.store.batch();
        {
            let days = self.view.days.read();
            for (day, commands) in &pending {
                let Some(keyspace) = days.rows.get(day) else { continue };
                // In the order of keys, neighbours are found in the processor's cache.
                let mut commands: Vec<(&Uuid, &Found)> = commands.iter().collect();
                commands.sort_unstable_by_key(|(command, _)| **command);
                for (command, found) in commands {
                    rows.insert(keyspace, *command.as_bytes(), found.to_value());
                }
            }
        }
        if newest != self.newest {
            rows.insert(&self.horizon, NEWEST_DAY, newest.to_be_bytes());
        }
        self.store.commit(rows, last)?;
        if newest != self.newest {
            self.newest = newest;
            self.drop_old_days()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
