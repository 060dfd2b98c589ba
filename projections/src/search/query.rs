//! What a search asks for and what it gives.

use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId, conversation::ContentKind};
use eventlog::Position;

use crate::chat::VisiblePart;

/// Most hits that one search gives.
pub const LIMIT_MAX: usize = 50;
/// Longest text to search for, in characters.
pub const TEXT_CHARS_MAX: usize = 200;

/// What to search for. Everything that is given has to hold.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Words, at most [`TEXT_CHARS_MAX`] characters. All of them have to be in the message; those in double quotes side
    /// by side. Empty for any message.
    pub text: String,
    /// What the searcher may see, as [`crate::chat::ChatView::conversations_of`] gives it; nothing else is found.
    pub visible: Vec<VisiblePart>,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only by this person.
    pub sender: Option<UserId>,
    /// Only of this kind.
    pub kind: Option<ContentKind>,
    /// Only sent at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Only sent before this time.
    pub to: Option<DateTime<Utc>>,
    /// Only before this position: where the search before it ended.
    pub before: Option<Position>,
    /// Most hits wanted; more than [`LIMIT_MAX`] are never given.
    pub limit: usize,
    /// Events up to this position must be known: what the searcher has done before. Younger ones are known within a
    /// second.
    pub at_least: Position,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its place in the log.
    pub position: Position,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: u64,
    /// When it was sent.
    pub at: DateTime<Utc>,
}

/// What was found, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The messages.
    pub items: Vec<Hit>,
    /// Where to go on, as the next query's `before`; none at the end. A search looks at a bounded number of messages, so
    /// that there can be more to find although fewer came than were wanted, even none.
    pub next: Option<Position>,
}

/// Why a search failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SearchError {
    /// The text is longer than [`TEXT_CHARS_MAX`] characters.
    #[error("a search has at most {TEXT_CHARS_MAX} characters")]
    TooLong,
    /// The index failed.
    #[error("the index can't be read: {0}")]
    Index(String),
}

impl From<tantivy::TantivyError> for SearchError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Index(error.to_string())
    }
}

impl From<std::io::Error> for SearchError {
    fn from(error: std::io::Error) -> Self {
        Self::Index(error.to_string())
    }
}
