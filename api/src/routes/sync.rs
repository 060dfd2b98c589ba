//! What a device missed.

use actix_web::{get, web};
use projections::chat::SyncPage;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{aside, page_limit, position};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(sync);
}

/// Where a device was.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SyncQuery {
    /// The last position that the device has: of a push, or `next` of the page before; 0 for everything, as if not given.
    after: Option<u64>,
    /// At most this many entries, 1 to 500; 200 if not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What a device missed, in the order of the log: the same entries that the WebSocket pushes.
#[utoipa::path(tag = "sync", params(SyncQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = SyncPage), Refusals))]
#[get("/v1/sync")]
async fn sync(reader: Reader, query: Query<SyncQuery>, app: web::Data<App>) -> Result<web::Json<SyncPage>, Problem> {
    let limit = page_limit(query.limit, 200, 500)?;
    let after = position(query.after)?;
    app.check_not_ahead(after).await?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    aside(move || chat.sync(reader.user, after, limit)).await.map(web::Json)
}
