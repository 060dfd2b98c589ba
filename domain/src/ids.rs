//! Ids: one newtype per noun, so that a device can't be taken for a user.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, ordered by time (UUIDv7).
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a random id is no default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person with an account.
    UserId,
    /// One logged-in device of a person.
    DeviceId,
    /// A direct conversation or a group.
    ConversationId,
    /// A label that a person puts on contacts.
    TagId,
    /// A pack of stickers.
    StickerPackId,
    /// Somebody who sells: a shop, with its operators.
    MerchantId,
    /// What a merchant wants to be paid for.
    OrderId,
    /// A brand or service that people follow.
    OfficialAccountId,
    /// An article of an official account.
    ArticleId,
    /// Money on its way.
    HoldId,
    /// A payment or top-up, as receipts and the bank name it.
    PaymentId,
    /// A linked debit card.
    CardId,
    /// A post in somebody's Moments.
    PostId,
    /// What somebody said below a post.
    CommentId,
    /// A call.
    CallId,
    /// A picture, a voice message, a video or a file that somebody brought.
    MediumId,
    /// What a client asked for, once; repeated requests carry the same id.
    CommandId,
}

impl ConversationId {
    /// The conversation of two people: derived from both, the same whoever asks.
    #[must_use]
    pub fn direct(one: UserId, other: UserId) -> Self {
        let pair = FriendshipId::between(one, other);
        Self(derived("teahouse direct conversation", &[pair.lower.0.as_bytes(), pair.upper.0.as_bytes()]))
    }

    /// The conversation of a person with an official account: derived from both.
    #[must_use]
    pub fn with_account(account: OfficialAccountId, follower: UserId) -> Self {
        Self(derived("teahouse account conversation", &[account.0.as_bytes(), follower.0.as_bytes()]))
    }
}

impl OfficialAccountId {
    /// What the account's program calls itself: `wx` and 16 hexadecimal digits.
    #[must_use]
    pub fn app_id(self) -> String {
        let bytes = derived("teahouse official account app id", &[self.0.as_bytes()]);
        format!("wx{}", bytes.simple().to_string().chars().take(16).collect::<String>())
    }

    /// What the account's program calls the account: `gh_` and 12 hexadecimal digits.
    #[must_use]
    pub fn original_id(self) -> String {
        let bytes = derived("teahouse official account original id", &[self.0.as_bytes()]);
        format!("gh_{}", bytes.simple().to_string().chars().take(12).collect::<String>())
    }

    /// What the account takes part in conversations as: its own id, where people have theirs.
    #[must_use]
    pub fn party(self) -> UserId {
        UserId(self.0)
    }
}

impl CallId {
    /// The call of a conversation with that number: the same for all who count so far, whoever calls.
    #[must_use]
    pub fn of(conversation: ConversationId, number: u64) -> Self {
        Self(derived("teahouse call", &[conversation.0.as_bytes(), &number.to_be_bytes()]))
    }
}

impl MerchantId {
    /// The id by which the books know a biller, who calls itself by a name of its own.
    #[must_use]
    pub fn of_biller(name: &str) -> Self {
        Self(derived("teahouse biller", &[name.as_bytes()]))
    }
}

impl PaymentId {
    /// The id of a merchant's refund: the same whenever the merchant gives the same number.
    #[must_use]
    pub fn of_refund(merchant: MerchantId, out_refund_no: &str) -> Self {
        Self(derived("teahouse refund", &[merchant.0.as_bytes(), out_refund_no.as_bytes()]))
    }
}

impl CommandId {
    /// The command that `key` names for `scope`: whoever repeats the key means the same command.
    #[must_use]
    pub fn keyed(scope: Uuid, key: &str) -> Self {
        Self(derived("teahouse command key", &[scope.as_bytes(), key.as_bytes()]))
    }

    /// A further id that follows from this one, the same every time: for the steps of one command.
    #[must_use]
    pub fn derive(self, step: &str) -> Uuid {
        derived("teahouse command step", &[self.0.as_bytes(), step.as_bytes()])
    }

    /// The id of one of the events that answer this command. It names what the event says, too: where two servers carry out
    /// the same command at once, and chance or the clock gives each another event, these are not taken for the same.
    #[must_use]
    pub fn event_id(self, index: u64, at: DateTime<Utc>, payload: &[u8]) -> Uuid {
        let (index, micros) = (index.to_be_bytes(), at.timestamp_micros().to_be_bytes());
        derived("teahouse event of a command", &[self.0.as_bytes(), &index, &micros, payload])
    }
}

/// The relation of two people: the ordered pair of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FriendshipId {
    /// The smaller id of the two.
    pub lower: UserId,
    /// The larger id of the two.
    pub upper: UserId,
}

impl FriendshipId {
    /// The pair, whoever is named first.
    #[must_use]
    pub fn between(one: UserId, other: UserId) -> Self {
        Self { lower: one.min(other), upper: one.max(other) }
    }

    /// The one of the two who is not `user`.
    #[must_use]
    pub fn other(self, user: UserId) -> UserId {
        if user == self.lower { self.upper } else { self.lower }
    }
}

impl std::fmt::Display for FriendshipId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.lower, self.upper)
    }
}

impl std::str::FromStr for FriendshipId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        let (lower, upper) = text.split_at_checked(uuid::fmt::Hyphenated::LENGTH).unwrap_or((text, ""));
        let upper = upper.strip_prefix('-').unwrap_or_default();
        Ok(Self::between(lower.parse()?, upper.parse()?))
    }
}

/// A UUIDv8 made of a BLAKE3 hash, so that the same parts give the same id everywhere.
fn derived(context: &str, parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_how_it_is_written() {
        let (one, other) = (UserId::new(), UserId::new());
        assert_eq!(one.to_string().parse(), Ok(one));
        let pair = FriendshipId::between(one, other);
        assert_eq!(pair.to_string().parse(), Ok(pair));
        for wrong in [one.to_string(), format!("{pair}-"), format!("{one}{other}"), String::new()] {
            assert!(wrong.parse::<FriendshipId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_direct_conversation_has_the_same_id_from_both_sides() {
        let (a, b, c) = (UserId::new(), UserId::new(), UserId::new());
        assert_eq!(ConversationId::direct(a, b), ConversationId::direct(b, a));
        assert_ne!(ConversationId::direct(a, b), ConversationId::direct(a, c));
    }

    #[test]
    fn an_event_of_a_command_has_the_same_id_only_where_it_says_the_same() {
        let (command, at) = (CommandId::new(), DateTime::UNIX_EPOCH);
        let id = command.event_id(0, at, b"{}");
        assert_eq!(command.event_id(0, at, b"{}"), id);
        let others = [
            CommandId::new().event_id(0, at, b"{}"),
            command.event_id(1, at, b"{}"),
            command.event_id(0, at + chrono::TimeDelta::microseconds(1), b"{}"),
            command.event_id(0, at, b"{ }"),
        ];
        assert!(others.iter().all(|other| *other != id));
    }

    #[test]
    fn a_key_names_one_command_per_scope() {
        let (a, b) = (UserId::new().0, UserId::new().0);
        assert_eq!(CommandId::keyed(a, "k"), CommandId::keyed(a, "k"));
        assert_ne!(CommandId::keyed(a, "k"), CommandId::keyed(b, "k"));
        assert_ne!(CommandId::keyed(a, "k"), CommandId::keyed(a, "l"));
    }
}
