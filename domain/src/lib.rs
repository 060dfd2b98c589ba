//! The domain of Teahouse: who may do what, and what then has happened. Pure: no I/O, no clock, no dice.
//!
//! # Layout
//! - [`ids`]: one newtype per noun.
//! - [`event`]: what every event carries; [`event::DomainEvent`], any event of the log; the [`event::Aggregate`] trait.
//! - [`rejection`]: why a command is refused, with stable codes.
//! - [`policy`]: every number of the rules, as settings.
//! - one module per aggregate, each with its events, its state and its deciders:
//!   [`handle`], [`user`], [`friendship`], [`contacts`], [`conversation`], [`inbox`], [`sticker_pack`],
//!   [`sticker_collection`], [`wallet`],
//!   [`hold`], [`merchant`], [`order`], [`moments`], [`official`], [`subscriptions`],
//!   [`article`], [`reading`], [`broadcasts`], [`follower_notes`], [`answering`], [`app_tokens`], [`webhook`], [`call`], [`group_call`],
//!   [`medium`].
//! - [`accounts`]: which ledger account is whose; [`cards`]: linked cards, of people and of merchants.
//! - [`command`]: what is kept of a command that had nothing to do; [`lease`]: which of several servers does what only
//!   one is to do.
//!
//! A decider is a method on the state that takes a command's details and gives events or a [`rejection::Rejection`].
//! `evolve` takes events into the state. Who acted and when is in the record, not in the payload.

pub mod accounts;
pub mod answering;
pub mod app_tokens;
pub mod article;
pub mod broadcasts;
pub mod call;
pub mod cards;
pub mod command;
pub mod contacts;
pub mod conversation;
pub mod event;
pub mod follower_notes;
pub mod friendship;
pub mod group_call;
pub mod handle;
pub mod hold;
pub mod ids;
pub mod inbox;
pub mod lease;
pub mod medium;
pub mod merchant;
pub mod moments;
pub mod official;
pub mod order;
pub mod policy;
pub mod reading;
pub mod rejection;
pub mod sticker_collection;
pub mod sticker_pack;
pub mod subscriptions;
#[cfg(test)]
mod testing;
pub mod user;
pub mod wallet;
pub mod webhook;

pub use answering::{Answering, AnsweringEvent};
pub use app_tokens::{AppTokens, AppTokensEvent};
pub use article::{Article, ArticleEvent};
pub use broadcasts::{Broadcasts, BroadcastsEvent};
pub use call::{Call, CallEvent};
pub use command::CommandEvent;
pub use contacts::{Contacts, ContactsEvent};
pub use conversation::{Conversation, ConversationEvent};
pub use event::{Aggregate, DecodeError, DomainEvent, EventFamily, EventMeta};
pub use follower_notes::{FollowerNotes, FollowerNotesEvent, FollowerTags, FollowerTagsEvent};
pub use friendship::{Friendship, FriendshipEvent};
pub use group_call::{GroupCall, GroupCallEvent};
pub use handle::{Handle, HandleClaim, HandleEvent};
pub use hold::{Hold, HoldEvent};
pub use ids::{
    ArticleId, CallId, CardId, CommandId, CommentId, ConversationId, DeviceId, FriendshipId, HoldId, MediumId,
    MerchantId, OfficialAccountId, OrderId, PaymentId, PostId, StickerPackId, TagId, UserId,
};
pub use inbox::{Inbox, InboxEvent};
pub use lease::{Duty, Lease, LeaseEvent};
pub use medium::{Medium, MediumEvent, MediumKind};
pub use merchant::{Merchant, MerchantEvent};
pub use moments::{Circle, CircleEvent, Post, PostEvent};
pub use official::{OfficialAccount, OfficialAccountEvent};
pub use order::{Order, OrderEvent};
pub use policy::{CallsPolicy, MediaPolicy, MomentsPolicy, MoneyPolicy, OfficialPolicy, Policy};
pub use reading::{Reading, ReadingEvent, ReadingId};
pub use rejection::{Rejection, RejectionKind};
pub use sticker_collection::{StickerCollection, StickerCollectionEvent};
pub use sticker_pack::{StickerPack, StickerPackEvent};
pub use subscriptions::{Subscriptions, SubscriptionsEvent};
pub use user::{User, UserEvent};
pub use wallet::{Wallet, WalletEvent};
pub use webhook::{Webhook, WebhookEvent};
