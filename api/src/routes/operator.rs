//! What only the operator may do: publish stickers, look after the read models, move the clock.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Rejection, StickerPackId,
    sticker_pack::{Sticker, StickerPackPublished},
};
use projections::runtime::{ProjectionStatus, RebuildError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::paths::ReadModelPath;
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    request::{NoBody, Operator},
};

/// Furthest that the clock is moved at once: ten years, in seconds.
const ADVANCE_MAX: u32 = 10 * 366 * 24 * 3600;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(publish_sticker_pack).service(read_models).service(rebuild_read_model).service(advance_clock);
}

/// A sticker pack to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStickerPack {
    /// Its id; a new one if not given.
    #[serde(default)]
    pub id: Option<StickerPackId>,
    /// Its title, 1 to 50 characters.
    #[schema(min_length = 1, max_length = 50)]
    pub title: String,
    /// Who made it, 1 to 50 characters.
    #[schema(min_length = 1, max_length = 50)]
    pub author: String,
    /// What is in it, 1 to 100 stickers.
    #[schema(min_items = 1, max_items = 100)]
    pub stickers: Vec<Sticker>,
}

/// A sticker pack that was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct StickerPackMade {
    /// The pack.
    pub pack: StickerPackId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Publish a sticker pack, for everybody to use.
#[utoipa::path(tag = "operator", security(("operator" = [])),
    responses((status = 201, description = "Published.", body = StickerPackMade), Refusals))]
#[post("/v1/operator/sticker-packs")]
async fn publish_sticker_pack(
    command: Operator<web::Json<NewStickerPack>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let NewStickerPack { id, title, author, stickers } = command.body.into_inner();
    let pack = id.unwrap_or_else(|| StickerPackId(command.caller.id_of_made()));
    let published = StickerPackPublished { title, author, stickers };
    let committed = app.commands.publish_sticker_pack(&command.caller, pack, published).await?;
    Ok(HttpResponse::Created().json(StickerPackMade { pack, position: committed.position.0 }))
}

/// How the read models are.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadModelsStatus {
    /// Each of them.
    pub read_models: Vec<ProjectionStatus>,
}

/// How the read models are.
#[utoipa::path(tag = "operator", security(("operator" = [])),
    responses((status = 200, description = "Each of them.", body = ReadModelsStatus), Refusals))]
#[get("/v1/operator/read-models")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn read_models(_operator: Operator<NoBody>, app: web::Data<App>) -> Result<web::Json<ReadModelsStatus>, Problem> {
    Ok(web::Json(ReadModelsStatus { read_models: app.read_models.status() }))
}

impl From<RebuildError> for Problem {
    fn from(error: RebuildError) -> Self {
        let detail = error.to_string();
        match error {
            RebuildError::Unknown => Self::new(Code::ReadModelNotFound, detail),
            RebuildError::Underway => Self::new(Code::RebuildUnderway, detail),
            RebuildError::CatchingUp => Self::new(Code::ReadModelCatchingUp, detail),
            RebuildError::Start(_) | RebuildError::Ended { .. } => Self::new(Code::RebuildFailed, detail),
        }
    }
}

/// A rebuild that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct RebuildBegun {
    /// The read model. It goes on serving; its status tells how far the rebuild is.
    pub name: String,
}

/// Rebuild a read model from the log while the present one goes on serving.
#[utoipa::path(tag = "operator", params(ReadModelPath), security(("operator" = [])),
    responses((status = 202, description = "Begun.", body = RebuildBegun), Refusals))]
#[post("/v1/operator/read-models/{name}/rebuild")]
#[allow(clippy::unused_async, reason = "handlers are async")]
async fn rebuild_read_model(
    _operator: Operator<NoBody>,
    path: web::Path<ReadModelPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let name = path.into_inner().name;
    // The outcome is in the server's log and in the status: nobody waits for it here.
    drop(app.read_models.rebuild(&name)?);
    Ok(HttpResponse::Accepted().json(RebuildBegun { name }))
}

/// How far to move the clock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockAdvance {
    /// By how many seconds, at most ten years.
    #[schema(maximum = 316224000)]
    pub advance_seconds: u32,
}

/// What the clock says.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockTime {
    /// The present time.
    pub now: DateTime<Utc>,
    /// How many waits were over by then and have been ended.
    pub ended: usize,
}

/// Move the server's clock ahead, on a server that was started with a movable one: for trying out what happens after days.
/// What falls due by then has happened when this is answered.
#[utoipa::path(tag = "operator", security(("operator" = [])),
    responses((status = 200, description = "Moved.", body = ClockTime), Refusals))]
#[post("/v1/operator/clock")]
async fn advance_clock(
    command: Operator<web::Json<ClockAdvance>>,
    app: web::Data<App>,
) -> Result<web::Json<ClockTime>, Problem> {
    let seconds = command.body.advance_seconds;
    if seconds > ADVANCE_MAX {
        return Err(Rejection::InvalidField { field: "advance_seconds", rule: "at most ten years" }.into());
    }
    if !app.commands.advance_clock(TimeDelta::seconds(seconds.into())) {
        let detail = "this server goes by the machine's clock, which is not moved";
        return Err(Problem::new(Code::ClockNotMovable, detail));
    }
    let ended = app.commands.run_expiries().await?;
    Ok(web::Json(ClockTime { now: app.commands.now(), ended }))
}
