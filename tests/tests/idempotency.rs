//! The same command sent again: the first answer comes again, also after a restart, and nothing is done twice.

use std::sync::Barrier;

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Client, Person, Reply, Sandbox, Server, Setup, befriend, group,
    media::encoded,
    money::{PIN, card_number},
    openapi::Document,
    people::{PASSWORD, fresh_handle, number_at, registration, text_at},
    raw,
};

/// Commands that can't be repeated with the same token, have a test of their own, or write nothing into the log. Those that
/// move money show how the matter stands when they are repeated; `wallet.rs` and `shops.rs` repeat them, `media.rs` and
/// `uploads.rs` what is no JSON.
const ELSEWHERE: [&str; 30] = [
    "DELETE /v1/sessions/current",
    "DELETE /v1/uploads/{medium}",
    "PATCH /v1/uploads/{medium}",
    "POST /v1/bill-payments",
    "POST /v1/conversations/{conversation}/red-packets",
    "POST /v1/conversations/{conversation}/transfers",
    "POST /v1/group-calls/{call}/media",
    "POST /v1/media",
    "POST /v1/merchants/{merchant}/code-payments",
    "POST /v1/merchants/{merchant}/orders",
    "POST /v1/merchants/{merchant}/orders/{out_trade_no}/close",
    "POST /v1/merchants/{merchant}/orders/{out_trade_no}/reverse",
    "POST /v1/merchants/{merchant}/payments",
    "POST /v1/merchants/{merchant}/refunds",
    "POST /v1/merchants/{merchant}/withdrawals",
    "POST /v1/operator/clock",
    "POST /v1/operator/read-models/{name}/rebuild",
    "POST /v1/orders/{order}/payments",
    "POST /v1/red-packets/{hold}/open",
    "POST /v1/sessions",
    "POST /v1/transfers/{hold}/accept",
    "POST /v1/transfers/{hold}/cancel",
    "POST /v1/transfers/{hold}/return",
    "POST /v1/uploads",
    "POST /v1/uploads/{medium}/finish",
    "POST /v1/users",
    "POST /v1/wallet/pay-codes",
    "POST /v1/wallet/top-ups",
    "POST /v1/wallet/withdrawals",
    "PUT /v1/official-accounts/{account}/callback",
];

/// A command that was sent with a key.
struct Done {
    by: Client,
    method: &'static str,
    path: String,
    body: Option<Value>,
    key: String,
    reply: Reply,
}

/// Sends commands with keys and remembers what was answered.
#[derive(Default)]
struct Diary {
    done: Vec<Done>,
}

impl Diary {
    /// Sends a command, sends it again, and sends another one with the same key.
    #[track_caller]
    fn enter(
        &mut self,
        by: &Client,
        method: &'static str,
        path: &str,
        body: Option<Value>,
        other: Option<Value>,
    ) -> Value {
        let key = format!("key {}", self.done.len());
        let call = |body: Option<&Value>| by.call(method, path, body, Some(&key));
        let reply = call(body.as_ref());
        let answer = reply.done();
        let again = call(body.as_ref());
        assert_eq!((again.status, again.text()), (reply.status, reply.text()), "{method} {path} again");
        if let Some(other) = other {
            call(Some(&other)).refused(422, "key-reused");
        }
        self.done.push(Done { by: by.clone(), method, path: path.to_owned(), body, key, reply });
        answer
    }

    /// Checks that every command of the document was sent, so that none added later is forgotten.
    fn is_complete(&self, document: &Document) {
        let same = |template: &str, path: &str| {
            let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            let fits = |(one, other): (&&str, &&str)| one == other || one.starts_with('{');
            template.len() == path.len() && template.iter().zip(&path).all(fits)
        };
        let commands = document.endpoints().into_iter().filter(|endpoint| endpoint.method != "GET");
        let mut missing: Vec<String> = commands
            .filter(|command| !ELSEWHERE.contains(&command.name().as_str()))
            .filter(|command| {
                !self.done.iter().any(|done| done.method == command.method && same(&command.path, &done.path))
            })
            .map(|command| command.name())
            .collect();
        missing.sort();
        assert_eq!(missing, [""; 0]);
    }

