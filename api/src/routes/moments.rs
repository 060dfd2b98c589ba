//! Moments, what one sees: the timeline, albums, posts, notices. Whatever somebody may not see is answered like what never
//! was.

use actix_web::{get, web};
use commands::MediaPlace;
use domain::{MediumKind, PostId, Rejection, moments::circle::Settings};
use projections::{
    ProjectionError,
    moments::{Badge, Comments, Interactions, Likes, Notices, PostShown, Posts, Viewer},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    aside, before, page_limit,
    paths::{PersonPath, PostPath},
    position,
};
use crate::{
    App,
    media_access::{MediaLinks, PictureShown},
    notices::bounds,
    problem::{Problem, Refusals},
    query::Query,
    request::Reader,
};

/// Posts of a page that is not asked for by length.
const POSTS: usize = 20;
/// Most posts of a page.
const POSTS_MAX: usize = 50;
/// Likes, comments, notices of a page that is not asked for by length.
const ITEMS: usize = 100;
/// Most notices, or most of one's own interactions, of a page.
const ITEMS_MAX: usize = 200;
/// Most likes or comments of a page.
const TALK_MAX: usize = 1_000;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(moments_timeline).service(moments_badge).service(moments_album);
    config.service(moments_post).service(moments_likes).service(moments_comments);
    config.service(moments_interactions).service(moments_notices).service(moments_settings);
}

/// Has somebody look at their Moments, once both read models have come to what they may ask for.
async fn look<T: Send + 'static>(
    app: &App,
    reader: &Reader,
    asked: impl FnOnce(&Viewer<'_>) -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, Problem> {
    let moments = app.fresh(&app.read_models.moments, reader.at_least).await?;
    let people = app.fresh(&app.read_models.people, reader.at_least).await?;
    let (user, now, bounds) = (reader.user, app.commands.now(), bounds(app));
    aside(move || asked(&moments.seen_by(user, &people, now, bounds))).await
}

/// What is seen of a post; who sees nothing of it is told what is told of a post that never was.
fn found<T>(seen: Option<T>) -> Result<web::Json<T>, Problem> {
    seen.map(web::Json).ok_or_else(|| Rejection::PostNotFound.into())
}

/// Which part of a list that goes back in time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostsQuery {
    /// Only posts before this position: `next` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    before: Option<u64>,
    /// At most this many posts, 1 to 50; 20 if not given.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<usize>,
}

/// Which part of a list that goes back in time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BackwardsQuery {
    /// Only what is before this position: `next` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    before: Option<u64>,
    /// At most this many, 1 to 200; 100 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Which part of what was said of a post.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TalkQuery {
    /// Only what is behind this position: that of the last item of the page before, or of what came with the post.
    after: Option<u64>,
    /// At most this many, 1 to 1,000; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl PostsQuery {
    fn parts(&self) -> Result<(Option<u64>, usize), Problem> {
        Ok((before(self.before)?, page_limit(self.limit, POSTS, POSTS_MAX)?))
    }
}

impl BackwardsQuery {
    fn parts(&self) -> Result<(Option<u64>, usize), Problem> {
        Ok((before(self.before)?, page_limit(self.limit, ITEMS, ITEMS_MAX)?))
    }
}

impl TalkQuery {
    fn parts(&self) -> Result<(u64, usize), Problem> {
        Ok((position(self.after)?.0, page_limit(self.limit, ITEMS, TALK_MAX)?))
    }
}

/// What to show before anybody looks: whether there is something new in the timeline, and how many notices are unread.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "What is new.", body = Badge), Refusals))]
#[get("")]
async fn moments_badge(reader: Reader, app: web::Data<App>) -> Result<web::Json<Badge>, Problem> {
    look(&app, &reader, |viewer| viewer.badge()).await.map(web::Json)
}

