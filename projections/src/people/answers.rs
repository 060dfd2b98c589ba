//! What questions about people are answered with, as it goes over HTTP.

use chrono::{DateTime, Utc};
use domain::{ConversationId, DeviceId, TagId, UserId, friendship::Source, user::Profile};
use serde::Serialize;
use utoipa::ToSchema;

/// One of my contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactRow {
    /// Who.
    pub user: UserId,
    /// The handle they log in with.
    pub handle: String,
    /// What they show of themselves.
    #[serde(flatten)]
    pub profile: Profile,
    /// The name that I use for them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// Kept at the top of the list.
    pub starred: bool,
    /// Chats only: neither sees the other's Moments.
    pub chats_only: bool,
    /// I keep them from my Moments.
    pub hides_own_moments: bool,
    /// I leave their Moments out of my timeline.
    pub skips_their_moments: bool,
    /// The tags that I put on them.
    pub tags: Vec<TagId>,
    /// Since when they have been among my contacts.
    pub since: DateTime<Utc>,
    /// The direct conversation with them.
    pub conversation: ConversationId,
}

impl ContactRow {
    /// The name that I see: my remark, else their own.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if self.remark.is_empty() { &self.profile.display_name } else { &self.remark }
    }
}

/// Which way a friend request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestDirection {
    /// They asked me.
    Incoming,
    /// I asked them.
    Outgoing,
}

/// A friend request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RequestRow {
    /// The other person.
    pub user: UserId,
    /// Their handle.
    pub handle: String,
    /// What they show of themselves.
    #[serde(flatten)]
    pub profile: Profile,
    /// Which way it went.
    pub direction: RequestDirection,
    /// The words that came with it.
    pub greeting: String,
    /// How the asking person came upon the other.
    pub source: Source,
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// Version of the event that asked, in the stream of the two.
    #[serde(skip)]
    pub version: u64,
}

/// A tag of mine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TagRow {
    /// The tag.
    pub tag: TagId,
    /// Its name.
    pub name: String,
    /// How many of my contacts have it.
    pub count: usize,
}

/// A device that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// When it was logged in.
    pub added_at: DateTime<Utc>,
}

/// A person, as somebody sees them who may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonRow {
    /// Who.
    pub user: UserId,
    /// Their handle.
    pub handle: String,
    /// What they show of themselves.
    #[serde(flatten)]
    pub profile: Profile,
    /// Whether they are among my contacts.
    pub contact: bool,
    /// Whether I have blocked them.
    pub blocked: bool,
}
