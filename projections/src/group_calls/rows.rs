//! How groups' calls are laid out on disk.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    CallId, ConversationId, DeviceId, UserId,
    call::{CallMedia, CallOutcome},
    group_call::CallWay,
};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, number, to_json},
};

const CALLS: &str = "calls";
const NUMBERS: &str = "numbers";
const OPEN: &str = "open";

/// Somebody who is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresentRow {
    /// Who.
    pub user: UserId,
    /// With which device.
    pub device: DeviceId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Their place: a number from 0 on that nobody else in it has.
    pub place: usize,
}

/// The call of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallRow {
    /// The call.
    pub call: CallId,
    /// The group.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who started it.
    pub starter: UserId,
    /// Where its beginning stands in the log.
    pub position: u64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Who is in it, who came first first.
    pub present: Vec<PresentRow>,
    /// Which way sound and pictures go.
    pub way: CallWay,
    /// For whom it rings, as far as others know.
    pub ringing: Vec<UserId>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<CallOutcome>,
    /// For how long at least two were in it, in seconds.
    pub seconds: u64,
    /// Its group shows that it is over.
    pub shown: bool,
    /// Its group is no more, and shows nothing.
    pub group_over: bool,
}

impl GroupCallRow {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    /// Whether its group is to show it, and does not yet.
    pub(super) fn is_unshown(&self) -> bool {
        self.is_over() && !self.shown && !self.group_over
    }

    /// Whether there is still something to do about it.
    pub(super) fn is_open(&self) -> bool {
        !self.is_over() || self.is_unshown()
    }
}

/// What is held in memory: calls that there is something to do about.
pub(super) type Open = BTreeMap<CallId, GroupCallRow>;

/// The keyspaces.
#[derive(Clone)]
pub(super) struct Tables {
    calls: Keyspace,
    numbers: Keyspace,
    open: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self { calls: store.keyspace(CALLS)?, numbers: store.keyspace(NUMBERS)?, open: store.keyspace(OPEN)? })
    }

    /// The calls that there is something to do about.
    pub(super) fn open_calls(&self) -> Result<Open, ProjectionError> {
        let mut open = Open::new();
        for row in self.open.iter() {
            let (key, _) = row.into_inner()?;
            let id = id_at(&key, 0).map(CallId).ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            let row = self.call(id)?.ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            open.insert(id, row);
        }
        Ok(open)
    }

    pub(super) fn call(&self, id: CallId) -> Result<Option<GroupCallRow>, ProjectionError> {
        self.calls.get(id.0.as_bytes())?.map(|value| from_json(CALLS, &value)).transpose()
    }

    /// The number of a group's last call; 0 where there was none.
    pub(super) fn last_number(&self, conversation: ConversationId) -> Result<u64, ProjectionError> {
        let Some(value) = self.numbers.get(conversation.0.as_bytes())? else { return Ok(0) };
        number(&value).ok_or(ProjectionError::DamagedRow { keyspace: NUMBERS })
    }

    /// Puts a call into a batch that was open before it, or began in it.
    pub(super) fn write(
        &self,
        rows: &mut WriteBatch,
        row: &GroupCallRow,
        was_open: bool,
    ) -> Result<(), ProjectionError> {
        let key = *row.call.0.as_bytes();
        rows.insert(&self.calls, key, to_json(row)?);
        match row.is_open() {
            true => rows.insert(&self.open, key, []),
            false if was_open => rows.remove(&self.open, key),
            false => {}
        }
        Ok(())
    }

    pub(super) fn write_number(&self, rows: &mut WriteBatch, conversation: ConversationId, number: u64) {
        rows.insert(&self.numbers, *conversation.0.as_bytes(), number.to_be_bytes());
    }
}
