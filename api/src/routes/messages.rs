//! What is said: sending, forwarding, recalling, reading.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use commands::{Committed, conversations::ForwardMessages};
use domain::{
    ConversationEvent, ConversationId, Rejection, UserId,
    conversation::{Content, messages::Draft},
};
use projections::chat::{Anchor, Entry, Readers};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Done,
    paths::{ConversationPath, MessagePath},
    place,
};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader, command_key},
};

/// Longest client id of a message, in characters.
const CLIENT_ID_CHARS: usize = 64;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(send).service(forward).service(pat).service(recall).service(delete_for_me);
    config.service(history).service(message).service(readers).service(mark_read);
}

/// A message to send.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The client's own id for this message, 1 to 64 characters. Sent again with the same id it is not said twice: the
    /// first answer comes again. Stands in for an `Idempotency-Key`; only one of the two may be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub client_id: Option<String>,
    /// What it says.
    pub content: Content,
    /// The number of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Members it calls on; groups only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls on everybody; owner and admins of groups only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mention_all: bool,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentMessage {
    /// Its number in the conversation.
    pub seq: u64,
    /// Its id.
    pub id: Uuid,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Its position in the log.
    pub position: u64,
}

/// Messages that were sent together.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentMessages {
    /// They, in order.
    pub messages: Vec<SentMessage>,
    /// Position of the last one in the log.
    pub position: u64,
}

fn sent(committed: &Committed<ConversationEvent>) -> SentMessages {
    let position = committed.position.0;
    let seqs = committed.events.iter().filter_map(|(id, event)| match event {
        ConversationEvent::MessageSent(sent) => Some((*id, sent.seq)),
        _ => None,
    });
    let messages = seqs.map(|(id, seq)| SentMessage { seq, id, at: committed.at, position }).collect();
    SentMessages { messages, position }
}

fn one_sent(committed: &Committed<ConversationEvent>) -> Result<HttpResponse, Problem> {
    let last = sent(committed).messages.pop();
    last.map(|last| HttpResponse::Created().json(last)).ok_or_else(Problem::no_event)
}

/// Send a message into a conversation.
#[utoipa::path(tag = "messages", params(ConversationPath), security(("token" = [])),
    responses((status = 201, description = "It is said, and kept.", body = SentMessage), Refusals))]
#[post("/v1/conversations/{conversation}/messages")]
async fn send(
    request: HttpRequest,
    command: Command<web::Json<NewMessage>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.message(&command.user)?;
    let NewMessage { client_id, content, reply_to, mentions, mention_all } = command.body.into_inner();
    let mut caller = command.caller;
    let draft = Draft { content, reply_to, mentions, mention_all };
    if let Some(client_id) = client_id {
        if caller.key.is_some() {
            let rule = "a message has a client_id or an Idempotency-Key: give one of the two";
            return Err(Problem::new(Code::InvalidKey, rule));
        }
        if client_id.is_empty() || client_id.chars().count() > CLIENT_ID_CHARS {
            let rule = "has 1 to 64 characters";
            return Err(Rejection::InvalidField { field: "client_id", rule }.into());
        }
        let body = serde_json::to_vec(&(&draft.content, &draft.reply_to, &draft.mentions, draft.mention_all));
        let body = body.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        let key = format!("message {} {client_id}", path.conversation);
        caller.key = Some(command_key(&app, &request, command.user.0, &key, &body));
    }
    one_sent(&app.commands.send_message(&caller, path.conversation, draft).await?)
}

/// Messages to forward.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// The conversation they are in.
    pub from: ConversationId,
    /// Their numbers, 1 to 100 of them.
    pub seqs: Vec<u64>,
    /// The title of the one message that they become; without it each is forwarded by itself.
    #[serde(default)]
    pub merged_as: Option<String>,
}

/// Forward messages into a conversation, one by one or merged into one.
#[utoipa::path(tag = "messages", params(ConversationPath), security(("token" = [])),
    responses((status = 201, description = "They are said.", body = SentMessages), Refusals))]
#[post("/v1/conversations/{conversation}/forwards")]
async fn forward(
    command: Command<web::Json<Forward>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.message(&command.user)?;
    let Forward { from, seqs, merged_as } = command.body.into_inner();
    let forward = ForwardMessages { from, seqs, merged_as };
    let committed = app.commands.forward_messages(&command.caller, path.conversation, forward).await?;
    Ok(HttpResponse::Created().json(sent(&committed)))
}

/// Whom to pat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pat {
    /// Somebody in the conversation.
    pub target: UserId,
}

/// Pat somebody: a line that all see and nobody is notified of.
#[utoipa::path(tag = "messages", params(ConversationPath), security(("token" = [])),
    responses((status = 201, description = "Patted.", body = SentMessage), Refusals))]
#[post("/v1/conversations/{conversation}/pats")]
async fn pat(
    command: Command<web::Json<Pat>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.message(&command.user)?;
    one_sent(&app.commands.pat(&command.caller, path.conversation, command.body.target).await?)
}

/// Take one's own message back, within the time for it.
#[utoipa::path(tag = "messages", params(MessagePath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = Done), Refusals))]
#[post("/v1/conversations/{conversation}/messages/{seq}/recall")]
async fn recall(
    command: Command<NoBody>,
    path: web::Path<MessagePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let MessagePath { conversation, seq } = path.into_inner();
    Ok(web::Json((&app.commands.recall_message(&command.caller, conversation, seq).await?).into()))
}

/// Delete a message from one's own view; others keep it.
#[utoipa::path(tag = "messages", params(MessagePath), security(("token" = [])),
    responses((status = 200, description = "Deleted for the caller.", body = Done), Refusals))]
