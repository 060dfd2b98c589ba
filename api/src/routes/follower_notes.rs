//! What an official account notes of its followers, and its figures.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use chrono::{NaiveDate, TimeDelta};
use domain::{FollowerTagsEvent, follower_notes::NotesChange};
use projections::official::DayRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, PageQuery, cut,
    paths::{FollowerPath, FollowerTagPath, OfficialAccountPath},
};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

/// Most days that figures are asked for at once.
const DAYS_MAX: i64 = 100;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(follower_tags).service(make_follower_tag).service(rename_follower_tag).service(delete_follower_tag);
    config.service(tagged_followers).service(note_follower).service(statistics);
}

/// A tag for followers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowerTagName {
    /// Its name, 1 to 30 characters.
    #[schema(min_length = 1, max_length = 30)]
    pub name: String,
}

/// A tag that an account puts on followers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowerTagShown {
    /// Its number.
    pub tag: u32,
    /// Its name.
    pub name: String,
    /// On how many the account has put it; some may have left since.
    pub followers: u64,
}

/// The tags of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowerTagsShown {
    /// The tags, in the order of their numbers; 100 at most.
    pub tags: Vec<FollowerTagShown>,
}

/// The tags that an account puts on followers; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 200, description = "The tags.", body = FollowerTagsShown), Refusals))]
#[get("/{account}/follower-tags")]
async fn follower_tags(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<web::Json<FollowerTagsShown>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.broadcasts, reader.at_least).await?;
    let tags = view.tags(path.account).into_iter();
    let tags = tags.map(|(tag, row)| FollowerTagShown { tag, name: row.name, followers: row.followers });
    Ok(web::Json(FollowerTagsShown { tags: tags.collect() }))
}

/// A tag that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowerTagMade {
    /// Its number.
    pub tag: u32,
    /// Position of the event in the log.
    pub position: u64,
}

/// Make a tag for followers; for the account's owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 201, description = "Made.", body = FollowerTagMade), Refusals))]
#[post("/{account}/follower-tags")]
async fn make_follower_tag(
    command: Command<web::Json<FollowerTagName>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let made = app.commands.make_follower_tag(&command.caller, path.account, &command.body.name).await?;
    let tag = made.events.iter().find_map(|(_, event)| match event {
        FollowerTagsEvent::FollowerTagNamed(named) => Some(named.tag),
        FollowerTagsEvent::FollowerTagDeleted(_) => None,
    });
    let tag = tag.ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(FollowerTagMade { tag, position: made.position.0 }))
}

/// Give a tag for followers another name; for the account's owner and operators.
#[utoipa::path(tag = "official accounts", params(FollowerTagPath), security(("token" = [])),
    responses((status = 200, description = "Renamed.", body = Done), Refusals))]
#[patch("/{account}/follower-tags/{label}")]
async fn rename_follower_tag(
    command: Command<web::Json<FollowerTagName>>,
    path: web::Path<FollowerTagPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let FollowerTagPath { account, label } = *path;
    let renamed = app.commands.rename_follower_tag(&command.caller, account, label, &command.body.name).await?;
    Ok(web::Json((&renamed).into()))
}

/// Delete a tag for followers: nobody has it any longer; for the account's owner and operators.
#[utoipa::path(tag = "official accounts", params(FollowerTagPath), security(("token" = [])),
    responses((status = 200, description = "Deleted.", body = Done), Refusals))]
#[delete("/{account}/follower-tags/{label}")]
async fn delete_follower_tag(
    command: Command<NoBody>,
    path: web::Path<FollowerTagPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let FollowerTagPath { account, label } = *path;
    Ok(web::Json((&app.commands.delete_follower_tag(&command.caller, account, label).await?).into()))
}

/// A page of those with a tag.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaggedFollowers {
    /// What the account knows them by; who has left is not among them.
    pub openids: Vec<String>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The followers with a tag; for the account's owner and operators.
