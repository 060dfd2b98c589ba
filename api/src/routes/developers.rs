//! What an official account's owner sets up for its program: secrets, and where it is called.

use actix_web::{delete, get, post, put, web};
use chrono::{DateTime, Utc};
use domain::{
    OfficialAccountEvent,
    official::{CallbackMode, CallbackSettings},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, paths::OfficialAccountPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(developer_settings).service(renew_app_secret).service(set_callback).service(remove_callback);
    config.service(renew_callback_keys);
}

/// What an account's program is set up with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeveloperSettings {
    /// What the program calls itself.
    pub app_id: String,
    /// What the program calls the account.
    pub original_id: String,
    /// What calls to the program are signed with.
    pub token: String,
    /// What calls to the program are encrypted with.
    pub encoding_aes_key: String,
    /// Until when the token and key before are good as well; absent where there were none, or none in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_keys_until: Option<DateTime<Utc>>,
    /// Where the program is called; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether what it is told is encrypted.
    pub mode: CallbackMode,
}

/// What an account's program is set up with, for its owner.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The settings.", body = DeveloperSettings), Refusals))]
#[get("/{account}/developer")]
async fn developer_settings(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<DeveloperSettings>, Problem> {
    let (callback, old_keys_until) = app.commands.callback_of(reader.user, path.account).await?;
    Ok(web::Json(DeveloperSettings {
        app_id: callback.app_id,
        original_id: callback.original_id,
        token: callback.keys.token,
        encoding_aes_key: callback.keys.aes_key,
        old_keys_until,
        url: Some(callback.url).filter(|url| !url.is_empty()),
        mode: callback.mode,
    }))
}

/// The secret of an account's application.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppSecret {
    /// What the program calls itself.
    pub app_id: String,
    /// What it gets access tokens with. It is shown here and nowhere else.
    pub app_secret: String,
    /// Position of the event in the log.
    pub position: u64,
}

/// Make the secret of an account's application anew; for its owner. The old one is worth nothing from then on.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The new secret.", body = AppSecret), Refusals))]
#[post("/{account}/app-secret")]
async fn renew_app_secret(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<AppSecret>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.renew_app_secret(&command.caller, path.account).await?;
    let generation = committed.events.iter().find_map(|(_, event)| match event {
        OfficialAccountEvent::AppSecretRenewed(renewed) => Some(renewed.secret),
        _ => None,
    });
    let generation = generation.ok_or_else(Problem::no_event)?;
    let app_secret = app.commands.secrets.app_secret(path.account, generation);
    let app_id = path.account.app_id();
    Ok(web::Json(AppSecret { app_id, app_secret, position: committed.position.0 }))
}

/// Where an account's program is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCallback {
    /// An `http` or `https` address of at most 500 characters.
    #[schema(max_length = 500)]
    pub url: String,
    /// Whether what the program is told is encrypted.
    #[serde(default)]
    pub mode: CallbackMode,
}

/// Have an account's program told what followers do; for its owner. The program must answer a `GET` with `echostr` first.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "It is told from now on.", body = Done), Refusals))]
#[put("/{account}/callback")]
async fn set_callback(
    command: Command<web::Json<NewCallback>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.outside_call(&command.user)?;
    let NewCallback { url, mode } = command.body.into_inner();
    let settings = Some(CallbackSettings { url, mode });
    let committed = app.commands.set_callback(&command.caller, path.account, settings).await?;
    Ok(web::Json((&committed).into()))
}

/// Have an account's program told nothing any more, and make its token and key anew; for its owner.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "It is told nothing.", body = Done), Refusals))]
#[delete("/{account}/callback")]
async fn remove_callback(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.set_callback(&command.caller, path.account, None).await?;
    Ok(web::Json((&committed).into()))
}

/// Make token and key of an account's callback anew; for its owner. For a day, what the program does not take with the new ones
/// it is told with the ones before.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "They are new; the settings tell them.", body = Done), Refusals))]
#[post("/{account}/callback-keys")]
async fn renew_callback_keys(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.renew_callback_keys(&command.caller, path.account).await?).into()))
}
