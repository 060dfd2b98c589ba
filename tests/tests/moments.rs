//! Moments, what people do: publishing, liking, commenting, settings and marks.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Shared, befriend,
    people::{number_at, text_at},
};

static SHARED: Shared = Shared::new();

const NEVER: &str = "01930000-0000-7000-8000-000000000000";

/// Everything that can be done with a post that is not one's own.
fn tries(who: &Person, post: &str, comment: &str) -> Vec<Reply> {
    vec![
        who.like(post),
        who.unlike(post),
        who.comment(post, "Good!"),
        who.comment(post, ""),
        who.answer(post, comment, "Indeed"),
        who.uncomment(post, comment),
        who.unpublish(post),
    ]
}

#[track_caller]
fn finds_nothing(who: &Person, post: &str, comment: &str) {
    for (about, never) in tries(who, post, comment).into_iter().zip(tries(who, NEVER, NEVER)) {
        about.refused(404, "post-not-found");
        assert_eq!(about.text(), never.text());
    }
}

#[test]
fn friends_like_comment_and_answer_and_delete_what_is_theirs() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let _ = (befriend(&mei, &lin), befriend(&mei, &arjun), befriend(&lin, &arjun));
    let made = mei.publish_to("First harvest", json!({ "kind": "friends" }));
    assert_eq!(made.status, 201);
    let post = text_at(&made.done(), "post");
    for liking in [&lin, &arjun, &mei] {
        liking.like(&post).done();
    }
    lin.unlike(&post).done();
    let said = lin.comment(&post, "Which hill?");
    assert_eq!(said.status, 201);
    let comment = text_at(&said.done(), "comment");
    let answer = text_at(&arjun.answer(&post, &comment, "The southern one").done(), "comment");
    arjun.uncomment(&post, &comment).refused(403, "not-the-author");
    lin.unpublish(&post).refused(403, "not-the-author");
    mei.uncomment(&post, &answer).done();
    lin.uncomment(&post, &comment).done();
    lin.uncomment(&post, &comment).refused(404, "comment-not-found");
    mei.unpublish(&post).done();
    for anybody in [&mei, &lin, &arjun] {
        finds_nothing(anybody, &post, &comment);
    }
}

#[test]
fn to_who_may_not_see_a_post_it_is_as_if_it_never_was() {
    let server = SHARED.server();
    let [mei, lin, stranger] = server.people(["mei", "lin", "stranger"]);
    let _ = befriend(&mei, &lin);
    let post = mei.publish("First harvest");
    let comment = text_at(&lin.comment(&post, "Which hill?").done(), "comment");
    finds_nothing(&stranger, &post, &comment);
    let note = |notes: Value| mei.patch(&format!("/v1/contacts/{}", lin.id), notes).done();
    for field in ["chats_only", "hides_own_moments"] {
        note(json!({ (field): true }));
        finds_nothing(&lin, &post, &comment);
        note(json!({ (field): false }));
        lin.like(&post).done();
    }
    mei.put(&format!("/v1/blocks/{}", lin.id), json!({})).done();
    finds_nothing(&lin, &post, &comment);
    mei.delete(&format!("/v1/blocks/{}", lin.id)).done();
    lin.like(&post).done();
    let hidden = mei.publish_to("Not for Lin", json!({ "kind": "hide", "people": [lin.id] })).done();
    finds_nothing(&lin, &text_at(&hidden, "post"), &comment);
    lin.delete(&format!("/v1/contacts/{}", mei.id)).done();
    finds_nothing(&lin, &post, &comment);
}

#[test]
fn a_post_behind_the_window_is_found_again_when_it_is_widened() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let _ = befriend(&mei, &lin);
    let post = mei.publish("First harvest");
    let comment = text_at(&lin.comment(&post, "Which hill?").done(), "comment");
    mei.patch("/v1/moments/settings", json!({ "window": "three_days" })).done();
    lin.like(&post).done();
    server.advance(Duration::from_secs(4 * 24 * 3600));
    finds_nothing(&lin, &post, &comment);
    mei.comment(&post, "A while ago").done();
    mei.patch("/v1/moments/settings", json!({ "window": "month" })).done();
    lin.comment(&post, "Still good").done();
}

