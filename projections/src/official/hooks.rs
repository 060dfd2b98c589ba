//! What webhooks are told, and how far they were.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{OfficialAccountId, WebhookEvent};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};

use super::{
    OfficialView, OpenRow,
    rows::{Tables, placed_key},
};
use crate::{
    ProjectionError,
    rows::{from_json, id_at, number_at, to_json},
};

/// What followers did while their account had a webhook.
pub(super) const DOINGS: &str = "doings";
/// How far each webhook was told.
pub(super) const HOOKS: &str = "hooks";

/// How far an account's webhook was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRow {
    /// Whether there is one, and it is not paused.
    pub active: bool,
    /// Up to which position of the log it was told everything.
    pub through: u64,
    /// Where the last thing stands that it is told.
    pub last: u64,
    /// When it is tried again, where something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
}

impl HookRow {
    /// Whether there is something to tell it, at once or later.
    pub(super) fn is_behind(&self) -> bool {
        self.active && self.last > self.through
    }

    fn take(&mut self, event: &WebhookEvent) {
        match event {
            WebhookEvent::WebhookSet(set) => self.begin(set.after),
            WebhookEvent::WebhookRewound(rewound) => self.begin(rewound.after),
            WebhookEvent::WebhookDelivered(delivered) => {
                self.through = delivered.through;
                self.next_at = None;
            }
            WebhookEvent::WebhookFailed(failed) => self.next_at = Some(failed.next_at),
            WebhookEvent::WebhookRemoved(_) | WebhookEvent::WebhookPaused(_) => self.active = false,
            WebhookEvent::WebhookSecretRenewed(_) => {}
        }
    }

    fn begin(&mut self, after: u64) {
        self.active = true;
        self.through = after;
        self.next_at = None;
    }
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Hooks {
    rows: HashMap<OfficialAccountId, HookRow>,
    doings: Vec<((OfficialAccountId, u64), OpenRow)>,
}

impl Hooks {
    /// Takes an event of a webhook in.
    pub(super) fn take(&mut self, view: &OfficialView, id: OfficialAccountId, event: &WebhookEvent) {
        self.row(view, id).take(event);
    }

    /// Takes in what a webhook is told.
    pub(super) fn add(&mut self, view: &OfficialView, place: (OfficialAccountId, u64), row: OpenRow) {
        self.row(view, place.0).last = place.1;
        self.doings.push((place, row));
    }

    fn row(&mut self, view: &OfficialView, id: OfficialAccountId) -> &mut HookRow {
        self.rows.entry(id).or_insert_with(|| view.hooks.read().get(&id).cloned().unwrap_or_default())
    }

    /// Puts the changes into a batch of rows.
    pub(super) fn write(&self, tables: &Tables, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for ((id, position), row) in &self.doings {
            rows.insert(&tables.doings, placed_key(*id, *position), to_json(row)?);
        }
        for (id, row) in &self.rows {
            rows.insert(&tables.hooks, *id.0.as_bytes(), to_json(row)?);
        }
        Ok(())
    }

    /// Shows the changes in what is held in memory.
    pub(super) fn show(self, view: &OfficialView) {
        if !self.rows.is_empty() {
            view.hooks.write().extend(self.rows);
        }
    }
}

/// How far all webhooks were told.
pub(super) fn load(hooks: &Keyspace) -> Result<HashMap<OfficialAccountId, HookRow>, ProjectionError> {
    let row = |row: fjall::Guard| -> Result<(OfficialAccountId, HookRow), ProjectionError> {
        let (key, value) = row.into_inner()?;
        let id = id_at(&key, 0).ok_or(ProjectionError::DamagedRow { keyspace: HOOKS })?;
        Ok((OfficialAccountId(id), from_json(HOOKS, &value)?))
    };
    hooks.iter().map(row).collect()
}

/// What an account's webhook is told behind a position, in the order of the log.
pub(super) fn doings(
    doings: &Keyspace,
    id: OfficialAccountId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, OpenRow)>, ProjectionError> {
    let row = |row: fjall::Guard| -> Result<(u64, OpenRow), ProjectionError> {
        let (key, value) = row.into_inner()?;
        let position = number_at(&key, 16).ok_or(ProjectionError::DamagedRow { keyspace: DOINGS })?;
        Ok((position, from_json(DOINGS, &value)?))
    };
    let range = placed_key(id, after.saturating_add(1))..=placed_key(id, u64::MAX);
    doings.range(range).take(limit).map(row).collect()
}
