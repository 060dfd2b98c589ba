//! Webhooks of official accounts: what they are told and in which order, signatures, tries, pauses, being told again.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
        mpsc::channel,
    },
    time::Duration,
};

use serde_json::{Value, json};
use teahouse_tests::{
    Account, Bot, Person, Server, Setup, binary,
    bot::{Call, Does},
    people::{number_at, text_at},
    until,
};

/// The receiver of a webhook, which answers with the status that it is made to.
struct Receiver {
    bot: Bot,
    status: Arc<AtomicU16>,
}

impl Receiver {
    fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let answer = status.clone();
        let bot = Bot::start(move |_| match answer.load(Ordering::SeqCst) {
            200 => Does::Answers(String::new()),
            other => Does::Refuses(other),
        });
        Self { bot, status }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Its calls, once there are so many.
    fn calls(&self, count: usize) -> Vec<Call> {
        until("the webhook is called", || Some(self.bot.told()).filter(|calls| calls.len() >= count))
    }

    /// What it was told, once there is so much.
    fn told(&self, count: usize) -> Vec<Value> {
        self.calls(count).iter().map(event).collect()
    }
}

fn event(call: &Call) -> Value {
    serde_json::from_str(&call.body).expect("a webhook is told JSON")
}

fn account(server: &Server, name: &str) -> (Account, Person) {
    let [owner, reader] = server.people(["owner", "reader"]);
    (Account::service(owner, name), reader)
}

/// Whether each call is genuine under each of the secrets, as the library of Standard Webhooks says.
fn genuine(calls: &[Call], secrets: &[&str]) -> Vec<Vec<bool>> {
    let mut child = Command::new(binary::workspace().join("target/test-tools/bin/python"))
        .arg(binary::workspace().join("tests/bots/verify_webhook.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started, once tests/run has installed it");
    let mut input = child.stdin.take().expect("it reads");
    for call in calls {
        let line = json!({ "secrets": secrets, "headers": call.headers, "body": call.body });
        writeln!(input, "{line}").expect("it reads");
    }
    drop(input);
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success());
    let lines = String::from_utf8(out.stdout).expect("it writes text");
    lines.lines().map(|line| serde_json::from_str(line).expect("it writes JSON")).collect()
}

fn standing(account: &Account) -> Value {
    account.owner.get(&account.path("/webhook")).done()
}

fn replay(account: &Account, from: Option<u64>) {
    account.owner.post(&account.path("/webhook/replay"), json!({ "from": from })).done();
}

fn sequence(event: &Value) -> u64 {
    text_at(event, "sequence").parse().expect("a number")
}

#[test]
fn a_webhook_is_told_what_followers_do_in_its_order_and_its_signatures_are_genuine() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea");
    let receiver = Receiver::start();
    let secret = account.notified_at(&receiver.bot.url());
    // It answers nothing: the account's own replies stay.
    account.answers(json!({ "welcome": { "kind": "text", "text": "by itself" } }));
    let code = account.owner.get(&account.path("/scene-code?text=door")).done()["code"].clone();
    reader.put(&account.path("/follow"), json!({ "code": code })).done();
    let openid = account.openid_of(&reader);
    let talk = account.talk_with(&reader);
    until("it is welcomed", || Some(reader.texts(&talk)).filter(|texts| texts == &["by itself"]));
    for words in ["one", "<b> & 茶", "three"] {
        let _ = reader.say(&talk, words);
    }
    let menu = json!({ "button": [{ "name": "Tea", "type": "click", "key": "TEA" }] });
    account.owner.put(&account.path("/menu"), menu).done();
    reader.post(&account.path("/menu-choices"), json!({ "bar": 0 })).done();
    reader.post("/v1/account-code-scans", json!({ "code": code })).done();
    reader.delete(&account.path("/follow")).done();
    let calls = receiver.calls(7);
    let events: Vec<Value> = calls.iter().map(event).collect();
    let said: Vec<(&str, &Value)> =
        events.iter().map(|event| (event["type"].as_str().unwrap_or_default(), &event["data"])).collect();
    let text = |text: &str| json!({ "kind": "text", "text": text });
    let (scene, chosen) = (json!({ "scene": "door" }), json!({ "event": "CLICK", "key": "TEA" }));
    let expected = [
        ("teahouse.follower.followed", &scene),
        ("teahouse.follower.message", &text("one")),
        ("teahouse.follower.message", &text("<b> & 茶")),
        ("teahouse.follower.message", &text("three")),
        ("teahouse.follower.menu-chosen", &chosen),
        ("teahouse.follower.scanned", &scene),
        ("teahouse.follower.unfollowed", &json!({})),
    ];
    assert_eq!(said, expected);
    assert!(events.windows(2).all(|pair| sequence(&pair[0]) < sequence(&pair[1])));
    for (call, event) in calls.iter().zip(&events) {
        assert_eq!((&event["specversion"], &event["subject"]), (&json!("1.0"), &json!(openid)));
        assert_eq!(event["id"], call.header("webhook-id").unwrap_or_default());
        assert!(text_at(event, "source").ends_with(&account.id) && event["time"].is_string(), "{event}");
        assert!(call.header("content-type").unwrap_or_default().starts_with("application/cloudevents+json"));
        assert!(!call.body.contains(&reader.id));
    }
    let another = format!("whsec_{}", "A".repeat(43) + "=");
    assert_eq!(genuine(&calls, &[&secret, &another]), vec![vec![true, false]; 7]);
    let tampered = Call { body: calls[1].body.replace("one", "two"), ..calls[1].clone() };
    assert_eq!(genuine(&[tampered], &[&secret]), [[false]]);
    until("it is noted", || (number_at(&standing(&account), "delivered") == sequence(&events[6])).then_some(()));
    account.owner.delete(&account.path("/webhook")).done();
    account.followed_by(&reader);
    let again = account.notified_at(&receiver.bot.url());
    let _ = reader.say(&talk, "four");
    assert_eq!(receiver.told(8)[7]["data"], text("four"));
    assert_ne!(again, secret);
    let log = format!("{}{}", server.log(), json!(server.events(&[])));
    assert!([&secret, &again].iter().all(|secret| !log.contains(secret.trim_start_matches("whsec_"))));
}

