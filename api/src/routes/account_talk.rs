//! Talking with an official account, as its followers do.

use actix_web::{get, post, put, web};
use commands::official::ButtonPlace;
use domain::{ConversationEvent, ConversationId, official::Menu};
use projections::chat::ConversationRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{PageQuery, aside, page, paths::OfficialAccountPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(open_account_conversation).service(account_menu).service(choose_from_menu);
}

/// A conversation with an official account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountConversation {
    /// The conversation: messages are sent to it and read in it like in any other.
    pub conversation: ConversationId,
    /// Position of the last event in the log.
    pub position: u64,
}

/// Open the conversation with an official account that the caller follows. It stays the same.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The conversation.", body = AccountConversation), Refusals))]
#[put("/{account}/conversation")]
async fn open_account_conversation(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<AccountConversation>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.open_account_conversation(&command.caller, path.account).await?;
    let conversation = ConversationId::with_account(path.account, command.user);
    Ok(web::Json(AccountConversation { conversation, position: committed.position.0 }))
}

/// The menu of an official account; without buttons where it has none.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The menu.", body = Menu), Refusals))]
#[get("/{account}/menu")]
async fn account_menu(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Menu>, Problem> {
    app.commands.check_official_account(path.account).await?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    Ok(web::Json(view.settings(path.account).menu.clone().unwrap_or_default()))
}

/// A button of a menu, by its place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MenuChoice {
    /// Which in the bar, from 0.
    #[schema(maximum = 2)]
    pub bar: usize,
    /// Which below that one, from 0; absent where none is below it.
    #[serde(default)]
    #[schema(maximum = 4)]
    pub below: Option<usize>,
}

/// What came of choosing a button.
#[derive(Debug, Serialize, ToSchema)]
pub struct MenuChosen {
    /// The address to open, where the button opens one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Position of the event in the log.
    pub position: u64,
}

/// Choose something from the menu of an official account that the caller follows. The account is told.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The account is told.", body = MenuChosen), Refusals))]
#[post("/{account}/menu-choices")]
async fn choose_from_menu(
    command: Command<web::Json<MenuChoice>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<MenuChosen>, Problem> {
    app.limits.message(&command.user)?;
    let MenuChoice { bar, below } = *command.body;
    let place = ButtonPlace { bar, below };
    let committed = app.commands.choose_from_menu(&command.caller, path.account, place).await?;
    let url = committed.events.iter().find_map(|(_, event)| match event {
        ConversationEvent::MenuChosen(chosen) => Some(chosen.url.clone()),
        _ => None,
    });
    Ok(web::Json(MenuChosen { url: url.unwrap_or_default(), position: committed.position.0 }))
}

/// A page of conversations with subscription accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionConversations {
    /// Pinned ones first, then by last activity, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One's conversations with subscription accounts: what the list of conversations folds into one row.
#[utoipa::path(tag = "official accounts", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The conversations.", body = SubscriptionConversations), Refusals))]
#[get("/v1/subscriptions/conversations")]
pub(super) async fn subscription_conversations(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<SubscriptionConversations>, Problem> {
    let limit = query.limit()?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let reading = app.reading();
    let rows = aside(move || chat.folded(reader.user, &reading)).await?;
    let key = |row: &ConversationRow| std::cmp::Reverse((row.pinned, row.position));
    let (conversations, next) = page(rows, key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(SubscriptionConversations { conversations, next }))
}
