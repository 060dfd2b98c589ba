//! Articles, as their readers see them. What is published anybody may read who has its address, with or without a log-in.

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::{self, CacheControl, CacheDirective, ETag, EntityTag},
    put, web,
};
use ammonia::clean_text;
use chrono::{DateTime, Utc};
use domain::{ArticleId, MediumId, OfficialAccountId, Rejection, article::ArticleText};
use eventlog::Position;
use projections::articles::{ArticleRow, Counts};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done,
    accounts::address,
    blobs,
    paths::{ArticleMediumPath, ArticlePath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

/// What stands before the id of a picture in an article's text.
const PICTURE: &str = "medium:";
/// For how long, in seconds, browsers keep the pictures of articles.
const PICTURE_SECONDS: u32 = 3_600;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(published_article).service(article_page).service(article_medium);
    config.service(own_reading).service(read_article).service(like_article).service(take_article_like_back);
}

/// Whose an article is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Publisher {
    /// The account.
    pub id: OfficialAccountId,
    /// Its name.
    pub name: String,
}

/// A published article.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleShown {
    /// Which.
    pub article: ArticleId,
    /// Whose it is.
    pub account: Publisher,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The path of the picture on its cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<String>,
    /// The text, in HTML that runs and loads nothing but the article's own pictures.
    pub body: String,
    /// Where it first appeared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// How many people have read it.
    pub reads: u64,
    /// How many like it.
    pub likes: u64,
}

/// A published article with its counts.
async fn published(app: &App, request: &HttpRequest, article: ArticleId) -> Result<ArticleShown, Problem> {
    app.limits.article(&address(request))?;
    let view = app.fresh(&app.read_models.articles, Position::START).await?;
    let not_found = || Problem::from(Rejection::ArticleNotFound);
    let row = view.article(article)?.ok_or_else(not_found)?;
    let published_at = row.published_at.ok_or_else(not_found)?;
    let Counts { reads, likes } = view.counts(article)?;
    let accounts = app.fresh(&app.read_models.official, Position::START).await?;
    let name = accounts.account(row.account).map(|account| account.profile.name.clone()).unwrap_or_default();
    let body = body_of(article, &row.text);
    let ArticleRow { account, text, .. } = row;
    let ArticleText { title, author, digest, cover, source, .. } = text;
    let cover = cover.map(|cover| medium_path(article, cover));
    let account = Publisher { id: account, name };
    Ok(ArticleShown { article, account, title, author, digest, cover, body, source, published_at, reads, likes })
}

/// The text with the paths of its pictures. It was made harmless and written anew before it was kept, so whatever begins
/// with `<` is an element, whose values stand between quotation marks.
fn body_of(article: ArticleId, text: &ArticleText) -> String {
    let mut shown = String::with_capacity(text.body.len());
    let (mut within, mut quoted, mut is_source) = (false, false, false);
    for part in text.body.split_inclusive(['<', '>', '"']) {
        let named = part.strip_prefix(PICTURE).and_then(|id| id.strip_suffix('"')).filter(|_| is_source);
        match named.and_then(|id| id.parse().ok()).filter(|id| text.pictures.contains(id)) {
            Some(picture) => {
                shown.push_str(&medium_path(article, picture));
                shown.push('"');
            }
            None => shown.push_str(part),
        }
        is_source = within && part.ends_with(" src=\"");
        match part.chars().next_back() {
            Some('"') if within => quoted = !quoted,
            Some('<') if !quoted => within = true,
            Some('>') if !quoted => within = false,
            _ => {}
        }
    }
    shown
}

fn medium_path(article: ArticleId, medium: MediumId) -> String {
    format!("/v1/articles/{article}/media/{medium}")
}

/// A published article.
#[utoipa::path(tag = "articles", params(ArticlePath), security(()),
    responses((status = 200, description = "The article.", body = ArticleShown), Refusals))]
#[get("/v1/articles/{article}")]
async fn published_article(
    request: HttpRequest,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<ArticleShown>, Problem> {
    Ok(web::Json(published(&app, &request, path.article).await?))
}

/// A published article as a page, for browsers.
#[utoipa::path(tag = "articles", params(ArticlePath), security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), Refusals))]
#[get("/v1/articles/{article}/page")]
async fn article_page(
    request: HttpRequest,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let shown = published(&app, &request, path.article).await?;
    let page = HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(CacheControl(vec![CacheDirective::NoCache]))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; img-src 'self'; base-uri 'none'"))
        .body(page_of(&shown));
    Ok(page)
}

fn page_of(shown: &ArticleShown) -> String {
    let [title, name, author] = [&shown.title, &shown.account.name, &shown.author].map(|text| clean_text(text));
    let cover = shown.cover.as_ref().map(|path| format!("<img alt=\"\" src=\"{path}\">")).unwrap_or_default();
    let day = shown.published_at.format("%Y-%m-%d");
    let source = match clean_text(&shown.source) {
        none if none.is_empty() => none,
        address => format!("<p><a rel=\"noopener noreferrer\" href=\"{address}\">Where it first appeared</a></p>"),
    };
    let (body, reads, likes) = (&shown.body, shown.reads, shown.likes);
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title></head>\
         <body><header>{cover}<h1>{title}</h1><p>{name} {author} {day}</p></header><article>{body}</article>\
         <footer>{source}<p>Read by {reads}, liked by {likes}</p></footer></body></html>"
    )
}

