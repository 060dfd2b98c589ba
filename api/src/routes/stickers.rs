//! Sticker packs, for everybody to choose from.

use std::sync::Arc;

use actix_web::{get, web};
use projections::stickers::StickerPackRow;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{PageQuery, page, paths::StickerPackPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(sticker_packs).service(sticker_pack);
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
#[utoipa::path(tag = "stickers", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The packs.", body = StickerPacksPage), Refusals))]
#[get("/v1/sticker-packs")]
async fn sticker_packs(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<StickerPacksPage>, Problem> {
    let limit = query.limit()?;
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
