//! Search in messages.

use std::sync::Arc;

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use domain::{ConversationId, UserId, conversation::ContentKind};
use eventlog::Position;
use projections::{
    chat::{ChatView, Entry, Reading},
    search::{Query, SearchError, SearchView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{aside, page_limit};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query,
    request::Reader,
};

/// How often a search goes on for a page that deleted messages left short.
const ROUNDS: usize = 4;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(search_messages);
}

/// What to search for. Everything that is given has to hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Words, at most 200 characters: all of them, those in double quotes side by side. Without any, every message.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only in this conversation.
    conversation: Option<ConversationId>,
    /// Only by this person.
    sender: Option<UserId>,
    /// Only of this kind.
    #[param(inline)]
    kind: Option<ContentKind>,
    /// Only sent at this time or later.
    #[serde(default, deserialize_with = "super::time")]
    from: Option<DateTime<Utc>>,
    /// Only sent before this time.
    #[serde(default, deserialize_with = "super::time")]
    to: Option<DateTime<Utc>>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many messages, 1 to 50; 20 if not given.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<usize>,
}

/// A page of messages found.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct MessagesFound {
    /// They, the newest first. Pass a message's `seq` as `around` to the history of its `conversation` to see it among
    /// the others.
    pub messages: Vec<Entry>,
    /// Pass as `cursor` for more; absent at the end. There can be more although this page is short, even empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::TooLong => Self::new(Code::InvalidQuery, format!("q: {error}")),
            SearchError::Index(_) => {
                tracing::error!(%error, "a search failed");
                Self::internal()
            }
        }
    }
}

/// Search in the messages that one may see.
#[utoipa::path(tag = "search", params(MessageQuery), security(("token" = [])),
    responses((status = 200, description = "The messages.", body = MessagesFound), Refusals))]
#[get("/v1/search/messages")]
async fn search_messages(
    reader: Reader,
    query: query::Query<MessageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<MessagesFound>, Problem> {
    let limit = page_limit(query.limit, 20, 50)?;
    app.limits.message_search(&reader.user)?;
    let MessageQuery { q, conversation, sender, kind, from, to, cursor, .. } = query.into_inner();
    let before = cursor.map(|cursor| cursor.parse().map(Position));
    let before = before.transpose().map_err(|_| Problem::new(Code::InvalidQuery, "no such cursor"))?;
    let at_least = reader.at_least.max(app.log.last_position());
    let search = app.fresh(&app.read_models.search, at_least).await?;
    let chat = app.fresh(&app.read_models.chat, at_least).await?;
    let (text, reading) = (q.unwrap_or_default(), app.reading());
    aside(move || {
        let visible = chat.conversations_of(reader.user);
        let query = Query { text, visible, conversation, sender, kind, from, to, before, limit, at_least };
        Finding { search, chat, reading, user: reader.user }.find(query)
    })
    .await
    .map(web::Json)
}

/// A person's search.
struct Finding {
    search: Arc<SearchView>,
    chat: Arc<ChatView>,
    reading: Reading,
    user: UserId,
}

impl Finding {
    /// A page of messages. The index does not know what the person has deleted, so it is asked for more in their place.
    fn find(&self, mut query: Query) -> Result<MessagesFound, Problem> {
        let mut found = MessagesFound::default();
        let wanted = query.limit;
        for _ in 0..ROUNDS {
            query.limit = wanted - found.messages.len();
            let hits = self.search.search(&query)?;
            for hit in &hits.items {
                let message = self.chat.message(self.user, hit.conversation, hit.seq, &self.reading)?;
                found.messages.extend(message.filter(|message| !message.recalled));
            }
            found.next = hits.next.map(|position| position.to_string());
            query.before = hits.next;
            if found.messages.len() == wanted || hits.next.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
