//! Calls: placing, answering and ending them; those of the past.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use commands::{Committed, calls::CallToPlace, people::Session};
use domain::{
    CallEvent, CallId, ConversationId, DeviceId, Rejection, UserId,
    call::{CallMedia, CallOutcome},
};
use projections::calls::{CallRow, CallState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, aside, before, page_limit, paths::CallPath};
use crate::{
    App,
    ice::IceServer,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(place_call).service(recent_calls).service(ice_servers).service(one_call);
    config.service(ring).service(accept_call).service(decline_call).service(cancel_call);
    config.service(connect_call).service(hang_up);
}

/// A call to place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    /// The direct conversation with a friend.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
}

/// A call that was placed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallMade {
    /// The call.
    pub call: CallId,
    /// What became of it at once: `invited`; `ended`, the friend being in another call; or `accepted`, the friend having
    /// called at the same moment.
    pub state: CallState,
    /// When.
    pub at: DateTime<Utc>,
    /// Position of the last event in the log.
    pub position: u64,
}

impl CallMade {
    fn of(committed: &Committed<CallEvent>) -> Option<Self> {
        let (_, first) = committed.events.first()?;
        let (call, state) = match first {
            CallEvent::CallInvited(invited) if committed.events.len() == 1 => (invited.call, CallState::Invited),
            CallEvent::CallInvited(invited) => (invited.call, CallState::Ended),
            CallEvent::CallAccepted(accepted) => (accepted.call, CallState::Accepted),
            _ => return None,
        };
        Some(Self { call, state, at: committed.at, position: committed.position.0 })
    }
}

/// A call, as one who takes part sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallShown {
    /// The call.
    pub call: CallId,
    /// The direct conversation of the two.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who called.
    pub caller: UserId,
    /// From which device.
    pub caller_device: DeviceId,
    /// Whom.
    pub callee: UserId,
    /// The device that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callee_device: Option<DeviceId>,
    /// Whether another device of the person who asks has answered it.
    pub answered_elsewhere: bool,
    /// How far it has come.
    pub state: CallState,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CallOutcome>,
    /// For how long they talked, in seconds, once it is over.
    pub seconds: u64,
    /// When it was placed.
    pub invited_at: DateTime<Utc>,
    /// When it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the devices reached each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Position of its first event in the log.
    pub position: u64,
}

impl CallShown {
    fn of(row: CallRow, reader: &Session) -> Self {
        let elsewhere = row.callee == reader.user && row.callee_device.is_some_and(|device| device != reader.device);
        Self {
            call: row.call,
            conversation: row.conversation,
            media: row.media,
            caller: row.caller,
            caller_device: row.caller_device,
            callee: row.callee,
            callee_device: row.callee_device,
            answered_elsewhere: elsewhere,
            state: row.state,
            outcome: row.outcome,
            seconds: row.seconds,
            invited_at: row.invited_at,
            accepted_at: row.accepted_at,
            connected_at: row.connected_at,
            ended_at: row.ended_at,
            position: row.position,
        }
    }
}

/// Call a friend. All their devices hear of it as `call.invited`; what becomes of it, both sides hear as `call.rang`,
/// `call.accepted`, `call.connected` and `call.ended`.
#[utoipa::path(tag = "calls", security(("token" = [])),
    responses((status = 201, description = "Called.", body = CallMade), Refusals))]
#[post("/v1/calls")]
async fn place_call(command: Command<web::Json<NewCall>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.call(&command.user)?;
    let NewCall { conversation, media } = *command.body;
    let committed = app.commands.place_call(&command.caller, CallToPlace { conversation, media }).await?;
    let made = CallMade::of(&committed).ok_or_else(Problem::no_event)?;
    if made.state == CallState::Ended {
        show(&app, made.call).await;
    }
    Ok(HttpResponse::Created().json(made))
}

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallsQuery {
    /// Calls placed before this position; the latest ones if not given.
    #[param(minimum = 0, maximum = 9223372036854775807_u64)]
    before: Option<u64>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Calls, back in time.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallsPage {
    /// They, the latest first.
    pub calls: Vec<CallShown>,
    /// Pass as `before` for older ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// One's calls, those that one placed and those that one was called with.
#[utoipa::path(tag = "calls", params(CallsQuery), security(("token" = [])),
    responses((status = 200, description = "The calls.", body = CallsPage), Refusals))]
