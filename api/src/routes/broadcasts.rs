//! Broadcasts of official accounts: sending them, and what followers are shown.

use std::sync::Arc;

use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use commands::MediaPlace;
use domain::{
    BroadcastsEvent, OfficialAccountId, Rejection, UserId,
    broadcasts::{Addressees, BroadcastAudience, NewBroadcast},
    conversation::Content,
};
use projections::{
    broadcasts::{BroadcastsView, Follower, SentRow, Shown},
    official::{FollowedRow, OfficialView},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, PageQuery, aside, cut,
    paths::{BroadcastPath, OfficialAccountPath},
    resume,
};
use crate::{
    App,
    media_access::MediaLinks,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(send_broadcast).service(sent_broadcasts).service(withdraw_broadcast);
    config.service(account_broadcasts);
}

/// What is to be said to many at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastBody {
    /// A text of at most 300 characters, a picture that the caller brought, or one to eight articles of the account; drafts
    /// among them are published by that.
    #[schema(min_items = 1, max_items = 8)]
    pub contents: Vec<Content>,
    /// Only for followers with that tag; absent for all.
    #[serde(default)]
    pub tag: Option<u32>,
}

/// A broadcast that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastMade {
    /// Its number among the account's.
    pub number: u64,
    /// Position of the event in the log.
    pub position: u64,
}

/// Say something to all followers of an account, or to those with a tag; for its owner and operators.
#[utoipa::path(tag = "broadcasts", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 201, description = "It is sent.", body = BroadcastMade), Refusals))]
#[post("/{account}/broadcasts")]
async fn send_broadcast(
    command: Command<web::Json<BroadcastBody>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let BroadcastBody { contents, tag } = command.body.into_inner();
    let new = NewBroadcast { contents, to: tag.map_or(Addressees::All, Addressees::Tag) };
    let sent = app.commands.send_broadcast(&command.caller, path.account, new).await?;
    let number = sent.events.iter().find_map(|(_, event)| match event {
        BroadcastsEvent::BroadcastSent(sent) => Some(sent.number),
        BroadcastsEvent::BroadcastAddressed(_) | BroadcastsEvent::BroadcastWithdrawn(_) => None,
    });
    let number = number.ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(BroadcastMade { number, position: sent.position.0 }))
}

/// Take a broadcast back: nobody is shown it any longer; for the account's owner and operators.
#[utoipa::path(tag = "broadcasts", params(BroadcastPath), security(("token" = [])),
    responses((status = 200, description = "It is shown no longer.", body = Done), Refusals))]
#[delete("/{account}/broadcasts/{number}")]
async fn withdraw_broadcast(
    command: Command<NoBody>,
    path: web::Path<BroadcastPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.withdraw_broadcast(&command.caller, path.account, path.number).await?).into()))
}

/// A broadcast, as the account's people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastSentShown {
    /// Its number among the account's.
    pub number: u64,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// What it says.
    pub contents: Vec<Content>,
    /// For whom it is.
    pub audience: BroadcastAudience,
    /// Whether it was taken back.
    pub withdrawn: bool,
}

/// Broadcasts that an account sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentBroadcasts {
    /// The broadcasts, the latest first.
    pub broadcasts: Vec<BroadcastSentShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What an account has broadcast, to whom it may be; for its owner and operators.
#[utoipa::path(tag = "broadcasts", params(OfficialAccountPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The broadcasts.", body = SentBroadcasts), Refusals))]
#[get("/{account}/sent-broadcasts")]
async fn sent_broadcasts(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<SentBroadcasts>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let limit = query.limit()?;
    let before = resume::<u64>(query.cursor.as_deref())?.unwrap_or(u64::MAX);
    let view = app.fresh(&app.read_models.broadcasts, reader.at_least).await?;
    let (rows, next) = cut(view.sent_before(path.account, before, limit + 1)?, |(number, _)| *number, limit);
    let shown = |(number, row): (u64, SentRow)| {
        let SentRow { at, contents, audience, withdrawn, .. } = row;
        BroadcastSentShown { number, at, contents, audience, withdrawn }
    };
    Ok(web::Json(SentBroadcasts { broadcasts: rows.into_iter().map(shown).collect(), next }))
}