/// The timeline: one's own posts and those of friends, newest first, each with the first likes and comments that one may
/// see.
#[utoipa::path(tag = "moments", params(PostsQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = Posts), Refusals))]
#[get("/timeline")]
async fn moments_timeline(
    reader: Reader,
    query: Query<PostsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Posts>, Problem> {
    let (before, limit) = query.parts()?;
    look(&app, &reader, move |viewer| viewer.timeline(before, limit)).await.map(web::Json)
}

/// Somebody's album.
#[derive(Debug, Serialize, ToSchema)]
pub struct MomentsAlbum {
    /// The picture above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<PictureShown>,
    /// The posts.
    #[serde(flatten)]
    pub posts: Posts,
}

/// Somebody's album, newest first: one's own whole, of a friend what one may see, of anybody else the latest posts, if
/// strangers may look, without what others say of them. Where there is nothing to see, or nobody, it is empty: why is not
/// told. Whoever may see any of somebody's Moments sees their cover, also where there are no posts.
#[utoipa::path(tag = "moments", params(PersonPath, PostsQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = MomentsAlbum), Refusals))]
#[get("/albums/{user}")]
async fn moments_album(
    reader: Reader,
    path: web::Path<PersonPath>,
    query: Query<PostsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<MomentsAlbum>, Problem> {
    let ((before, limit), author) = (query.parts()?, path.user);
    let seen = move |viewer: &Viewer<'_>| Ok((viewer.cover(author), viewer.album(author, before, limit)?));
    let (cover, posts) = look(&app, &reader, seen).await?;
    let cover = cover.map(|carried| {
        let place = MediaPlace::Cover(author);
        let links = MediaLinks::new(&app, reader.user, place, MediumKind::Picture, carried.medium);
        PictureShown { facts: carried.facts, links }
    });
    Ok(web::Json(MomentsAlbum { cover, posts }))
}

/// One post, with the first likes and comments that one may see.
#[utoipa::path(tag = "moments", params(PostPath), security(("token" = [])),
    responses((status = 200, description = "The post.", body = PostShown), Refusals))]
#[get("/posts/{post}")]
async fn moments_post(
    reader: Reader,
    path: web::Path<PostPath>,
    app: web::Data<App>,
) -> Result<web::Json<PostShown>, Problem> {
    let post: PostId = path.post;
    found(look(&app, &reader, move |viewer| viewer.post(post)).await?)
}

/// The likes of a post that one may see, in the order of time.
#[utoipa::path(tag = "moments", params(PostPath, TalkQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = Likes), Refusals))]
#[get("/posts/{post}/likes")]
async fn moments_likes(
    reader: Reader,
    path: web::Path<PostPath>,
    query: Query<TalkQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Likes>, Problem> {
    let ((after, limit), post) = (query.parts()?, path.post);
    found(look(&app, &reader, move |viewer| viewer.likes(post, after, limit)).await?)
}

/// The comments on a post that one may see, in the order of time: an answer never stands before what it answers.
#[utoipa::path(tag = "moments", params(PostPath, TalkQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = Comments), Refusals))]
#[get("/posts/{post}/comments")]
async fn moments_comments(
    reader: Reader,
    path: web::Path<PostPath>,
    query: Query<TalkQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Comments>, Problem> {
    let ((after, limit), post) = (query.parts()?, path.post);
    found(look(&app, &reader, move |viewer| viewer.comments(post, after, limit)).await?)
}

/// What one liked and said below posts that one sees, the latest first.
#[utoipa::path(tag = "moments", params(BackwardsQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = Interactions), Refusals))]
#[get("/interactions")]
async fn moments_interactions(
    reader: Reader,
    query: Query<BackwardsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Interactions>, Problem> {
    let (before, limit) = query.parts()?;
    look(&app, &reader, move |viewer| viewer.interactions(before, limit)).await.map(web::Json)
}

/// What one is told of: likes and comments on one's own posts, answers, reminders, and what friends do below posts that
/// one liked or commented on; the latest first.
#[utoipa::path(tag = "moments", params(BackwardsQuery), security(("token" = [])),
    responses((status = 200, description = "A page.", body = Notices), Refusals))]
#[get("/notices")]
async fn moments_notices(
    reader: Reader,
    query: Query<BackwardsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Notices>, Problem> {
    let (before, limit) = query.parts()?;
    look(&app, &reader, move |viewer| viewer.notices(before, limit)).await.map(web::Json)
}

/// How one's Moments are shown, and what reminds one of others'.
#[utoipa::path(tag = "moments", security(("token" = [])),
    responses((status = 200, description = "The settings.", body = Settings), Refusals))]
#[get("/settings")]
async fn moments_settings(reader: Reader, app: web::Data<App>) -> Result<web::Json<Settings>, Problem> {
    let moments = app.fresh(&app.read_models.moments, reader.at_least).await?;
    Ok(web::Json(moments.circle(reader.user).settings))
}
