//! Moments, what people see: a circle over HTTP, at once after every change, also after `kill -9` and a rebuild; and what
//! nobody learns of a post that they may not see. docs/moments-privacy.md has the rules.

use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Shared, Socket, befriend,
    media::encoded,
    openapi::{Document, Endpoint},
    people::{list_at, number_at, text_at},
    until,
};

static SHARED: Shared = Shared::new();

const NEVER: &str = "01930000-0000-7000-8000-000000000000";

/// The endpoints about Moments, so that none added later is forgotten.
fn moments_endpoints(who: &Person) -> (Document, Vec<Endpoint>) {
    let document = Document::fetch(who);
    let mut endpoints = document.endpoints();
    endpoints.retain(|endpoint| endpoint.path.starts_with("/v1/moments"));
    assert!(endpoints.len() >= 18, "the document has them");
    (document, endpoints)
}

/// What somebody is answered about one post, by every endpoint whose path names a post.
fn about_post(who: &Person, post: &str) -> Vec<(String, u16, String)> {
    let (document, endpoints) = moments_endpoints(who);
    let named = endpoints.iter().filter(|endpoint| endpoint.path_parameters().contains(&"post".to_owned()));
    let ask = |endpoint: &Endpoint| {
        let target = endpoint.target(|name| if name == "post" { post.to_owned() } else { NEVER.to_owned() });
        let reply = who.call(&endpoint.method, &target, document.body(endpoint, NEVER).as_ref(), None);
        (endpoint.name(), reply.status, reply.text())
    };
    let answers: Vec<_> = named.map(ask).collect();
    assert!(answers.len() >= 8, "{answers:?}");
    answers
}

/// What somebody is answered by every query that names no post, about the album of `author`.
fn lists(who: &Person, author: &str) -> Vec<(String, u16, String)> {
    let (_, endpoints) = moments_endpoints(who);
    let unnamed =
        |endpoint: &&Endpoint| endpoint.method == "GET" && !endpoint.path_parameters().contains(&"post".to_owned());
    let ask = |endpoint: &Endpoint| {
        let reply = who.get(&endpoint.target(|_| author.to_owned()));
        (endpoint.name(), reply.status, reply.text())
    };
    let answers: Vec<_> = endpoints.iter().filter(unnamed).map(ask).collect();
    assert!(answers.len() >= 6, "{answers:?}");
    answers
}

fn timeline(who: &Person) -> Vec<String> {
    let page = who.get("/v1/moments/timeline").done();
    list_at(&page, "posts").iter().map(|post| text_at(post, "post")).collect()
}

fn post_seen(who: &Person, post: &str) -> Value {
    who.get(&format!("/v1/moments/posts/{post}")).done()
}

/// Whose likes, and the words of which comments, somebody sees below a post.
fn talk(who: &Person, post: &str) -> (Vec<String>, Vec<String>) {
    let seen = post_seen(who, post);
    let likes = list_at(&seen, "likes").iter().map(|like| text_at(like, "user")).collect();
    let comments = list_at(&seen, "comments").iter().map(|comment| text_at(comment, "text")).collect();
    (likes, comments)
}

fn unfriend(who: &Person, other: &Person) {
    who.delete(&format!("/v1/contacts/{}", other.id)).done();
}

fn note(who: &Person, other: &Person, notes: Value) {
    who.patch(&format!("/v1/contacts/{}", other.id), notes).done();
}

fn block(who: &Person, other: &Person) {
    who.put(&format!("/v1/blocks/{}", other.id), json!({})).done();
}

fn unblock(who: &Person, other: &Person) {
    who.delete(&format!("/v1/blocks/{}", other.id)).done();
}

fn set(who: &Person, settings: Value) {
    who.patch("/v1/moments/settings", settings).done();
}

/// An author, a friend of theirs who is to see nothing, and a friend of both. Strangers are to see nothing either.
fn circle(server: &Server) -> [Person; 3] {
    let people = server.people(["author", "viewer", "friend"]);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let _ = befriend(&people[one], &people[other]);
    }
    set(&people[0], json!({ "open_to_strangers": false }));
    people
}