#[get("/v1/calls")]
async fn recent_calls(
    reader: Reader,
    query: Query<CallsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<CallsPage>, Problem> {
    let (limit, before) = (page_limit(query.limit, 50, 100)?, before(query.before)?.unwrap_or(u64::MAX));
    let view = app.fresh(&app.read_models.calls, reader.at_least).await?;
    let mut rows = aside(move || view.before(reader.user, before, limit + 1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.position);
    let calls = rows.into_iter().map(|row| CallShown::of(row, &reader.session)).collect();
    Ok(web::Json(CallsPage { calls, next }))
}

/// Servers that help the devices of a call to find a way to each other.
#[derive(Debug, Serialize, ToSchema)]
pub struct IceServersShown {
    /// They, as browsers take them; none where the server's settings name none.
    pub ice_servers: Vec<IceServer>,
    /// Until when their credentials are good.
    pub expires_at: DateTime<Utc>,
}

/// Servers for `RTCPeerConnection`: STUN, and TURN with credentials of one's own that are good for a while.
#[utoipa::path(tag = "calls", security(("token" = [])),
    responses((status = 200, description = "The servers.", body = IceServersShown), Refusals))]
#[get("/v1/calls/ice-servers")]
async fn ice_servers(reader: Reader, app: web::Data<App>) -> Result<web::Json<IceServersShown>, Problem> {
    app.limits.query(&reader.user)?;
    let expires_at = app.ice.end(app.commands.now());
    Ok(web::Json(IceServersShown { ice_servers: app.ice.servers(reader.user, expires_at), expires_at }))
}

/// How a call stands.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "The call.", body = CallShown), Refusals))]
#[get("/v1/calls/{call}")]
async fn one_call(
    reader: Reader,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<CallShown>, Problem> {
    let view = app.fresh(&app.read_models.calls, reader.at_least).await?;
    let row = view.call(path.call)?.filter(|row| row.people().any(|user| user == reader.user));
    let row = row.ok_or(Rejection::CallNotFound)?;
    Ok(web::Json(CallShown::of(row, &reader.session)))
}

/// Shows a call that was ended in its conversation.
async fn show(app: &App, call: CallId) {
    if let Err(error) = app.commands.show_call(call).await {
        // It is over all the same, and showing it is tried again.
        tracing::debug!(%error, "a call is not shown yet");
    }
}

macro_rules! call_commands {
    ($($(#[$doc:meta])* $name:ident $path:literal $done:literal $($then:ident)?;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
            responses((status = 200, description = $done, body = Done), Refusals))]
        #[post($path)]
        async fn $name(
            command: Command<NoBody>,
            path: web::Path<CallPath>,
            app: web::Data<App>,
        ) -> Result<web::Json<Done>, Problem> {
            app.limits.command(&command.user)?;
            let committed = app.commands.$name(&command.caller, path.call).await?;
            $($then(&app, path.call).await;)?
            Ok(web::Json((&committed).into()))
        }
    )*};
}

call_commands! {
    /// Tell the caller that this device rings.
    ring "/v1/calls/{call}/ring" "It rings.";
    /// Answer a call with this device. One's other devices hear `call.accepted` with the device that has it, and stop.
    accept_call "/v1/calls/{call}/accept" "Answered.";
    /// Decline a call, on all devices.
    decline_call "/v1/calls/{call}/decline" "Declined." show;
    /// Give up a call that nobody has answered.
    cancel_call "/v1/calls/{call}/cancel" "Cancelled." show;
    /// Say that this device reached the other one: from now on they talk.
    connect_call "/v1/calls/{call}/connected" "Connected.";
    /// Hang up, with a device that is in the call.
    hang_up "/v1/calls/{call}/hangup" "Hung up." show;
}