#[utoipa::path(tag = "official accounts", params(FollowerTagPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The followers.", body = TaggedFollowers), Refusals))]
#[get("/{account}/follower-tags/{label}/followers")]
async fn tagged_followers(
    reader: Reader,
    path: web::Path<FollowerTagPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<TaggedFollowers>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let limit = query.limit()?;
    let view = app.fresh(&app.read_models.broadcasts, reader.at_least).await?;
    if !view.tags(path.account).contains_key(&path.label) {
        return Err(domain::Rejection::TagNotFound.into());
    }
    let official = app.fresh(&app.read_models.official, reader.at_least).await?;
    let after: Option<String> = super::resume(query.cursor.as_deref())?;
    let tagged = view.tagged(path.account, path.label, after.as_deref().unwrap_or_default(), limit + 1)?;
    let (tagged, next) = cut(tagged, Clone::clone, limit);
    let mut openids = vec![];
    for openid in tagged {
        if official.follower(path.account, &openid)?.is_some() {
            openids.push(openid);
        }
    }
    Ok(web::Json(TaggedFollowers { openids, next }))
}

/// What an account notes of a follower.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFollowerNotes {
    /// The account's own name for them, at most 30 characters; absent or null leaves it as it is.
    #[serde(default)]
    #[schema(max_length = 30)]
    pub remark: Option<String>,
    /// Tags that they are to have as well.
    #[serde(default)]
    pub add_tags: BTreeSet<u32>,
    /// Tags that they are to have no longer.
    #[serde(default)]
    pub remove_tags: BTreeSet<u32>,
}

/// Note something of a follower; for the account's owner and operators.
#[utoipa::path(tag = "official accounts", params(FollowerPath), security(("token" = [])),
    responses((status = 200, description = "Noted.", body = Done), Refusals))]
#[put("/{account}/followers/{openid}/notes")]
async fn note_follower(
    command: Command<web::Json<NewFollowerNotes>>,
    path: web::Path<FollowerPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let NewFollowerNotes { remark, add_tags: add, remove_tags: remove } = command.body.into_inner();
    let change = NotesChange { remark, add, remove };
    let noted = app.commands.note_follower(&command.caller, path.account, &path.openid, &change).await?;
    Ok(web::Json((&noted).into()))
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// The first day, like `2026-11-01`; the seventh before the last if not given.
    from: Option<NaiveDate>,
    /// The last day, up to 100 days later; the present one if not given.
    to: Option<NaiveDate>,
}

/// The figures of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayShown {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// How many began to follow the account.
    pub followed: u64,
    /// How many left.
    pub unfollowed: u64,
    /// How many messages followers wrote.
    pub heard: u64,
    /// How many broadcasts it sent.
    pub broadcasts: u64,
    /// How many people read one of its articles for the first time, each article by itself.
    pub reads: u64,
    /// How many likes its articles got; those that were taken back are not taken off.
    pub likes: u64,
}

/// The figures of some days.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statistics {
    /// The days on which there was anything, in their order.
    pub days: Vec<DayShown>,
}

/// The figures of an account, day by day; for its owner and operators.
#[utoipa::path(tag = "official accounts", params(OfficialAccountPath, StatisticsQuery), security(("token" = [])),
    responses((status = 200, description = "The figures.", body = Statistics), Refusals))]
#[get("/{account}/statistics")]
async fn statistics(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<StatisticsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<Statistics>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let to = query.to.unwrap_or_else(|| app.commands.now().date_naive());
    let from = query.from.unwrap_or_else(|| to.checked_sub_signed(TimeDelta::days(6)).unwrap_or(to));
    if !(0..DAYS_MAX).contains(&(to - from).num_days()) {
        return Err(Problem::new(Code::InvalidQuery, "from and to: at most 100 days"));
    }
    let view = app.fresh(&app.read_models.official, reader.at_least).await?;
    let shown = |(day, row): (NaiveDate, DayRow)| {
        let DayRow { followed, unfollowed, heard, broadcasts, reads, likes } = row;
        DayShown { day, followed, unfollowed, heard, broadcasts, reads, likes }
    };
    Ok(web::Json(Statistics { days: view.days(path.account, from, to)?.into_iter().map(shown).collect() }))
}