    /// Sends all of them once more.
    fn repeat(&self) {
        for Done { by, method, path, body, key, reply } in &self.done {
            let again = by.call(method, path, body.as_ref(), Some(key));
            assert_eq!((again.status, again.text()), (reply.status, reply.text()), "{method} {path} once more");
        }
    }
}

#[test]
fn a_command_of_any_kind_gives_its_first_answer_again_also_after_kill_9() {
    let bank = Sandbox::bank();
    let server = Setup::new().with_bank(&bank).with("TEAHOUSE_POLICY__INVITE_FREELY_UP_TO", "4").start();
    let [mei, lin, arjun, sofia, tomas] = server.people(["mei", "lin", "arjun", "sofia", "tomas"]);
    let talk = befriend(&mei, &lin);
    for other in [&arjun, &sofia, &tomas] {
        let _ = befriend(&mei, other);
    }
    let mut diary = Diary::default();
    own_account(&mut diary, &mei);
    contacts(&mut diary, &mei, &lin, &server);
    conversation(&mut diary, &mei, &talk);
    group_life(&mut diary, &mei, [&lin, &arjun, &sofia, &tomas]);
    consent(&mut diary, &mei, [&lin, &arjun, &sofia, &tomas]);
    moments(&mut diary, &mei, &lin);
    calls(&mut diary, &mei, &lin, &talk);
    group_calls(&mut diary, &mei, &lin, &arjun);
    sticker_pack(&mut diary, &server);
    own_stickers(&mut diary, &mei, &lin, &talk);
    wallet(&mut diary, &mei);
    shop(&mut diary, &mei, &lin);
    official_account(&mut diary, &mei, &lin, &server);
    diary.is_complete(&Document::fetch(&server.client()));
    let before = server.events(&[]);
    diary.repeat();
    server.kill();
    server.start_again();
    diary.repeat();
    assert_eq!(server.events(&[]), before);
}

fn own_account(diary: &mut Diary, mei: &Person) {
    let about = |text: &str| Some(json!({ "about": text }));
    diary.enter(mei, "PATCH", "/v1/me", about("tea"), about("coffee"));
    let privacy = |who: &str| Some(json!({ "findable": true, "who_may_add": who }));
    diary.enter(mei, "PUT", "/v1/me/privacy", privacy("nobody"), privacy("anyone"));
    let other = mei.log_in();
    diary.enter(mei, "DELETE", &format!("/v1/me/devices/{}", other.device), None, None);
    let change = |new: &str| Some(json!({ "old": PASSWORD, "new": new }));
    diary.enter(mei, "PUT", "/v1/me/password", change("another secret"), change("a third secret"));
}

fn contacts(diary: &mut Diary, mei: &Person, lin: &Person, server: &Server) {
    let [stranger, other] = server.people(["stranger", "other"]);
    let ask = |to: &str| Some(json!({ "to": to, "greeting": "hello", "source": "search" }));
    diary.enter(mei, "POST", "/v1/friend-requests", ask(&stranger.id), ask(&lin.id));
    diary.enter(&stranger, "POST", &format!("/v1/friend-requests/{}/accept", mei.id), None, None);
    mei.put("/v1/me/privacy", json!({ "findable": true, "who_may_add": "anyone" })).done();
    other.ask(mei).done();
    diary.enter(mei, "POST", &format!("/v1/friend-requests/{}/decline", other.id), None, None);
    let name = |name: &str| Some(json!({ "name": name }));
    let tag = text_at(&diary.enter(mei, "POST", "/v1/tags", name("family"), name("work")), "tag");
    diary.enter(mei, "PATCH", &format!("/v1/tags/{tag}"), name("relatives"), name("work"));
    let note = |remark: &str| Some(json!({ "remark": remark, "tags": [tag] }));
    diary.enter(mei, "PATCH", &format!("/v1/contacts/{}", lin.id), note("Lin of the market"), note("Lin"));
    diary.enter(mei, "DELETE", &format!("/v1/tags/{tag}"), None, None);
    diary.enter(mei, "PUT", &format!("/v1/blocks/{}", other.id), None, None);
    diary.enter(mei, "DELETE", &format!("/v1/blocks/{}", other.id), None, None);
    diary.enter(mei, "DELETE", &format!("/v1/contacts/{}", stranger.id), None, None);
}

