//! Sticker packs, for everybody to choose from.

use std::sync::Arc;

use actix_web::{get, web};
use projections::stickers::StickerPackRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{page, page_limit, paths::StickerPackPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(sticker_packs).service(sticker_pack);
}

/// Which packs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StickerPacksQuery {
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A page of sticker packs.
#[derive(Debug, Serialize, ToSchema)]
pub struct StickerPacksPage {
    /// They, those published first first.
    pub packs: Vec<StickerPackRow>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The sticker packs that there are.
#[utoipa::path(tag = "stickers", params(StickerPacksQuery), security(("token" = [])),
    responses((status = 200, description = "The packs.", body = StickerPacksPage), Refusals))]
#[get("/v1/sticker-packs")]
async fn sticker_packs(
    reader: Reader,
    query: Query<StickerPacksQuery>,
    app: web::Data<App>,
) -> Result<web::Json<StickerPacksPage>, Problem> {
    let limit = page_limit(query.limit, 50, 100)?;
    let stickers = app.fresh(&app.read_models.stickers, reader.at_least).await?;
    let key = |row: &Arc<StickerPackRow>| (row.published_at, row.pack);
    let (packs, next) = page(stickers.packs(), key, query.cursor.as_deref(), limit)?;
    Ok(web::Json(StickerPacksPage { packs: packs.into_iter().map(Arc::unwrap_or_clone).collect(), next }))
}

/// One sticker pack.
#[utoipa::path(tag = "stickers", params(StickerPackPath), security(("token" = [])),
    responses((status = 200, description = "The pack.", body = StickerPackRow), Refusals))]
#[get("/v1/sticker-packs/{pack}")]
async fn sticker_pack(
    reader: Reader,
    path: web::Path<StickerPackPath>,
    app: web::Data<App>,
) -> Result<web::Json<StickerPackRow>, Problem> {
    let stickers = app.fresh(&app.read_models.stickers, reader.at_least).await?;
    let pack = stickers.pack(path.pack).map(Arc::unwrap_or_clone);
    pack.map(web::Json).ok_or_else(|| domain::Rejection::StickerNotFound.into())
}
