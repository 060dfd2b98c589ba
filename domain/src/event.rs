//! Events as such: what every one of them carries, how they are named, written and read.
//!
//! An event's type name is in its record, its payload is the JSON of its struct. A new shape of an old event gets
//! a higher schema number and an upcaster in its `from_json`; old payloads stay readable for ever.

use chrono::{DateTime, Utc};
use ledger::{Account, Entry, Posting};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    AnsweringEvent, AppTokensEvent, ArticleEvent, BroadcastsEvent, CallEvent, CircleEvent, CommandEvent, ContactsEvent,
    ConversationEvent, FollowerNotesEvent, FollowerTagsEvent, FriendshipEvent, GroupCallEvent, HandleEvent, HoldEvent,
    InboxEvent, LeaseEvent, MediumEvent, MerchantEvent, OfficialAccountEvent, OrderEvent, PostEvent, ReadingEvent,
    StickerCollectionEvent, StickerPackEvent, SubscriptionsEvent, UserEvent, UserId, WalletEvent, WebhookEvent,
};

/// What a record says about an event besides its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMeta {
    /// Who did it; none for the server itself.
    pub actor: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
    /// The event's version in its stream, from 1.
    pub version: u64,
}

/// Why a stored event could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No such event type is known here.
    #[error("unknown event type {0}")]
    UnknownType(String),
    /// The type is known, this schema number is not.
    #[error("event type {event_type} has no schema {schema}")]
    UnknownSchema {
        /// The type's name.
        event_type: String,
        /// The schema number found.
        schema: u16,
    },
    /// The payload is not what its type says.
    #[error("payload of {event_type}: {error}")]
    Payload {
        /// The type's name.
        event_type: String,
        /// What the JSON reader found.
        error: serde_json::Error,
    },
}

/// A family of events: those of one kind of stream.
pub trait EventFamily: Sized + Clone + Send + Sync + 'static {
    /// The event's type name, such as `message.sent`.
    fn event_type(&self) -> &'static str;
    /// The schema number that is written today.
    fn schema(&self) -> u16;
    /// The payload to store.
    ///
    /// # Errors
    /// When the event can't be written as JSON (a float that is not a number).
    fn to_json(&self) -> serde_json::Result<Vec<u8>>;
    /// Reads a stored payload; none where the type belongs to another family.
    ///
    /// # Errors
    /// [`DecodeError`] when the type is ours and the payload is not readable.
    fn from_json(event_type: &str, schema: u16, payload: &[u8]) -> Result<Option<Self>, DecodeError>;
}

macro_rules! event_family {
    ($(#[$meta:meta])* $family:ident { $($name:literal => $variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $family {
            $(#[doc = concat!("`", $name, "`")] $variant($variant)),*
        }

        impl $crate::event::EventFamily for $family {
            fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            fn schema(&self) -> u16 {
                1
            }

            fn to_json(&self) -> serde_json::Result<Vec<u8>> {
                match self { $(Self::$variant(event) => serde_json::to_vec(event)),* }
            }

            fn from_json(
                event_type: &str,
                schema: u16,
                payload: &[u8],
            ) -> Result<Option<Self>, $crate::event::DecodeError> {
                use $crate::event::DecodeError;
                let decoded = match event_type {
                    $($name if schema == 1 => serde_json::from_slice(payload).map(Self::$variant),)*
                    $($name)|* => {
                        let event_type = event_type.to_owned();
                        return Err(DecodeError::UnknownSchema { event_type, schema });
                    }
                    _ => return Ok(None),
                };
                match decoded {
                    Ok(event) => Ok(Some(event)),
                    Err(error) => Err(DecodeError::Payload { event_type: event_type.to_owned(), error }),
                }
            }
        }

        $(impl From<$variant> for $family {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })*
    };
}
pub(crate) use event_family;

/// Any event of the domain: what a reader of the whole log meets.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    /// Of a `handle-` stream.
    Handle(HandleEvent),
    /// Of a `user-` stream.
    User(UserEvent),
    /// Of a `contacts-` stream.
    Contacts(ContactsEvent),
    /// Of a `friendship-` stream.
    Friendship(FriendshipEvent),
    /// Of a `conversation-` stream.
    Conversation(ConversationEvent),
    /// Of an `inbox-` stream.
    Inbox(InboxEvent),
    /// Of a `sticker-pack-` stream.
    StickerPack(StickerPackEvent),
    /// Of a `command-` stream.
    Command(CommandEvent),
    /// Of a `wallet-` stream.
    Wallet(WalletEvent),
    /// Of a `hold-` stream.
    Hold(HoldEvent),
    /// Of a `merchant-` stream.
    Merchant(MerchantEvent),
    /// Of an `order-` stream.
    Order(OrderEvent),
    /// Of a `post-` stream.
    Post(PostEvent),
    /// Of a `moments-` stream.
    Circle(CircleEvent),
    /// Of an `official-account-` stream.
    OfficialAccount(OfficialAccountEvent),
    /// Of a `subscriptions-` stream.
    Subscriptions(SubscriptionsEvent),
    /// Of an `answers-` stream.
    Answering(AnsweringEvent),
    /// Of an `app-tokens-` stream.
    AppTokens(AppTokensEvent),
    /// Of an `article-` stream.
    Article(ArticleEvent),
    /// Of a `broadcasts-` stream.
    Broadcasts(BroadcastsEvent),
    /// Of a `follower-tags-` stream.
    FollowerTags(FollowerTagsEvent),
    /// Of a `follower-notes-` stream.
    FollowerNotes(FollowerNotesEvent),
    /// Of a `reading-` stream.
    Reading(ReadingEvent),
    /// Of a `call-` stream.
    Call(CallEvent),
    /// Of a `group-call-` stream.
    GroupCall(GroupCallEvent),
    /// Of a `media-` stream.
    Medium(MediumEvent),
    /// Of a `sticker-collection-` stream.
    StickerCollection(StickerCollectionEvent),
    /// Of a `lease-` stream.
    Lease(LeaseEvent),
    /// Of a `webhook-` stream.
    Webhook(WebhookEvent),
}