/// A picture of a published article.
#[utoipa::path(tag = "articles", params(ArticleMediumPath), security(()),
    responses(
        (status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "Some of the bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "They are as they were."),
        (status = 416, description = "There is no such range."), Refusals))]
#[get("/v1/articles/{article}/media/{medium}")]
async fn article_medium(
    request: HttpRequest,
    path: web::Path<ArticleMediumPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.article(&address(&request))?;
    if !app.commands.is_shown_in(path.medium, path.article).await? {
        return Err(Rejection::MediumNotFound.into());
    }
    let uploaded = app.commands.medium(path.medium).await?.ok_or(Rejection::MediumNotFound)?;
    let tag = EntityTag::new_strong(uploaded.hash.clone());
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header(ETag(tag.clone()))
        .insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(PICTURE_SECONDS)]));
    blobs::as_brought(&request, &app, &uploaded, &tag, answer).await
}

/// What somebody did with an article.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnReading {
    /// Whether they have read it.
    pub read: bool,
    /// Whether they like it.
    pub liked: bool,
}

/// Whether the caller has read an article, and likes it.
#[utoipa::path(tag = "articles", params(ArticlePath), security(("token" = [])),
    responses((status = 200, description = "What they did.", body = OwnReading), Refusals))]
#[get("/v1/articles/{article}/reading")]
async fn own_reading(
    reader: Reader,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<OwnReading>, Problem> {
    let reading = app.commands.reading_of(reader.user, path.article).await?;
    Ok(web::Json(OwnReading { read: reading.read, liked: reading.liked }))
}

/// Count the caller among the readers of an article. Each person counts once.
#[utoipa::path(tag = "articles", params(ArticlePath), security(("token" = [])),
    responses((status = 200, description = "Counted.", body = Done), Refusals))]
#[put("/v1/articles/{article}/read")]
async fn read_article(
    command: Command<NoBody>,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.read_article(&command.caller, path.article).await?).into()))
}

/// Like an article.
#[utoipa::path(tag = "articles", params(ArticlePath), security(("token" = [])),
    responses((status = 200, description = "Liked.", body = Done), Refusals))]
#[put("/v1/articles/{article}/like")]
async fn like_article(
    command: Command<NoBody>,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.like_article(&command.caller, path.article, true).await?).into()))
}

/// Take one's like of an article back.
#[utoipa::path(tag = "articles", params(ArticlePath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = Done), Refusals))]
#[delete("/v1/articles/{article}/like")]
async fn take_article_like_back(
    command: Command<NoBody>,
    path: web::Path<ArticlePath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    Ok(web::Json((&app.commands.like_article(&command.caller, path.article, false).await?).into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_page_leads_to_where_the_article_first_appeared() {
        let shown = |source: &str| ArticleShown {
            article: ArticleId::new(),
            account: Publisher { id: OfficialAccountId::new(), name: "Tea".into() },
            title: "Tea".into(),
            author: String::new(),
            digest: String::new(),
            cover: None,
            body: String::new(),
            source: source.into(),
            published_at: DateTime::UNIX_EPOCH,
            reads: 0,
            likes: 0,
        };
        let page = page_of(&shown("https://tea.example/?a=\"b"));
        assert!(page.contains("href=\"https:&#47;&#47;tea.example&#47;?a&#61;&quot;b\""), "{page}");
        assert!(!page_of(&shown("")).contains("href"));
    }

    #[test]
    fn pictures_have_their_paths_and_words_about_them_stay_as_they_are() {
        let (article, picture) = (ArticleId::new(), MediumId::new());
        let body = format!(
            "<p>write src=\"medium:{picture}\" &lt;img src=\"medium:{picture}\"&gt;</p>\
             <img alt=\"a > b\" src=\"medium:{picture}\"><i title=\"medium:{picture}\">\"</i>"
        );
        let text = ArticleText { body: body.clone(), pictures: BTreeSet::from([picture]), ..ArticleText::default() };
        let path = medium_path(article, picture);
        let alone = format!("<img alt=\"a > b\" src=\"medium:{picture}\">");
        assert_eq!(body_of(article, &text), body.replace(&alone, &format!("<img alt=\"a > b\" src=\"{path}\">")));
    }
}
