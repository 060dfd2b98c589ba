//! What somebody finds when they look, over HTTP, in the terms of the oracle.

use domain::{MediumId, PostId};
use serde_json::Value;
use teahouse_tests::{
    Person,
    people::{list_at, number_at, text_at},
};

use super::oracle::Found;

fn positions(list: &Value) -> Vec<u64> {
    list.as_array().into_iter().flatten().map(|item| number_at(item, "position")).collect()
}

fn found(post: &Value) -> Found {
    let id = PostId(text_at(post, "post").parse().unwrap());
    let is = |field: &str| post[field] == Value::Bool(true);
    assert_eq!(post["audience"].is_null(), post["remind"].is_null());
    assert!(!is("more_likes") && !is("more_comments"), "a world is too small for that: {post}");
    let (likes, comments) = (positions(&post["likes"]), positions(&post["comments"]));
    (id, is("bare"), is("reminds_me"), !post["audience"].is_null(), likes, comments)
}

/// A list that goes back in time, page by page.
fn all(who: &Person, path: &str, field: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut before) = (vec![], String::new());
    loop {
        let page = who.get(&format!("{path}?limit={limit}{before}")).done();
        items.extend(list_at(&page, field));
        assert_eq!(page["more"], Value::Bool(page.get("next").is_some()));
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => return items,
        }
    }
}

pub fn timeline(who: &Person) -> Vec<Found> {
    all(who, "/v1/moments/timeline", "posts", 3).iter().map(found).collect()
}

pub fn album(who: &Person, author: &str) -> Vec<Found> {
    all(who, &format!("/v1/moments/albums/{author}"), "posts", 4).iter().map(found).collect()
}

pub fn cover(who: &Person, author: &str) -> Option<MediumId> {
    let album = who.get(&format!("/v1/moments/albums/{author}?limit=1")).done();
    album.get("cover").map(|cover| MediumId(text_at(cover, "medium").parse().unwrap()))
}

pub fn post(who: &Person, post: PostId) -> Option<Found> {
    let reply = who.get(&format!("/v1/moments/posts/{post}"));
    if reply.status == 200 {
        let post = reply.done();
        return Some(found(&post));
    }
    reply.refused(404, "post-not-found");
    None
}

pub fn interactions(who: &Person) -> Vec<u64> {
    let items = all(who, "/v1/moments/interactions", "interactions", 5);
    items.iter().map(|item| number_at(item, "position")).collect()
}

/// Positions of notices, and whether each is about who looks.
pub fn notices(who: &Person) -> Vec<(u64, bool)> {
    let items = all(who, "/v1/moments/notices", "notices", 5);
    items.iter().map(|item| (number_at(item, "position"), item["about_me"] == Value::Bool(true))).collect()
}

pub fn badge(who: &Person) -> (bool, usize) {
    let badge = who.get("/v1/moments").done();
    (badge["has_new"] == Value::Bool(true), usize::try_from(number_at(&badge, "unread")).unwrap())
}