impl DomainEvent {
    /// Reads a stored event of any family.
    ///
    /// # Errors
    /// [`DecodeError`] when the type or schema is unknown or the payload is not readable.
    pub fn from_json(event_type: &str, schema: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        macro_rules! first_of {
            ($($family:ident => $variant:ident),*) => {
                $(if let Some(event) = $family::from_json(event_type, schema, payload)? {
                    return Ok(Self::$variant(event));
                })*
            };
        }
        first_of!(
            ConversationEvent => Conversation,
            InboxEvent => Inbox,
            ContactsEvent => Contacts,
            FriendshipEvent => Friendship,
            UserEvent => User,
            HandleEvent => Handle,
            StickerPackEvent => StickerPack,
            CommandEvent => Command,
            WalletEvent => Wallet,
            HoldEvent => Hold,
            OrderEvent => Order,
            MerchantEvent => Merchant,
            PostEvent => Post,
            CircleEvent => Circle,
            SubscriptionsEvent => Subscriptions,
            AnsweringEvent => Answering,
            AppTokensEvent => AppTokens,
            OfficialAccountEvent => OfficialAccount,
            ReadingEvent => Reading,
            ArticleEvent => Article,
            BroadcastsEvent => Broadcasts,
            FollowerTagsEvent => FollowerTags,
            FollowerNotesEvent => FollowerNotes,
            CallEvent => Call,
            GroupCallEvent => GroupCall,
            MediumEvent => Medium,
            StickerCollectionEvent => StickerCollection,
            LeaseEvent => Lease,
            WebhookEvent => Webhook
        );
        Err(DecodeError::UnknownType(event_type.to_owned()))
    }

    /// Whether events of that type may carry a journal entry: a cheap look that decodes nothing.
    #[must_use]
    pub fn carries_entry(event_type: &str) -> bool {
        matches!(
            event_type,
            "wallet.topped-up"
                | "wallet.paid"
                | "wallet.hold-placed"
                | "hold.released"
                | "hold.returned"
                | "hold.share-opened"
                | "order.paid"
                | "order.payment-returned"
                | "merchant.refunded"
                | "merchant.withdrawal-placed"
        )
    }

    /// The journal entry, where the event moves money.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Wallet(event) => event.entry(),
            Self::Hold(event) => event.entry(),
            Self::Order(event) => event.entry(),
            Self::Merchant(event) => event.entry(),
            _ => None,
        }
    }

    /// By which request the bank knows what the event's entry moved at the bank.
    #[must_use]
    pub fn bank_request(&self) -> Option<Uuid> {
        match self {
            Self::Wallet(WalletEvent::ToppedUp(event)) => Some(event.top_up.0),
            Self::Hold(HoldEvent::HoldReleased(event)) => {
                let at_bank = event.entry.postings().iter().any(|posting| *posting.account() == Account::Settlement);
                at_bank.then(|| event.entry.postings().iter().find_map(held)).flatten()
            }
            _ => None,
        }
    }
}

/// The hold that a posting is of.
fn held(posting: &Posting) -> Option<Uuid> {
    match posting.account() {
        Account::Hold { id, .. } => Uuid::try_parse(id.as_str()).ok(),
        _ => None,
    }
}

/// The state of one stream, folded from its events.
pub trait Aggregate: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What names one of them.
    type Id: Copy + Eq + std::hash::Hash + std::fmt::Display + std::str::FromStr + Send + Sync + 'static;
    /// Its events.
    type Event: EventFamily;
    /// The first part of its stream's name: the stream is `{CATEGORY}-{id}`.
    const CATEGORY: &'static str;
    /// Counts the shapes that the state has had: a snapshot of another shape is not used.
    const SHAPE: u32 = 1;

    /// Takes one more event into the state. It never refuses: what is in the log has happened.
    fn evolve(&mut self, event: &Self::Event, meta: &EventMeta);
}
