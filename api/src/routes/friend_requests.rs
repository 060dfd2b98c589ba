//! Friend requests: asking, accepting, declining.

use std::cmp::Reverse;

use actix_web::{HttpResponse, get, post, web};
use chrono::TimeDelta;
use commands::contacts::RequestFriend;
use domain::{ConversationId, FriendshipEvent, UserId, friendship::Source};
use projections::people::{RequestDirection, RequestRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, page, page_limit, paths::PersonPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(friend_requests).service(request_friend).service(accept_friend).service(decline_friend);
}

/// Which way a request went.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the caller.
    Incoming,
    /// From the caller.
    Outgoing,
}

impl From<Direction> for RequestDirection {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Incoming => Self::Incoming,
            Direction::Outgoing => Self::Outgoing,
        }
    }
}

/// Which requests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestsQuery {
    /// Only those that went this way.
    #[param(inline)]
    direction: Option<Direction>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 100 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A page of friend requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestsPage {
    /// Those that wait, the latest first.
    pub requests: Vec<RequestRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The friend requests that wait: from others, and one's own as far as one may know.
#[utoipa::path(tag = "contacts", params(RequestsQuery), security(("token" = [])),
    responses((status = 200, description = "The requests.", body = RequestsPage), Refusals))]
#[get("/v1/friend-requests")]
async fn friend_requests(
    reader: Reader,
    query: Query<RequestsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<RequestsPage>, Problem> {
    let limit = page_limit(query.limit, 100, 200)?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let window = TimeDelta::seconds(app.commands.policy.friend_request_seconds);
    let mut rows = people.requests_of(reader.user, app.commands.now(), window)?;
    rows.retain(|row| query.direction.is_none_or(|direction| row.direction == direction.into()));
    let key = |row: &RequestRow| (Reverse(row.at), row.user);
    let (requests, next) = page(rows, key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(RequestsPage { requests, next }))
}

/// Whom to ask to be friends, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFriendRequest {
    /// Whom.
    pub to: UserId,
    /// A few words, at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub greeting: String,
    /// How one came upon them.
    #[serde(default)]
    pub source: Source,
}

/// A friend request that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct FriendRequestMade {
    /// Whether both are friends now: who still had the caller among the contacts is added back without being asked, and
    /// asking somebody whose own request waits accepts it.
    pub friends: bool,
    /// Position of the event in the log.
    pub position: u64,
}

/// Ask somebody to be friends. The answer does not tell whether they will ever see it.
#[utoipa::path(tag = "contacts", security(("token" = [])),
    responses((status = 201, description = "Asked.", body = FriendRequestMade), Refusals))]
#[post("/v1/friend-requests")]
async fn request_friend(
    command: Command<web::Json<NewFriendRequest>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.friend_request(&command.user)?;
    let NewFriendRequest { to, greeting, source } = command.body.into_inner();
    let committed = app.commands.request_friend(&command.caller, RequestFriend { to, greeting, source }).await?;
    let befriends = |event: &FriendshipEvent| {
        matches!(event, FriendshipEvent::FriendRestored(_) | FriendshipEvent::FriendAccepted(_))
    };
    let friends = committed.events.iter().any(|(_, event)| befriends(event));
    Ok(HttpResponse::Created().json(FriendRequestMade { friends, position: committed.position.0 }))
}

/// A friend request was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Befriended {
    /// The conversation of the two.
    pub conversation: ConversationId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Accept somebody's friend request: both are friends and can talk.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Accepted.", body = Befriended), Refusals))]
#[post("/v1/friend-requests/{user}/accept")]
async fn accept_friend(
    command: Command<NoBody>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Befriended>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.accept_friend(&command.caller, path.user).await?;
    let conversation = ConversationId::direct(command.user, path.user);
    Ok(web::Json(Befriended { conversation, position: committed.position.0 }))
}

/// Decline somebody's friend request. They are not told.
#[utoipa::path(tag = "contacts", params(PersonPath), security(("token" = [])),
    responses((status = 200, description = "Declined.", body = Done), Refusals))]
#[post("/v1/friend-requests/{user}/decline")]
async fn decline_friend(
    command: Command<NoBody>,
    path: web::Path<PersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.decline_friend(&command.caller, path.user).await?).into()))
}
