//! Conversations: the list of them, their details, and what one sets for oneself.

use std::cmp::Reverse;

use actix_web::{get, post, put, web};
use projections::{
    ProjectionError,
    chat::{ConversationDetails, ConversationRow, badge},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, Switch, aside, conversation_not_found, page, page_limit, paths::ConversationPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(conversations).service(conversation);
    config.service(pin_conversation).service(mute_conversation);
    config.service(hide_conversation).service(clear_conversation);
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 1,000; 500 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// One's conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inbox {
    /// Pinned ones first, then by last activity, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// All conversations with subscription accounts, folded into one row; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<FoldedRow>,
    /// The number on the badge: unread messages of all conversations that are not muted.
    pub badge: u64,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Conversations with subscription accounts, folded into one row. `GET /v1/subscriptions/conversations` has them all.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoldedRow {
    /// How many there are.
    pub conversations: usize,
    /// In how many of them something is unread.
    pub unread: usize,
    /// The one with the last activity.
    pub latest: Box<ConversationRow>,
}

impl FoldedRow {
    fn of(rows: Vec<ConversationRow>) -> Option<Self> {
        let (count, unread) = (rows.len(), rows.iter().filter(|row| row.unread > 0).count());
        let latest = rows.into_iter().max_by_key(|row| row.position)?;
        Some(Self { conversations: count, unread, latest: Box::new(latest) })
    }
}

/// One's conversations in one call: last message, unread, mentioned, muted, pinned, and the badge.
#[utoipa::path(tag = "conversations", params(InboxQuery), security(("token" = [])),
    responses((status = 200, description = "The conversations.", body = Inbox), Refusals))]
#[get("/v1/conversations")]
async fn conversations(
    reader: Reader,
    query: Query<InboxQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Inbox>, Problem> {
    let limit = page_limit(query.limit, 500, 1_000)?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let reading = app.reading();
    let user = reader.user;
    let read = aside(move || Ok::<_, ProjectionError>((chat.inbox(user, &reading)?, chat.folded(user, &reading)?)));
    let (rows, folded) = read.await?;
    let badge = badge(&rows);
    let key = |row: &ConversationRow| Reverse((row.pinned, row.position));
    let (conversations, next) = page(rows, key, query.cursor.as_deref(), limit)?;
    let subscriptions = FoldedRow::of(folded);
    Ok(web::Json(Inbox { conversations, subscriptions, badge, next }))
}

/// One conversation: its people, rules and settings.
#[utoipa::path(tag = "conversations", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "The conversation.", body = ConversationDetails), Refusals))]
#[get("/v1/conversations/{conversation}")]
async fn conversation(
    reader: Reader,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<ConversationDetails>, Problem> {
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let details = chat.details(reader.user, path.conversation, &app.reading())?;
    details.map(web::Json).ok_or_else(conversation_not_found)
}

/// Keep a conversation at the top of one's list, or no longer.
#[utoipa::path(tag = "conversations", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/v1/conversations/{conversation}/pinned")]
async fn pin_conversation(
    command: Command<web::Json<Switch>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.pin_conversation(&command.caller, path.conversation, command.body.on).await?;
    Ok(web::Json((&committed).into()))
}

/// Have a conversation not notify, or notify again.
#[utoipa::path(tag = "conversations", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/v1/conversations/{conversation}/muted")]
async fn mute_conversation(
    command: Command<web::Json<Switch>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.mute_conversation(&command.caller, path.conversation, command.body.on).await?;
    Ok(web::Json((&committed).into()))
}

/// Take a conversation off one's list until something is said in it.
#[utoipa::path(tag = "conversations", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "Hidden.", body = Done), Refusals))]
#[post("/v1/conversations/{conversation}/hide")]
async fn hide_conversation(
    command: Command<NoBody>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.hide_conversation(&command.caller, path.conversation).await?).into()))
}

/// Clear what was said in a conversation so far, for oneself only.
#[utoipa::path(tag = "conversations", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "Cleared.", body = Done), Refusals))]
#[post("/v1/conversations/{conversation}/clear")]
async fn clear_conversation(
    command: Command<NoBody>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.clear_conversation(&command.caller, path.conversation).await?).into()))
}
