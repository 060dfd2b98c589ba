//! The picture above one's Moments. The album shows it, to whoever may see any of them.

use actix_web::{delete, put, web};
use domain::MediumId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Done;
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(choose_moments_cover).service(remove_moments_cover);
}

/// A picture of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureChoice {
    /// The medium, which must be a picture that one brought.
    pub medium: MediumId,
}

/// Put a picture above one's Moments, in place of what is there. Whoever may see any of one's Moments sees it.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "It is there.", body = Done), Refusals))]
#[put("/cover")]
async fn choose_moments_cover(
    command: Command<web::Json<PictureChoice>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let picture = Some(command.body.medium);
    Ok(web::Json((&app.commands.change_moments_cover(&command.caller, picture).await?).into()))
}

/// Take the picture above one's Moments away.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "There is none.", body = Done), Refusals))]
#[delete("/cover")]
async fn remove_moments_cover(command: Command<NoBody>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.change_moments_cover(&command.caller, None).await?).into()))
}
