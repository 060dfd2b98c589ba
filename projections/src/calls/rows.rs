//! How calls are laid out on disk.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    CallId, ConversationId, DeviceId, UserId,
    call::{CallMedia, CallOutcome},
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
const PARTS: &str = "parts";
const OPEN: &str = "open";

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The callee's devices are being told.
    Invited,
    /// One of them rings.
    Ringing,
    /// Answered, not connected yet.
    Accepted,
    /// They talk.
    Connected,
    /// Over.
    Ended,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// The call.
    pub call: CallId,
    /// The direct conversation of the two.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who called.
    pub caller: UserId,
    /// From which device.
    pub caller_device: DeviceId,
    /// Whom.
    pub callee: UserId,
    /// The device that answered.
    pub callee_device: Option<DeviceId>,
    /// The callee never hears of it.
    pub unheard: bool,
    /// How far it has come.
    pub state: CallState,
    /// Where its invitation stands in the log.
    pub position: u64,
    /// When it was placed.
    pub invited_at: DateTime<Utc>,
    /// When it was answered.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the devices reached each other.
    pub connected_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<CallOutcome>,
    /// For how long they talked, in seconds.
    pub seconds: u64,
    /// Its conversation shows that it is over.
    pub shown: bool,
}

impl CallRow {
    /// Who knows of it: the caller, and the callee who hears it.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        let callee = Some(self.callee).filter(|_| !self.unheard);
        std::iter::once(self.caller).chain(callee)
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == CallState::Ended
    }

    /// Whether its conversation is to show it, and does not yet. What somebody blocked does shows nowhere.
    pub(super) fn is_unshown(&self) -> bool {
        self.is_over() && !self.shown && !self.unheard
    }

    /// Whether there is still something to do about it.
    pub(super) fn is_open(&self) -> bool {
        !self.is_over() || self.is_unshown()
    }
}

/// What is held in memory: calls that there is something to do about.
pub(super) type Present = BTreeMap<CallId, CallRow>;

/// The keyspaces.
#[derive(Clone)]
pub(super) struct Tables {
    calls: Keyspace,
    numbers: Keyspace,
    parts: Keyspace,
    open: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            calls: store.keyspace(CALLS)?,
            numbers: store.keyspace(NUMBERS)?,
            parts: store.keyspace(PARTS)?,
            open: store.keyspace(OPEN)?,
        })
    }

    /// The calls that there is something to do about.
    pub(super) fn present(&self) -> Result<Present, ProjectionError> {
        let mut present = Present::new();
        for row in self.open.iter() {
            let (key, _) = row.into_inner()?;
            let id = id_at(&key, 0).map(CallId).ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            let row = self.call(id)?.ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            present.insert(id, row);
        }
        Ok(present)
    }

    pub(super) fn call(&self, id: CallId) -> Result<Option<CallRow>, ProjectionError> {
        self.calls.get(id.0.as_bytes())?.map(|value| from_json(CALLS, &value)).transpose()
    }

    /// The number of a conversation's last call; 0 where there was none.
    pub(super) fn last_number(&self, conversation: ConversationId) -> Result<u64, ProjectionError> {
        let Some(value) = self.numbers.get(conversation.0.as_bytes())? else { return Ok(0) };
        number(&value).ok_or(ProjectionError::DamagedRow { keyspace: NUMBERS })
    }

    /// Calls that a person took part in, from before a position, the latest first.
    pub(super) fn before(&self, user: UserId, position: u64, limit: usize) -> Result<Vec<CallRow>, ProjectionError> {
        let range = part_key(user, 0)..part_key(user, position);
        let mut calls = vec![];
        for part in self.parts.range(range).rev().take(limit) {
            let (_, value) = part.into_inner()?;
            let id = id_at(&value, 0).map(CallId).ok_or(ProjectionError::DamagedRow { keyspace: PARTS })?;
            calls.push(self.call(id)?.ok_or(ProjectionError::DamagedRow { keyspace: PARTS })?);
        }
        Ok(calls)
    }

    pub(super) fn write(&self, rows: &mut WriteBatch, row: &CallRow, was_open: bool) -> Result<(), ProjectionError> {
        let key = *row.call.0.as_bytes();
        rows.insert(&self.calls, key, to_json(row)?);
        for user in row.people() {
            rows.insert(&self.parts, part_key(user, row.position), key);
        }
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

fn part_key(user: UserId, position: u64) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &position.to_be_bytes()].concat()
}
