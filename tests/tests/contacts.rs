//! People and contacts: profiles, requests, notes, tags, blocks, limits.

use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Setup, Shared, befriend, group,
    media::encoded,
    people::{PASSWORD, fresh_handle, list_at, registration, text_at},
    until,
};

static SHARED: Shared = Shared::new();

fn names(person: &Person, query: &str) -> Vec<String> {
    person.all(&format!("/v1/contacts{query}")).iter().map(|row| text_at(row, "display_name")).collect()
}

#[test]
fn a_handle_belongs_to_one_person_whatever_its_case() {
    let server = SHARED.server();
    let handle = fresh_handle("mei");
    let register = |handle: &str| server.client().post("/v1/users", registration(handle, "Mei"));
    assert_eq!(register(&handle).status, 201);
    register(&handle).refused(409, "handle-taken");
    register(&handle.to_uppercase()).refused(409, "handle-taken");
    for wrong in ["ab", "1abc", "has space", "茶茶茶", "a-b-c", &"a".repeat(21), "", "a\u{0}bc"] {
        register(wrong).refused(400, "invalid-field");
    }
}

#[test]
fn of_many_who_want_a_handle_at_once_one_gets_it() {
    let server = SHARED.server();
    let handle = fresh_handle("rare");
    let statuses = teahouse_tests::people::in_parallel(16, |_| {
        server.client().post("/v1/users", registration(&handle, "Mei")).status
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
}

#[test]
fn a_profile_is_changed_field_by_field() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    mei.patch("/v1/me", json!({ "about": "tea", "region": "杭州" })).done();
    mei.patch("/v1/me", json!({ "display_name": "Mei 梅" })).done();
    let me = mei.get("/v1/me").done();
    let expected = [("display_name", "Mei 梅"), ("about", "tea"), ("region", "杭州"), ("handle", &mei.handle)];
    for (field, value) in expected {
        assert_eq!(me[field], value, "{me}");
    }
    let seen = lin.get(&format!("/v1/people/{}", mei.id)).done();
    assert_eq!((&seen["display_name"], &seen["about"]), (&json!("Mei 梅"), &json!("tea")));
    let too_long = [("display_name", 31), ("about", 101), ("region", 51), ("pat_suffix", 21)];
    for (field, length) in too_long {
        mei.patch("/v1/me", json!({ (field): "茶".repeat(length) })).refused(400, "too-long");
    }
    mei.patch("/v1/me", json!({ "display_name": " " })).refused(400, "invalid-field");
    assert_eq!(mei.get("/v1/me").done(), me);
}

#[test]
fn an_avatar_is_seen_by_whoever_may_see_the_profile_and_by_nobody_else() {
    let server = SHARED.server();
    let [mei, lin, other] = server.people(["mei", "lin", "other"]);
    let anybody = server.client();
    let picture = |of: &Person, side| of.medium("picture", &encoded(side, side, ImageFormat::Png));
    let put = |by: &Person, medium: &str| by.put("/v1/me/avatar", json!({ "medium": medium }));
    let first = picture(&mei, 4);
    put(&lin, &first).refused(404, "medium-not-found");
    put(&mei, &mei.medium("file", b"no picture")).refused(400, "medium-of-other-kind");
    put(&mei, &first).done();
    // It stays when the rest of the profile changes, and is among what others see of it.
    mei.patch("/v1/me", json!({ "about": "tea" })).done();
    let avatar = |by: &Person| by.get(&format!("/v1/people/{}", mei.id)).done()["avatar"].clone();
    assert_eq!((&avatar(&lin)["medium"], &avatar(&lin)["facts"]["width"]), (&json!(first), &json!(4)));
    let links = |by: &Person| list_at(&by.get(&format!("/v1/avatars?users={},{}", other.id, mei.id)).done(), "avatars");
    assert_eq!((links(&lin).len(), &links(&lin)[0]["user"]), (1, &json!(mei.id)));
    let link = text_at(&links(&lin)[0], "thumbnail");
    assert_eq!(anybody.get(&link).status, 200);
    // Who can't be found is a stranger to all but those who have to do with them.
    mei.put("/v1/me/privacy", json!({ "findable": false, "who_may_add": "anyone" })).done();
    assert_eq!(links(&lin), [] as [Value; 0]);
    anybody.get(&link).refused(404, "medium-not-found");
    let _ = befriend(&mei, &lin);
    assert_eq!(anybody.get(&link).status, 200);
    let second = picture(&mei, 5);
    put(&mei, &second).done();
    anybody.get(&link).refused(404, "medium-not-found");
    assert_eq!(lin.contact(&mei)["avatar"]["medium"], json!(second));
    mei.delete("/v1/me/avatar").done();
    assert_eq!((links(&lin), mei.get("/v1/me").done().get("avatar")), (vec![], None));
    lin.get("/v1/avatars?users=tea").refused(400, "invalid-query");
}

#[test]
fn a_request_is_answered_and_makes_friends_of_both() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    mei.post("/v1/friend-requests", json!({ "to": lin.id, "greeting": "from the market", "source": "search" })).done();
    let incoming = lin.all("/v1/friend-requests");
    assert_eq!(incoming.len(), 1);
    assert_eq!((&incoming[0]["user"], &incoming[0]["greeting"]), (&json!(mei.id), &json!("from the market")));
    assert_eq!(incoming[0]["direction"], "incoming");
    assert_eq!(mei.all("/v1/friend-requests")[0]["direction"], "outgoing");
    assert!(mei.contact(&lin).is_null());
    lin.accept(&mei).done();
    lin.accept(&mei).refused(404, "request-not-found");
    let conversation = text_at(&mei.contact(&lin), "conversation");
    assert_eq!(lin.contact(&mei)["conversation"], *conversation);
    assert!(lin.all("/v1/friend-requests").is_empty() && mei.all("/v1/friend-requests").is_empty());
    mei.ask(&lin).refused(409, "already-friends");
    mei.ask(&mei).refused(400, "not-yourself");
    lin.say(&conversation, "hello");
    assert_eq!(mei.texts(&conversation), ["hello"]);
}