#[test]
fn a_new_secret_and_the_one_before_are_both_good_for_a_day() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea");
    let receiver = Receiver::start();
    let old = account.notified_at(&receiver.bot.url());
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let _ = receiver.calls(1);
    let renewed = account.owner.post(&account.path("/webhook-secret"), json!({})).done();
    let new = text_at(&renewed, "secret");
    assert!(standing(&account)["old_secret_until"].is_string());
    assert!(!standing(&account).to_string().contains("whsec_"));
    let _ = reader.say(&talk, "within the day");
    let calls = receiver.calls(2);
    assert_eq!(genuine(&calls[1..], &[&old, &new]), [[true, true]]);
    server.advance(Duration::from_secs(24 * 3600 + 1));
    let _ = reader.say(&talk, "a day later");
    let signatures = |call: &Call| call.header("webhook-signature").unwrap_or_default().split(' ').count();
    assert_eq!(receiver.calls(3).iter().map(signatures).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn what_fails_is_told_again_after_a_while_before_what_comes_later_also_through_kill_9() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let receiver = Receiver::start();
    let _ = account.notified_at(&receiver.bot.url());
    receiver.answers(500);
    let _ = reader.say(&talk, "first");
    let failed = |times: u64| {
        // A machine that is busy may take so long that one more has come about by itself.
        until("the failure is noted", || (number_at(&standing(&account), "failures") >= times).then_some(()));
    };
    failed(1);
    let _ = reader.say(&talk, "second");
    server.kill();
    server.start_again();
    assert_eq!(text_at(&standing(&account), "failure"), "status 500");
    // Five seconds for the second time, five minutes for the third.
    server.advance(Duration::from_secs(6));
    failed(2);
    assert_eq!(receiver.bot.told().len(), 2);
    receiver.answers(204);
    server.kill();
    server.start_again();
    // A server that was started again has lost what its clock was moved by.
    server.advance(Duration::from_secs(6 + 301));
    let told = receiver.told(4);
    let words: Vec<&Value> = told.iter().map(|event| &event["data"]["text"]).collect();
    assert_eq!(words, ["first", "first", "first", "second"]);
    assert!(told[..3].iter().all(|event| event["id"] == told[0]["id"]) && told[3]["id"] != told[0]["id"]);
    until("it is noted", || (number_at(&standing(&account), "delivered") == sequence(&told[3])).then_some(()));
    assert_eq!((number_at(&standing(&account), "failures"), &standing(&account)["failure"]), (0, &Value::Null));
}

