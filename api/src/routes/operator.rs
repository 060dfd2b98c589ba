//! What only the operator may do: publish stickers, read the log, look after the read models, move the clock.

use actix_web::{HttpResponse, get, http::StatusCode, post, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use commands::CommandError;
use domain::{
    StickerPackId,
    sticker_pack::{Sticker, StickerPackPublished},
};
use projections::runtime::{ProjectionStatus, RebuildError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{page_limit, paths::ReadModelPath, position};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{NoBody, Operator},
};

/// A page of records ends once it holds this many bytes.
const PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Furthest that the clock is moved at once: ten years, in seconds.
const ADVANCE_MAX: u32 = 10 * 366 * 24 * 3600;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(publish_sticker_pack).service(records);
    config.service(read_models).service(rebuild_read_model).service(advance_clock);
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

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordsQuery {
    /// Only those behind this position; 0 for the beginning, as if not given.
    after: Option<u64>,
    /// At most this many, 1 to 10,000; 1,000 if not given. Large records make a page end earlier.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// A record of the log, one line of the answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordLine {
    /// Its place in the log.
    pub position: u64,
    /// Its canonical bytes in base64, as the description of the log's format lays them out.
    pub record: String,
}

/// A page of the log as it is stored, one JSON object a line. An empty page is the end, for now.
#[utoipa::path(tag = "operator", params(RecordsQuery), security(("operator" = [])),
    responses(
        (status = 200, description = "The records, a `RecordLine` each line.", body = String,
            content_type = "application/x-ndjson"),
        Refusals))]
#[get("/v1/operator/records")]
async fn records(
    _operator: Operator<NoBody>,
    query: Query<RecordsQuery>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let limit = page_limit(query.limit, 1_000, 10_000)?;
    let read = app.log.read_all(position(query.after)?, limit).await.map_err(CommandError::from)?;
    let mut lines = Vec::new();
    for record in read {
        let line =
            RecordLine { position: record.position().0, record: BASE64_STANDARD.encode(record.canonical_bytes()) };
        serde_json::to_writer(&mut lines, &line).map_err(|error| CommandError::Internal(error.to_string()))?;
        lines.push(b'\n');
        if lines.len() > PAGE_BYTES {
            break;
        }
    }
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").body(lines))
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
            RebuildError::Unknown => Self::not_found("read-model-not-found", detail),
            RebuildError::Underway => Self::new(StatusCode::CONFLICT, "rebuild-underway", detail),
            RebuildError::CatchingUp => Self::new(StatusCode::CONFLICT, "read-model-behind", detail),
            RebuildError::Start(_) | RebuildError::Ended { .. } => Self::unavailable("rebuild-failed", detail),
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
        return Err(Problem::bad_request("invalid-field", "advance_seconds: at most ten years"));
    }
    if !app.commands.advance_clock(TimeDelta::seconds(seconds.into())) {
        let detail = "this server goes by the machine's clock, which is not moved";
        return Err(Problem::new(StatusCode::CONFLICT, "clock-not-movable", detail));
    }
    let ended = app.commands.run_expiries().await?;
    Ok(web::Json(ClockTime { now: app.commands.now(), ended }))
}
