//! What an official account's people do with its articles, and what it has published.

use actix_web::{HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use commands::official::NewArticle;
use domain::{ArticleId, MediumId, Rejection, article::ArticleText};
use projections::articles::{ArticleRow, ArticlesView, Listed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done, PageQuery, cut,
    paths::{AccountArticlePath, OfficialAccountPath},
    resume,
};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(write_article).service(drafts).service(read_draft).service(rewrite_article).service(publish_article);
    config.service(published_articles).service(withdraw_article);
}

/// An article to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleDraft {
    /// Its title, 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub title: String,
    /// Who wrote it, at most 16 characters.
    #[serde(default)]
    #[schema(max_length = 16)]
    pub author: String,
    /// What it is about, at most 120 characters.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub digest: String,
    /// The picture on its cover, one that the caller brought.
    #[serde(default)]
    pub cover: Option<MediumId>,
    /// The text in HTML. Scripts, styles, forms, frames and pictures from elsewhere are left out; a picture that the caller
    /// brought is named `<img src="medium:{id}">`.
    #[schema(min_length = 1)]
    pub body: String,
    /// Where it first appeared: an `http` or `https` address, or nothing.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub source: String,
}

impl From<ArticleDraft> for NewArticle {
    fn from(draft: ArticleDraft) -> Self {
        let ArticleDraft { title, author, digest, cover, body, source } = draft;
        Self { title, author, digest, cover, body, source }
    }
}

/// An article that was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleMade {
    /// Its id.
    pub article: ArticleId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Write a draft of an article; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(OfficialAccountPath), security(("token" = [])),
    responses((status = 201, description = "It is kept.", body = ArticleMade), Refusals))]
#[post("/{account}/drafts")]
async fn write_article(
    command: Command<web::Json<ArticleDraft>>,
    path: web::Path<OfficialAccountPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let draft = command.body.into_inner().into();
    let (article, written) = app.commands.write_article(&command.caller, path.account, draft).await?;
    Ok(HttpResponse::Created().json(ArticleMade { article, position: written.position.0 }))
}

/// Write a draft anew; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(AccountArticlePath), security(("token" = [])),
    responses((status = 200, description = "It is kept.", body = Done), Refusals))]
#[put("/{account}/drafts/{article}")]
async fn rewrite_article(
    command: Command<web::Json<ArticleDraft>>,
    path: web::Path<AccountArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let draft = command.body.into_inner().into();
    let written = app.commands.rewrite_article(&command.caller, path.account, path.article, draft).await?;
    Ok(web::Json((&written).into()))
}

/// Publish a draft as it was last written; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(AccountArticlePath), security(("token" = [])),
    responses((status = 200, description = "Anybody may read it.", body = Done), Refusals))]
#[post("/{account}/drafts/{article}/publish")]
async fn publish_article(
    command: Command<NoBody>,
    path: web::Path<AccountArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.publish_article(&command.caller, path.account, path.article).await?).into()))
}

/// Take an article back, published or not; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(AccountArticlePath), security(("token" = [])),
    responses((status = 200, description = "It is no more.", body = Done), Refusals))]
#[delete("/{account}/articles/{article}")]
async fn withdraw_article(
    command: Command<NoBody>,
    path: web::Path<AccountArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.withdraw_article(&command.caller, path.account, path.article).await?).into()))
}

/// A draft, as the account's people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftShown {
    /// Its id.
    pub article: ArticleId,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The picture on its cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<MediumId>,
    /// The text, as it is kept. Pictures are named `medium:{id}`.
    pub body: String,
    /// Where it first appeared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// When it was last written.
    pub written_at: DateTime<Utc>,
}

/// A draft; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(AccountArticlePath), security(("token" = [])),
    responses((status = 200, description = "The draft.", body = DraftShown), Refusals))]
#[get("/{account}/drafts/{article}")]
async fn read_draft(
    reader: Reader,
    path: web::Path<AccountArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<DraftShown>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.articles, reader.at_least).await?;
    let row = view.article(path.article)?;
    let row = row.filter(|row| row.account == path.account && row.published_at.is_none());
    let ArticleRow { text, written_at, .. } = row.ok_or(Rejection::ArticleNotFound)?;
    let ArticleText { title, author, digest, cover, body, source, .. } = text;
    let article = path.article;
    Ok(web::Json(DraftShown { article, title, author, digest, cover, body, source, written_at }))
}

/// An article in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleListed {
    /// Which.
    pub article: ArticleId,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The picture on its cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<MediumId>,
    /// When it was published, or, of a draft, last written.
    pub at: DateTime<Utc>,
    /// How many people have read it.
    pub reads: u64,
    /// How many like it.
    pub likes: u64,
}

/// A page of articles.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticlesPage {
    /// The articles, the latest first.
    pub articles: Vec<ArticleListed>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

fn list(
    view: &ArticlesView,
    path: &OfficialAccountPath,
    published: bool,
    query: &PageQuery,
) -> Result<web::Json<ArticlesPage>, Problem> {
    let limit = query.limit()?;
    let before = resume::<u64>(query.cursor.as_deref())?.unwrap_or(u64::MAX);
    let (rows, next) = cut(view.list(path.account, published, before, limit + 1)?, |row| row.place, limit);
    let shown = |Listed { article, row, .. }: Listed| -> Result<ArticleListed, Problem> {
        let counts = view.counts(article)?;
        let at = row.published_at.unwrap_or(row.written_at);
        let ArticleText { title, author, digest, cover, .. } = row.text;
        Ok(ArticleListed { article, title, author, digest, cover, at, reads: counts.reads, likes: counts.likes })
    };
    let articles = rows.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(web::Json(ArticlesPage { articles, next }))
}

/// Drafts that were not published yet; for the account's owner and operators.
#[utoipa::path(tag = "articles", params(OfficialAccountPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The drafts.", body = ArticlesPage), Refusals))]
#[get("/{account}/drafts")]
async fn drafts(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ArticlesPage>, Problem> {
    app.commands.check_acting_for(reader.user, path.account).await?;
    let view = app.fresh(&app.read_models.articles, reader.at_least).await?;
    list(&view, &path, false, &query)
}

/// What an account has published.
#[utoipa::path(tag = "articles", params(OfficialAccountPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The articles.", body = ArticlesPage), Refusals))]
#[get("/{account}/articles")]
async fn published_articles(
    reader: Reader,
    path: web::Path<OfficialAccountPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<ArticlesPage>, Problem> {
    app.commands.check_official_account(path.account).await?;
    let view = app.fresh(&app.read_models.articles, reader.at_least).await?;
    list(&view, &path, true, &query)
}