#[test]
fn a_dead_webhook_is_paused_and_its_owner_is_told_and_goes_on_where_it_stopped() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let receiver = Receiver::start();
    let _ = account.notified_at(&receiver.bot.url());
    receiver.answers(503);
    let _ = reader.say(&talk, "hello?");
    for times in 1..=10 {
        until("it has failed again", || (number_at(&standing(&account), "failures") >= times).then_some(()));
        server.advance(Duration::from_secs(24 * 3600));
    }
    assert!(standing(&account)["paused_at"].is_string());
    let _ = reader.say(&talk, "anybody there?");
    let told = account.owner.sync_from(0).into_iter().find(|entry| entry["type"] == "webhook.paused");
    let told = told.expect("the owner is told")["data"].clone();
    assert_eq!(
        (&told["account"], &told["reason"], &told["times"]),
        (&json!(account.id), &json!("status 503"), &json!(10))
    );
    assert!(!reader.sync_from(0).iter().any(|entry| entry["type"] == "webhook.paused"));
    assert_eq!(receiver.bot.told().len(), 10);
    receiver.answers(200);
    replay(&account, None);
    let words: Vec<Value> = receiver.told(12)[10..].iter().map(|event| event["data"]["text"].clone()).collect();
    assert_eq!(words, ["hello?", "anybody there?"]);
    assert_eq!(standing(&account)["paused_at"], Value::Null);
    // Who says that it is gone is not asked ten times.
    receiver.answers(410);
    let _ = reader.say(&talk, "more?");
    until("it is paused", || standing(&account)["paused_at"].is_string().then_some(()));
    assert_eq!(receiver.bot.told().len(), 13);
}

#[test]
fn a_webhook_is_told_again_from_a_position_on_after_a_rebuild_as_well() {
    let server = Setup::new().with_bots(30_000).start();
    let (account, reader) = account(&server, "Tea");
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    let receiver = Receiver::start();
    let _ = account.notified_at(&receiver.bot.url());
    for words in ["one", "two", "three"] {
        let _ = reader.say(&talk, words);
    }
    let first = receiver.told(3);
    replay(&account, Some(sequence(&first[1])));
    assert_eq!(receiver.told(5)[3..], first[1..]);
    server.operator().post("/v1/operator/read-models/official/rebuild", json!({})).done();
    replay(&account, Some(1));
    assert_eq!(receiver.told(8)[5..], first);
    let beyond = json!({ "from": 1_000_000 });
    account.owner.post(&account.path("/webhook/replay"), beyond).refused(400, "invalid-field");
}

#[test]
fn dead_webhooks_hold_up_no_other() {
    let server = Setup::new().with_bots(60_000).start();
    let (open, never) = channel::<()>();
    let never = Arc::new(Mutex::new(never));
    let silent = Bot::start(move |_| Does::Waits(never.clone()));
    let [owner, reader] = server.people(["owner", "reader"]);
    let dead: Vec<Account> = (0..5).map(|_| Account::service(owner.clone(), "Dead")).collect();
    for account in &dead {
        let _ = account.notified_at(&silent.url());
        account.followed_by(&reader);
    }
    until("all of them are called", || (silent.told().len() == 5).then_some(()));
    let good = Account::service(owner, "Good");
    let receiver = Receiver::start();
    let _ = good.notified_at(&receiver.bot.url());
    good.followed_by(&reader);
    assert_eq!(receiver.told(1)[0]["type"], "teahouse.follower.followed");
    drop(open);
}

#[test]
fn only_the_owner_has_to_do_with_a_webhook_and_nothing_on_the_inside_is_called() {
    let server = Server::start();
    let (account, reader) = account(&server, "Tea");
    let clerk = server.register("clerk");
    account.owner.put(&account.path(&format!("/operators/{}", clerk.id)), json!({})).done();
    let receiver = Receiver::start();
    let _ = account.notified_at(&receiver.bot.url());
    let none = || Account::service(account.owner.clone(), "Other");
    none().owner.post(&none().path("/webhook-secret"), json!({})).refused(404, "webhook-not-found");
    for person in [&reader, &clerk] {
        person.get(&account.path("/webhook")).refused(403, "account-owner-only");
        let url = json!({ "url": "https://elsewhere.example" });
        person.put(&account.path("/webhook"), url).refused(403, "account-owner-only");
        person.delete(&account.path("/webhook")).refused(403, "account-owner-only");
        for post in ["/webhook-secret", "/webhook/replay"] {
            person.post(&account.path(post), json!({})).refused(403, "account-owner-only");
        }
    }
    account.owner.put(&account.path("/webhook"), json!({ "url": "ftp://tea.example" })).refused(400, "invalid-field");
    account.followed_by(&reader);
    let failure = until("it has failed", || standing(&account)["failure"].as_str().map(str::to_owned));
    assert!(failure.contains("may not be called"), "{failure}");
    assert!(receiver.bot.told().is_empty());
}
