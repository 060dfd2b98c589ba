//! Who may do what. These tests walk the OpenAPI document, so that no endpoint is forgotten.

use serde_json::Value;
use teahouse_tests::{
    Client, OPERATOR_TOKEN, Person, Reply, Server, Shared, befriend, group,
    openapi::{Caller, Document, Endpoint},
    people::text_at,
};

static SHARED: Shared = Shared::new();

/// Endpoints that anybody may call. The link to a medium is what opens it: `media.rs` tests for whom. Articles are for
/// anybody once they are published: `articles.rs` tests that they are not before.
const OPEN: [&str; 9] = [
    "GET /livez",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/articles/{article}",
    "GET /v1/articles/{article}/media/{medium}",
    "GET /v1/articles/{article}/page",
    "GET /v1/blobs/{ticket}",
    "POST /v1/sessions",
    "POST /v1/users",
];

/// Endpoints that a stranger may call: about people who can be found, and about what belongs to everybody.
const ABOUT_ANYBODY: [&str; 21] = [
    "DELETE /v1/blocks/{user}",
    "DELETE /v1/official-accounts/{account}/follow",
    "GET /v1/billers/{biller}/accounts/{account}/bills",
    "GET /v1/merchants/{merchant}",
    "GET /v1/merchants/{merchant}/code.png",
    "GET /v1/merchants/{merchant}/code.svg",
    "GET /v1/moments/albums/{user}",
    "GET /v1/official-accounts/{account}",
    "GET /v1/official-accounts/{account}/articles",
    "GET /v1/official-accounts/{account}/code.png",
    "GET /v1/official-accounts/{account}/code.svg",
    "GET /v1/official-accounts/{account}/menu",
    "GET /v1/orders/{order}",
    "GET /v1/orders/{order}/code.png",
    "GET /v1/orders/{order}/code.svg",
    "GET /v1/people/{user}",
    "GET /v1/sticker-packs/{pack}",
    "POST /v1/merchants/{merchant}/payments",
    "POST /v1/orders/{order}/payments",
    "PUT /v1/blocks/{user}",
    "PUT /v1/official-accounts/{account}/follow",
];

const SOME_ID: &str = "01930000-0000-7000-8000-000000000000";

fn fill(name: &str) -> String {
    match name {
        "seq" => "1".to_owned(),
        "name" => "report".to_owned(),
        _ => SOME_ID.to_owned(),
    }
}

fn call(client: &Client, document: &Document, endpoint: &Endpoint) -> Reply {
    let body = document.body(endpoint, SOME_ID);
    client.call(&endpoint.method, &endpoint.target(fill), body.as_ref(), None)
}

#[track_caller]
fn is_shut(reply: &Reply, endpoint: &Endpoint, who: &str) {
    assert_eq!(reply.status, 401, "{} with {who}: {}", endpoint.name(), reply.text());
    reply.problem(401);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{}", endpoint.name());
}

fn endpoints_for(document: &Document, caller: Caller) -> Vec<Endpoint> {
    document.endpoints().into_iter().filter(|endpoint| endpoint.caller == caller).collect()
}

#[test]
fn only_registering_logging_in_probes_links_and_articles_are_open_to_anybody() {
    let server = SHARED.server();
    let document = Document::fetch(&server.client());
    let mut open: Vec<String> = endpoints_for(&document, Caller::Anybody).iter().map(Endpoint::name).collect();
    open.sort();
    assert_eq!(open, OPEN);
}

