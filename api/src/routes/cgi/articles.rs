//! Drafts and publishing. A draft of several articles is several drafts; what a program knows it by names them all, and so
//! does what it knows the published articles by.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use commands::{Caller, official::NewArticle};
use domain::{
    ArticleId, MediumId, OfficialAccountId, Rejection,
    article::{ArticleText, Stage},
};
use eventlog::Position;
use projections::articles::{ArticleRow, ArticlesView};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, query::Query};

/// Most articles of one draft, and of one page of drafts.
const ARTICLES_MAX: usize = 8;
const PAGE_MAX: usize = 20;
/// How far a count goes.
const COUNTED_MAX: usize = 10_000;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/draft/add", web::post().to(add)).route("/draft/get", web::post().to(get));
    config.route("/draft/update", web::post().to(update)).route("/draft/delete", web::post().to(delete_draft));
    config.route("/draft/count", web::get().to(count)).route("/draft/batchget", web::post().to(drafts));
    config.route("/freepublish/submit", web::post().to(submit)).route("/freepublish/get", web::post().to(status));
    config
        .route("/freepublish/getarticle", web::post().to(article))
        .route("/freepublish/delete", web::post().to(delete_published));
    config.route("/freepublish/batchget", web::post().to(published));
}

/// What a program knows some articles by.
pub(super) fn name_of(articles: &[ArticleId]) -> String {
    BASE64.encode(articles.iter().flat_map(|article| article.0.into_bytes()).collect::<Vec<_>>())
}

/// The articles that go by a name.
pub(super) fn named(name: &str) -> Result<Vec<ArticleId>, Refusal> {
    let bytes = BASE64.decode(name).unwrap_or_default();
    let ids = bytes.chunks(16).map(|id| Uuid::from_slice(id).ok().map(ArticleId)).collect::<Option<Vec<_>>>();
    let ids = ids.filter(|ids| !ids.is_empty() && ids.len() <= ARTICLES_MAX);
    ids.ok_or_else(|| refused(40007, "invalid media_id"))
}

/// A refusal in the words of this part of the protocol.
pub(super) fn refusal_of(error: commands::CommandError) -> Refusal {
    match error {
        commands::CommandError::Rejected(rejection) => match &rejection {
            Rejection::ArticleNotFound | Rejection::MediumNotFound | Rejection::MediumOfOtherKind { .. } => {
                refused(40007, "invalid media_id")
            }
            Rejection::ArticlePublished => refused(53404, &rejection.to_string()),
            Rejection::TooLong { field: "title", .. } => refused(45003, &rejection.to_string()),
            Rejection::TooLong { field: "digest", .. } => refused(45004, &rejection.to_string()),
            _ => rejection.into(),
        },
        other => other.into(),
    }
}

/// An article, as programs write it. Fields that are not known are passed over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    title: String,
    author: String,
    digest: String,
    content: String,
    content_source_url: String,
    thumb_media_id: String,
}

impl Written {
    fn article(self) -> Result<NewArticle, Refusal> {
        let Self { title, author, digest, content: body, content_source_url: source, thumb_media_id } = self;
        let cover = match thumb_media_id.as_str() {
            "" => None,
            id => Some(Uuid::try_parse(id).map(MediumId).map_err(|_| refused(40007, "invalid media_id"))?),
        };
        Ok(NewArticle { title, author, digest, cover, body, source })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Add {
    articles: Vec<Written>,
}

async fn add(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(added(&app, &access, &body).await)
}

async fn added(app: &App, access: &Access, body: &[u8]) -> Answered {
    let account = account(app, access, Limits::command).await?;
    let Add { articles } = read(body)?;
    if articles.is_empty() || articles.len() > ARTICLES_MAX {
        return Err(refused(45008, "a draft has 1 to 8 articles"));
    }
    let caller = Caller::person(account.party());
    let articles = articles.into_iter().map(Written::article).collect::<Result<_, _>>()?;
    let ids = app.commands.write_articles(&caller, account, articles).await.map_err(refusal_of)?;
    Ok(json!({ "media_id": name_of(&ids) }))
}

/// What a call is about, by whichever of its names the call has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    media_id: String,
    article_id: String,
    publish_id: String,
    /// Which of the articles, from 0; of what was published and is deleted from 1, and 0 for all.
    index: usize,
    articles: Written,
}

impl About {
    fn ids(&self) -> Result<Vec<ArticleId>, Refusal> {
        let given = [&self.media_id, &self.article_id, &self.publish_id].into_iter().find(|name| !name.is_empty());
        named(given.map_or("", String::as_str))
    }
}

/// The articles of an account that go by a name, published or not, as is asked.
fn rows(
    view: &ArticlesView,
    account: OfficialAccountId,
    ids: &[ArticleId],
    published: bool,
) -> Result<Vec<(ArticleId, ArticleRow)>, Refusal> {
    let mut rows = vec![];
    for id in ids {
        let row = view.article(*id)?;
        let row = row.filter(|row| row.account == account && row.published_at.is_some() == published);
        rows.push((*id, row.ok_or_else(|| refused(40007, "invalid media_id"))?));
    }
    Ok(rows)
}

/// An article as programs read it.
fn shown(origin: &str, id: ArticleId, row: &ArticleRow) -> Value {
    let ArticleText { title, author, digest, cover, body, source, .. } = &row.text;
    json!({
        "title": title,
        "author": author,
        "digest": digest,
        "content": body,
        "content_source_url": source,
        "thumb_media_id": cover.map(|cover| cover.to_string()).unwrap_or_default(),
        "show_cover_pic": u8::from(cover.is_some()),
        "need_open_comment": 0,
        "only_fans_can_comment": 0,
        "url": address_of(origin, id),
    })
}

fn address_of(origin: &str, id: ArticleId) -> String {
    format!("{origin}/v1/articles/{id}/page")
}

/// Where the server is, as the program calls it.
fn origin(request: &HttpRequest) -> String {
    let info = request.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}

async fn get(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(read_back(&request, &app, &access, &body, false).await)
}

async fn article(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(read_back(&request, &app, &access, &body, true).await)
}

async fn read_back(request: &HttpRequest, app: &App, access: &Access, body: &[u8], published: bool) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let about: About = read(body)?;
    let view = app.fresh(&app.read_models.articles, Position::START).await?;
    let rows = rows(&view, account, &about.ids()?, published)?;
    let origin = origin(request);
    Ok(json!({ "news_item": rows.iter().map(|(id, row)| shown(&origin, *id, row)).collect::<Vec<_>>() }))
}