#[test]
fn a_hidden_comment_is_not_there_to_be_answered() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let _ = (befriend(&mei, &lin), befriend(&mei, &arjun));
    let post = mei.publish("First harvest");
    let of_lin = text_at(&lin.comment(&post, "Which hill?").done(), "comment");
    let to_lin = text_at(&mei.answer(&post, &of_lin, "The southern one").done(), "comment");
    let never = arjun.answer(&post, NEVER, "Indeed");
    for hidden in [&of_lin, &to_lin] {
        let refused = arjun.answer(&post, hidden, "Indeed");
        refused.refused(404, "comment-not-found");
        assert_eq!(refused.text(), never.text());
        assert_eq!(arjun.uncomment(&post, hidden).text(), arjun.uncomment(&post, NEVER).text());
    }
    let _ = befriend(&arjun, &lin);
    arjun.answer(&post, &of_lin, "Indeed").done();
}

#[test]
fn what_a_post_says_keeps_to_its_rules() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let publish = |draft: Value| mei.post("/v1/moments/posts", draft);
    publish(json!({ "text": "茶".repeat(2_000) })).done();
    publish(json!({ "text": "茶".repeat(2_001) })).refused(400, "too-long");
    publish(json!({})).refused(400, "invalid-field");
    publish(json!({ "link": { "url": "https://tea.example/", "title": "Tea" } })).done();
    publish(json!({ "link": { "url": "javascript:alert(1)", "title": "Tea" } })).problem(400);
    publish(json!({ "text": "here", "place": { "latitude": 30.2, "longitude": 120.1, "title": "Hangzhou" } })).done();
    publish(json!({ "text": "x", "music": [] })).refused(400, "invalid-body");
    publish(json!({ "text": "x", "audience": { "kind": "share" } })).refused(400, "invalid-field");
    publish(json!({ "text": "x", "audience": { "kind": "everybody" } })).refused(400, "invalid-body");
    for kind in ["friends", "only_me"] {
        // A list that nobody would look at is refused: whoever wrote it meant something.
        publish(json!({ "text": "x", "audience": { "kind": kind, "people": [lin.id] } })).refused(400, "invalid-body");
        publish(json!({ "text": "x", "audience": { "kind": kind, "hide": [lin.id] } })).refused(400, "invalid-body");
        publish(json!({ "text": "x", "audience": { "kind": kind } })).done();
    }
    publish(json!({ "text": "x", "audience": { "kind": "hide", "tags": [NEVER] } })).refused(404, "tag-not-found");
    publish(json!({ "text": "x", "remind": [lin.id], "audience": { "kind": "only_me" } })).done();
    publish(json!({ "text": "x", "audience": { "kind": "share", "people": [lin.id] } })).done();
}

#[test]
fn a_mark_ahead_of_the_log_is_refused() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let at = number_at(&mei.publish_to("First harvest", json!({ "kind": "only_me" })).done(), "position");
    for path in ["/v1/moments/viewed", "/v1/moments/notices/read"] {
        mei.put(path, json!({ "position": at })).done();
        mei.put(path, json!({ "position": at - 1 })).done();
        mei.put(path, json!({ "position": u64::MAX })).refused(409, "position-ahead");
        mei.put(path, json!({ "position": -1 })).refused(400, "invalid-body");
    }
}

#[test]
fn a_position_that_can_t_be_is_refused_by_its_name() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let post = mei.publish("First harvest");
    for (path, name) in [
        ("timeline".to_owned(), "before"),
        (format!("albums/{}", mei.id), "before"),
        ("notices".to_owned(), "before"),
        ("interactions".to_owned(), "before"),
        (format!("posts/{post}/likes"), "after"),
        (format!("posts/{post}/comments"), "after"),
    ] {
        let refused = mei.get(&format!("/v1/moments/{path}?{name}={}", u64::MAX)).refused(400, "invalid-query");
        assert!(text_at(&refused, "detail").starts_with(&format!("{name}:")), "{refused}");
        mei.get(&format!("/v1/moments/{path}?{name}=0")).done();
        mei.get(&format!("/v1/moments/{path}?{name}={}", i64::MAX)).done();
    }
}

#[test]
fn what_was_done_stands_after_kill_9() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let _ = befriend(&mei, &lin);
    let post = mei.publish("First harvest");
    let hidden = text_at(&mei.publish_to("Mine", json!({ "kind": "only_me" })).done(), "post");
    let comment = text_at(&lin.comment(&post, "Which hill?").done(), "comment");
    lin.like(&post).done();
    server.kill();
    server.start_again();
    // The like is there: liking again is nothing to do. The comment is there to be answered, the other post hidden.
    let before = server.events(&["--type", "post.liked"]).len();
    lin.like(&post).done();
    assert_eq!(server.events(&["--type", "post.liked"]).len(), before);
    mei.answer(&post, &comment, "The southern one").done();
    finds_nothing(&lin, &hidden, &comment);
}