fn conversation(diary: &mut Diary, mei: &Person, talk: &str) {
    let at = |rest: &str| format!("/v1/conversations/{talk}{rest}");
    let text = |text: &str| Some(json!({ "content": { "kind": "text", "text": text } }));
    diary.enter(mei, "POST", &at("/messages"), text("one"), text("two"));
    diary.enter(mei, "POST", &at("/messages"), text("two"), text("one"));
    let forward = |seqs: &[u64]| Some(json!({ "from": talk, "seqs": seqs }));
    diary.enter(mei, "POST", &at("/forwards"), forward(&[1, 2]), forward(&[1]));
    diary.enter(mei, "POST", &at("/pats"), Some(json!({ "target": mei.id })), None);
    diary.enter(mei, "POST", &at("/messages/1/recall"), None, None);
    diary.enter(mei, "DELETE", &at("/messages/2"), None, None);
    diary.enter(mei, "PUT", &at("/read"), Some(json!({ "seq": 2 })), Some(json!({ "seq": 3 })));
    let on = |on: bool| Some(json!({ "on": on }));
    diary.enter(mei, "PUT", &at("/pinned"), on(true), on(false));
    diary.enter(mei, "PUT", &at("/muted"), on(true), on(false));
    diary.enter(mei, "POST", &at("/hide"), None, None);
    diary.enter(mei, "POST", &at("/clear"), None, None);
}

fn group_life(diary: &mut Diary, mei: &Person, [lin, arjun, sofia, tomas]: [&Person; 4]) {
    let found = |name: &str| Some(json!({ "name": name, "members": [lin.id, arjun.id] }));
    let group = text_at(&diary.enter(mei, "POST", "/v1/groups", found("tea"), found("coffee")), "conversation");
    let at = |rest: &str| format!("/v1/groups/{group}{rest}");
    let on = |on: bool| Some(json!({ "on": on }));
    diary.enter(mei, "PUT", &at("/name"), Some(json!({ "name": "green tea" })), Some(json!({ "name": "x" })));
    diary.enter(mei, "PUT", &at("/announcement"), Some(json!({ "text": "at four" })), Some(json!({ "text": "x" })));
    diary.enter(mei, "PUT", &at("/nickname"), Some(json!({ "nickname": "host" })), Some(json!({ "nickname": "x" })));
    diary.enter(mei, "PUT", &at("/all-mute"), on(true), on(false));
    diary.enter(mei, "PUT", &at(&format!("/admins/{}", lin.id)), None, None);
    diary.enter(mei, "DELETE", &at(&format!("/admins/{}", lin.id)), None, None);
    diary.enter(mei, "PUT", &at(&format!("/mutes/{}", arjun.id)), Some(json!({})), None);
    diary.enter(mei, "DELETE", &at(&format!("/mutes/{}", arjun.id)), None, None);
    let invite = |who: &Person| Some(json!({ "users": [who.id], "reason": "" }));
    diary.enter(mei, "POST", &at("/members"), invite(sofia), invite(tomas));
    diary.enter(mei, "PUT", &at("/invite-confirmation"), on(true), on(false));
    let code = text_at(&mei.get(&at("/join-code")).done(), "code");
    let join = |reason: &str| Some(json!({ "code": code, "reason": reason }));
    diary.enter(tomas, "POST", "/v1/group-joins", join("please"), join("now"));
    diary.enter(mei, "POST", &at(&format!("/join-requests/{}/approve", tomas.id)), None, None);
    let remove = |who: &Person| Some(json!({ "users": [who.id] }));
    diary.enter(mei, "POST", &at("/members/remove"), remove(tomas), remove(sofia));
    diary.enter(tomas, "POST", "/v1/group-joins", join("again"), None);
    diary.enter(mei, "POST", &at(&format!("/join-requests/{}/reject", tomas.id)), None, None);
    diary.enter(sofia, "POST", &at("/leave"), None, None);
    diary.enter(mei, "POST", &at("/owner"), Some(json!({ "to": lin.id })), Some(json!({ "to": arjun.id })));
    diary.enter(lin, "DELETE", &at(""), None, None);
}