#[test]
fn nobody_talks_to_a_person_who_has_not_accepted() {
    let server = SHARED.server();
    let [mei, lin, friend] = server.people(["mei", "lin", "friend"]);
    mei.ask(&lin).done();
    let _ = befriend(&mei, &friend);
    mei.post("/v1/groups", json!({ "members": [lin.id, friend.id] })).refused(403, "not-friends");
    // Where their direct conversation will be is known to both of them later only; it is not there yet.
    lin.accept(&mei).done();
    let talk = text_at(&mei.contact(&lin), "conversation");
    assert_eq!(mei.say(&talk, "hello"), 1);
}

#[test]
fn who_may_add_me_is_my_choice() {
    let server = SHARED.server();
    let [mei, host, guest, stranger] = server.people(["mei", "host", "guest", "stranger"]);
    let _ = group(&host, &[&mei, &guest]);
    let allow = |who: &str| mei.put("/v1/me/privacy", json!({ "findable": true, "who_may_add": who })).done();
    allow("nobody");
    guest.ask(&mei).refused(403, "adding-not-allowed");
    allow("group_members");
    stranger.ask(&mei).refused(403, "adding-not-allowed");
    guest.ask(&mei).done();
    allow("anyone");
    stranger.ask(&mei).done();
    assert_eq!(mei.all("/v1/friend-requests").len(), 2);
    mei.put("/v1/me/privacy", json!({ "findable": true, "who_may_add": "friends" })).problem(400);
}

