//! From rows to entries: what of an event one reader gets to see.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConversationId,
    conversation::{Content, MessageSent},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    entry::{Entry, Quoted},
    kind::Showing,
    rows::{EventRow, Recall},
    state::Reader,
    tables::{StoredEvent, Tables},
};
use crate::ProjectionError;

/// When and how entries are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The time of reading.
    pub now: DateTime<Utc>,
    /// How long after recalling a text its sender gets it back to edit it again.
    pub re_edit: TimeDelta,
}

impl Reading {
    /// Whether a text taken back then may still be edited again.
    fn may_re_edit(&self, recall: Recall) -> bool {
        recall.at().checked_add_signed(self.re_edit).is_none_or(|end| self.now < end)
    }
}

/// How an event looks to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As it is.
    Plain,
    /// As a message that was taken back.
    Recalled(Recall),
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The payload as it is put into an entry.
pub(super) fn raw(payload: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(payload).ok()
}

/// An event as an entry, with everything in it.
pub(super) fn plain_entry<P: AsRef<[u8]>>(row: &EventRow<P>, conversation: Option<ConversationId>) -> Entry {
    Entry {
        position: row.position,
        event_type: row.kind.name(),
        at: row.at(),
        actor: row.actor,
        conversation,
        seq: (row.kind.showing() == Showing::Message).then_some(row.seq),
        id: row.id,
        data: raw(row.payload.as_ref()),
        recalled: false,
        re_edit: None,
        quoted: None,
    }
}

impl Tables {
    /// How the event looks to the reader, within whose stays it must lie; none where they don't get to see it.
    pub(super) fn look(&self, reader: &Reader, row: &StoredEvent) -> Result<Option<Look>, ProjectionError> {
        match row.kind.showing() {
            Showing::Message => self.look_of_message(reader, row.seq),
            Showing::Notice => {
                // A notice stands behind the message whose number it carries.
                let behind = row.seq > reader.cleared;
                let later = row.seq == reader.cleared && row.position > reader.cleared_at;
                Ok((behind || later).then_some(Look::Plain))
            }
            Showing::Quiet => Ok(Some(Look::Plain)),
            Showing::Waiting | Showing::Personal => Ok(None),
        }
    }

    fn look_of_message(&self, reader: &Reader, seq: u64) -> Result<Option<Look>, ProjectionError> {
        if seq <= reader.cleared || self.is_deleted(reader, seq)? {
            return Ok(None);
        }
        Ok(match self.recall(reader.no, &reader.head, seq)? {
            None => Some(Look::Plain),
            Some(recall) if recall.silent => None,
            Some(recall) => Some(Look::Recalled(recall)),
        })
    }

    /// The event as the reader gets it where devices catch up: without what depends on the time of reading.
    pub(super) fn entry(&self, reader: &Reader, row: &StoredEvent, look: Look) -> Entry {
        let entry = plain_entry(row, Some(reader.id));
        match look {
            Look::Plain => entry,
            Look::Recalled(_) => Entry { data: None, recalled: true, ..entry },
        }
    }

    /// The event as the reader gets it in the history: with the message it answers, and a text to edit again.
    pub(super) fn told(
        &self,
        reader: &Reader,
        row: &StoredEvent,
        look: Look,
        reading: &Reading,
    ) -> Result<Entry, ProjectionError> {
        let mut entry = self.entry(reader, row, look);
        match look {
            Look::Plain if row.reply_to != 0 => entry.quoted = Some(self.quoted(reader, row.reply_to)?),
            Look::Recalled(recall) if row.actor == Some(reader.user) && reading.may_re_edit(recall) => {
                entry.re_edit = text_of(row.payload.as_ref());
            }
            _ => {}
        }
        Ok(entry)
    }

    fn quoted(&self, reader: &Reader, seq: u64) -> Result<Quoted, ProjectionError> {
        let unseen = Quoted { seq, sender: None, content: None, recalled: false };
        if !reader.may_see(seq) {
            return Ok(unseen);
        }
        let row = self.event(reader.no, self.version_of(reader.no, &reader.head, seq)?)?;
        Ok(match self.look_of_message(reader, seq)? {
            None => unseen,
            Some(Look::Recalled(_)) => Quoted { sender: row.actor, recalled: true, ..unseen },
            Some(Look::Plain) => {
                let content =
                    serde_json::from_slice::<Said<'_>>(row.payload.as_ref()).ok().map(|said| said.content.to_owned());
                Quoted { sender: row.actor, content, ..unseen }
            }
        })
    }
}

fn text_of(payload: &[u8]) -> Option<String> {
    match serde_json::from_slice::<MessageSent>(payload).ok()?.content {
        Content::Text { text } => Some(text),
        _ => None,
    }
}
