//! What nobody learns: whether a person exists who does not want to be found, who blocked whom, anybody's secrets.

use std::path::Path;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Setup, Shared, befriend, group,
    people::{PASSWORD, fresh_handle, list_at, registration, text_at},
};

static SHARED: Shared = Shared::new();

const NOBODY: &str = "01930000-0000-7000-8000-000000000000";

#[track_caller]
fn alike(one: &Reply, other: &Reply) {
    assert_eq!((one.status, one.text()), (other.status, other.text()));
    let headers = |reply: &Reply| {
        let mut names: Vec<_> = reply.headers.iter().filter(|(name, _)| *name != "date").collect();
        names.sort_by_key(|(name, _)| name.as_str().to_owned());
        format!("{names:?}")
    };
    assert_eq!(headers(one), headers(other));
}

fn hide(person: &Person) {
    person.put("/v1/me/privacy", json!({ "findable": false, "who_may_add": "nobody" })).done();
}

#[test]
fn who_does_not_want_to_be_found_is_answered_for_like_nobody() {
    let server = SHARED.server();
    let [hidden, seeker] = server.people(["hidden", "seeker"]);
    hide(&hidden);
    let missing = fresh_handle("hiddex");
    let search = |handle: &str| seeker.get(&format!("/v1/people?handle={handle}"));
    alike(&search(&hidden.handle), &search(&missing));
    assert_eq!(list_at(&search(&hidden.handle.to_uppercase()).done(), "people"), [Value::Null; 0]);
    let profile = |id: &str| seeker.get(&format!("/v1/people/{id}"));
    alike(&profile(&hidden.id), &profile(NOBODY));
    let ask =
        |id: &str| seeker.post("/v1/friend-requests", json!({ "to": id, "greeting": "hello", "source": "search" }));
    alike(&ask(&hidden.id), &ask(NOBODY));
    let remove = |id: &str| seeker.delete(&format!("/v1/contacts/{id}"));
    alike(&remove(&hidden.id), &remove(NOBODY));
    let note = |id: &str| seeker.patch(&format!("/v1/contacts/{id}"), json!({ "remark": "x" }));
    alike(&note(&hidden.id), &note(NOBODY));
    let answer = |id: &str| seeker.post(&format!("/v1/friend-requests/{id}/accept"), json!({}));
    alike(&answer(&hidden.id), &answer(NOBODY));
    // Who can be found is found.
    assert_eq!(list_at(&hidden.get(&format!("/v1/people?handle={}", seeker.handle)).done(), "people").len(), 1);
}

#[test]
fn a_hidden_person_can_not_be_told_from_nobody_by_what_is_sent_or_founded() {
    let server = SHARED.server();
    let [hidden, seeker, friend] = server.people(["hidden", "seeker", "friend"]);
    hide(&hidden);
    let talk = befriend(&seeker, &friend);
    let found = |id: &str| seeker.post("/v1/groups", json!({ "name": "x", "members": [friend.id, id] }));
    alike(&found(&hidden.id), &found(NOBODY));
    let card = |id: &str| {
        let content = json!({ "kind": "contact_card", "user": id });
        seeker.post(&format!("/v1/conversations/{talk}/messages"), json!({ "content": content }))
    };
    alike(&card(&hidden.id), &card(NOBODY));
    let others = [befriend(&friend, &server.register("x")), NOBODY.to_owned()];
    let [theirs, none] = others.map(|id| seeker.get(&format!("/v1/conversations/{id}")));
    alike(&theirs, &none);
}

#[test]
fn blocking_somebody_who_hides_tells_nothing_about_them() {
    let server = SHARED.server();
    let [hidden, open, seeker] = server.people(["hidden", "open", "seeker"]);
    hide(&hidden);
    for who in [&hidden, &open] {
        seeker.put(&format!("/v1/blocks/{}", who.id), json!({})).done();
    }
    let rows = seeker.all("/v1/blocks");
    assert_eq!(rows[0], json!({ "user": hidden.id, "contact": false }));
    assert_eq!((&rows[1]["user"], &rows[1]["handle"]), (&json!(open.id), &json!(open.handle)));
    assert_eq!(rows[1]["display_name"], open.get("/v1/me").done()["display_name"]);
    // Who has met them sees them here as elsewhere.
    let host = server.register("host");
    let _ = befriend(&hidden, &host);
    let _ = group(&host, &[&hidden, &seeker]);
    let of_hidden = |row: &Value| row["user"] == hidden.id.as_str();
    assert_eq!(seeker.all("/v1/blocks").iter().find(|row| of_hidden(row)).unwrap()["handle"], hidden.handle.as_str());
}

