//! Groups: founding, naming, rules, ownership, ending.

use actix_web::{HttpResponse, delete, post, put, web};
use commands::conversations::CreateGroup;
use domain::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, Switch,
    paths::{GroupPath, GroupPersonPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(create_group).service(rename_group).service(announce).service(set_nickname);
    config.service(set_invite_confirmation).service(set_all_mute);
    config.service(transfer_group).service(appoint_admin).service(dismiss_admin).service(disband_group);
}

/// A group to found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name, at most 30 characters; empty for none.
    #[schema(max_length = 30)]
    #[serde(default)]
    pub name: String,
    /// Friends to start it with.
    #[schema(min_items = 2)]
    pub members: Vec<UserId>,
}

/// A group that was founded.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupFounded {
    /// The group: the id of its conversation.
    pub conversation: ConversationId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Found a group with friends. The caller owns it.
#[utoipa::path(tag = "groups", security(("token" = [])),
    responses((status = 201, description = "Founded.", body = GroupFounded), Refusals))]
#[post("/v1/groups")]
async fn create_group(command: Command<web::Json<NewGroup>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let NewGroup { name, members } = command.body.into_inner();
    let (conversation, committed) = app.commands.create_group(&command.caller, CreateGroup { name, members }).await?;
    Ok(HttpResponse::Created().json(GroupFounded { conversation, position: committed.position.0 }))
}

/// What a group is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupName {
    /// Its name, at most 30 characters; empty for none.
    #[schema(max_length = 30)]
    pub name: String,
}

/// Rename a group.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Renamed.", body = Done), Refusals))]
#[put("/v1/groups/{group}/name")]
async fn rename_group(
    command: Command<web::Json<GroupName>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let name = command.body.into_inner().name;
    Ok(web::Json((&app.commands.rename_group(&command.caller, path.group, name).await?).into()))
}

/// What is announced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnnouncement {
    /// The words, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// Announce something: it stands above the group, and is a message that calls on everybody. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Announced.", body = Done), Refusals))]
#[put("/v1/groups/{group}/announcement")]
async fn announce(
    command: Command<web::Json<NewAnnouncement>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.message(&command.user)?;
    let text = command.body.into_inner().text;
    Ok(web::Json((&app.commands.announce(&command.caller, path.group, text).await?).into()))
}

/// A name for one group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nickname {
    /// The name, at most 30 characters; empty for none.
    #[schema(max_length = 30)]
    pub nickname: String,
}

/// Take another name in a group.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Taken.", body = Done), Refusals))]
#[put("/v1/groups/{group}/nickname")]
async fn set_nickname(
    command: Command<web::Json<Nickname>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let nickname = command.body.into_inner().nickname;
    Ok(web::Json((&app.commands.set_nickname(&command.caller, path.group, nickname).await?).into()))
}

/// Have members' invitations and join codes wait for the owner or an admin, or no longer.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/v1/groups/{group}/invite-confirmation")]
async fn set_invite_confirmation(
    command: Command<web::Json<Switch>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.set_invite_confirmation(&command.caller, path.group, command.body.on).await?;
    Ok(web::Json((&committed).into()))
}

/// Let only owner and admins speak, or everybody again.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/v1/groups/{group}/all-mute")]
async fn set_all_mute(
    command: Command<web::Json<Switch>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.set_all_mute(&command.caller, path.group, command.body.on).await?).into()))
}

/// Who is to own a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// A member.
    pub to: UserId,
}

/// Give a group to another member. Owner only.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Given.", body = Done), Refusals))]
#[post("/v1/groups/{group}/owner")]
async fn transfer_group(
    command: Command<web::Json<NewOwner>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.transfer_group(&command.caller, path.group, command.body.to).await?).into()))
}

/// Make a member an admin. Owner only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "An admin.", body = Done), Refusals))]
#[put("/v1/groups/{group}/admins/{user}")]
async fn appoint_admin(
    command: Command<NoBody>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.appoint_admin(&command.caller, path.group, path.user).await?).into()))
}

/// Make an admin a plain member again. Owner only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "No admin.", body = Done), Refusals))]
#[delete("/v1/groups/{group}/admins/{user}")]
async fn dismiss_admin(
    command: Command<NoBody>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.dismiss_admin(&command.caller, path.group, path.user).await?).into()))
}

/// End a group: nothing can be said in it any more. Owner only.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Ended.", body = Done), Refusals))]
#[delete("/v1/groups/{group}")]
async fn disband_group(
    command: Command<NoBody>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.disband_group(&command.caller, path.group).await?).into()))
}