#[delete("/v1/conversations/{conversation}/messages/{seq}")]
async fn delete_for_me(
    command: Command<NoBody>,
    path: web::Path<MessagePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let MessagePath { conversation, seq } = path.into_inner();
    Ok(web::Json((&app.commands.delete_message(&command.caller, conversation, seq).await?).into()))
}

/// Which part of a history. At most one of the four places; without any, the end.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// What comes before this message.
    before: Option<u64>,
    /// What comes after this message.
    after: Option<u64>,
    /// This message with what is around it.
    around: Option<u64>,
    /// An earlier page's `previous` or `next`.
    cursor: Option<String>,
    /// At most this many entries, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A page of a conversation's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    /// Messages and notices, oldest first.
    pub entries: Vec<Entry>,
    /// Pass as `cursor` for what comes before; absent at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Pass as `cursor` for what comes after; absent where the page is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of the history: messages, and notices between them, as the caller may see them.
#[utoipa::path(tag = "messages", params(ConversationPath, HistoryQuery), security(("token" = [])),
    responses((status = 200, description = "The page.", body = HistoryPage), Refusals))]
#[get("/v1/conversations/{conversation}/messages")]
async fn history(
    reader: Reader,
    path: web::Path<ConversationPath>,
    query: Query<HistoryQuery>,
    app: web::Data<App>,
) -> Result<web::Json<HistoryPage>, Problem> {
    let limit = super::page_limit(query.limit, 50, 100)?;
    let anchor = query.anchor()?;
    let view = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let entries = view.history(reader.user, path.conversation, anchor, limit, &app.reading());
    let entries = entries?.ok_or_else(super::conversation_not_found)?;
    let cursor = |direction: char, entry: &Entry| format!("{direction}{}", entry.position);
    // A page before some place that is not full is the first one.
    let complete = entries.len() < limit && !matches!(anchor, Anchor::After(_) | Anchor::AfterPosition(_));
    let previous = entries.first().filter(|_| !complete).map(|entry| cursor('b', entry));
    let next = entries.last().map(|entry| cursor('a', entry));
    Ok(web::Json(HistoryPage { previous, next, entries }))
}

impl HistoryQuery {
    fn anchor(&self) -> Result<Anchor, Problem> {
        let invalid = |detail: &str| Problem::new(Code::InvalidQuery, detail);
        let (before, after) = (place("before", self.before)?, place("after", self.after)?);
        match (before, after, place("around", self.around)?, self.cursor.as_deref()) {
            (None, None, None, None) => Ok(Anchor::Latest),
            (Some(seq), None, None, None) => Ok(Anchor::Before(seq)),
            (None, Some(seq), None, None) => Ok(Anchor::After(seq)),
            (None, None, Some(seq), None) => Ok(Anchor::Around(seq)),
            (None, None, None, Some(cursor)) => {
                let named = |rest: &str| rest.parse().map(eventlog::Position).map_err(|_| invalid("no such cursor"));
                match (cursor.strip_prefix('b'), cursor.strip_prefix('a')) {
                    (Some(rest), _) => Ok(Anchor::BeforePosition(named(rest)?)),
                    (_, Some(rest)) => Ok(Anchor::AfterPosition(named(rest)?)),
                    _ => Err(invalid("no such cursor")),
                }
            }
            _ => Err(invalid("give at most one of before, after, around and cursor")),
        }
    }
}

/// One message, as the caller may see it.
#[utoipa::path(tag = "messages", params(MessagePath), security(("token" = [])),
    responses((status = 200, description = "The message.", body = Entry), Refusals))]
#[get("/v1/conversations/{conversation}/messages/{seq}")]
async fn message(
    reader: Reader,
    path: web::Path<MessagePath>,
    app: web::Data<App>,
) -> Result<web::Json<Entry>, Problem> {
    let MessagePath { conversation, seq } = path.into_inner();
    let view = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let message = view.message(reader.user, conversation, seq, &app.reading())?;
    message.map(web::Json).ok_or_else(|| Rejection::MessageNotFound.into())
}

/// Who has read a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageReaders {
    /// They, the sender not counted.
    pub readers: Vec<UserId>,
}

/// Who has read a message; in groups of up to 50 members.
#[utoipa::path(tag = "messages", params(MessagePath), security(("token" = [])),
    responses((status = 200, description = "They have.", body = MessageReaders), Refusals))]
#[get("/v1/conversations/{conversation}/messages/{seq}/readers")]
async fn readers(
    reader: Reader,
    path: web::Path<MessagePath>,
    app: web::Data<App>,
) -> Result<web::Json<MessageReaders>, Problem> {
    let MessagePath { conversation, seq } = path.into_inner();
    let view = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let max = app.commands.policy.read_receipts_up_to;
    match view.readers(reader.user, conversation, seq, max, &app.reading())? {
        None => Err(Rejection::MessageNotFound.into()),
        Some(Readers::TooManyMembers) => {
            Err(Problem::new(Code::GroupTooLarge, format!("only groups of up to {max} members tell who has read")))
        }
        Some(Readers::By(readers)) => Ok(web::Json(MessageReaders { readers })),
    }
}

/// Up to where a device showed messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadMark {
    /// The number of the last message shown.
    pub seq: u64,
}

/// Mark messages as read on this device. A mark never goes back.
#[utoipa::path(tag = "messages", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "Marked.", body = Done), Refusals))]
#[put("/v1/conversations/{conversation}/read")]
async fn mark_read(
    command: Command<web::Json<ReadMark>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.mark_read(&command.caller, path.conversation, command.body.seq).await?).into()))
}
