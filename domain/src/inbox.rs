//! Inbox: one person's own view of conversations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ConversationId, DeviceId, UserId,
    event::{Aggregate, EventMeta, event_family},
};

/// A device showed the messages up to `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRead {
    /// Where.
    pub conversation: ConversationId,
    /// The last message shown.
    pub seq: u64,
    /// On which device.
    pub device: DeviceId,
}

/// A conversation was pinned to the top, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationPinned {
    /// Which.
    pub conversation: ConversationId,
    /// Whether it is pinned now.
    pub on: bool,
}

/// A conversation no longer notifies, or does again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationMuted {
    /// Which.
    pub conversation: ConversationId,
    /// Whether it is muted now.
    pub on: bool,
}

/// A conversation was taken off the list until something new is said in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationHidden {
    /// Which.
    pub conversation: ConversationId,
    /// The last message at that time: a later one shows it again.
    pub seq: u64,
}

/// The history up to `seq` was cleared, for this person only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationCleared {
    /// Which.
    pub conversation: ConversationId,
    /// The last message cleared.
    pub seq: u64,
}

/// One message was deleted, for this person only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDeleted {
    /// Where.
    pub conversation: ConversationId,
    /// Which.
    pub seq: u64,
}

event_family! {
    /// Events of an `inbox-` stream.
    InboxEvent {
        "conversation.read" => ConversationRead,
        "conversation.pinned" => ConversationPinned,
        "conversation.muted" => ConversationMuted,
        "conversation.hidden" => ConversationHidden,
        "conversation.cleared" => ConversationCleared,
        "message.deleted" => MessageDeleted,
    }
}

impl InboxEvent {
    /// The conversation that it is about.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::ConversationRead(read) => read.conversation,
            Self::ConversationPinned(pinned) => pinned.conversation,
            Self::ConversationMuted(muted) => muted.conversation,
            Self::ConversationHidden(hidden) => hidden.conversation,
            Self::ConversationCleared(cleared) => cleared.conversation,
            Self::MessageDeleted(deleted) => deleted.conversation,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    read: BTreeMap<DeviceId, u64>,
    pinned: bool,
    muted: bool,
    hidden: Option<u64>,
    cleared: u64,
}

/// One person's view of conversations. Whether that person is a member is checked by the commands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inbox {
    rows: BTreeMap<ConversationId, Row>,
}

impl Inbox {
    /// A device showed the messages up to `seq`; a mark never goes back.
    #[must_use]
    pub fn read(&self, conversation: ConversationId, seq: u64, device: DeviceId) -> Vec<InboxEvent> {
        let before = self.row(conversation).and_then(|row| row.read.get(&device)).copied();
        if seq <= before.unwrap_or(0) {
            return vec![];
        }
        vec![ConversationRead { conversation, seq, device }.into()]
    }

    /// Pins or unpins.
    #[must_use]
    pub fn pin(&self, conversation: ConversationId, on: bool) -> Vec<InboxEvent> {
        if self.row(conversation).is_some_and(|row| row.pinned) == on {
            return vec![];
        }
        vec![ConversationPinned { conversation, on }.into()]
    }

    /// Mutes or unmutes.
    #[must_use]
    pub fn mute(&self, conversation: ConversationId, on: bool) -> Vec<InboxEvent> {
        if self.row(conversation).is_some_and(|row| row.muted) == on {
            return vec![];
        }
        vec![ConversationMuted { conversation, on }.into()]
    }

    /// Takes the conversation, whose last message is `last_seq`, off the list.
    #[must_use]
    pub fn hide(&self, conversation: ConversationId, last_seq: u64) -> Vec<InboxEvent> {
        if self.row(conversation).and_then(|row| row.hidden) == Some(last_seq) {
            return vec![];
        }
        vec![ConversationHidden { conversation, seq: last_seq }.into()]
    }

    /// Clears the history up to `last_seq`.
    #[must_use]
    pub fn clear(&self, conversation: ConversationId, last_seq: u64) -> Vec<InboxEvent> {
        if last_seq <= self.row(conversation).map_or(0, |row| row.cleared) {
            return vec![];
        }
        vec![ConversationCleared { conversation, seq: last_seq }.into()]
    }

    /// Deletes one message for this person.
    #[must_use]
    pub fn delete(&self, conversation: ConversationId, seq: u64) -> Vec<InboxEvent> {
        if seq <= self.row(conversation).map_or(0, |row| row.cleared) {
            return vec![];
        }
        vec![MessageDeleted { conversation, seq }.into()]
    }

    fn row(&self, conversation: ConversationId) -> Option<&Row> {
        self.rows.get(&conversation)
    }
}

impl Aggregate for Inbox {
    type Id = UserId;
    type Event = InboxEvent;
    const CATEGORY: &'static str = "inbox";

    fn evolve(&mut self, event: &InboxEvent, _meta: &EventMeta) {
        match event {
            InboxEvent::ConversationRead(read) => {
                let row = self.rows.entry(read.conversation).or_default();
                row.read.insert(read.device, read.seq);
            }
            InboxEvent::ConversationPinned(pinned) => {
                self.rows.entry(pinned.conversation).or_default().pinned = pinned.on;
            }
            InboxEvent::ConversationMuted(muted) => {
                self.rows.entry(muted.conversation).or_default().muted = muted.on;
            }
            InboxEvent::ConversationHidden(hidden) => {
                self.rows.entry(hidden.conversation).or_default().hidden = Some(hidden.seq);
            }
            InboxEvent::ConversationCleared(cleared) => {
                self.rows.entry(cleared.conversation).or_default().cleared = cleared.seq;
            }
            // Deleting twice is harmless, so the state need not remember which messages are gone.
            InboxEvent::MessageDeleted(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn a_read_mark_never_goes_back_on_its_device() {
        let (conversation, phone, desk) = (ConversationId::new(), DeviceId::new(), DeviceId::new());
        let state = given::<Inbox>(vec![ConversationRead { conversation, seq: 5, device: phone }.into()]);
        assert_eq!(state.read(conversation, 5, phone), vec![]);
        assert_eq!(state.read(conversation, 4, phone), vec![]);
        assert_eq!(state.read(conversation, 6, phone).len(), 1);
        assert_eq!(state.read(conversation, 4, desk).len(), 1);
    }

    #[test]
    fn setting_what_is_set_says_nothing() {
        let conversation = ConversationId::new();
        let state = given::<Inbox>(vec![
            ConversationPinned { conversation, on: true }.into(),
            ConversationMuted { conversation, on: true }.into(),
            ConversationHidden { conversation, seq: 3 }.into(),
            ConversationCleared { conversation, seq: 3 }.into(),
        ]);
        assert_eq!(state.pin(conversation, true), vec![]);
        assert_eq!(state.mute(conversation, true), vec![]);
        assert_eq!(state.hide(conversation, 3), vec![]);
        assert_eq!(state.clear(conversation, 3), vec![]);
        assert_eq!(state.delete(conversation, 2), vec![]);
        assert_eq!(state.pin(conversation, false).len(), 1);
        assert_eq!(state.mute(conversation, false).len(), 1);
        assert_eq!(state.hide(conversation, 4).len(), 1);
        assert_eq!(state.delete(conversation, 4).len(), 1);
    }
}
