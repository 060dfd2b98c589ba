//! Access tokens.

use actix_web::{HttpRequest, HttpResponse, web};
use commands::official::BadToken;
use domain::{OfficialAccountId, UserId};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    posted::Posted,
};
use crate::{App, limits::Limits, problem::Problem, query::Query};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/token", web::get().to(token)).route("/stable_token", web::post().to(stable_token));
    config.route("/getcallbackip", web::get().to(callback_addresses));
    config.route("/clear_quota", web::post().to(clear_quota));
}

/// What a program proves itself with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Credentials {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: bool,
}

async fn token(request: HttpRequest, query: Query<Credentials>, app: web::Data<App>) -> HttpResponse {
    answer(issue(&app, &request, &query, false).await)
}

async fn stable_token(request: HttpRequest, body: Posted, app: web::Data<App>) -> HttpResponse {
    let issued = async { issue(&app, &request, &read(&body)?, true).await };
    answer(issued.await)
}

async fn issue(app: &App, request: &HttpRequest, credentials: &Credentials, stable: bool) -> Answered {
    // A guess at a secret costs as much as one at a password.
    if let Some(address) = request.peer_addr() {
        app.limits.log_in_from(&address.ip())?;
    }
    if credentials.grant_type != "client_credential" {
        return Err(refused(40002, "invalid grant_type"));
    }
    if credentials.appid.is_empty() {
        return Err(refused(41002, "appid missing"));
    }
    if credentials.secret.is_empty() {
        return Err(refused(41004, "appsecret missing"));
    }
    let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
    let account = view.account_of_app(&credentials.appid).ok_or_else(|| refused(40013, "invalid appid"))?;
    let how = (stable, credentials.force_refresh);
    let issued = app.commands.issue_app_token(account, &credentials.secret, how).await?;
    let issued = issued.ok_or_else(|| refused(40001, "invalid credential: the secret is wrong"))?;
    Ok(json!({ "access_token": issued.token, "expires_in": issued.seconds }))
}

/// What every other call carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Access {
    access_token: String,
}

/// The account whose program calls, for which the call counts as what `limit` limits.
pub(super) async fn account(
    app: &App,
    access: &Access,
    limit: impl FnOnce(&Limits, &UserId) -> Result<(), Problem>,
) -> Result<OfficialAccountId, Refusal> {
    if access.access_token.is_empty() {
        return Err(refused(41001, "access_token missing"));
    }
    let account = app.commands.account_of_token(&access.access_token).await?.map_err(|bad| match bad {
        BadToken::Forged => refused(40014, "invalid access_token"),
        BadToken::Replaced => refused(40001, "invalid credential: access_token is not the latest"),
        BadToken::Expired => refused(42001, "access_token expired"),
    })?;
    limit(&app.limits, &account.party())?;
    Ok(account)
}

async fn callback_addresses(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    let listed = async {
        account(&app, &access, Limits::query).await?;
        Ok(json!({ "ip_list": [app.options.listen.ip().to_string()] }))
    };
    answer(listed.await)
}

/// There are no daily quotas, so there is nothing to clear.
async fn clear_quota(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    let cleared = async {
        account(&app, &access, Limits::query).await?;
        Ok(done())
    };
    answer(cleared.await)
}
