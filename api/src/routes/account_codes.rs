//! Codes of official accounts: the plain one, and those that say where they hang.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use domain::{OfficialAccountId, Rejection, official::Scene};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::paths::OfficialAccountPath;
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    qr,
    query::Query,
    request::{Command, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(scene_code).service(account_code_svg).service(account_code_png);
}

/// What an account's code says.
pub(super) fn plain_code(account: OfficialAccountId) -> String {
    format!("teahouse:account:{account}")
}

/// A code to be made.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SceneQuery {
    /// Where it will hang, as a text of 1 to 64 characters.
    #[param(min_length = 1, max_length = 64)]
    text: Option<String>,
    /// Instead of a text: a number above zero, at most 100,000 in a code that does not end.
    #[param(minimum = 1)]
    number: Option<u32>,
    /// For how many seconds it can be used, at most 30 days; without it, for ever.
    #[param(minimum = 1, maximum = 2592000)]
    seconds: Option<i64>,
}

/// A code that says where it hangs.
#[derive(Debug, Serialize, ToSchema)]
pub struct SceneCodeMade {
    /// The code. Who follows with it, or reads it later, is told to the account together with the scene.
    pub code: String,
    /// The text of its picture.
    pub text: String,
    /// When it ends; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A code of an account that says where it hangs, for its owner and operators. Nothing is stored of it.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, SceneQuery), security(("token" = [])),
    responses((status = 200, description = "The code.", body = SceneCodeMade), Refusals))]
#[get("/{account}/scene-code")]
async fn scene_code(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<SceneQuery>,
    app: web::Data<App>,
) -> Result<web::Json<SceneCodeMade>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let SceneQuery { text, number, seconds } = query.into_inner();
    let scene = match (text, number) {
        (Some(text), None) => Scene::Text(text),
        (None, Some(number)) => Scene::Number(number),
        _ => return Err(Problem::new(Code::InvalidQuery, "give a text or a number")),
    };
    let made = app.commands.scene_code(path.account, scene, seconds)?;
    let text = scene_text(&made.code);
    Ok(web::Json(SceneCodeMade { code: made.code, text, expires_at: made.expires_at }))
}

fn scene_text(code: &str) -> String {
    format!("teahouse:scene:{code}")
}

/// Which code.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PictureQuery {
    /// A code of this account that says where it hangs; without it, the account's plain code.
    code: Option<String>,
}

/// The text of a picture that may be shown of an account.
async fn pictured(app: &App, path: &OfficialAccountPath, query: &PictureQuery) -> Result<String, Problem> {
    app.commands.check_official_account(path.account).await?;
    let Some(code) = &query.code else { return Ok(plain_code(path.account)) };
    let opened = app.commands.secrets.open_scene_code(code, app.commands.now());
    let genuine = opened.is_some_and(|opened| opened.account == path.account);
    if genuine { Ok(scene_text(code)) } else { Err(Rejection::SceneCodeInvalid.into()) }
}

/// A code of an official account as an SVG picture.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, PictureQuery), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/svg+xml"), Refusals))]
#[get("/{account}/code.svg")]
async fn account_code_svg(
    _reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PictureQuery>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    qr::svg(&pictured(&app, &path, &query).await?)
}

/// A code of an official account as a PNG picture.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, PictureQuery), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/png"), Refusals))]
#[get("/{account}/code.png")]
async fn account_code_png(
    _reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PictureQuery>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    qr::png(&pictured(&app, &path, &query).await?)
}

/// A code that somebody read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRead {
    /// The code: what follows `teahouse:scene:`.
    pub code: String,
}

/// What a code is of.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScanOutcome {
    /// Whose it is. Who does not follow the account may follow it with the code.
    pub account: OfficialAccountId,
    /// What it says of where it hangs.
    pub scene: Scene,
    /// Whether the account is told: the caller follows it.
    pub told: bool,
    /// Position of the last event in the log.
    pub position: u64,
}

/// Read a code of an official account. The account is told of it where the caller follows it.
#[utoipa::path(tag = "official accounts", security(("token" = [])),
    responses((status = 200, description = "A genuine code.", body = ScanOutcome), Refusals))]
#[post("/v1/account-code-scans")]
pub(super) async fn scan_code(
    command: Command<web::Json<CodeRead>>,
    app: web::Data<App>,
) -> Result<web::Json<ScanOutcome>, Problem> {
    app.limits.command(&command.user)?;
    let scan = app.commands.scan_code(&command.caller, &command.body.code).await?;
    let (told, position) = (!scan.committed.events.is_empty(), scan.committed.position.0);
    Ok(web::Json(ScanOutcome { account: scan.account, scene: scan.scene, told, position }))
}
