//! Tags: labels that one puts on contacts.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use commands::CommandError;
use domain::{ContactsEvent, TagId};
use projections::people::TagRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Done, paths::TagPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(tags).service(make_tag).service(rename_tag).service(delete_tag);
}

/// One's tags.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tags {
    /// They, by name; at most as many as one may have.
    pub tags: Vec<TagRow>,
}

/// One's tags.
#[utoipa::path(tag = "contacts", security(("token" = [])),
    responses((status = 200, description = "The tags.", body = Tags), Refusals))]
#[get("/v1/tags")]
async fn tags(reader: Reader, app: web::Data<App>) -> Result<web::Json<Tags>, Problem> {
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    Ok(web::Json(Tags { tags: people.tags_of(reader.user) }))
}

/// What a tag is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagName {
    /// Its name: 1 to 20 characters, unique among one's tags.
    #[schema(min_length = 1, max_length = 20)]
    pub name: String,
}

/// A tag that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagMade {
    /// The tag.
    pub tag: TagId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Make a tag.
#[utoipa::path(tag = "contacts", security(("token" = [])),
    responses((status = 201, description = "Made.", body = TagMade), Refusals))]
#[post("/v1/tags")]
async fn make_tag(command: Command<web::Json<TagName>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.name_tag(&command.caller, None, command.body.into_inner().name).await?;
    let tag = committed.events.iter().find_map(|(_, event)| match event {
        ContactsEvent::TagNamed(named) => Some(named.tag),
        _ => None,
    });
    let tag = tag.ok_or_else(|| CommandError::Internal("a new tag has no name".to_owned()))?;
    Ok(HttpResponse::Created().json(TagMade { tag, position: committed.position.0 }))
}

/// Give a tag another name.
#[utoipa::path(tag = "contacts", params(TagPath), security(("token" = [])),
    responses((status = 200, description = "Renamed.", body = Done), Refusals))]
#[patch("/v1/tags/{tag}")]
async fn rename_tag(
    command: Command<web::Json<TagName>>,
    path: web::Path<TagPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let name = command.body.into_inner().name;
    Ok(web::Json((&app.commands.name_tag(&command.caller, Some(path.tag), name).await?).into()))
}

/// Delete a tag. It is taken off everybody who had it.
#[utoipa::path(tag = "contacts", params(TagPath), security(("token" = [])),
    responses((status = 200, description = "Deleted.", body = Done), Refusals))]
#[delete("/v1/tags/{tag}")]
async fn delete_tag(
    command: Command<NoBody>,
    path: web::Path<TagPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.delete_tag(&command.caller, path.tag).await?).into()))
}
