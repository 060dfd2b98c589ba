//! Coming into groups: invitations, join codes, requests to be let in.

use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use domain::{ConversationEvent, ConversationId};
use projections::chat::InvitationRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, page, page_limit,
    paths::{GroupPath, GroupPersonPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

/// What stands before a code in a link.
const LINK: &str = "teahouse://join/";

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(invitations).service(accept_invitation).service(decline_invitation);
    config.service(approve_join_request).service(reject_join_request);
    config.service(join_code).service(join_group);
}

/// Which invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvitationsQuery {
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 100 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A page of invitations.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationsPage {
    /// Those not answered yet, the longest waiting first.
    pub invitations: Vec<InvitationRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The groups that one is invited to.
#[utoipa::path(tag = "groups", params(InvitationsQuery), security(("token" = [])),
    responses((status = 200, description = "The invitations.", body = InvitationsPage), Refusals))]
#[get("/v1/invitations")]
async fn invitations(
    reader: Reader,
    query: Query<InvitationsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<InvitationsPage>, Problem> {
    let limit = page_limit(query.limit, 100, 200)?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let key = |row: &InvitationRow| (row.since, row.conversation);
    let (invitations, next) = page(chat.invitations_of(reader.user), key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(InvitationsPage { invitations, next }))
}

/// Accept an invitation into a group.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Joined.", body = Done), Refusals))]
#[post("/v1/groups/{group}/invitation/accept")]
async fn accept_invitation(
    command: Command<NoBody>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.answer_invitation(&command.caller, path.group, true).await?).into()))
}

/// Decline an invitation into a group.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Declined.", body = Done), Refusals))]
#[post("/v1/groups/{group}/invitation/decline")]
async fn decline_invitation(
    command: Command<NoBody>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.answer_invitation(&command.caller, path.group, false).await?).into()))
}

/// Let somebody in who asks to join. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "A member now, or asked for consent.", body = Done), Refusals))]
#[post("/v1/groups/{group}/join-requests/{user}/approve")]
async fn approve_join_request(
    command: Command<NoBody>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.answer_join_request(&command.caller, path.group, path.user, true).await?;
    Ok(web::Json((&committed).into()))
}

/// Turn somebody away who asks to join. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "Turned away.", body = Done), Refusals))]
#[post("/v1/groups/{group}/join-requests/{user}/reject")]
async fn reject_join_request(
    command: Command<NoBody>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.answer_join_request(&command.caller, path.group, path.user, false).await?;
    Ok(web::Json((&committed).into()))
}

/// A code that lets people into a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupCode {
    /// The code.
    pub code: String,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
    /// The code as a link, to pass on or to draw as a QR code.
    pub link: String,
}

/// A code for joining a group, good for seven days from now while the group is small enough.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "The code.", body = GroupCode), Refusals))]
#[get("/v1/groups/{group}/join-code")]
async fn join_code(
    reader: Reader,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<GroupCode>, Problem> {
    let caller = commands::Caller::person(reader.user);
    let (code, details) = app.commands.fetch_join_code(&caller, path.group).await?;
    let link = format!("{LINK}{code}");
    Ok(web::Json(GroupCode { code, expires_at: details.expires_at, link }))
}

/// A group to join by its code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupJoin {
    /// The code, or the link that holds it.
    pub code: String,
    /// A few words for who lets one in, where somebody has to: at most 100 characters.
    #[schema(max_length = 100)]
    #[serde(default)]
    pub reason: String,
}

/// Whether one is in a group now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinOutcome {
    /// One is a member now.
    Joined,
    /// The owner or an admin has to let one in.
    Waiting,
}

/// What came of joining a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupJoined {
    /// The group: the id of its conversation.
    pub conversation: ConversationId,
    /// Whether one is in it now.
    pub outcome: JoinOutcome,
    /// Position of the event in the log.
    pub position: u64,
}

/// Join a group by a code.
#[utoipa::path(tag = "groups", security(("token" = [])),
    responses((status = 200, description = "Joined, or asked to.", body = GroupJoined), Refusals))]
#[post("/v1/group-joins")]
async fn join_group(
    command: Command<web::Json<GroupJoin>>,
    app: web::Data<App>,
) -> Result<web::Json<GroupJoined>, Problem> {
    app.limits.command(&command.user)?;
    let GroupJoin { code, reason } = command.body.into_inner();
    let code = code.strip_prefix(LINK).unwrap_or(&code);
    let (conversation, committed) = app.commands.join_by_code(&command.caller, code, reason).await?;
    let joined = |event: &ConversationEvent| matches!(event, ConversationEvent::MembersJoined(_));
    let is_in = committed.events.iter().any(|(_, event)| joined(event));
    let outcome = if is_in { JoinOutcome::Joined } else { JoinOutcome::Waiting };
    Ok(web::Json(GroupJoined { conversation, outcome, position: committed.position.0 }))
}
