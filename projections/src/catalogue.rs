//! The catalogue: every keyspace of every projection. A keyspace that is not listed here can't be opened, so the list
//! is complete.
//!
//! All numbers in keys are big-endian, so that byte order is number order. `user`, `conversation`, `device` and so on
//! are the 16 bytes of an id; `json` is the JSON of the named struct.

/// How a keyspace is used; decides block size, compression and filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Many rows, read by ranges, mostly once: large compressed blocks.
    Scan,
    /// Looked up by single keys that may well be absent: small blocks and filters everywhere.
    Lookup,
    /// Read whole at the start and written through from memory.
    Resident,
}

/// What a keyspace holds.
#[derive(Clone, Copy, Debug)]
pub struct KeyspaceEntry {
    /// The projection that owns it.
    pub projection: &'static str,
    /// Its name; a `*` at the end stands for the rest of a family's names.
    pub keyspace: &'static str,
    /// What its keys are made of.
    pub key: &'static str,
    /// What its values are.
    pub value: &'static str,
    /// How it is used.
    pub workload: Workload,
}

/// The keyspace that every projection in fjall has besides its own: `checkpoint` -> position (u64).
pub const META: &str = "meta";

/// Every keyspace, in the order of projections. Owners of a projection add their lines here.
pub const CATALOGUE: &[KeyspaceEntry] = &[
    KeyspaceEntry {
        projection: "people",
        keyspace: "persons",
        key: "user",
        value: "json PersonRecord: handle, profile, privacy, time of registration",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "handles",
        key: "handle in lower case",
        value: "user",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "devices",
        key: "user, device",
        value: "json DeviceRecord: name, time of log-in",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "ties",
        key: "holder, contact",
        value: "since (i64 microseconds)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "beginnings",
        key: "holder, contact",
        value: "empty: the last acceptance made the contact one for chats only",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "requests",
        key: "smaller user, larger user",
        value: "json Request: the last friend request of the two that is not answered, or was declined",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "notes",
        key: "user, contact",
        value: "json Notes: remark, star, chats only, tags",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "blocks",
        key: "user, blocked person",
        value: "since (i64 microseconds)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "people",
        keyspace: "tags",
        key: "user, tag",
        value: "name (UTF-8)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "commands",
        keyspace: "day-*",
        key: "command",
        value: "position before its first record (u64), fingerprint (16 bytes)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "commands",
        keyspace: "horizon",
        key: "`newest-day`",
        value: "day of the newest keyed command, in days since 1970-01-01 (u64)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "deadlines",
        keyspace: "open",
        key: "kind (u8: friend request, invitation, join request), smaller user and larger user or conversation and user",
        value: "since (i64 microseconds), version of the event that began it (u64)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "timeline",
        key: "conversation number (u32), version of the event in the conversation's stream (u64)",
        value: "`chat::rows::EventRow`: a message, a notice, any event of the conversation",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "recalls",
        key: "conversation number (u32), number of the message (u64)",
        value: "`chat::rows::Recall`: when and how it was taken back",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "deleted",
        key: "user, conversation number (u32), number of the message (u64)",
        value: "empty: that person deleted it for themselves",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "personal",
        key: "user, position (u64)",
        value: "`chat::rows::EventRow`: what concerns that person besides conversations",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "conversations",
        key: "conversation number (u32), dense in the order of their first events",
        value: "conversation; then the two users of a direct one, or official account, user and sort (u8) of one with an account",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "groups",
        key: "conversation number (u32)",
        value: "json of `chat::state::Group`",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "heads",
        key: "conversation number (u32)",
        value: "`chat::state::Head`: last version, message, position and so on",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "chat",
        keyspace: "seats",
        key: "user, conversation number (u32)",
        value: "`chat::seat::Seat`: stays, read mark, settings, part in the group",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "posts",
        key: "position (u64) of a post",
        value: "json `moments::rows::PostRow`: id, author, time, what it shows and to whom",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "post-ids",
        key: "post",
        value: "its position (u64), its author",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "albums",
        key: "author, position (u64) of a post",
        value: "when it was published, in microseconds (i64)",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "likes",
        key: "position of a post (u64), position (u64)",
        value: "`moments::rows::Deed`: who, time, version in the post's stream",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "likers",
        key: "position of a post (u64), user",
        value: "position of the like (u64)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "comments",
        key: "position of a post (u64), position (u64)",
        value: "`moments::rows::Deed`, then json `moments::rows::Said`: id, text, what it answers",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "comment-ids",
        key: "position of a post (u64), comment",
        value: "position of the comment (u64)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "interactions",
        key: "user, position (u64)",
        value: "`moments::rows::Own`: below which post, like or comment, version in the post's stream",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "notices",
        key: "user, position (u64)",
        value: "`moments::rows::Pointer`: what is about that person, who is told of it if they see it when they look",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "moments",
        keyspace: "circles",
        key: "user",
        value: "json of `domain::Circle`: settings and marks",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "accounts",
        key: "official account",
        value: "json `official::AccountRow`: sort, profile, owner, operators, how many follow it",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "parts",
        key: "user, official account",
        value: "1 for the owner, 0 for an operator (u8)",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "followers",
        key: "official account, openid (28 bytes)",
        value: "json `official::FollowerRow`: who follows, since when, how they came upon it",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "followed",
        key: "user, official account",
        value: "json `official::FollowedRow`: openid, since when, whether muted",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "settings",
        key: "official account",
        value: "json `official::SettingsRow`: menu, what it answers by itself",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "heard",
        key: "official account, position (u64)",
        value: "json `official::HeardRow`: whose message, and its number",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "official",
        keyspace: "open",
        key: "official account, position (u64)",
        value: "json `official::OpenRow`: what a follower did that has to be answered",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "wallets",
        key: "user",
        value: "json `wallet::WalletRow`: real name, cards, settings",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "balances",
        key: "owner (u8 0 for a person, 1 for a merchant; id)",
        value: "json `wallet::book::Flow`: all that came in and all that went out",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "lines",
        key: "owner, position (u64)",
        value: "json `wallet::Line` of that owner's statement",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "holds",
        key: "hold",
        value: "json `wallet::HoldRow`: terms, and what has become of it",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "open",
        key: "hold",
        value: "empty: it is not over",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "top-ups",
        key: "payment",
        value: "json `wallet::TopUpRow`",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "wallet",
        keyspace: "open-top-ups",
        key: "payment",
        value: "user: the bank has not settled it",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "report",
        keyspace: "days",
        key: "user, year (u16), day of the year from 1 (u16)",
        value: "per kind of message that was sent: its code (u8), count (u32)",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "report",
        keyspace: "hours",
        key: "user, year (u16)",
        value: "for each hour of the day: count (u32)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "report",
        keyspace: "conversations",
        key: "user, year (u16), conversation",
        value: "count (u32)",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "report",
        keyspace: "calls",
        key: "user, year (u16)",
        value: "calls in which they talked (u32), seconds (u64)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "merchants",
        key: "merchant",
        value: "json `shops::MerchantRow`: name, owner, operators",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "parts",
        key: "user, merchant",
        value: "1 for the owner, 0 for an operator (u8)",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "orders",
        key: "order",
        value: "json `shops::OrderRow`: what is to be paid, and how it stands",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "open",
        key: "order",
        value: "empty: nobody has paid it, and it is not closed",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "refunds",
        key: "payment: the refund",
        value: "json `shops::RefundRow`: its number, what had been paid, how much went back and when",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "orders-by-time",
        key: "merchant, time of creation in microseconds (u64), order",
        value: "empty",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "refunds-by-time",
        key: "merchant, time in microseconds (u64), payment: the refund",
        value: "empty",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "shops",
        keyspace: "pay-codes",
        key: "keyed hash of a code that a payer shows (hex)",
        value: "json of user and end: until another code is issued after its end",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "media",
        keyspace: "media",
        key: "medium",
        value: "json MediumRow: owner, bytes, hash, since when nothing names it",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "media",
        keyspace: "usage",
        key: "user",
        value: "bytes that they have brought (u64)",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "media",
        keyspace: "unnamed",
        key: "since when nothing names it (i64 microseconds), medium",
        value: "empty",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "media",
        keyspace: "blobs",
        key: "hash of the bytes (hex), medium",
        value: "empty: the medium has these bytes",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "stickers",
        keyspace: "packs",
        key: "sticker pack",
        value: "json StickerPackRow: title, author, stickers, time of publication",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "calls",
        keyspace: "calls",
        key: "call",
        value: "json `calls::CallRow`: who called whom, and what became of it",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "calls",
        keyspace: "numbers",
        key: "conversation",
        value: "number of its last call (u64)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "calls",
        keyspace: "parts",
        key: "user, position (u64) of a call's invitation",
        value: "call",
        workload: Workload::Scan,
    },
    KeyspaceEntry {
        projection: "calls",
        keyspace: "open",
        key: "call",
        value: "empty: it is not over, or its conversation does not show it yet",
        workload: Workload::Resident,
    },
    KeyspaceEntry {
        projection: "group_calls",
        keyspace: "calls",
        key: "call",
        value: "json `group_calls::GroupCallRow`: who started it, who is in it, what became of it",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "group_calls",
        keyspace: "numbers",
        key: "conversation",
        value: "number of its last call (u64)",
        workload: Workload::Lookup,
    },
    KeyspaceEntry {
        projection: "group_calls",
        keyspace: "open",
        key: "call",
        value: "empty: it is not over, or its group does not show it yet",
        workload: Workload::Resident,
    },
];

/// The entry of a keyspace.
#[must_use]
pub fn entry(projection: &str, keyspace: &str) -> Option<&'static KeyspaceEntry> {
    let fits = |entry: &KeyspaceEntry| match entry.keyspace.strip_suffix('*') {
        Some(family) => keyspace.starts_with(family),
        None => keyspace == entry.keyspace,
    };
    CATALOGUE.iter().find(|entry| entry.projection == projection && fits(entry))
}
