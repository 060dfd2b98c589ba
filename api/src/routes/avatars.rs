//! The pictures that people show of themselves, and links to fetch them by.

use actix_web::{delete, get, put, web};
use commands::MediaPlace;
use domain::{MediumKind, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{Done, moments_cover::PictureChoice};
use crate::{
    App,
    media_access::{CARRIERS_MAX, MediaLinks, avatar_seen_by},
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(avatars).service(choose_avatar).service(remove_avatar);
}

/// Put a picture into one's profile, in place of what is there. Whoever may see the profile sees it.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "It is there.", body = Done), Refusals))]
#[put("/v1/me/avatar")]
async fn choose_avatar(
    command: Command<web::Json<PictureChoice>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let picture = Some(command.body.medium);
    Ok(web::Json((&app.commands.change_avatar(&command.caller, picture).await?).into()))
}

/// Take the picture in one's profile away.
#[utoipa::path(tag = "people", security(("token" = [])),
    responses((status = 200, description = "There is none.", body = Done), Refusals))]
#[delete("/v1/me/avatar")]
async fn remove_avatar(command: Command<NoBody>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.change_avatar(&command.caller, None).await?).into()))
}

/// Of which people links are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AvatarsQuery {
    /// The people, up to 100, with commas between.
    users: String,
}

/// A picture that somebody shows of themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Avatar {
    /// Who.
    pub user: UserId,
    /// Where it can be fetched.
    #[serde(flatten)]
    pub links: MediaLinks,
}

/// Pictures that people show of themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Avatars {
    /// They, in the order of the people who were asked for.
    pub avatars: Vec<Avatar>,
}

/// Links to the pictures in people's profiles. Who shows none, and whose profile the caller may not see, has none here.
#[utoipa::path(tag = "people", params(AvatarsQuery), security(("token" = [])),
    responses((status = 200, description = "The links.", body = Avatars), Refusals))]
#[get("/v1/avatars")]
async fn avatars(
    reader: Reader,
    query: Query<AvatarsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Avatars>, Problem> {
    let users: Result<Vec<Uuid>, _> = query.users.split(',').map(|user| user.trim().parse()).collect();
    let users = users.ok().filter(|users| users.len() <= CARRIERS_MAX);
    let users = users.ok_or_else(|| Problem::new(Code::InvalidQuery, "users: up to 100 ids with commas"))?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let chat = app.fresh(&app.read_models.chat, reader.at_least).await?;
    let mut avatars = vec![];
    for user in users.into_iter().map(UserId) {
        if let Some(avatar) = avatar_seen_by(&app, &people, &chat, reader.user, user)? {
            let place = MediaPlace::Avatar(user);
            let links = MediaLinks::new(&app, reader.user, place, MediumKind::Picture, avatar.medium);
            avatars.push(Avatar { user, links });
        }
    }
    Ok(web::Json(Avatars { avatars }))
}
