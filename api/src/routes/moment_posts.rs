//! Moments, what one does: publishing, liking, commenting, one's settings and marks.

use actix_web::{HttpResponse, delete, patch, post, put, web};
use chrono::{DateTime, Utc};
use domain::{
    CommentId, PostId,
    moments::{circle::Settings, post::Draft, visibility::Window},
};
use eventlog::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done,
    paths::{CommentPath, PostPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(like_post).service(take_like_back).service(add_comment).service(publish_post);
    config.service(delete_post).service(delete_comment);
    config.service(change_moments_settings).service(view_timeline).service(read_notices);
}

/// A post that was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostMade {
    /// The post.
    pub post: PostId,
    /// When it was published.
    pub at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

/// Publish a post in one's Moments. Who sees it is judged whenever somebody looks.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 201, description = "Published.", body = PostMade), Refusals))]
#[post("/posts")]
async fn publish_post(command: Command<web::Json<Draft>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let (post, committed) = app.commands.publish_post(&command.caller, command.body.into_inner()).await?;
    let made = PostMade { post, at: committed.at, position: committed.position.0 };
    Ok(HttpResponse::Created().json(made))
}

/// Delete one of one's own posts.
#[utoipa::path(tag = "moments", params(PostPath), security(("token" = [])),
    responses((status = 200, description = "Deleted.", body = Done), Refusals))]
#[delete("/posts/{post}")]
async fn delete_post(
    command: Command<NoBody>,
    path: web::Path<PostPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.delete_post(&command.caller, path.post).await?).into()))
}

/// Like a post.
#[utoipa::path(tag = "moments", params(PostPath), security(("token" = [])),
    responses((status = 200, description = "Liked.", body = Done), Refusals))]
#[put("/posts/{post}/like")]
async fn like_post(
    command: Command<NoBody>,
    path: web::Path<PostPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.like_post(&command.caller, path.post).await?).into()))
}

/// Take one's like of a post back. Nobody is told.
#[utoipa::path(tag = "moments", params(PostPath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = Done), Refusals))]
#[delete("/posts/{post}/like")]
async fn take_like_back(
    command: Command<NoBody>,
    path: web::Path<PostPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.take_like_back(&command.caller, path.post).await?).into()))
}

/// Something to say about a post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// The words, 1 to 500 characters unless the server is set otherwise.
    pub text: String,
    /// The comment that it answers; none where it is about the post.
    #[serde(default)]
    pub reply_to: Option<CommentId>,
}

/// A comment that was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentMade {
    /// The comment.
    pub comment: CommentId,
    /// When it was added.
    pub at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

/// Say something about a post, or about a comment on it.
#[utoipa::path(tag = "moments", params(PostPath), security(("token" = [])),
    responses((status = 201, description = "Added.", body = CommentMade), Refusals))]
#[post("/posts/{post}/comments")]
async fn add_comment(
    command: Command<web::Json<NewComment>>,
    path: web::Path<PostPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let NewComment { text, reply_to } = command.body.into_inner();
    let (comment, committed) = app.commands.add_comment(&command.caller, path.post, text, reply_to).await?;
    let made = CommentMade { comment, at: committed.at, position: committed.position.0 };
    Ok(HttpResponse::Created().json(made))
}

/// Delete one of one's own comments, or any on one's own post.
#[utoipa::path(tag = "moments", params(CommentPath), security(("token" = [])),
    responses((status = 200, description = "Deleted.", body = Done), Refusals))]
#[delete("/posts/{post}/comments/{comment}")]
async fn delete_comment(
    command: Command<NoBody>,
    path: web::Path<CommentPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.delete_comment(&command.caller, path.post, path.comment).await?).into()))
}

/// What is to change in one's settings. What is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MomentsSettingsChange {
    /// How far back others see. Nothing is deleted by it.
    #[serde(default)]
    pub window: Option<Window>,
    /// Whether people who are no friends see the latest posts in the album.
    #[serde(default)]
    pub open_to_strangers: Option<bool>,
    /// Whether only what friends do to oneself reminds one: not what they do below posts that one liked or commented on.
    #[serde(default)]
    pub only_about_me: Option<bool>,
}

/// Change how one's Moments are shown, and what reminds one of others'.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[patch("/settings")]
async fn change_moments_settings(
    command: Command<web::Json<MomentsSettingsChange>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let MomentsSettingsChange { window, open_to_strangers, only_about_me } = command.body.into_inner();
    let changed = |present: Settings| Settings {
        window: window.unwrap_or(present.window),
        open_to_strangers: open_to_strangers.unwrap_or(present.open_to_strangers),
        only_about_me: only_about_me.unwrap_or(present.only_about_me),
    };
    Ok(web::Json((&app.commands.change_moments_settings(&command.caller, changed).await?).into()))
}

/// Up to where something was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MomentsMark {
    /// The position of the newest one shown.
    pub position: u64,
}

/// Mark the timeline as seen up to a post. A mark never goes back.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "Marked.", body = Done), Refusals))]
#[put("/viewed")]
async fn view_timeline(
    command: Command<web::Json<MomentsMark>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let newest = Position(command.body.position);
    app.check_not_ahead(newest).await?;
    Ok(web::Json((&app.commands.view_timeline(&command.caller, newest).await?).into()))
}

/// Mark notices as read up to one. A mark never goes back.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "Marked.", body = Done), Refusals))]
#[put("/notices/read")]
async fn read_notices(
    command: Command<web::Json<MomentsMark>>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let newest = Position(command.body.position);
    app.check_not_ahead(newest).await?;
    Ok(web::Json((&app.commands.read_notices(&command.caller, newest).await?).into()))
}
