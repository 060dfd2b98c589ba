//! What an official account's people do: menu, replies by itself, reading and writing to followers.

use actix_web::{HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use domain::{
    ConversationId, OfficialAccountId, Rejection, UserId,
    conversation::{Content, MessageSent, Voice},
    official::{AutoReplies, Menu},
};
use projections::chat::{Anchor, Entry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, before, page_limit,
    paths::{FollowerMessagePath, FollowerPath, OfficialAccountPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(set_account_menu).service(remove_account_menu).service(auto_replies).service(set_auto_replies);
    config.service(account_messages).service(follower_messages).service(write_to_follower).service(recall_as_account);
}

/// Give an account another menu; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/{account}/menu")]
async fn set_account_menu(
    command: Command<web::Json<Menu>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let menu = Some(command.body.into_inner());
    Ok(web::Json((&app.commands.set_account_menu(&command.caller, path.account, menu).await?).into()))
}

/// Take an account's menu away; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "There is none any more.", body = Done), Refusals))]
#[delete("/{account}/menu")]
async fn remove_account_menu(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.set_account_menu(&command.caller, path.account, None).await?).into()))
}

/// What an account answers by itself, for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The replies.", body = AutoReplies), Refusals))]
#[get("/{account}/auto-replies")]
async fn auto_replies(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<AutoReplies>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    Ok(web::Json(view.settings(path.account).auto_replies.clone()))
}

/// Have an account answer something else by itself; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/{account}/auto-replies")]
async fn set_auto_replies(
    command: Command<web::Json<AutoReplies>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let replies = command.body.into_inner();
    Ok(web::Json((&app.commands.set_auto_replies(&command.caller, path.account, replies).await?).into()))
}

/// A message between an account and a follower.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountMessage {
    /// What the account knows the follower by.
    pub openid: String,
    /// Its number in the conversation of the two.
    pub seq: u64,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Whether the account sent it.
    pub by_account: bool,
    /// What it says; absent where it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Its position in the log.
    pub position: u64,
}

impl AccountMessage {
    fn of(account: OfficialAccountId, openid: &str, entry: &Entry) -> Option<Self> {
        let sent = entry.data.as_ref().and_then(|data| serde_json::from_str::<MessageSent>(data.get()).ok());
        Some(Self {
            openid: openid.to_owned(),
            seq: entry.seq?,
            at: entry.at,
            by_account: entry.actor == Some(account.party()),
            content: sent.map(|sent| sent.content),
            position: entry.position,
        })
    }
}

/// Messages of followers.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountMessages {
    /// The messages, the latest first.
    pub messages: Vec<AccountMessage>,
    /// Pass as `before` for older ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only those before this position of the log, or number of a message.
    #[param(maximum = 9223372036854775807_u64)]
    before: Option<u64>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

impl MessagesQuery {
    fn before(&self) -> Result<u64, Problem> {
        Ok(before(self.before)?.unwrap_or(i64::MAX.unsigned_abs()))
    }
}

/// What followers said to an account, for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, MessagesQuery), security(("token" = [])),
    responses((status = 200, description = "The messages.", body = AccountMessages), Refusals))]
#[get("/{account}/messages")]
async fn account_messages(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<MessagesQuery>,
    app: web::Data<App>,
) -> Result<web::Json<AccountMessages>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let (limit, before) = (page_limit(query.limit, 50, 100)?, query.before()?);
    let official = app.fresh(&app.read_models.official, reader.at_least).await?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let heard = official.heard(path.account, before, limit)?;
    let next = heard.last().filter(|_| heard.len() == limit).map(|row| row.position);
    let mut messages = vec![];
    for row in heard {
        let conversation = ConversationId::with_account(path.account, row.user);
        let entry = chat.message(path.account.party(), conversation, row.seq, &app.reading())?;
        messages.extend(entry.and_then(|entry| AccountMessage::of(path.account, &row.openid, &entry)));
    }
    Ok(web::Json(AccountMessages { messages, next }))
}

/// What an account and a follower said to each other, for its owner and operators. `before` is a message's number.
#[utoipa::path(tag = "official accounts", params(FollowerPath, MessagesQuery), security(("token" = [])),
    responses((status = 200, description = "The messages.", body = AccountMessages), Refusals))]
#[get("/{account}/followers/{openid}/messages")]
async fn follower_messages(
    reader: Reader,
    path: web::Path<FollowerPath>,
    query: Query<MessagesQuery>,
    app: web::Data<App>,
) -> Result<web::Json<AccountMessages>, Problem> {
    let follower = follower_of(&app, reader.user, &path).await?;
    let limit = page_limit(query.limit, 50, 100)?;
    let anchor = match query.before {
        Some(_) => Anchor::Before(query.before()?),
        None => Anchor::Latest,
    };
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let conversation = ConversationId::with_account(path.account, follower);
    let entries = chat.history(path.account.party(), conversation, anchor, limit, &app.reading())?;
    let shown = entries.unwrap_or_default();
    let messages: Vec<AccountMessage> =
        shown.iter().rev().filter_map(|entry| AccountMessage::of(path.account, &path.openid, entry)).collect();
    let next = messages.last().filter(|_| messages.len() == limit).map(|message| message.seq);
    Ok(web::Json(AccountMessages { messages, next }))
}

/// The follower whom a path names, for somebody who acts for the account.
async fn follower_of(app: &App, by: UserId, path: &FollowerPath) -> Result<UserId, Problem> {
    app.commands.check_acting_for(by, path.account).await?;
    Ok(app.commands.follower(path.account, &path.openid).await?.ok_or(Rejection::NotFollowed)?)
}

/// A message to a follower.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccountMessage {
    /// What it says: a text, a link or a place.
    pub content: Content,
}

/// A message that an account sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountMessageSent {
    /// Its number in the conversation.
    pub seq: u64,
    /// Its position in the log.
    pub position: u64,
}

/// Write to a follower in an account's name; for its owner and operators, within 48 hours after the follower said something
/// or a minute after they did something else.
#[utoipa::path(tag = "official accounts", params(FollowerPath), security(("token" = [])),
    responses((status = 201, description = "It is said, and kept.", body = AccountMessageSent), Refusals))]
#[post("/{account}/followers/{openid}/messages")]
async fn write_to_follower(
    command: Command<web::Json<NewAccountMessage>>,
    path: web::Path<FollowerPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.message(&command.user)?;
    let follower = follower_of(&app, command.user, &path).await?;
    let content = command.body.into_inner().content;
    let sent = app.commands.write_to_follower(&command.caller, path.account, follower, content, Voice::Person).await?;
    let seq = sent.events.iter().find_map(|(_, event)| match event {
        domain::ConversationEvent::MessageSent(sent) => Some(sent.seq),
        _ => None,
    });
    let seq = seq.ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(AccountMessageSent { seq, position: sent.position.0 }))
}

/// Take back what an account sent to a follower, within the time for it; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(FollowerMessagePath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = Done), Refusals))]
#[post("/{account}/followers/{openid}/messages/{seq}/recall")]
async fn recall_as_account(
    command: Command<NoBody>,
    path: web::Path<FollowerMessagePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let FollowerMessagePath { account, openid, seq } = path.into_inner();
    let follower = follower_of(&app, command.user, &FollowerPath { account, openid }).await?;
    Ok(web::Json((&app.commands.recall_as_account(&command.caller, account, follower, seq).await?).into()))
}