/// A way to be kept from somebody's posts, and back: author, viewer.
type Way = (&'static str, fn(&Person, &Person), fn(&Person, &Person));

const WAYS: [Way; 6] = [
    ("the author blocks", |author, viewer| block(author, viewer), |author, viewer| unblock(author, viewer)),
    ("the viewer blocks", |author, viewer| block(viewer, author), |author, viewer| unblock(viewer, author)),
    (
        "the author keeps the viewer for chats",
        |author, viewer| note(author, viewer, json!({ "chats_only": true })),
        |author, viewer| note(author, viewer, json!({ "chats_only": false })),
    ),
    (
        "the viewer keeps the author for chats",
        |author, viewer| note(viewer, author, json!({ "chats_only": true })),
        |author, viewer| note(viewer, author, json!({ "chats_only": false })),
    ),
    (
        "the author shuts the viewer out",
        |author, viewer| note(author, viewer, json!({ "hides_own_moments": true })),
        |author, viewer| note(author, viewer, json!({ "hides_own_moments": false })),
    ),
    (
        "the author removes the viewer",
        |author, viewer| unfriend(author, viewer),
        |author, viewer| {
            author.ask(viewer).done();
        },
    ),
];

#[track_caller]
fn learns_nothing(viewer: &Person, author: &Person, post: &str, before: &[(String, u16, String)], way: &str) {
    assert_eq!(about_post(viewer, post), about_post(viewer, NEVER), "{way}");
    assert_eq!(lists(viewer, &author.id), before, "{way}");
    let album = |of: &str| viewer.get(&format!("/v1/moments/albums/{of}")).text();
    assert_eq!(album(&author.id), album(NEVER), "{way}");
    assert!(!format!("{:?}", viewer.sync_from(0)).contains(post), "{way}");
}

#[test]
fn who_was_kept_from_a_post_before_it_was_published_never_gets_a_byte_of_it() {
    let server = SHARED.server();
    for (way, keep, _) in WAYS {
        let [author, viewer, friend] = circle(&server);
        let mine = viewer.publish("my own");
        keep(&author, &viewer);
        let before = lists(&viewer, &author.id);
        let mut socket = Socket::connect(&viewer, "");
        let draft = json!({ "text": "hidden", "remind": [viewer.id] });
        let post = text_at(&author.post("/v1/moments/posts", draft).done(), "post");
        friend.like(&post).done();
        let comment = text_at(&friend.comment(&post, "hush").done(), "comment");
        author.answer(&post, &comment, "indeed").done();
        learns_nothing(&viewer, &author, &post, &before, way);
        // What is pushed first is what happens after all that, to the viewer's own post.
        friend.like(&mine).done();
        let pushed = socket.message();
        assert_eq!((&pushed["type"], &pushed["notice"]["post"]), (&json!("moments-notice"), &json!(mine)), "{way}");
    }
}

#[test]
fn who_is_kept_from_a_post_that_they_saw_loses_every_trace_of_it_and_finds_all_again() {
    let server = SHARED.server();
    for (way, keep, undo) in WAYS {
        let [author, viewer, friend] = circle(&server);
        let before = lists(&viewer, &author.id);
        let draft = json!({ "text": "seen", "remind": [viewer.id] });
        let post = text_at(&author.post("/v1/moments/posts", draft).done(), "post");
        viewer.like(&post).done();
        let comment = text_at(&viewer.comment(&post, "mine").done(), "comment");
        friend.answer(&post, &comment, "to you").done();
        let seen = (lists(&viewer, &author.id), post_seen(&viewer, &post));
        assert_ne!(seen.0, before);
        keep(&author, &viewer);
        learns_nothing(&viewer, &author, &post, &before, way);
        undo(&author, &viewer);
        assert_eq!((lists(&viewer, &author.id), post_seen(&viewer, &post)), seen, "{way}, and back");
    }
}

#[test]
fn an_audience_keeps_all_others_from_a_post_and_a_tag_counts_as_it_stands_now() {
    let server = SHARED.server();
    let [author, viewer, friend] = circle(&server);
    let tag = text_at(&author.post("/v1/tags", json!({ "name": "family" })).done(), "tag");
    let before = lists(&viewer, &author.id);
    let audiences = [
        json!({ "kind": "only_me" }),
        json!({ "kind": "share", "people": [friend.id] }),
        json!({ "kind": "share", "tags": [tag] }),
        json!({ "kind": "hide", "people": [viewer.id] }),
    ];
    let posts = audiences.map(|audience| text_at(&author.publish_to("hidden", audience).done(), "post"));
    for post in &posts {
        learns_nothing(&viewer, &author, post, &before, post);
    }
    note(&author, &viewer, json!({ "tags": [tag] }));
    assert_eq!(timeline(&viewer), [posts[2].as_str()]);
    note(&author, &viewer, json!({ "tags": [] }));
    learns_nothing(&viewer, &author, &posts[2], &before, "the tag is off again");
    let before = lists(&friend, &author.id);
    let gone = author.publish("gone");
    friend.like(&gone).done();
    author.unpublish(&gone).done();
    assert_eq!((about_post(&friend, &gone), lists(&friend, &author.id)), (about_post(&friend, NEVER), before));
}

#[test]
fn a_window_hides_what_is_old_and_shows_it_again_when_it_is_widened() {
    let server = Server::start();
    let [author, viewer, friend] = circle(&server);
    let before = lists(&viewer, &author.id);
    let post = author.publish("old");
    friend.like(&post).done();
    viewer.comment(&post, "mine").done();
    set(&author, json!({ "window": "three_days" }));
    assert_eq!(timeline(&viewer), [post.as_str()]);
    server.advance(Duration::from_secs(4 * 24 * 3600));
    // The tokens have not ended, and nothing was done: only time has passed.
    learns_nothing(&viewer, &author, &post, &before, "behind the window");
    assert_eq!(timeline(&author), [post.as_str()], "the author sees it");
    set(&author, json!({ "window": "month" }));
    assert_eq!(timeline(&viewer), [post.as_str()]);
    assert_eq!(talk(&viewer, &post).1, ["mine"]);
}

#[test]
fn likes_and_comments_are_seen_among_common_friends_only() {
    let server = SHARED.server();
    let [author, viewer, friend] = circle(&server);
    let [other] = server.people(["other"]);
    let _ = befriend(&author, &other);
    let post = author.publish("who is here?");
    friend.like(&post).done();
    other.like(&post).done();
    let theirs = text_at(&other.comment(&post, "hello").done(), "comment");
    author.answer(&post, &theirs, "hello, other").done();
    friend.comment(&post, "tea?").done();
    let (friends, others) = (friend.id.clone(), other.id.clone());
    assert_eq!(
        talk(&author, &post),
        (vec![friends.clone(), others.clone()], texts(&["hello", "hello, other", "tea?"]))
    );
    assert_eq!(talk(&viewer, &post), (vec![friends.clone()], texts(&["tea?"])), "nor an answer to who is hidden");
    assert_eq!(talk(&other, &post), (vec![others.clone()], texts(&["hello", "hello, other"])));
    let _ = befriend(&viewer, &other);
    assert_eq!(talk(&viewer, &post).1, texts(&["hello", "hello, other", "tea?"]));
    // One-sided: both go on seeing it. Mutual: it is hidden. Added again: it is back.
    unfriend(&viewer, &other);
    assert_eq!(talk(&viewer, &post).0, [friends.clone(), others.clone()]);
    unfriend(&other, &viewer);
    assert_eq!(talk(&viewer, &post).0, std::slice::from_ref(&friends));
    let _ = befriend(&other, &viewer);
    assert_eq!(talk(&viewer, &post).0, [friends, others]);
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_stranger_sees_bare_posts_where_the_author_allows_it() {
    let server = SHARED.server();
    let [author, _, friend] = circle(&server);
    let [stranger] = server.people(["stranger"]);
    let post = author.publish("for all friends");
    friend.like(&post).done();
    let album = || list_at(&stranger.get(&format!("/v1/moments/albums/{}", author.id)).done(), "posts");
    assert_eq!(album(), [Value::Null; 0]);
    set(&author, json!({ "open_to_strangers": true }));
    assert_eq!(album().len(), 1);
    assert_eq!((&album()[0]["bare"], &album()[0]["likes"]), (&json!(true), &json!([])));
    assert_eq!(timeline(&stranger), [""; 0]);
    block(&author, &stranger);
    assert_eq!(album(), [Value::Null; 0]);
}

#[test]
fn notices_reach_the_author_who_is_answered_and_friends_who_are_there() {
    let server = SHARED.server();
    let [author, viewer, friend] = circle(&server);
    let post = author.publish("tea");
    let mut socket = Socket::connect(&author, "");
    viewer.like(&post).done();
    let pushed = socket.message();
    let notices = |who: &Person| list_at(&who.get("/v1/moments/notices").done(), "notices");
    assert_eq!(pushed, json!({ "type": "moments-notice", "notice": notices(&author)[0] }));
    friend.like(&post).done();
    assert_eq!(socket.message()["notice"]["user"], json!(friend.id));
    let told = notices(&viewer);
    assert_eq!((told.len(), &told[0]["about_me"]), (1, &json!(false)), "a common friend came");
    set(&viewer, json!({ "only_about_me": true }));
    assert_eq!(notices(&viewer), [Value::Null; 0]);
    let comment = text_at(&viewer.comment(&post, "good").done(), "comment");
    assert_eq!(socket.message()["notice"]["comment"]["text"], json!("good"));
    friend.answer(&post, &comment, "very").done();
    assert_eq!(notices(&viewer)[0]["about_me"], json!(true));
    assert_eq!(socket.message()["notice"]["comment"]["text"], json!("very"));
    friend.unlike(&post).done();
    let left: Vec<String> = notices(&author).iter().map(|notice| text_at(notice, "kind")).collect();
    assert_eq!(left, ["comment", "comment", "like"], "what was taken back is told no more");
    let badge = || author.get("/v1/moments").done();
    assert_eq!(badge(), json!({ "has_new": false, "unread": 3 }));
    let newest = number_at(&notices(&author)[0], "position");
    let read = number_at(&author.put("/v1/moments/notices/read", json!({ "position": newest })).done(), "position");
    assert_eq!(badge()["unread"], json!(0));
    // A mark reaches the own devices, as entries do.
    let entry = socket.entries_until(read).pop().unwrap_or_default();
    assert_eq!(entry["type"], json!("moments.notices-read"), "{entry}");
}

#[test]
fn whether_there_is_something_new_goes_by_what_one_sees() {
    let server = SHARED.server();
    let [author, viewer, _] = circle(&server);
    let has_new = || viewer.get("/v1/moments").done()["has_new"].clone();
    let _ = viewer.publish("my own");
    assert_eq!(has_new(), json!(false));
    let post = author.publish("tea");
    assert_eq!(has_new(), json!(true));
    note(&viewer, &author, json!({ "skips_their_moments": true }));
    assert_eq!((has_new(), timeline(&viewer).len()), (json!(false), 1));
    assert_eq!(post_seen(&viewer, &post)["post"], json!(post), "who skips still finds it in the album");
    note(&viewer, &author, json!({ "skips_their_moments": false }));
    let position = number_at(&post_seen(&viewer, &post), "position");
    viewer.put("/v1/moments/viewed", json!({ "position": position })).done();
    assert_eq!(has_new(), json!(false));
}

#[test]
fn everybody_finds_what_they_found_after_kill_9_and_after_a_rebuild() {
    let server = Server::start();
    let [author, viewer, friend] = circle(&server);
    let [other] = server.people(["other"]);
    let _ = befriend(&author, &other);
    let people = [&author, &viewer, &friend, &other];
    let mut posts = vec![];
    for round in 0..12_usize {
        let by = people[round % 4];
        let audience = match round % 3 {
            0 => json!({ "kind": "friends" }),
            1 => json!({ "kind": "hide", "people": [people[(round + 1) % 4].id] }),
            _ => json!({ "kind": "share", "people": [people[(round + 2) % 4].id, people[(round + 3) % 4].id] }),
        };
        let post = text_at(&by.publish_to(&format!("post {round}"), audience).done(), "post");
        for who in people {
            // Who may not see it is told so, and does nothing.
            if who.like(&post).status == 200 {
                who.comment(&post, &format!("of {}", who.handle)).done();
            }
        }
        posts.push(post);
    }
    friend.unlike(&posts[0]);
    author.unpublish(&posts[4]).done();
    unfriend(&author, &other);
    let all = || -> Vec<String> {
        let looks = people.iter().flat_map(|who| {
            let lists = people.iter().flat_map(|author| lists(who, &author.id));
            let seen = posts.iter().map(|post| who.get(&format!("/v1/moments/posts/{post}")));
            let seen: Vec<String> = seen.map(|reply| format!("{} {}", reply.status, reply.text())).collect();
            lists.map(|(name, _, text)| format!("{name} {text}")).chain(seen).collect::<Vec<_>>()
        });
        looks.collect()
    };
    let found = all();
    assert!(found.iter().any(|text| text.contains("post 0")));
    server.kill();
    server.start_again();
    assert_eq!(all(), found);
    let operator = server.operator();
    for name in ["moments", "people"] {
        let begun = operator.post(&format!("/v1/operator/read-models/{name}/rebuild"), json!({}));
        assert!(begun.status < 300, "{}", begun.text());
        until("the rebuild is done", || {
            let models = operator.get("/v1/operator/read-models").done().to_string();
            (!models.contains("rebuilding")).then_some(())
        });
        assert_eq!(all(), found, "after a rebuild of {name}");
    }
}

/// What somebody is shown above an album.
fn cover(who: &Person, author: &Person) -> Value {
    who.get(&format!("/v1/moments/albums/{}", author.id)).done()["cover"].clone()
}

#[test]
fn a_cover_is_seen_by_whoever_may_see_any_of_the_moments_and_by_nobody_else() {
    let server = SHARED.server();
    let anybody = server.client();
    for (way, keep, undo) in WAYS {
        let [author, viewer, _] = circle(&server);
        let picture = author.medium("picture", &encoded(30, 20, ImageFormat::Png));
        author.put("/v1/moments/cover", json!({ "medium": picture })).done();
        let shown = cover(&viewer, &author);
        assert_eq!((&shown["medium"], &shown["facts"]["width"]), (&json!(picture), &json!(30)), "{way}");
        let link = text_at(&shown, "preview");
        assert_eq!(anybody.get(&link).status, 200, "{way}");
        keep(&author, &viewer);
        let album = |of: &str| viewer.get(&format!("/v1/moments/albums/{of}")).text();
        assert_eq!(album(&author.id), album(NEVER), "{way}");
        anybody.get(&link).refused(404, "medium-not-found");
        undo(&author, &viewer);
        assert_eq!(cover(&viewer, &author)["medium"], json!(picture), "{way}, and back");
        assert_eq!(anybody.get(&link).status, 200, "{way}, and back");
    }
    let ([author, ..], [stranger]) = (circle(&server), server.people(["stranger"]));
    let picture = author.medium("picture", &encoded(30, 20, ImageFormat::Png));
    author.put("/v1/moments/cover", json!({ "medium": picture })).done();
    assert_eq!(cover(&stranger, &author), Value::Null);
    set(&author, json!({ "open_to_strangers": true }));
    let link = text_at(&cover(&stranger, &author), "original");
    assert_eq!(anybody.get(&link).status, 200);
    set(&author, json!({ "open_to_strangers": false }));
    anybody.get(&link).refused(404, "medium-not-found");
    set(&author, json!({ "open_to_strangers": true, "window": "three_days" }));
    assert_eq!(anybody.get(&link).status, 200);
    block(&stranger, &author);
    anybody.get(&link).refused(404, "medium-not-found");
}

#[test]
fn a_cover_is_a_picture_of_ones_own_and_the_links_to_the_one_before_end_with_it() {
    let server = SHARED.server();
    let [author, viewer, _] = circle(&server);
    let anybody = server.client();
    let put = |by: &Person, medium: &str| by.put("/v1/moments/cover", json!({ "medium": medium }));
    let [first, second] = [4, 5].map(|side| author.medium("picture", &encoded(side, side, ImageFormat::Png)));
    put(&viewer, &first).refused(404, "medium-not-found");
    put(&author, &author.medium("file", b"no picture")).refused(400, "medium-of-other-kind");
    put(&author, &first).done();
    let (old, own) = (text_at(&cover(&viewer, &author), "original"), text_at(&cover(&author, &author), "original"));
    put(&author, &second).done();
    for link in [&old, &own] {
        anybody.get(link).refused(404, "medium-not-found");
    }
    let link = text_at(&cover(&viewer, &author), "original");
    assert_eq!(anybody.get(&link).body, encoded(5, 5, ImageFormat::Png));
    author.delete("/v1/moments/cover").done();
    assert_eq!(cover(&viewer, &author), Value::Null);
    anybody.get(&link).refused(404, "medium-not-found");
}