#[test]
fn without_a_token_or_with_one_that_is_worth_nothing_everything_else_is_shut() {
    // Its own: what others do on a shared one would count as done by those who are shut out.
    let server = Server::start();
    let document = Document::fetch(&server.client());
    let person = server.register("mei");
    let revoked = person.log_in();
    person.delete(&format!("/v1/me/devices/{}", revoked.device)).done();
    let logged_out = person.log_in();
    logged_out.delete("/v1/sessions/current").done();
    let changed = format!("{}x", person.token().unwrap_or_default());
    let before = server.events(&[]).len();
    for endpoint in document.endpoints().iter().filter(|endpoint| endpoint.caller != Caller::Anybody) {
        let nobody = server.client();
        is_shut(&call(&nobody, &document, endpoint), endpoint, "no token");
        for wrong in ["", "x", "%00", &changed, &"a".repeat(5_000)] {
            is_shut(&call(&nobody.with_token(wrong), &document, endpoint), endpoint, wrong);
        }
        is_shut(&call(&revoked, &document, endpoint), endpoint, "a revoked token");
        is_shut(&call(&logged_out, &document, endpoint), endpoint, "a logged-out token");
    }
    assert_eq!(server.events(&[]).len(), before);
}

#[test]
fn an_operator_is_no_person_and_a_person_no_operator() {
    // Its own: what others do on a shared one would count as done by those who are shut out.
    let server = Server::start();
    let document = Document::fetch(&server.client());
    let person = server.register("mei");
    let before = server.events(&[]).len();
    let operated = endpoints_for(&document, Caller::Operator);
    assert!(operated.len() >= 4, "{operated:?}");
    for endpoint in &operated {
        is_shut(&call(&person, &document, endpoint), endpoint, "a person's token");
    }
    for endpoint in &endpoints_for(&document, Caller::Person) {
        is_shut(&call(&server.operator(), &document, endpoint), endpoint, "the operator's token");
    }
    assert_eq!(server.events(&[]).len(), before);
}

#[test]
fn without_an_operator_token_in_the_settings_nobody_is_an_operator() {
    let server = Server::start();
    let document = Document::fetch(&server.client());
    assert_eq!(server.stop(), Some(0));
    let closed = teahouse_tests::Setup::new().without("TEAHOUSE_OPERATOR_TOKEN").start();
    for endpoint in &endpoints_for(&document, Caller::Operator) {
        for token in ["", OPERATOR_TOKEN, "null"] {
            is_shut(&call(&closed.client().with_token(token), &document, endpoint), endpoint, "some token");
        }
    }
}

/// What belongs to somebody, by the names that stand for it in paths.
struct Belongings<'a> {
    owner: &'a Person,
    friend: &'a Person,
    conversation: String,
    tag: String,
    merchant: String,
    account: String,
    post: String,
    comment: String,
    call: String,
    medium: String,
    article: String,
}

impl Belongings<'_> {
    fn fill(&self, name: &str) -> String {
        match name {
            "conversation" | "group" | "id" => self.conversation.clone(),
            "user" => self.friend.id.clone(),
            "device" => self.owner.device.clone(),
            "tag" => self.tag.clone(),
            "seq" | "position" | "number" => "1".to_owned(),
            "merchant" => self.merchant.clone(),
            "account" => self.account.clone(),
            "openid" => "o".repeat(28),
            "post" => self.post.clone(),
            "comment" => self.comment.clone(),
            "call" => self.call.clone(),
            "medium" => self.medium.clone(),
            "article" => self.article.clone(),
            "label" => "100".to_owned(),
            "out_trade_no" | "out_refund_no" => "T1".to_owned(),
            "date" => "2026-01-01".to_owned(),
            // Of money in general, what is of nobody is as much of others as anything.
            "card" | "hold" | "top_up" => SOME_ID.to_owned(),
            other => panic!("what stands for {other}?"),
        }
    }
}

#[test]
fn a_stranger_gets_at_nothing_of_a_direct_conversation_and_changes_nothing() {
    let server = Server::start();
    let [mei, lin, stranger] = server.people(["mei", "lin", "stranger"]);
    let conversation = befriend(&mei, &lin);
    strangers_get_at_nothing(&server, &stranger, &mei, &lin, conversation);
}

#[test]
fn a_stranger_gets_at_nothing_of_a_group_and_changes_nothing() {
    let server = Server::start();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let conversation = group(&mei, &[&lin, &arjun]);
    strangers_get_at_nothing(&server, &stranger, &mei, &lin, conversation);
}

