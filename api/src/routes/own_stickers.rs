//! One's own stickers: pictures of one's own, to be sent again and again.

use actix_web::{delete, get, post, web};
use commands::{Committed, MediaPlace, stickers::StickerSource};
use domain::{ConversationId, MediumId, MediumKind, StickerCollectionEvent};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, PageQuery, cut, moments_cover::PictureChoice, paths::MediumPath, resume};
use crate::{
    App,
    media_access::{MediaLinks, PictureShown},
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(my_stickers).service(collect_sticker).service(collect_sticker_of_message);
    config.service(remove_sticker).service(move_sticker_to_front);
}

/// A picture is a sticker of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct StickerCollected {
    /// The sticker, to be named in messages. Where one had the same picture already, that one.
    pub medium: MediumId,
    /// Position of the event in the log.
    pub position: u64,
}

impl StickerCollected {
    fn of(committed: &Committed<StickerCollectionEvent>) -> Result<Self, Problem> {
        let medium = committed.events.iter().find_map(|(_, event)| match event {
            StickerCollectionEvent::StickerCollected(collected) => Some(collected.sticker.medium),
            StickerCollectionEvent::StickerMovedToFront(moved) => Some(moved.medium),
            StickerCollectionEvent::StickerRemoved(_) => None,
        });
        let medium = medium.ok_or_else(Problem::no_event)?;
        Ok(Self { medium, position: committed.position.0 })
    }
}

/// Make a picture of one's own a sticker, the first of all. Who has the same picture as a sticker already finds that one
/// at the front.
#[utoipa::path(tag = "stickers", security(("token" = [])),
    responses((status = 200, description = "It is a sticker.", body = StickerCollected), Refusals))]
#[post("/v1/stickers")]
async fn collect_sticker(
    command: Command<web::Json<PictureChoice>>,
    app: web::Data<App>,
) -> Result<web::Json<StickerCollected>, Problem> {
    app.limits.command(&command.user)?;
    let source = StickerSource::Medium(command.body.medium);
    let committed = app.commands.collect_sticker(&command.caller, source).await?;
    StickerCollected::of(&committed).map(web::Json)
}

/// Make the picture, or the sticker, that a message carries a sticker of one's own, the first of all. What somebody else
/// has sent counts against one's quota.
#[utoipa::path(tag = "stickers", security(("token" = [])),
    responses((status = 200, description = "It is a sticker.", body = StickerCollected), Refusals))]
#[post("/v1/conversations/{conversation}/messages/{seq}/sticker")]
async fn collect_sticker_of_message(
    command: Command<NoBody>,
    path: web::Path<(ConversationId, u64)>,
    app: web::Data<App>,
) -> Result<web::Json<StickerCollected>, Problem> {
    app.limits.command(&command.user)?;
    let (conversation, seq) = path.into_inner();
    let source = StickerSource::Message(conversation, seq);
    let committed = app.commands.collect_sticker(&command.caller, source).await?;
    StickerCollected::of(&committed).map(web::Json)
}

/// Take a sticker out of one's own. Messages that show it go on doing so.
#[utoipa::path(tag = "stickers", params(MediumPath), security(("token" = [])),
    responses((status = 200, description = "It is one no more.", body = Done), Refusals))]
#[delete("/v1/stickers/{medium}")]
async fn remove_sticker(
    command: Command<NoBody>,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.remove_sticker(&command.caller, path.medium).await?).into()))
}

/// Put a sticker before all others of one's own.
#[utoipa::path(tag = "stickers", params(MediumPath), security(("token" = [])),
    responses((status = 200, description = "It is the first.", body = Done), Refusals))]
#[post("/v1/stickers/{medium}/front")]
async fn move_sticker_to_front(
    command: Command<NoBody>,
    path: web::Path<MediumPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.move_sticker_to_front(&command.caller, path.medium).await?).into()))
}

/// A page of one's own stickers.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnStickersPage {
    /// They, those at the front first.
    pub stickers: Vec<PictureShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One's own stickers, in their order, with links to fetch them by.
#[utoipa::path(tag = "stickers", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = OwnStickersPage), Refusals))]
#[get("/v1/stickers")]
async fn my_stickers(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<OwnStickersPage>, Problem> {
    let limit = query.limit()?;
    let before: Option<u64> = resume(query.cursor.as_deref())?;
    let view = app.fresh(&app.read_models.stickers, reader.at_least).await?;
    let found = view.collection(reader.user, before, limit + 1)?;
    let (found, next) = cut(found, |sticker| sticker.place, limit);
    let shown = found.into_iter().map(|sticker| {
        let (medium, facts) = (sticker.picture.medium, sticker.picture.facts);
        let links = MediaLinks::new(&app, reader.user, MediaPlace::Own, MediumKind::Picture, medium);
        PictureShown { facts, links }
    });
    Ok(web::Json(OwnStickersPage { stickers: shown.collect(), next }))
}