fn consent(diary: &mut Diary, mei: &Person, [lin, arjun, sofia, tomas]: [&Person; 4]) {
    let found = json!({ "name": "large", "members": [lin.id, arjun.id, sofia.id] });
    let group = text_at(&mei.post("/v1/groups", found).done(), "conversation");
    let at = |rest: &str| format!("/v1/groups/{group}{rest}");
    let invite = || mei.post(&at("/members"), json!({ "users": [tomas.id] })).done();
    invite();
    diary.enter(tomas, "POST", &at("/invitation/decline"), None, None);
    invite();
    diary.enter(tomas, "POST", &at("/invitation/accept"), None, None);
}

fn moments(diary: &mut Diary, mei: &Person, lin: &Person) {
    let text = |text: &str| Some(json!({ "text": text }));
    let post = text_at(&diary.enter(mei, "POST", "/v1/moments/posts", text("one"), text("two")), "post");
    let at = |rest: &str| format!("/v1/moments/posts/{post}{rest}");
    diary.enter(lin, "PUT", &at("/like"), None, None);
    diary.enter(lin, "DELETE", &at("/like"), None, None);
    let comment = diary.enter(lin, "POST", &at("/comments"), text("one"), text("two"));
    diary.enter(lin, "DELETE", &at(&format!("/comments/{}", text_at(&comment, "comment"))), None, None);
    diary.enter(mei, "DELETE", &at(""), None, None);
    let window = |window: &str| Some(json!({ "window": window }));
    diary.enter(mei, "PATCH", "/v1/moments/settings", window("month"), window("all"));
    let mark = |position: u64| Some(json!({ "position": position }));
    diary.enter(mei, "PUT", "/v1/moments/viewed", mark(2), mark(3));
    diary.enter(mei, "PUT", "/v1/moments/notices/read", mark(2), mark(3));
    let picture = |side: u32| Some(json!({ "medium": mei.medium("picture", &encoded(side, side, ImageFormat::Png)) }));
    for path in ["/v1/moments/cover", "/v1/me/avatar"] {
        diary.enter(mei, "PUT", path, picture(2), picture(3));
        diary.enter(mei, "DELETE", path, None, None);
    }
}

fn calls(diary: &mut Diary, mei: &Person, lin: &Person, talk: &str) {
    let mut place = |steps: &[(&Person, &str)]| {
        let media = |media: &str| Some(json!({ "conversation": talk, "media": media }));
        let call = text_at(&diary.enter(mei, "POST", "/v1/calls", media("voice"), media("video")), "call");
        for (by, step) in steps {
            diary.enter(by, "POST", &format!("/v1/calls/{call}/{step}"), None, None);
        }
    };
    place(&[(lin, "ring"), (lin, "accept"), (mei, "connected"), (lin, "hangup")]);
    place(&[(lin, "decline")]);
    place(&[(mei, "cancel")]);
}

fn own_stickers(diary: &mut Diary, mei: &Person, lin: &Person, talk: &str) {
    let picture = |side: u32| mei.medium("picture", &encoded(side, side, ImageFormat::Png));
    let named = |medium: String| Some(json!({ "medium": medium }));
    let sticker = text_at(&diary.enter(mei, "POST", "/v1/stickers", named(picture(4)), named(picture(5))), "medium");
    diary.enter(mei, "POST", "/v1/stickers", named(sticker.clone()), None);
    let seq = number_at(&mei.send_medium(talk, "picture_sticker", &sticker).done(), "seq");
    diary.enter(lin, "POST", &format!("/v1/conversations/{talk}/messages/{seq}/sticker"), None, None);
    diary.enter(mei, "POST", &format!("/v1/stickers/{sticker}/front"), None, None);
    diary.enter(mei, "DELETE", &format!("/v1/stickers/{sticker}"), None, None);
}