fn strangers_get_at_nothing(server: &Server, stranger: &Person, owner: &Person, friend: &Person, conversation: String) {
    let document = Document::fetch(&server.client());
    owner.say(&conversation, "a private word");
    let tag = text_at(&owner.post("/v1/tags", serde_json::json!({ "name": "family" })).done(), "tag");
    let merchant = text_at(&owner.post("/v1/merchants", serde_json::json!({ "name": "Tea Stall" })).done(), "merchant");
    let account = serde_json::json!({ "sort": "service", "name": "Tea News" });
    let account = text_at(&owner.post("/v1/official-accounts", account).done(), "account");
    // A post that strangers see in an album would be theirs to look at.
    let for_friend = serde_json::json!({ "kind": "share", "people": [friend.id] });
    let post = text_at(&owner.publish_to("a private word", for_friend).done(), "post");
    let comment = text_at(&friend.comment(&post, "another private word").done(), "comment");
    let talk = text_at(&owner.contact(friend), "conversation");
    let call = owner.call_up(&talk);
    owner.about_call(&call, "cancel").done();
    let medium = owner.medium("file", b"a private word");
    let draft = serde_json::json!({ "title": "Tea", "body": "<p>a private word</p>" });
    let drafts = format!("/v1/official-accounts/{account}/drafts");
    let article = text_at(&owner.post(&drafts, draft).done(), "article");
    let belongings =
        Belongings { owner, friend, conversation, tag, merchant, account, post, comment, call, medium, article };
    let before = server.events(&[]);
    let seen_before: Vec<Value> = vec![owner.details(&belongings.conversation), friend.row(&belongings.conversation)];
    let mut tried = 0;
    for endpoint in endpoints_for(&document, Caller::Person) {
        let about_somebody = !endpoint.path_parameters().is_empty();
        if !about_somebody || ABOUT_ANYBODY.contains(&endpoint.name().as_str()) {
            continue;
        }
        tried += 1;
        let body = document.body(&endpoint, &friend.id);
        let target = endpoint.target(|name| belongings.fill(name));
        let key = (endpoint.method != "GET").then(teahouse_tests::money::fresh_key);
        let reply = stranger.call(&endpoint.method, &target, body.as_ref(), key.as_deref());
        assert!([403, 404].contains(&reply.status), "{}: {} {}", endpoint.name(), reply.status, reply.text());
        reply.problem(reply.status);
        assert!(!reply.text().contains("private word"), "{}: {}", endpoint.name(), reply.text());
    }
    assert!(tried >= 25, "only {tried} endpoints are about something of somebody");
    assert_eq!(server.events(&[]), before);
    assert_eq!(vec![owner.details(&belongings.conversation), friend.row(&belongings.conversation)], seen_before);
    assert_eq!(stranger.sync_from(0).iter().filter(|entry| entry["conversation"].is_string()).count(), 0);
}

#[test]
fn a_device_that_changes_the_password_stays_and_all_others_are_logged_out() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let [phone, tablet] = [mei.log_in(), mei.log_in()];
    let change = |old: &str, new: &str| mei.put("/v1/me/password", serde_json::json!({ "old": old, "new": new }));
    change("not the password", "a new secret").refused(401, "bad-credentials");
    assert_eq!(phone.get("/v1/me").status, 200);
    change(teahouse_tests::people::PASSWORD, "short").problem(400);
    change(teahouse_tests::people::PASSWORD, "a new secret").done();
    assert_eq!(mei.get("/v1/me").status, 200);
    for other in [&phone, &tablet] {
        other.get("/v1/me").problem(401);
    }
    let log_in = |password: &str| {
        let body = serde_json::json!({ "handle": mei.handle, "password": password, "device_name": "phone" });
        mei.anonymous().post("/v1/sessions", body)
    };
    log_in(teahouse_tests::people::PASSWORD).refused(401, "bad-credentials");
    assert_eq!(log_in("a new secret").status, 201);
    let devices = teahouse_tests::people::list_at(&mei.get("/v1/me/devices").done(), "devices");
    assert_eq!(devices.iter().filter(|device| device["current"] == true).count(), 1);
    assert_eq!(devices.len(), 2);
}