async fn update(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let updated = async {
        let account = account(&app, &access, Limits::command).await?;
        let about: About = read(&body)?;
        let id = about.ids()?.get(about.index).copied().ok_or_else(|| refused(40007, "invalid index"))?;
        let caller = Caller::person(account.party());
        let article = about.articles.article()?;
        app.commands.rewrite_article(&caller, account, id, article).await.map_err(refusal_of)?;
        Ok(done())
    };
    answer(updated.await)
}

async fn delete_draft(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(deleted(&app, &access, &body, Stage::Draft).await)
}

async fn delete_published(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(deleted(&app, &access, &body, Stage::Published).await)
}

/// Deletes articles that are at that stage: a draft as a whole, what was published also one article of it.
async fn deleted(app: &App, access: &Access, body: &[u8], stage: Stage) -> Answered {
    let account = account(app, access, Limits::command).await?;
    let about: About = read(body)?;
    let ids = about.ids()?;
    let wanted = match about.index {
        one if one > 0 && stage == Stage::Published => {
            vec![ids.get(one - 1).copied().ok_or_else(|| refused(40007, "invalid index"))?]
        }
        _ => ids,
    };
    let caller = Caller::person(account.party());
    app.commands.withdraw_articles(&caller, account, &wanted, stage).await.map_err(refusal_of)?;
    Ok(done())
}

async fn count(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    let counted = async {
        let account = account(&app, &access, Limits::query).await?;
        let view = app.fresh(&app.read_models.articles, Position::START).await?;
        let count = super::super::aside(move || view.list(account, false, u64::MAX, COUNTED_MAX)).await?.len();
        Ok(json!({ "total_count": count }))
    };
    answer(counted.await)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    offset: usize,
    count: usize,
}

async fn drafts(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(listed(&request, &app, &access, &body, false).await)
}

async fn published(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(listed(&request, &app, &access, &body, true).await)
}

/// Drafts, or what was published: each article by itself, the latest first.
async fn listed(request: &HttpRequest, app: &App, access: &Access, body: &[u8], published: bool) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let Page { offset, count } = read(body)?;
    let view = app.fresh(&app.read_models.articles, Position::START).await?;
    let all = super::super::aside(move || view.list(account, published, u64::MAX, COUNTED_MAX)).await?;
    let (total, origin) = (all.len(), origin(request));
    let name = if published { "article_id" } else { "media_id" };
    let item = |listed: &projections::articles::Listed| {
        let updated = listed.row.published_at.unwrap_or(listed.row.written_at).timestamp();
        let content = json!({ "news_item": [shown(&origin, listed.article, &listed.row)], "update_time": updated });
        json!({ name: name_of(&[listed.article]), "content": content, "update_time": updated })
    };
    let items: Vec<Value> = all.iter().skip(offset).take(count.clamp(1, PAGE_MAX)).map(item).collect();
    Ok(json!({ "total_count": total, "item_count": items.len(), "item": items }))
}

async fn submit(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let submitted = async {
        let account = account(&app, &access, Limits::command).await?;
        let about: About = read(&body)?;
        let ids = about.ids()?;
        let caller = Caller::person(account.party());
        app.commands.publish_articles(&caller, account, &ids).await.map_err(refusal_of)?;
        let name = name_of(&ids);
        Ok(json!({ "errcode": 0, "errmsg": "ok", "publish_id": name, "msg_data_id": name }))
    };
    answer(submitted.await)
}

/// Publishing is over when it is answered, so whatever goes by that name is published.
async fn status(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let told = async {
        let account = account(&app, &access, Limits::query).await?;
        let about: About = read(&body)?;
        let ids = about.ids()?;
        let view = app.fresh(&app.read_models.articles, Position::START).await?;
        let rows = rows(&view, account, &ids, true)?;
        let (name, origin) = (name_of(&ids), origin(&request));
        let items =
            rows.iter().zip(1..).map(|((id, _), at)| json!({ "idx": at, "article_url": address_of(&origin, *id) }));
        let items: Vec<Value> = items.collect();
        Ok(json!({
            "publish_id": name,
            "publish_status": 0,
            "article_id": name,
            "article_detail": { "count": items.len(), "item": items },
            "fail_idx": [],
        }))
    };
    answer(told.await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_go_by_a_name_that_names_them_all() {
        let ids: Vec<ArticleId> = (0..8).map(|_| ArticleId::new()).collect();
        assert_eq!(named(&name_of(&ids)).unwrap(), ids);
        assert_eq!(named(&name_of(&ids[..1])).unwrap(), ids[..1]);
        for wrong in [String::new(), "tea".into(), "!".into(), name_of(&[ids.clone(), ids].concat())] {
            assert_eq!(named(&wrong).unwrap_err().code, 40007, "{wrong}");
        }
    }
}