fn group_calls(diary: &mut Diary, mei: &Person, lin: &Person, arjun: &Person) {
    let house = group(mei, &[lin, arjun]);
    let media = |media: &str| Some(json!({ "conversation": house, "media": media }));
    let call = text_at(&diary.enter(mei, "POST", "/v1/group-calls", media("voice"), media("video")), "call");
    for (by, step) in [(lin, "decline"), (lin, "join"), (lin, "leave"), (mei, "leave")] {
        diary.enter(by, "POST", &format!("/v1/group-calls/{call}/{step}"), None, None);
    }
}

fn sticker_pack(diary: &mut Diary, server: &Server) {
    let pack = |title: &str| {
        Some(json!({ "title": title, "author": "House", "stickers": [{ "name": "cup", "glyph": "🍵" }] }))
    };
    diary.enter(&server.operator(), "POST", "/v1/operator/sticker-packs", pack("Cups"), pack("Pots"));
}

fn wallet(diary: &mut Diary, mei: &Person) {
    let pin = |pin: &str| Some(json!({ "pin": pin }));
    diary.enter(mei, "POST", "/v1/wallet", pin(PIN), pin("111111"));
    diary.enter(mei, "PUT", "/v1/wallet/pin", Some(json!({ "old": PIN, "new": "222222" })), None);
    diary.enter(mei, "POST", "/v1/wallet/authorizations", pin("222222"), pin("333333"));
    diary.enter(mei, "PUT", "/v1/wallet/arrival", Some(json!({ "seconds": 7200 })), Some(json!({ "seconds": 0 })));
    let card = |holder: &str| Some(json!({ "holder": holder, "number": card_number(7), "bank": "Harbour Bank" }));
    let linked = diary.enter(mei, "POST", "/v1/wallet/cards", card("Mei"), card("Lin"));
    let reset = |pin: &str| Some(json!({ "card": linked["card"], "number": card_number(7), "pin": pin }));
    diary.enter(mei, "POST", "/v1/wallet/pin-resets", reset("444444"), reset("555555"));
    diary.enter(mei, "DELETE", &format!("/v1/wallet/cards/{}", text_at(&linked, "card")), None, None);
}

fn shop(diary: &mut Diary, mei: &Person, lin: &Person) {
    let named = |name: &str| Some(json!({ "name": name }));
    let shop = diary.enter(mei, "POST", "/v1/merchants", named("Mei's cups"), named("Mei's pots"));
    let at = |place: &str| format!("/v1/merchants/{}{place}", text_at(&shop, "merchant"));
    let operator = at(&format!("/operators/{}", lin.id));
    diary.enter(mei, "PUT", &operator, None, None);
    diary.enter(mei, "DELETE", &operator, None, None);
    let card = |holder: &str| Some(json!({ "holder": holder, "number": card_number(8), "bank": "Harbour Bank" }));
    let linked = diary.enter(mei, "POST", &at("/cards"), card("Mei"), card("Lin"));
    diary.enter(mei, "DELETE", &at(&format!("/cards/{}", text_at(&linked, "card"))), None, None);
    diary.enter(mei, "POST", &at("/close"), None, None);
}