#[test]
fn a_contact_has_a_remark_a_star_tags_and_may_be_for_chats_only() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    for friend in [&lin, &arjun] {
        let _ = befriend(&mei, friend);
    }
    let tag = text_at(&mei.post("/v1/tags", json!({ "name": "market" })).done(), "tag");
    mei.post("/v1/tags", json!({ "name": "market" })).refused(409, "tag-name-taken");
    let note = |change: Value| mei.patch(&format!("/v1/contacts/{}", lin.id), change);
    note(json!({ "remark": "茶友 Lin", "tags": [tag] })).done();
    note(json!({ "starred": true, "chats_only": true })).done();
    let row = mei.contact(&lin);
    assert_eq!((&row["remark"], &row["starred"], &row["chats_only"]), (&json!("茶友 Lin"), &json!(true), &json!(true)));
    assert_eq!(row["tags"], json!([tag]));
    assert_eq!(names(&mei, &format!("?tag={tag}")), ["lin"]);
    assert_eq!(names(&mei, "?q=%E8%8C%B6%E5%8F%8B"), ["lin"]);
    assert_eq!(names(&mei, ""), ["lin", "arjun"]);
    // It is mei's own view: nobody else sees any of it.
    assert_eq!(lin.contact(&mei).get("remark"), None);
    assert!(!lin.sync_from(0).iter().any(|entry| entry.to_string().contains("茶友")));
    mei.patch(&format!("/v1/tags/{tag}"), json!({ "name": "friends of tea" })).done();
    let tags = list_at(&mei.get("/v1/tags").done(), "tags");
    assert_eq!((&tags[0]["name"], &tags[0]["count"]), (&json!("friends of tea"), &json!(1)));
    mei.delete(&format!("/v1/tags/{tag}")).done();
    assert_eq!(mei.contact(&lin)["tags"], json!([]));
    note(json!({ "remark": "茶".repeat(33) })).refused(400, "too-long");
    note(json!({ "tags": [tag] })).refused(404, "tag-not-found");
    note(json!({ "remark": "" })).done();
    assert_eq!(mei.contact(&lin).get("remark"), None);
}

