//! Followers, as programs know them.

use actix_web::{HttpResponse, web};
use domain::{OfficialAccountId, official::Scene, subscriptions::FollowSource};
use projections::{
    broadcasts::{BroadcastsView, NotesRow},
    official::OfficialView,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{Answered, Refusal, answer, read, refused},
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, query::Query};

/// How many followers a page has.
const PAGE: usize = 10_000;
/// About how many followers may be asked at a time.
const BATCH_MAX: usize = 100;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/user/info", web::get().to(info)).route("/user/get", web::get().to(list));
    config.route("/user/info/batchget", web::post().to(batch));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    openid: String,
    next_openid: String,
}

async fn info(access: Query<Access>, asked: Query<Asked>, app: web::Data<App>) -> HttpResponse {
    let found = async {
        let account = account(&app, &access, Limits::query).await?;
        let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
        let notes = app.fresh(&app.read_models.broadcasts, eventlog::Position::START).await?;
        info_of(&view, &notes, account, &asked.openid)
    };
    answer(found.await)
}

/// What a program learns of a follower; of who follows no longer, and of nobody, that they don't follow.
fn info_of(view: &OfficialView, notes: &BroadcastsView, account: OfficialAccountId, openid: &str) -> Answered {
    let known = openid.len() == 28 && openid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !known {
        return Err(refused(40003, "invalid openid"));
    }
    let Some(row) = view.follower(account, openid)? else {
        return Ok(json!({ "subscribe": 0, "openid": openid, "tagid_list": [] }));
    };
    let source = match row.source {
        FollowSource::Search => "ADD_SCENE_SEARCH",
        FollowSource::Code => "ADD_SCENE_QR_CODE",
        FollowSource::Card => "ADD_SCENE_PROFILE_CARD",
        FollowSource::Article => "ADD_SCENE_PROFILE_LINK",
        FollowSource::Payment => "ADD_SCENE_PAID",
        FollowSource::Other => "ADD_SCENE_OTHERS",
    };
    let (number, text) = match row.scene {
        Some(Scene::Number(number)) => (number, String::new()),
        Some(Scene::Text(text)) => (0, text),
        None => (0, String::new()),
    };
    let NotesRow { remark, tags, .. } = notes.notes(account, openid)?;
    Ok(json!({
        "subscribe": 1,
        "openid": row.openid,
        "language": "zh_CN",
        "subscribe_time": row.since.timestamp(),
        "remark": remark,
        "groupid": tags.first().copied().unwrap_or(0),
        "tagid_list": tags,
        "subscribe_scene": source,
        "qr_scene": number,
        "qr_scene_str": text,
    }))
}

async fn list(access: Query<Access>, asked: Query<Asked>, app: web::Data<App>) -> HttpResponse {
    answer(page(&app, &access, &asked.next_openid).await)
}

async fn page(app: &App, access: &Access, after: &str) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
    let total = view.account(account).map_or(0, |row| row.followers);
    let after = after.to_owned();
    let rows = super::super::aside(move || view.followers(account, &after, PAGE)).await?;
    let next = rows.last().map(|row| row.openid.clone()).unwrap_or_default();
    let openids: Vec<String> = rows.into_iter().map(|row| row.openid).collect();
    // Programs go on until there is no `data`.
    Ok(if openids.is_empty() {
        json!({ "total": total, "count": 0, "next_openid": "" })
    } else {
        json!({ "total": total, "count": openids.len(), "data": { "openid": openids }, "next_openid": next })
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Batch {
    user_list: Vec<Asked>,
}

async fn batch(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let found = async {
        let account = account(&app, &access, Limits::query).await?;
        let batch: Batch = read(&body)?;
        if batch.user_list.len() > BATCH_MAX {
            return Err(refused(40032, "invalid openid list size"));
        }
        let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
        let notes = app.fresh(&app.read_models.broadcasts, eventlog::Position::START).await?;
        let infos = batch.user_list.iter().map(|asked| info_of(&view, &notes, account, &asked.openid));
        Ok::<Value, Refusal>(json!({ "user_info_list": infos.collect::<Result<Vec<_>, _>>()? }))
    };
    answer(found.await)
}