fn official_account(diary: &mut Diary, mei: &Person, lin: &Person, server: &Server) {
    let named = |name: &str| Some(json!({ "sort": "service", "name": name }));
    let registered = diary.enter(mei, "POST", "/v1/official-accounts", named("Tea News"), named("Tea Talk"));
    let at = |place: &str| format!("/v1/official-accounts/{}{place}", text_at(&registered, "account"));
    let about = |about: &str| Some(json!({ "introduction": about }));
    diary.enter(mei, "PATCH", &at(""), about("all about tea"), about("all about cups"));
    let operator = at(&format!("/operators/{}", lin.id));
    diary.enter(mei, "PUT", &operator, None, None);
    diary.enter(mei, "DELETE", &operator, None, None);
    let verification = at("/verification").replace("/v1/", "/v1/operator/");
    let subject = |subject: &str| Some(json!({ "subject": subject }));
    diary.enter(&server.operator(), "PUT", &verification, subject("Tea Ltd"), subject("Cup Ltd"));
    diary.enter(&server.operator(), "DELETE", &verification, None, None);
    diary.enter(lin, "PUT", &at("/follow"), Some(json!({ "source": "card" })), Some(json!({})));
    diary.enter(lin, "PUT", &at("/muted"), Some(json!({ "on": true })), Some(json!({ "on": false })));
    let code = mei.get(&at("/scene-code?text=door")).done()["code"].clone();
    diary.enter(lin, "POST", "/v1/account-code-scans", Some(json!({ "code": code })), None);
    diary.enter(lin, "DELETE", &at("/follow"), None, None);
    // Who is written to below must follow the account also when all is sent once more.
    diary.enter(lin, "PUT", &at("/follow"), Some(json!({ "source": "search" })), None);
    diary.enter(lin, "PUT", &at("/conversation"), None, None);
    let menu = |key: &str| Some(json!({ "button": [{ "name": "More", "type": "click", "key": key }] }));
    diary.enter(mei, "PUT", &at("/menu"), menu("A"), menu("B"));
    diary.enter(lin, "POST", &at("/menu-choices"), Some(json!({ "bar": 0 })), None);
    diary.enter(mei, "DELETE", &at("/menu"), None, None);
    let replies = |text: &str| Some(json!({ "welcome": { "kind": "text", "text": text } }));
    diary.enter(mei, "PUT", &at("/auto-replies"), replies("welcome"), replies("hello"));
    let follower = mei.get(&at("/followers")).done()["followers"][0]["openid"].as_str().unwrap().to_owned();
    let talk = at(&format!("/followers/{follower}/messages"));
    let text = |text: &str| Some(json!({ "content": { "kind": "text", "text": text } }));
    let said = diary.enter(mei, "POST", &talk, text("one"), text("two"));
    diary.enter(mei, "POST", &format!("{talk}/{}/recall", said["seq"]), None, None);
    articles(diary, mei, lin, at);
    broadcasts(diary, mei, &follower, at);
    diary.enter(mei, "POST", &at("/app-secret"), None, None);
    diary.enter(mei, "POST", &at("/callback-keys"), None, None);
    diary.enter(mei, "DELETE", &at("/callback"), None, None);
    let url = |host: &str| Some(json!({ "url": format!("https://{host}.invalid/hook") }));
    diary.enter(mei, "PUT", &at("/webhook"), url("tea"), url("cups"));
    diary.enter(mei, "POST", &at("/webhook-secret"), None, None);
    diary.enter(mei, "POST", &at("/webhook/replay"), Some(json!({ "from": 1 })), Some(json!({})));
    diary.enter(mei, "DELETE", &at("/webhook"), None, None);
}

fn broadcasts(diary: &mut Diary, mei: &Person, follower: &str, at: impl Fn(&str) -> String) {
    let named = |name: &str| Some(json!({ "name": name }));
    let made = diary.enter(mei, "POST", &at("/follower-tags"), named("fans"), named("guests"));
    let tag = at(&format!("/follower-tags/{}", made["tag"]));
    diary.enter(mei, "PATCH", &tag, named("friends"), named("others"));
    let notes = |remark: &str| Some(json!({ "remark": remark, "add_tags": [made["tag"]] }));
    diary.enter(mei, "PUT", &at(&format!("/followers/{follower}/notes")), notes("Lin"), notes("Mei"));
    let text = |text: &str| Some(json!({ "contents": [{ "kind": "text", "text": text }], "tag": made["tag"] }));
    let sent = diary.enter(mei, "POST", &at("/broadcasts"), text("one"), text("two"));
    diary.enter(mei, "DELETE", &at(&format!("/broadcasts/{}", sent["number"])), None, None);
    diary.enter(mei, "DELETE", &tag, None, None);
}

fn articles(diary: &mut Diary, mei: &Person, lin: &Person, at: impl Fn(&str) -> String) {
    let draft = |title: &str| Some(json!({ "title": title, "body": "<p>tea</p>" }));
    let article = text_at(&diary.enter(mei, "POST", &at("/drafts"), draft("Tea"), draft("Cups")), "article");
    diary.enter(mei, "PUT", &at(&format!("/drafts/{article}")), draft("Green tea"), draft("Black tea"));
    diary.enter(mei, "POST", &at(&format!("/drafts/{article}/publish")), None, None);
    diary.enter(lin, "PUT", &format!("/v1/articles/{article}/read"), None, None);
    diary.enter(lin, "PUT", &format!("/v1/articles/{article}/like"), None, None);
    diary.enter(lin, "DELETE", &format!("/v1/articles/{article}/like"), None, None);
    diary.enter(mei, "DELETE", &at(&format!("/articles/{article}")), None, None);
}

