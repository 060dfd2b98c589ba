//! The types of events that this read model keeps, each with a number for rows and its way of being shown.

/// How an event of a conversation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    /// Something said: in the history, has a number.
    Message,
    /// Something that happened, told between the messages.
    Notice,
    /// Known to every member's devices, not told in the history: a message was taken back, a nickname was set.
    Quiet,
    /// About somebody who waits to come in: told to those concerned only.
    Waiting,
    /// About one person or two, not of a conversation's stream.
    Personal,
}

/// Number in rows, type name, showing. The numbers stand in rows: new types go at the end.
const KINDS: [(&str, Showing); 74] = [
    ("message.sent", Showing::Message),
    ("message.recalled", Showing::Quiet),
    ("conversation.opened", Showing::Quiet),
    ("group.created", Showing::Notice),
    ("group.members-joined", Showing::Notice),
    ("group.member-invited", Showing::Waiting),
    ("group.join-requested", Showing::Waiting),
    ("group.invitation-closed", Showing::Waiting),
    ("group.join-request-closed", Showing::Waiting),
    ("group.member-left", Showing::Notice),
    ("group.members-removed", Showing::Notice),
    ("group.ownership-transferred", Showing::Notice),
    ("group.admin-appointed", Showing::Notice),
    ("group.admin-dismissed", Showing::Notice),
    ("group.renamed", Showing::Notice),
    ("group.disbanded", Showing::Notice),
    ("group.invite-confirmation-set", Showing::Quiet),
    ("group.nickname-set", Showing::Quiet),
    ("group.member-muted", Showing::Quiet),
    ("group.member-unmuted", Showing::Quiet),
    ("group.all-mute-set", Showing::Notice),
    ("conversation.read", Showing::Personal),
    ("conversation.pinned", Showing::Personal),
    ("conversation.muted", Showing::Personal),
    ("conversation.hidden", Showing::Personal),
    ("conversation.cleared", Showing::Personal),
    ("message.deleted", Showing::Personal),
    ("friend.requested", Showing::Personal),
    ("friend.accepted", Showing::Personal),
    ("friend.declined", Showing::Personal),
    ("friend.removed", Showing::Personal),
    ("friend.restored", Showing::Personal),
    ("contact.noted", Showing::Personal),
    ("person.blocked", Showing::Personal),
    ("person.unblocked", Showing::Personal),
    ("tag.named", Showing::Personal),
    ("tag.deleted", Showing::Personal),
    ("device.added", Showing::Personal),
    ("device.revoked", Showing::Personal),
    ("profile.changed", Showing::Personal),
    ("privacy.changed", Showing::Personal),
    ("hold.accepted", Showing::Personal),
    ("hold.released", Showing::Personal),
    ("hold.returned", Showing::Personal),
    ("hold.share-opened", Showing::Personal),
    ("wallet.topped-up", Showing::Personal),
    ("wallet.top-up-declined", Showing::Personal),
    ("order.payment-returned", Showing::Personal),
    ("merchant.refunded", Showing::Personal),
    ("wallet.pay-code-presented", Showing::Personal),
    ("moments.settings-changed", Showing::Personal),
    ("moments.timeline-viewed", Showing::Personal),
    ("moments.notices-read", Showing::Personal),
    ("account.followed", Showing::Personal),
    ("account.unfollowed", Showing::Personal),
    ("account.muted", Showing::Personal),
    ("conversation.account-opened", Showing::Quiet),
    ("conversation.menu-chosen", Showing::Quiet),
    ("call.invited", Showing::Personal),
    ("call.rang", Showing::Personal),
    ("call.accepted", Showing::Personal),
    ("call.connected", Showing::Personal),
    ("call.ended", Showing::Personal),
    ("moments.cover-changed", Showing::Personal),
    ("sticker.collected", Showing::Personal),
    ("sticker.moved-to-front", Showing::Personal),
    ("sticker.removed", Showing::Personal),
    ("group-call.started", Showing::Personal),
    ("group-call.joined", Showing::Personal),
    ("group-call.declined", Showing::Personal),
    ("group-call.unanswered", Showing::Personal),
    ("group-call.left", Showing::Personal),
    ("group-call.ended", Showing::Personal),
    ("webhook.paused", Showing::Personal),
];

/// A type of event that this read model keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    /// The type with that name; none where this read model keeps no such events.
    pub(super) fn named(event_type: &str) -> Option<Self> {
        let at = KINDS.iter().position(|(name, _)| *name == event_type)?;
        u8::try_from(at).ok().map(Self)
    }

    /// The type with that number in rows.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        (usize::from(number) < KINDS.len()).then_some(Self(number))
    }

    /// Its number in rows.
    pub(super) fn number(self) -> u8 {
        self.0
    }

    /// The type's name, such as `message.sent`.
    pub(super) fn name(self) -> &'static str {
        KINDS.get(usize::from(self.0)).map_or("", |(name, _)| name)
    }

    /// How events of the type are shown.
    pub(super) fn showing(self) -> Showing {
        KINDS.get(usize::from(self.0)).map_or(Showing::Quiet, |(_, showing)| *showing)
    }
}