#[test]
fn a_wrong_password_and_an_unknown_handle_are_answered_alike() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let log_in = |handle: &str, password: &str| {
        let body = json!({ "handle": handle, "password": password, "device_name": "phone" });
        server.client().post("/v1/sessions", body)
    };
    let wrong = log_in(&mei.handle, "not the password");
    wrong.refused(401, "bad-credentials");
    alike(&wrong, &log_in(&fresh_handle("nobody"), "not the password"));
    alike(&wrong, &log_in("", ""));
    alike(&wrong, &log_in("no handle at all, and a long one", &"x".repeat(2_000)));
    assert_eq!(log_in(&mei.handle.to_uppercase(), PASSWORD).status, 201);
}

#[test]
fn who_is_blocked_is_answered_as_if_nothing_were_wrong() {
    let server = SHARED.server();
    let [mei, blocked, other] = server.people(["mei", "blocked", "other"]);
    mei.put(&format!("/v1/blocks/{}", blocked.id), json!({})).done();
    let shape = |reply: &Reply| {
        let mut body = reply.done();
        body["position"] = json!(0);
        (reply.status, body)
    };
    assert_eq!(shape(&blocked.ask(&mei)), shape(&other.ask(&mei)));
    let waiting = |who: &Person| {
        let mut rows = who.all("/v1/friend-requests");
        rows.iter_mut().for_each(|row| row["at"] = json!(0));
        rows
    };
    assert_eq!(waiting(&blocked), waiting(&other));
    assert_eq!(waiting(&blocked).len(), 1);
    let incoming: Vec<Value> = mei.all("/v1/friend-requests").iter().map(|row| row["user"].clone()).collect();
    assert_eq!(incoming, [json!(other.id)]);
    alike(&mei.accept(&blocked), &mei.post(&format!("/v1/friend-requests/{NOBODY}/accept"), json!({})));
    // Nothing is heard of it when others tell her what happened either.
    let told = |entry: &Value| entry.to_string().contains(&blocked.id) && entry["type"] != "person.blocked";
    assert_eq!(mei.sync_from(0).iter().filter(|entry| told(entry)).count(), 0);
    let profile = blocked.get(&format!("/v1/people/{}", mei.id)).done();
    assert_eq!(profile["blocked"], false);
}

#[test]
fn a_blocked_friend_is_told_that_the_message_was_rejected_and_nothing_more() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let house = group(&mei, &[&lin, &arjun]);
    let before = lin.sync_from(0).len();
    mei.put(&format!("/v1/blocks/{}", lin.id), json!({})).done();
    lin.send(&talk, "hello?").refused(403, "rejected-by-receiver");
    // The blocker can still write, and shared groups go on.
    mei.say(&talk, "one more thing");
    lin.say(&house, "hello, all");
    assert_eq!(mei.texts(&house), ["hello, all"]);
    assert_eq!(mei.texts(&talk), ["one more thing"]);
    assert_eq!(lin.texts(&talk), ["one more thing"]);
    assert_eq!(lin.contact(&mei)["user"], json!(mei.id));
    assert_eq!(lin.sync_from(0).len(), before + 2);
    mei.delete(&format!("/v1/blocks/{}", lin.id)).done();
    lin.say(&talk, "there you are");
}

#[test]
fn a_removed_friend_is_not_told_until_a_message_is_turned_away() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    lin.say(&talk, "hello");
    let before = lin.sync_from(0);
    mei.delete(&format!("/v1/contacts/{}", lin.id)).done();
    assert_eq!(lin.sync_from(0), before);
    assert_eq!(lin.contact(&mei)["user"], json!(mei.id));
    assert!(mei.contact(&lin).is_null());
    lin.send(&talk, "still there?").refused(403, "not-friends");
    mei.send(&talk, "no").refused(403, "not-friends");
    assert_eq!(lin.texts(&talk), ["hello"]);
    // Who was removed asks anew; who removed is added back without a question.
    mei.ask(&lin).done();
    lin.say(&talk, "welcome back");
    assert_eq!(mei.texts(&talk), ["hello", "welcome back"]);
}