/// A broadcast, as somebody is shown it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastReceived {
    /// Whose.
    pub account: OfficialAccountId,
    /// Its number among the account's. Where there are gaps, others were not for the caller.
    pub number: u64,
    /// Its place in the log.
    pub position: u64,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// What it says.
    pub contents: Vec<Content>,
    /// Where its pictures can be fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaLinks>,
}

impl BroadcastReceived {
    fn of(app: &App, reader: UserId, shown: Shown, row: SentRow) -> Self {
        let Shown { account, number, position } = shown;
        let place = MediaPlace::Broadcast(account, number);
        let pictures = row.contents.iter().flat_map(Content::media);
        let links = pictures.map(|(kind, medium)| MediaLinks::new(app, reader, place, kind, medium));
        let media = links.collect();
        Self { account, number, position, at: row.at, contents: row.contents, media }
    }
}

/// Broadcasts that somebody is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedBroadcasts {
    /// The broadcasts, the latest first.
    pub broadcasts: Vec<BroadcastReceived>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The read models that tell who is shown what.
struct Views {
    official: Arc<OfficialView>,
    broadcasts: Arc<BroadcastsView>,
}

impl Views {
    async fn of(app: &App, reader: &Reader) -> Result<Self, Problem> {
        let official = app.fresh(&app.read_models.official, reader.at_least).await?;
        let broadcasts = app.fresh(&app.read_models.broadcasts, reader.at_least).await?;
        Ok(Self { official, broadcasts })
    }

    /// What a follower of some accounts is shown before a position, the latest first.
    fn page(
        &self,
        followed: &[FollowedRow],
        before: u64,
        limit: usize,
    ) -> Result<Vec<(Shown, SentRow)>, projections::ProjectionError> {
        let mut all = vec![];
        for row in followed {
            let shown = self.broadcasts.shown_to(row.account, Follower { openid: &row.openid, since: row.since })?;
            all.extend(shown.into_iter().filter(|shown| shown.position < before));
        }
        all.sort_unstable_by_key(|shown| std::cmp::Reverse(shown.position));
        all.truncate(limit);
        let row = |shown: Shown| -> Result<Option<(Shown, SentRow)>, projections::ProjectionError> {
            Ok(self.broadcasts.sent(shown.account, shown.number)?.map(|row| (shown, row)))
        };
        all.into_iter().map(row).filter_map(Result::transpose).collect()
    }
}

async fn received(
    app: &App,
    reader: Reader,
    query: &PageQuery,
    views: Views,
    followed: Vec<FollowedRow>,
) -> Result<web::Json<ReceivedBroadcasts>, Problem> {
    let limit = query.limit()?;
    let before = resume::<u64>(query.cursor.as_deref())?.unwrap_or(u64::MAX);
    let rows = aside(move || views.page(&followed, before, limit + 1)).await?;
    let (rows, next) = cut(rows, |(shown, _)| shown.position, limit);
    let shown = rows.into_iter().map(|(shown, row)| BroadcastReceived::of(app, reader.user, shown, row));
    Ok(web::Json(ReceivedBroadcasts { broadcasts: shown.collect(), next }))
}

/// What an account that the caller follows has broadcast to them.
#[utoipa::path(tag = "broadcasts", params(OfficialAccountPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The broadcasts.", body = ReceivedBroadcasts), Refusals))]
#[get("/{account}/broadcasts")]
async fn account_broadcasts(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ReceivedBroadcasts>, Problem> {
    app.commands.check_official_account(path.account).await?;
    let views = Views::of(&app, &reader).await?;
    let row = views.official.followed(reader.user, path.account)?.ok_or(Rejection::NotFollowed)?;
    received(&app, reader, &query, views, vec![row]).await
}

/// What all accounts that the caller follows have broadcast to them.
#[utoipa::path(tag = "broadcasts", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The broadcasts.", body = ReceivedBroadcasts), Refusals))]
#[get("/v1/subscriptions/broadcasts")]
pub(super) async fn subscription_broadcasts(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ReceivedBroadcasts>, Problem> {
    let views = Views::of(&app, &reader).await?;
    let followed = views.official.followed_by(reader.user)?;
    received(&app, reader, &query, views, followed).await
}
