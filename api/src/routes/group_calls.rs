//! Calls of groups: starting, joining, declining and leaving them; who is in them.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use commands::{Committed, forwarding::ForwardedAnswer, group_calls::GroupCallToStart};
use domain::{
    CallId, ConversationId, GroupCallEvent, Rejection, UserId,
    call::{CallMedia, CallOutcome},
    group_call::CallWay,
};
use projections::group_calls::{GroupCallRow, PresentRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, conversation_not_found,
    paths::{CallPath, ConversationPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(start_group_call).service(one_group_call).service(present_call);
    config.service(join_group_call).service(decline_group_call).service(leave_group_call).service(forward_media);
}

/// A call to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupCall {
    /// The group.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// For which other members it is to ring, 8 at most; for all of them if not given.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub ring: Option<Vec<UserId>>,
}

/// What became of starting a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupCallStart {
    /// It began.
    Started,
    /// There was one already, and the caller joined it; it rings for nobody else.
    Joined,
}

/// A call that was started, or joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupCallMade {
    /// The call.
    pub call: CallId,
    /// Which of the two.
    pub state: GroupCallStart,
    /// When.
    pub at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

impl GroupCallMade {
    fn of(committed: &Committed<GroupCallEvent>) -> Option<Self> {
        let (_, first) = committed.events.first()?;
        let (call, state) = match first {
            GroupCallEvent::GroupCallStarted(started) => (started.call, GroupCallStart::Started),
            GroupCallEvent::GroupCallJoined(joined) => (joined.call, GroupCallStart::Joined),
            _ => return None,
        };
        Some(Self { call, state, at: committed.at, position: committed.position.0 })
    }
}

/// The call of a group, as its members see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupCallShown {
    /// The call.
    pub call: CallId,
    /// The group.
    pub conversation: ConversationId,
    /// Voice or video.
    pub media: CallMedia,
    /// Who started it.
    pub starter: UserId,
    /// Who is in it, who came first first.
    pub present: Vec<PresentRow>,
    /// Which way sound and pictures go.
    pub way: CallWay,
    /// For whom it rings.
    pub ringing: Vec<UserId>,
    /// How it ended; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CallOutcome>,
    /// For how long at least two were in it, in seconds, once it is over.
    pub seconds: u64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Position of its first event in the log.
    pub position: u64,
}

impl From<GroupCallRow> for GroupCallShown {
    fn from(row: GroupCallRow) -> Self {
        Self {
            call: row.call,
            conversation: row.conversation,
            media: row.media,
            starter: row.starter,
            present: row.present,
            way: row.way,
            ringing: row.ringing,
            outcome: row.outcome,
            seconds: row.seconds,
            started_at: row.started_at,
            ended_at: row.ended_at,
            position: row.position,
        }
    }
}

/// What a device offers to send and to get.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaOffer {
    /// The session description of an offer: lines for what the device sends, then lines for each place.
    pub offer: String,
}

/// The answer to an offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaAnswer {
    /// The session description of the answer.
    pub answer: String,
    /// On which lines comes what somebody sends, by their place in the call.
    pub places: Vec<PlaceShown>,
}

/// The lines for what comes from one place.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceShown {
    /// The place.
    pub place: usize,
    /// The name (`mid`) of the line for sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// The name of the line for pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
}

impl From<ForwardedAnswer> for MediaAnswer {
    fn from(answered: ForwardedAnswer) -> Self {
        let shown = |lines: commands::forwarding::PlaceLines| {
            let commands::forwarding::PlaceLines { place, audio, video } = lines;
            PlaceShown { place, audio, video }
        };
        Self { answer: answered.sdp, places: answered.places.into_iter().map(shown).collect() }
    }
}

/// Call a group. The devices of those for whom it rings hear `group-call.started`; what becomes of it, they and who is in it
/// hear as `group-call.joined`, `declined`, `unanswered`, `left` and `ended`. Where the group has a call already, the caller
/// joins it.
#[utoipa::path(tag = "calls", security(("token" = [])),
    responses((status = 201, description = "Started, or joined.", body = GroupCallMade), Refusals))]
