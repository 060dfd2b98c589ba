//! Members of groups: inviting, removing, leaving, muting.

use actix_web::{delete, post, put, web};
use chrono::{DateTime, Utc};
use commands::Committed;
use domain::{ConversationEvent, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done,
    paths::{GroupPath, GroupPersonPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(invite_members).service(remove_members).service(leave_group);
    config.service(mute_member).service(unmute_member);
}

/// Friends to bring into a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembers {
    /// They.
    pub users: Vec<UserId>,
    /// A few words for who lets them in, where somebody has to: at most 100 characters.
    #[schema(max_length = 100)]
    #[serde(default)]
    pub reason: String,
}

/// What came of inviting people.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invited {
    /// They are members now.
    pub joined: Vec<UserId>,
    /// They have to consent: the group is large.
    pub invited: Vec<UserId>,
    /// They wait to be let in by the owner or an admin.
    pub waiting: Vec<UserId>,
    /// Position of the last event in the log.
    pub position: u64,
}

impl From<&Committed<ConversationEvent>> for Invited {
    fn from(committed: &Committed<ConversationEvent>) -> Self {
        let mut outcome = Self { position: committed.position.0, ..Self::default() };
        for (_, event) in &committed.events {
            match event {
                ConversationEvent::MembersJoined(joined) => outcome.joined.extend(&joined.members),
                ConversationEvent::MemberInvited(invited) => outcome.invited.push(invited.user),
                ConversationEvent::JoinRequested(requested) => outcome.waiting.push(requested.user),
                _ => {}
            }
        }
        outcome
    }
}

/// Bring friends into a group. The answer tells who joined at once and who waits for what; who was a member or waited
/// already is in none of the lists.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Who joined, was invited, waits.", body = Invited), Refusals))]
#[post("/v1/groups/{group}/members")]
async fn invite_members(
    command: Command<web::Json<NewMembers>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Invited>, Problem> {
    app.limits.command(&command.user)?;
    let NewMembers { users, reason } = command.body.into_inner();
    let committed = app.commands.invite_members(&command.caller, path.group, &users, &reason).await?;
    Ok(web::Json((&committed).into()))
}

/// Members to remove from a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormerMembers {
    /// They.
    pub users: Vec<UserId>,
}

/// Remove members from a group. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Removed.", body = Done), Refusals))]
#[post("/v1/groups/{group}/members/remove")]
async fn remove_members(
    command: Command<web::Json<FormerMembers>>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.remove_members(&command.caller, path.group, &command.body.users).await?;
    Ok(web::Json((&committed).into()))
}

/// Leave a group. Where the owner leaves, the admin appointed first follows, else who joined first.
#[utoipa::path(tag = "groups", params(GroupPath), security(("token" = [])),
    responses((status = 200, description = "Left.", body = Done), Refusals))]
#[post("/v1/groups/{group}/leave")]
async fn leave_group(
    command: Command<NoBody>,
    path: web::Path<GroupPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.leave_group(&command.caller, path.group).await?).into()))
}

/// For how long a member is muted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MuteUntil {
    /// Until when; absent or null for until it is lifted.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Mute a member. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "Muted.", body = Done), Refusals))]
#[put("/v1/groups/{group}/mutes/{user}")]
async fn mute_member(
    command: Command<web::Json<MuteUntil>>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let (group, member, until) = (path.group, path.user, command.body.until);
    Ok(web::Json((&app.commands.mute_member(&command.caller, group, member, until).await?).into()))
}

/// Let a muted member speak again. Owner and admins only.
#[utoipa::path(tag = "groups", params(GroupPersonPath), security(("token" = [])),
    responses((status = 200, description = "Not muted, or no longer.", body = Done), Refusals))]
#[delete("/v1/groups/{group}/mutes/{user}")]
async fn unmute_member(
    command: Command<NoBody>,
    path: web::Path<GroupPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.unmute_member(&command.caller, path.group, path.user).await?).into()))
}

#[cfg(test)]
mod tests {
    use domain::conversation::{JoinRequested, JoinedVia, MemberInvited, MembersJoined};
    use eventlog::Position;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_invitation_tells_who_joined_who_has_to_consent_and_who_waits() {
        let (inviter, via) = (UserId::new(), JoinedVia::Invitation);
        let (joined, invited, waiting) = (UserId::new(), UserId::new(), UserId::new());
        let events: Vec<ConversationEvent> = vec![
            MembersJoined { members: vec![joined], inviter, via }.into(),
            MemberInvited { user: invited, inviter }.into(),
            JoinRequested { user: waiting, inviter, via, reason: String::new() }.into(),
        ];
        let events = events.into_iter().map(|event| (Uuid::now_v7(), event)).collect();
        let committed = Committed { position: Position(7), version: 3, actor: Some(inviter), at: Utc::now(), events };
        let expected = Invited { joined: vec![joined], invited: vec![invited], waiting: vec![waiting], position: 7 };
        assert_eq!(Invited::from(&committed), expected);
    }
}