#[test]
fn contacts_come_in_pages_without_a_gap_or_a_double() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let friends = server.crowd("friend", 23);
    for friend in &friends {
        let _ = befriend(&mei, friend);
    }
    let mut seen: Vec<Value> = vec![];
    let mut cursor = String::new();
    loop {
        let page = mei.get(&format!("/v1/contacts?limit=5{cursor}")).done();
        let rows = list_at(&page, "contacts");
        assert!(rows.len() <= 5);
        seen.extend(rows.iter().map(|row| row["user"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut expected: Vec<Value> = friends.iter().map(|friend| json!(friend.id)).collect();
    let by_id = |id: &Value| id.to_string();
    seen.sort_by_key(by_id);
    expected.sort_by_key(by_id);
    assert_eq!(seen, expected);
    mei.get("/v1/contacts?cursor=nonsense").problem(400);
}

#[test]
fn limits_on_friends_requests_tags_and_blocks_hold() {
    let server = Setup::new()
        .with("TEAHOUSE_POLICY__FRIENDS_MAX", "3")
        .with("TEAHOUSE_POLICY__FULL_FRIENDS_MAX", "2")
        .with("TEAHOUSE_POLICY__FRIEND_REQUESTS_MAX", "2")
        .with("TEAHOUSE_POLICY__TAGS_MAX", "1")
        .with("TEAHOUSE_POLICY__BLOCKED_MAX", "1")
        .start();
    let [mei, one, two, three, four, popular] = server.people(["mei", "one", "two", "three", "four", "popular"]);
    for friend in [&one, &two, &three] {
        let _ = befriend(&mei, friend);
    }
    let chats_only = [&one, &two, &three].map(|friend| mei.contact(friend)["chats_only"].clone());
    assert_eq!(chats_only, [json!(false), json!(false), json!(true)]);
    mei.ask(&four).refused(409, "too-many-friends");
    four.ask(&mei).done();
    mei.accept(&four).refused(409, "too-many-friends");
    one.ask(&popular).done();
    two.ask(&popular).done();
    three.ask(&popular).refused(409, "too-many-requests");
    mei.post("/v1/tags", json!({ "name": "a" })).done();
    mei.post("/v1/tags", json!({ "name": "b" })).refused(409, "too-many-tags");
    mei.put(&format!("/v1/blocks/{}", four.id), json!({})).done();
    mei.put(&format!("/v1/blocks/{}", popular.id), json!({})).refused(409, "too-many-blocked");
    let blocked: Vec<Value> = mei.all("/v1/blocks").iter().map(|row| row["user"].clone()).collect();
    assert_eq!(blocked, [json!(four.id)]);
}

#[test]
fn a_request_that_nobody_answers_ends_after_a_week() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    mei.ask(&lin).done();
    server.advance(Duration::from_secs(7 * 24 * 3600 - 60));
    assert_eq!(lin.all("/v1/friend-requests").len(), 1);
    server.advance(Duration::from_secs(120));
    until("the request ends", || lin.all("/v1/friend-requests").is_empty().then_some(()));
    lin.accept(&mei).refused(404, "request-not-found");
    mei.ask(&lin).done();
    lin.accept(&mei).done();
}

#[test]
fn devices_are_listed_and_one_more_than_allowed_ends_the_oldest() {
    let server = Setup::new().with("TEAHOUSE_POLICY__DEVICES_MAX", "2").start();
    let mei = server.register("mei");
    let phone = mei.log_in();
    let devices = list_at(&phone.get("/v1/me/devices").done(), "devices");
    let current: Vec<bool> = devices.iter().map(|device| device["current"] == true).collect();
    assert_eq!(current, [false, true]);
    assert_eq!(devices[1]["device"], json!(phone.device));
    let tablet = mei.log_in();
    mei.get("/v1/me").problem(401);
    assert_eq!(phone.get("/v1/me").status, 200);
    phone.delete(&format!("/v1/me/devices/{}", tablet.device)).done();
    tablet.get("/v1/me").problem(401);
    phone.delete(&format!("/v1/me/devices/{}", tablet.device)).refused(404, "device-not-found");
    let log_in = json!({ "handle": mei.handle, "password": PASSWORD });
    assert_eq!(server.client().post("/v1/sessions", log_in).status, 201);
}

#[test]
fn who_asks_back_is_a_friend_at_once() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    assert_eq!(mei.ask(&lin).done()["friends"], json!(false));
    assert_eq!(lin.ask(&mei).done()["friends"], json!(true));
    let talk = text_at(&mei.contact(&lin), "conversation");
    mei.say(&talk, "that was quick");
    assert_eq!(lin.texts(&talk), ["that was quick"]);
    assert!(mei.all("/v1/friend-requests").is_empty() && lin.all("/v1/friend-requests").is_empty());
}

#[test]
fn who_pesters_and_hides_can_be_blocked_and_their_request_is_gone() {
    let server = SHARED.server();
    let [mei, pest] = server.people(["mei", "pest"]);
    pest.ask(&mei).done();
    pest.put("/v1/me/privacy", json!({ "findable": false, "who_may_add": "nobody" })).done();
    mei.put(&format!("/v1/blocks/{}", pest.id), json!({})).done();
    assert!(mei.all("/v1/friend-requests").is_empty());
    mei.accept(&pest).refused(404, "request-not-found");
    // To who made it, it looks as before.
    assert_eq!(pest.all("/v1/friend-requests").len(), 1);
    mei.put("/v1/blocks/01930000-0000-7000-8000-000000000000", json!({})).refused(404, "person-not-found");
}

#[test]
fn who_can_be_found_but_not_added_says_so() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    mei.put("/v1/me/privacy", json!({ "findable": true, "who_may_add": "nobody" })).done();
    lin.ask(&mei).refused(403, "adding-not-allowed");
}

#[test]
fn a_name_shows_something_and_does_not_turn_what_follows() {
    let server = SHARED.server();
    let mei = server.register("mei");
    for bad in ["\u{200b}", "\u{3164}", "Mei\u{202e}nimda", "Mei\nadmin", "Mei\u{2028}admin", "\u{2066}Mei"] {
        mei.patch("/v1/me", json!({ "display_name": bad })).refused(400, "invalid-field");
        mei.post("/v1/tags", json!({ "name": bad })).refused(400, "invalid-field");
        server.client().post("/v1/users", registration(&fresh_handle("mei"), bad)).refused(400, "invalid-field");
    }
    mei.patch("/v1/me", json!({ "display_name": "👩\u{200d}👧 שלום" })).done();
}

#[test]
fn a_short_password_does_not_tell_whether_a_handle_is_free() {
    let server = SHARED.server();
    let mei = server.register("mei");
    for handle in [mei.handle.clone(), fresh_handle("free")] {
        let mut body = registration(&handle, "Mei");
        body["password"] = json!("short");
        server.client().post("/v1/users", body).refused(400, "invalid-field");
    }
}