#[post("/v1/group-calls")]
async fn start_group_call(
    command: Command<web::Json<NewGroupCall>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.call(&command.user)?;
    let NewGroupCall { conversation, media, ring } = &*command.body;
    let to_start = GroupCallToStart { conversation: *conversation, media: *media, ring: ring.clone() };
    let committed = app.commands.start_group_call(&command.caller, to_start).await?;
    let made = GroupCallMade::of(&committed).ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(made))
}

/// How the call of a group stands, and who is in it.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "The call.", body = GroupCallShown), Refusals))]
#[get("/v1/group-calls/{call}")]
async fn one_group_call(
    reader: Reader,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<GroupCallShown>, Problem> {
    let view = app.fresh(&app.read_models.group_calls, reader.at_least).await?;
    let row = view.call(path.call)?.ok_or(Rejection::CallNotFound)?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    if !chat.is_member(reader.user, row.conversation) {
        return Err(Rejection::CallNotFound.into());
    }
    Ok(web::Json(row.into()))
}

/// The call that goes on in a group, and who is in it.
#[utoipa::path(tag = "calls", params(ConversationPath), security(("token" = [])),
    responses((status = 200, description = "The call.", body = GroupCallShown), Refusals))]
#[get("/v1/conversations/{conversation}/call")]
async fn present_call(
    reader: Reader,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<web::Json<GroupCallShown>, Problem> {
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    if !chat.is_member(reader.user, path.conversation) {
        return Err(conversation_not_found());
    }
    let view = app.fresh(&app.read_models.group_calls, reader.at_least).await?;
    let row = view.live_in(path.conversation).ok_or(Rejection::CallNotFound)?;
    Ok(web::Json(row.into()))
}

/// Join the call of a group with this device. One's other devices hear `group-call.joined` with the device that has it, and
/// stop ringing.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "Joined.", body = Done), Refusals))]
#[post("/v1/group-calls/{call}/join")]
async fn join_group_call(
    command: Command<NoBody>,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.join_group_call(&command.caller, path.call).await?).into()))
}

/// Decline the call of a group, on all devices.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "Declined.", body = Done), Refusals))]
#[post("/v1/group-calls/{call}/decline")]
async fn decline_group_call(
    command: Command<NoBody>,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.decline_group_call(&command.caller, path.call).await?;
    show(&app, path.call, &committed).await;
    Ok(web::Json((&committed).into()))
}

/// Leave the call of a group, with the device that is in it. When nobody is left, it is over.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "Left.", body = Done), Refusals))]
#[post("/v1/group-calls/{call}/leave")]
async fn leave_group_call(
    command: Command<NoBody>,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.leave_group_call(&command.caller, path.call).await?;
    show(&app, path.call, &committed).await;
    Ok(web::Json((&committed).into()))
}

/// Send what this device has through the server, which forwards it to everybody in the call, and get what they send. Offered
/// again, it takes the place of what was before.
#[utoipa::path(tag = "calls", params(CallPath), security(("token" = [])),
    responses((status = 200, description = "The answer to the offer.", body = MediaAnswer), Refusals))]
#[post("/v1/group-calls/{call}/media")]
async fn forward_media(
    command: Command<web::Json<MediaOffer>>,
    path: web::Path<CallPath>,
    app: web::Data<App>,
) -> Result<web::Json<MediaAnswer>, Problem> {
    app.limits.command(&command.user)?;
    let answered = app.commands.forward_media(&command.caller, path.call, command.body.offer.clone()).await?;
    Ok(web::Json(answered.into()))
}

/// Shows a call in its group that has just ended.
async fn show(app: &App, call: CallId, committed: &Committed<GroupCallEvent>) {
    if !committed.events.iter().any(|(_, event)| matches!(event, GroupCallEvent::GroupCallEnded(_))) {
        return;
    }
    if let Err(error) = app.commands.show_group_call(call).await {
        // It is over all the same, and showing it is tried again.
        tracing::debug!(%error, "a group's call is not shown yet");
    }
}
