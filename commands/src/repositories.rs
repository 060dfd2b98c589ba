//! The cached streams of all kinds, listed once: whatever is here is also told what other nodes write.

use std::sync::Arc;

use domain::{
    Answering, AppTokens, Article, Broadcasts, Call, Circle, Contacts, Conversation, FollowerNotes, FollowerTags,
    Friendship, GroupCall, HandleClaim, Hold, Inbox, Lease, Medium, Merchant, OfficialAccount, Order, Post, Reading,
    StickerCollection, StickerPack, Subscriptions, User, Wallet, Webhook,
};
use eventlog::{EventLog, RecordedEvent};

use crate::{others::Heard, ports::Snapshots, repository::Repository};

/// Most packs of stickers that are kept in memory.
const STICKER_PACKS: usize = 1_024;

/// Makes a repository for each kind of stream, which keeps so many of them in memory.
macro_rules! repositories {
    (|$capacity:ident| $($name:ident: $aggregate:ty, $kept:expr;)*) => {
        /// A repository for each kind of stream.
        pub(crate) struct Repositories {
            $(pub(crate) $name: Arc<Repository<$aggregate>>,)*
        }

        impl Repositories {
            /// All of them, with nothing in memory. There will be `capacity` of those streams that there are most of.
            pub(crate) fn new(
                log: &Arc<dyn EventLog>,
                snapshots: &Arc<dyn Snapshots>,
                heard: &Arc<Heard>,
                $capacity: usize,
            ) -> Self {
                Self {
                    $($name: Arc::new(Repository::new(log.clone(), snapshots.clone(), heard.clone(), $kept)),)*
                }
            }

            /// Takes an event that another node may have written into the cached stream that it is of.
            pub(crate) fn hear(&self, record: &RecordedEvent) {
                $(self.$name.hear(record);)*
            }
        }
    };
}

repositories! { |capacity|
    handles: HandleClaim, capacity / 8;
    users: User, capacity;
    contacts: Contacts, capacity;
    friendships: Friendship, capacity;
    conversations: Conversation, capacity;
    inboxes: Inbox, capacity;
    sticker_packs: StickerPack, STICKER_PACKS;
    sticker_collections: StickerCollection, capacity / 8;
    wallets: Wallet, capacity;
    holds: Hold, capacity;
    merchants: Merchant, capacity / 8;
    orders: Order, capacity;
    posts: Post, capacity;
    circles: Circle, capacity;
    official_accounts: OfficialAccount, capacity / 8;
    subscriptions: Subscriptions, capacity;
    answering: Answering, capacity;
    app_tokens: AppTokens, capacity / 8;
    articles: Article, capacity / 8;
    readings: Reading, capacity;
    broadcasts: Broadcasts, capacity / 8;
    follower_tags: FollowerTags, capacity / 8;
    follower_notes: FollowerNotes, capacity / 8;
    webhooks: Webhook, capacity / 8;
    media: Medium, capacity;
    leases: Lease, 1;
    calls: Call, capacity;
    group_calls: GroupCall, capacity;
}
