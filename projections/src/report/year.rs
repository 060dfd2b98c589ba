//! What a report says.

use chrono::NaiveDate;
use domain::{ConversationId, conversation::ContentKind};
use serde::Serialize;
use utoipa::ToSchema;

/// What a person sent, and how long they talked, in one year. Days and hours are those of UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct YearReport {
    /// The year.
    pub year: u16,
    /// Messages sent in the year, of all kinds; recalled ones are counted as well.
    pub messages: u64,
    /// The same, kind by kind; kinds that were not sent are left out.
    pub by_kind: Vec<KindCount>,
    /// Number of days with a message.
    pub active_days: usize,
    /// The days with a message, in order.
    pub days: Vec<DayCount>,
    /// The day with most messages, the first such day.
    pub busiest_day: Option<NaiveDate>,
    /// Messages sent in each hour of the day, from 0 to 23, over the whole year.
    pub by_hour: Vec<u64>,
    /// The hour of the day with most messages, the first such hour.
    pub busiest_hour: Option<usize>,
    /// Number of conversations in which they sent a message.
    pub conversations: usize,
    /// The conversation with most messages.
    pub most_active_conversation: Option<ConversationCount>,
    /// The day of their first message of the year.
    pub first_message_on: Option<NaiveDate>,
    /// The day of their first message in any year.
    pub first_message_ever_on: Option<NaiveDate>,
    /// Calls in which they talked to somebody, by the year in which they ended.
    pub calls: u64,
    /// How long they talked in these in all, in whole minutes.
    pub call_minutes: u64,
}

/// How many messages of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KindCount {
    /// The kind.
    pub kind: ContentKind,
    /// How many.
    pub messages: u64,
}

/// How many messages on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayCount {
    /// The day.
    pub date: NaiveDate,
    /// How many messages.
    pub messages: u64,
    /// The same, kind by kind; kinds that were not sent are left out.
    pub by_kind: Vec<KindCount>,
}

/// How many messages in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationCount {
    /// The conversation.
    pub conversation: ConversationId,
    /// How many.
    pub messages: u64,
}
