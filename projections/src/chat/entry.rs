//! The one shape in which conversation items and personal items reach clients: history, sync and push use the same.

use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// One thing that happened, as clients get it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Entry {
    /// Its place in the server's log. Entries of one page come in this order; the highest one seen is what a device
    /// passes to catch up.
    pub position: u64,
    /// What happened: the event's type, such as `message.sent` or `group.renamed`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub event_type: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it; absent for the server itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// In which conversation; absent for what concerns the person as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The message's number in the conversation; only messages have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The event's own id: the same in history, sync and push.
    pub id: Uuid,
    /// What exactly happened: the event's details. Null for a message that was taken back.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
    /// Whether the message was taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recalled: bool,
    /// For the sender of a recalled text, for a few minutes: the text, to edit and send again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub re_edit: Option<String>,
    /// For a reply, in the history: the message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

/// A message that another one answers, as it is to the reader now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quoted {
    /// Its number.
    pub seq: u64,
    /// Who sent it; absent where the reader may not see the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    /// What it says; absent where it was taken back or the reader may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub content: Option<Box<RawValue>>,
    /// Whether it was taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recalled: bool,
}
