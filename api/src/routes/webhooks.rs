//! Webhooks of official accounts: where an account is told as JSON what its followers do.

use actix_web::{delete, get, post, put, web};
use chrono::{DateTime, Utc};
use domain::{OfficialAccountId, WebhookEvent};
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
    config.service(webhook).service(set_webhook).service(remove_webhook);
    config.service(renew_webhook_secret).service(replay_webhook);
}

/// How an account's webhook stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookShown {
    /// Where it is called; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Up to which position of the log it was told everything.
    pub delivered: u64,
    /// How often the next thing has failed.
    pub failures: u32,
    /// What went wrong the last time, while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it is tried again, where something failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Since when nothing is told any more; absent where it is not paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<DateTime<Utc>>,
    /// Until when calls are signed with the secret before as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<DateTime<Utc>>,
}

/// How an account's webhook stands, for the account's owner.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "How it stands.", body = WebhookShown), Refusals))]
#[get("/{account}/webhook")]
async fn webhook(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<WebhookShown>, Problem> {
    let webhook = app.commands.webhook_of(reader.user, path.account).await?;
    Ok(web::Json(WebhookShown {
        old_secret_until: webhook.old_secret_until(),
        url: webhook.url,
        delivered: webhook.through,
        failures: webhook.failures,
        failure: webhook.failure,
        next_attempt_at: webhook.next_at,
        paused_at: webhook.paused_at,
    }))
}

/// Where an account's webhook is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// An `http` or `https` address of at most 500 characters.
    #[schema(max_length = 500)]
    pub url: String,
}

/// A webhook that was set, or whose secret was made anew.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMade {
    /// What its calls are signed with; absent where that stays. It is shown here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Position of the last event in the log.
    pub position: u64,
}

impl WebhookMade {
    fn of(app: &App, account: OfficialAccountId, committed: &commands::Committed<WebhookEvent>) -> Self {
        let generation = committed.events.iter().find_map(|(_, event)| match event {
            WebhookEvent::WebhookSecretRenewed(renewed) => Some(renewed.secret),
            _ => None,
        });
        let secret = generation.map(|generation| app.commands.secrets.webhook_secret(account, generation));
        Self { secret, position: committed.position.0 }
    }
}

/// Have an account told as JSON what followers do; for its owner. It is told what happens from now on; another address goes
/// on where the one before stopped.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "It is told there.", body = WebhookMade), Refusals))]
#[put("/{account}/webhook")]
async fn set_webhook(
    command: Command<web::Json<NewWebhook>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<WebhookMade>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.set_webhook(&command.caller, path.account, &command.body.url).await?;
    Ok(web::Json(WebhookMade::of(&app, path.account, &committed)))
}

/// Have an account told nothing any more by webhook; for its owner.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "It is told nothing.", body = Done), Refusals))]
#[delete("/{account}/webhook")]
async fn remove_webhook(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.remove_webhook(&command.caller, path.account).await?).into()))
}

/// Make the secret of an account's webhook anew; for its owner. For a day calls are signed with the one before as well.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The new secret.", body = WebhookMade), Refusals))]
#[post("/{account}/webhook-secret")]
async fn renew_webhook_secret(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<WebhookMade>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.renew_webhook_secret(&command.caller, path.account).await?;
    Ok(web::Json(WebhookMade::of(&app, path.account, &committed)))
}

/// From where a webhook goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplay {
    /// Position in the log of the first thing that is told, also if it was told before: the `sequence` of what the webhook
    /// got, as a number. Absent for where it stopped.
    #[serde(default)]
    pub from: Option<u64>,
}

/// Have an account's webhook go on at once, paused or not, and be told anew what it was told before; for the account's owner.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "It goes on.", body = Done), Refusals))]
#[post("/{account}/webhook/replay")]
async fn replay_webhook(
    command: Command<web::Json<WebhookReplay>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.replay_webhook(&command.caller, path.account, command.body.from).await?;
    Ok(web::Json((&committed).into()))
}