#[test]
fn registering_or_logging_in_with_the_same_key_gives_the_same_token() {
    let server = Server::start();
    let anybody = server.client();
    let handle = fresh_handle("mei");
    let register = || anybody.call("POST", "/v1/users", Some(&registration(&handle, "Mei")), Some("registering"));
    let first = register();
    assert_eq!(first.status, 201);
    let log_in = |password: &str, key: &str| {
        let body = json!({ "handle": handle, "password": password, "device_name": "phone" });
        anybody.call("POST", "/v1/sessions", Some(&body), Some(key))
    };
    let session = log_in(PASSWORD, "logging in");
    assert_eq!(session.status, 201);
    server.kill();
    server.start_again();
    assert_eq!(register().text(), first.text());
    assert_eq!(log_in(PASSWORD, "logging in").text(), session.text());
    assert_ne!(text_at(&log_in(PASSWORD, "another").done(), "token"), text_at(&session.json(), "token"));
    assert_eq!(anybody.with_token(&text_at(&session.json(), "token")).get("/v1/me").status, 200);
    // Who repeats a log-in must know the password as well.
    log_in("not the password", "logging in").refused(401, "bad-credentials");
    let other = json!({ "handle": handle, "display_name": "Another", "password": PASSWORD, "device_name": "test" });
    anybody.call("POST", "/v1/users", Some(&other), Some("registering")).refused(422, "key-reused");
}

#[test]
fn a_repetition_is_told_to_wait_while_the_first_request_is_under_way() {
    // A password that takes its time keeps the first request under way.
    let server = Setup::new()
        .with("TEAHOUSE_COMMANDS__PASSWORDS__MEMORY_KIB", "131072")
        .with("TEAHOUSE_COMMANDS__PASSWORDS__PASSES", "4")
        .start();
    let body = registration(&fresh_handle("mei"), "Mei");
    const AT_ONCE: usize = 8;
    let start = Barrier::new(AT_ONCE);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let send = || {
            start.wait();
            server.client().call("POST", "/v1/users", Some(&body), Some("once"))
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (done, told): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert!(!told.is_empty(), "none of {AT_ONCE} requests at once met another one under way");
    for reply in told {
        reply.refused(409, "key-in-flight");
        assert!(reply.header("retry-after").is_some());
    }
    let again = server.client().call("POST", "/v1/users", Some(&body), Some("once"));
    for reply in done {
        assert_eq!(reply.text(), again.text());
    }
    assert_eq!(server.events(&["--type", "user.registered"]).len(), 1);
}

#[test]
fn a_message_sent_again_with_its_client_id_is_said_once_and_with_other_words_refused() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let elsewhere = befriend(&mei, &arjun);
    let send = |talk: &str, text: &str| {
        let body = json!({ "client_id": "c1", "content": { "kind": "text", "text": text } });
        mei.post(&format!("/v1/conversations/{talk}/messages"), body)
    };
    let first = send(&talk, "hello");
    assert_eq!(send(&talk, "hello").text(), first.text());
    send(&talk, "goodbye").refused(422, "key-reused");
    // Another conversation, another message.
    send(&elsewhere, "goodbye").done();
    assert_eq!(lin.texts(&talk), ["hello"]);
    // A line break in the JSON is no other message.
    let body = json!({ "content": { "text": "hello", "kind": "text" }, "client_id": "c1", "mentions": [] });
    assert_eq!(mei.post(&format!("/v1/conversations/{talk}/messages"), body).text(), first.text());
}