#[test]
fn a_declined_request_looks_to_its_sender_like_one_that_waits() {
    let server = SHARED.server();
    let [mei, declined, waiting] = server.people(["mei", "declined", "waiting"]);
    declined.ask(&mei).done();
    waiting.ask(&mei).done();
    mei.post(&format!("/v1/friend-requests/{}/decline", declined.id), json!({})).done();
    let rows = |who: &Person| {
        let mut rows = who.all("/v1/friend-requests");
        rows.iter_mut().for_each(|row| row["at"] = json!(0));
        rows
    };
    assert_eq!(rows(&declined), rows(&waiting));
    let told = |who: &Person| who.sync_from(0).iter().map(|entry| entry["type"].clone()).collect::<Vec<_>>();
    assert_eq!(told(&declined), told(&waiting));
}

/// Words that must not be anywhere but with who knows them.
struct Secrets {
    plain: Vec<String>,
}

impl Secrets {
    #[track_caller]
    fn are_not_in(&self, place: &str, text: &str) {
        for (number, secret) in self.plain.iter().enumerate() {
            assert!(!text.contains(secret.as_str()), "secret {number} is in {place}");
        }
    }
}

#[test]
fn passwords_and_tokens_are_nowhere_and_their_verifiers_with_the_operator_only() {
    let server = Setup::new().with("TEAHOUSE_LOG__FILTER", "debug").start();
    let handle = fresh_handle("mei");
    let mut body = registration(&handle, "Mei");
    body["password"] = json!("Wuyi-Rougui-7713");
    let mei = Person::of(&server.client(), &handle, &server.client().post("/v1/users", body).done());
    let lin = server.register("lin");
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "hello");
    let log_in = |password: &str| {
        let body = json!({ "handle": handle, "password": password, "device_name": "phone" });
        server.client().post("/v1/sessions", body)
    };
    log_in("wrong-Tieguanyin-901").problem(401);
    let session = log_in("Wuyi-Rougui-7713").done();
    mei.put("/v1/me/password", json!({ "old": "Wuyi-Rougui-7713", "new": "Dahongpao-4419-new" })).done();
    server.client().with_token("made-up-token-5512").get("/v1/me").problem(401);
    let token = |who: &Person| who.token().unwrap_or_default().to_owned();
    let plain = ["Wuyi-Rougui-7713", "wrong-Tieguanyin-901", "Dahongpao-4419-new", "made-up-token-5512"];
    let mut plain: Vec<String> = plain.map(str::to_owned).into();
    plain.extend([token(&mei), token(&lin), text_at(&session, "token"), teahouse_tests::OPERATOR_TOKEN.to_owned()]);
    let plain = Secrets { plain };
    let events = server.events(&[]);
    let payloads: Vec<String> = events.iter().map(|event| event["payload"].to_string()).collect();
    assert!(payloads.iter().any(|payload| payload.contains("$argon2id$")));
    plain.are_not_in("an event", &payloads.join("\n"));
    let hashes = events.iter().filter_map(|event| event["payload"]["token_hash"].as_str());
    let mut kept = Secrets { plain: hashes.map(str::to_owned).collect() };
    assert_eq!(kept.plain.len(), 3);
    kept.plain.push("$argon2id$".to_owned());
    for who in [&mei, &lin] {
        for path in ["/v1/me", "/v1/me/devices", "/v1/conversations", "/v1/contacts", "/v1/sync?after=0"] {
            let answer = who.get(path);
            answer.done();
            plain.are_not_in(path, &answer.text());
            kept.are_not_in(path, &answer.text());
        }
    }
    assert_eq!(server.stop(), Some(0));
    plain.are_not_in("the server's own log", &server.log());
    kept.are_not_in("the server's own log", &server.log());
    each_file(server.data(), &mut |path, bytes| plain.are_not_in(path, &String::from_utf8_lossy(bytes)));
}

fn each_file(dir: &Path, look: &mut impl FnMut(&str, &[u8])) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, look);
        } else {
            look(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_secret_of_the_server_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    let mode = std::fs::metadata(server.data().join("secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
