//! Following official accounts.

use actix_web::{delete, get, put, web};
use chrono::{DateTime, Utc};
use commands::official::Follow;
use domain::subscriptions::FollowSource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, PageQuery, Switch, official_accounts::OfficialAccountShown, page, paths::OfficialAccountPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(follow_account).service(unfollow_account).service(mute_account);
}

/// How somebody came to follow an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFollow {
    /// How they came upon it.
    #[serde(default)]
    pub source: FollowSource,
    /// The code that they read, where it was one that says where it hangs: what follows `teahouse:scene:`.
    #[serde(default)]
    pub code: Option<String>,
}

/// Follow an official account.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "Followed.", body = Done), Refusals))]
#[put("/{account}/follow")]
async fn follow_account(
    command: Command<web::Json<NewFollow>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let NewFollow { source, code } = command.body.into_inner();
    let committed = app.commands.follow_account(&command.caller, path.account, Follow { source, code }).await?;
    Ok(web::Json((&committed).into()))
}

/// Follow an official account no longer.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "No longer followed.", body = Done), Refusals))]
#[delete("/{account}/follow")]
async fn unfollow_account(
    command: Command<NoBody>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.unfollow_account(&command.caller, path.account).await?).into()))
}

/// Mute or unmute an official account that the caller follows.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "Set.", body = Done), Refusals))]
#[put("/{account}/muted")]
async fn mute_account(
    command: Command<web::Json<Switch>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.mute_account(&command.caller, path.account, command.body.on).await?).into()))
}

/// An official account that the caller follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionShown {
    /// The account.
    pub account: OfficialAccountShown,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether what it sends does not notify.
    pub muted: bool,
}

/// A page of the official accounts that the caller follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionsPage {
    /// The accounts, in the order of their ids.
    pub subscriptions: Vec<SubscriptionShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The official accounts that the caller follows.
#[utoipa::path(tag = "official accounts", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The accounts.", body = SubscriptionsPage), Refusals))]
#[get("/v1/subscriptions")]
pub(super) async fn subscriptions(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<SubscriptionsPage>, Problem> {
    let limit = query.limit()?;
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let rows = view.followed_by(reader.user)?;
    let (rows, next) = page(rows, |row| row.account, query.cursor.as_deref(), limit)?;
    let subscriptions = rows.into_iter().filter_map(|row| {
        let account = OfficialAccountShown::of(row.account, &*view.account(row.account)?);
        Some(SubscriptionShown { account, since: row.since, muted: row.muted })
    });
    Ok(web::Json(SubscriptionsPage { subscriptions: subscriptions.collect(), next }))
}