#[test]
fn a_refused_command_changes_nothing_and_its_key_is_free_again() {
    let server = Server::start();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let talk = befriend(&mei, &lin);
    let group = group(&mei, &[&lin, &arjun]);
    let before = server.events(&[]);
    let text = json!({ "content": { "kind": "text", "text": "hello" } });
    let say = |who: &Person, talk: &str, key: &str| {
        who.call("POST", &format!("/v1/conversations/{talk}/messages"), Some(&text), Some(key))
    };
    say(&stranger, &talk, "k").refused(404, "conversation-not-found");
    say(&stranger, &group, "k").refused(404, "conversation-not-found");
    lin.call("DELETE", &format!("/v1/groups/{group}"), None, Some("k")).refused(403, "owner-only");
    let empty = json!({ "content": { "kind": "text", "text": " " } });
    mei.call("POST", &format!("/v1/conversations/{talk}/messages"), Some(&empty), Some("k"))
        .refused(400, "invalid-field");
    mei.call("PATCH", "/v1/me", Some(&json!({ "display_name": "" })), Some("k")).problem(400);
    mei.call("POST", "/v1/groups", Some(&json!({ "members": [stranger.id, lin.id] })), Some("k"))
        .refused(403, "not-friends");
    let taken = registration(&mei.handle, "Another");
    server.client().call("POST", "/v1/users", Some(&taken), Some("k")).refused(409, "handle-taken");
    assert_eq!(server.events(&[]), before);
    // The key did nothing yet, so it may do something now.
    assert_eq!(say(&mei, &talk, "k").status, 201);
}

#[test]
fn a_command_that_had_nothing_to_do_does_nothing_later_either() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let path = format!("/v1/conversations/{talk}/pinned");
    let pin = |on: bool, key: &str| mei.call("PUT", &path, Some(&json!({ "on": on })), Some(key));
    let first = pin(false, "nothing");
    first.done();
    pin(true, "something").done();
    let pinned = || mei.get(&format!("/v1/conversations/{talk}")).done()["settings"]["pinned"].clone();
    for restart in [false, true] {
        if restart {
            server.kill();
            server.start_again();
        }
        assert_eq!(pin(false, "nothing").text(), first.text());
        pin(true, "nothing").refused(422, "key-reused");
        assert_eq!(pinned(), json!(true));
    }
}

#[test]
fn a_message_has_a_key_or_a_client_id_and_not_both() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let path = format!("/v1/conversations/{talk}/messages");
    let body = |client_id: &str| json!({ "client_id": client_id, "content": { "kind": "text", "text": "hi" } });
    mei.call("POST", &path, Some(&body("1")), Some("k")).refused(400, "invalid-key");
    assert!(mei.texts(&talk).is_empty());
    mei.post(&path, body(&"茶".repeat(64))).done();
    mei.post(&path, body(&"茶".repeat(65))).refused(400, "invalid-field");
}

#[test]
fn a_key_is_printable_and_a_request_has_one() {
    let server = Server::start();
    let mei = server.register("mei");
    let bearer = format!("Bearer {}", mei.token().unwrap_or_default());
    let make = |name: &str, keys: &[&str]| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
        let body = json!({ "name": name }).to_string();
        raw::exchange(&mei.address(), &raw::request("POST", "/v1/tags", &headers, body.as_bytes()))
    };
    for keys in [["a\tb"].as_slice(), &["茶"], &[""], &["one", "other"], &["same", "same"]] {
        let (status, _, answer) = make("tea", keys);
        assert_eq!(status, 400, "{keys:?}");
        assert!(answer.contains("invalid-key"), "{answer}");
    }
    assert_eq!(mei.get("/v1/tags").done()["tags"], json!([]));
    assert_eq!(make("tea", &[" a key! "]).0, 201);
}

#[test]
fn before_anybody_is_known_keys_go_by_the_handle_whatever_its_case() {
    let server = Server::start();
    let handle = fresh_handle("mei");
    let call = |path: &str, body: Value| server.client().call("POST", path, Some(&body), Some("k"));
    call("/v1/users", registration(&handle, "Mei")).done();
    call("/v1/users", registration(&handle.to_uppercase(), "Mei")).refused(422, "key-reused");
    let log_in = json!({ "handle": handle, "password": PASSWORD, "device_name": "phone" });
    call("/v1/sessions", log_in).refused(422, "key-reused");
}
