//! Tags and remarks of followers.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use commands::Caller;
use domain::{FollowerTagsEvent, Rejection, follower_notes::NotesChange};
use eventlog::Position;
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, problem::Problem, query::Query};

/// How many followers a page has.
const PAGE: usize = 10_000;
/// On how many followers a tag is put at a time.
const BATCH_MAX: usize = 50;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/tags/create", web::post().to(create)).route("/tags/get", web::get().to(list));
    config.route("/tags/update", web::post().to(update)).route("/tags/delete", web::post().to(delete));
    config.route("/tags/members/batchtagging", web::post().to(put_on));
    config.route("/tags/members/batchuntagging", web::post().to(take_off));
    config.route("/tags/getidlist", web::post().to(of_follower)).route("/user/tag/get", web::post().to(with_tag));
    config.route("/user/info/updateremark", web::post().to(remark));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    tag: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: u32,
    name: String,
}

/// A refusal in the words of this part of the protocol.
fn refusal(rejection: Rejection) -> Refusal {
    let code = match &rejection {
        Rejection::TagNameTaken => 45157,
        Rejection::TooManyTags { .. } => 45056,
        Rejection::TooLong { field: "name", .. } => 45158,
        Rejection::TagNotFound => 45159,
        Rejection::NotFollowed => 40003,
        _ => return rejection.into(),
    };
    refused(code, &rejection.to_string())
}

fn refusal_of(error: commands::CommandError) -> Refusal {
    match error {
        commands::CommandError::Rejected(rejection) => refusal(rejection),
        other => other.into(),
    }
}

async fn create(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let created = async {
        let account = account(&app, &access, Limits::command).await?;
        let About { tag } = read(&body)?;
        let caller = Caller::person(account.party());
        let made = app.commands.make_follower_tag(&caller, account, &tag.name).await.map_err(refusal_of)?;
        let id = made.events.iter().find_map(|(_, event)| match event {
            FollowerTagsEvent::FollowerTagNamed(named) => Some(named.tag),
            FollowerTagsEvent::FollowerTagDeleted(_) => None,
        });
        Ok(json!({ "tag": { "id": id, "name": tag.name } }))
    };
    answer(created.await)
}

async fn list(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    let listed = async {
        let account = account(&app, &access, Limits::query).await?;
        let view = app.fresh(&app.read_models.broadcasts, Position::START).await?;
        let tags = view.tags(account).into_iter();
        let tags = tags.map(|(id, row)| json!({ "id": id, "name": row.name, "count": row.followers }));
        Ok(json!({ "tags": tags.collect::<Vec<_>>() }))
    };
    answer(listed.await)
}

async fn update(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let updated = async {
        let account = account(&app, &access, Limits::command).await?;
        let About { tag } = read(&body)?;
        let caller = Caller::person(account.party());
        app.commands.rename_follower_tag(&caller, account, tag.id, &tag.name).await.map_err(refusal_of)?;
        Ok(done())
    };
    answer(updated.await)
}

async fn delete(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let deleted = async {
        let account = account(&app, &access, Limits::command).await?;
        let About { tag } = read(&body)?;
        let caller = Caller::person(account.party());
        app.commands.delete_follower_tag(&caller, account, tag.id).await.map_err(refusal_of)?;
        Ok(done())
    };
    answer(deleted.await)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Members {
    openid_list: Vec<String>,
    tagid: u32,
}

async fn put_on(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(tagging(&app, &access, &body, true).await)
}

async fn take_off(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(tagging(&app, &access, &body, false).await)
}

async fn tagging(app: &App, access: &Access, body: &[u8], on: bool) -> Answered {
    let account = account(app, access, Limits::command).await?;
    let Members { openid_list, tagid } = read(body)?;
    if openid_list.is_empty() || openid_list.len() > BATCH_MAX {
        return Err(refused(40032, "invalid openid list size"));
    }
    let (tags, none) = (BTreeSet::from([tagid]), BTreeSet::new());
    let (add, remove) = if on { (tags, none) } else { (none, tags) };
    let change = NotesChange { remark: None, add, remove };
    let caller = Caller::person(account.party());
    app.commands.note_followers(&caller, account, &openid_list, &change).await.map_err(refusal_of)?;
    Ok(done())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OfFollower {
    openid: String,
    remark: String,
    tagid: u32,
    next_openid: String,
}

async fn of_follower(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let listed = async {
        let account = account(&app, &access, Limits::query).await?;
        let OfFollower { openid, .. } = read(&body)?;
        app.commands.follower(account, &openid).await?.ok_or_else(|| refused(40003, "invalid openid"))?;
        let view = app.fresh(&app.read_models.broadcasts, Position::START).await?;
        Ok(json!({ "tagid_list": view.notes(account, &openid)?.tags }))
    };
    answer(listed.await)
}

async fn remark(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let noted = async {
        let account = account(&app, &access, Limits::command).await?;
        let OfFollower { openid, remark, .. } = read(&body)?;
        let change = NotesChange { remark: Some(remark), ..NotesChange::default() };
        let caller = Caller::person(account.party());
        app.commands.note_follower(&caller, account, &openid, &change).await.map_err(refusal_of)?;
        Ok(done())
    };
    answer(noted.await)
}

async fn with_tag(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(tagged(&app, &access, &body).await)
}

async fn tagged(app: &App, access: &Access, body: &[u8]) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let OfFollower { tagid, next_openid, .. } = read(body)?;
    let view = app.fresh(&app.read_models.broadcasts, Position::START).await?;
    let official = app.fresh(&app.read_models.official, Position::START).await?;
    if !view.tags(account).contains_key(&tagid) {
        return Err(refusal(Rejection::TagNotFound));
    }
    let found = super::super::aside(move || {
        let openids = view.tagged(account, tagid, &next_openid, PAGE)?;
        let next = openids.last().cloned().unwrap_or_default();
        let mut following = vec![];
        for openid in openids {
            if official.follower(account, &openid)?.is_some() {
                following.push(openid);
            }
        }
        Ok::<_, Problem>((following, next))
    });
    let (openids, next) = found.await?;
    // Programs go on until there is no `data`.
    Ok(if next.is_empty() {
        json!({ "count": 0, "next_openid": "" })
    } else {
        json!({ "count": openids.len(), "data": { "openid": openids }, "next_openid": next })
    })
}
