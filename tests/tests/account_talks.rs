//! Talking with official accounts: messages both ways, the inbox, menus, replies by themselves.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Account, Person, Server, Shared,
    people::{list_at, text_at},
    until,
};

static SHARED: Shared = Shared::new();

const HOUR: Duration = Duration::from_secs(3600);

fn text(text: &str) -> Value {
    json!({ "kind": "text", "text": text })
}

/// What was said in a conversation, once it is that many messages.
fn said(person: &Person, talk: &str, count: usize) -> Vec<String> {
    until("everything was said", || Some(person.texts(talk)).filter(|texts| texts.len() >= count))
}

#[test]
fn messages_go_both_ways_and_the_account_speaks_under_its_own_name() {
    let server = SHARED.server();
    let [owner, reader, stranger] = server.people(["owner", "reader", "stranger"]);
    let account = Account::service(owner, "Tea Help");
    stranger.put(&account.path("/conversation"), json!({})).refused(403, "not-followed");
    account.followed_by(&reader);
    let openid = account.openid_of(&reader);
    let talk = account.talk_with(&reader);
    assert_eq!(reader.say(&talk, "is there tea?"), 1);
    let heard = account.owner.get(&account.path("/messages")).done();
    let first = list_at(&heard, "messages")[0].clone();
    assert_eq!((&first["openid"], &first["content"]["text"]), (&json!(openid), &json!("is there tea?")));
    assert!(!heard.to_string().contains(&reader.id), "{heard}");
    let seq = account.write_to(&openid, "plenty").done()["seq"].clone();
    assert_eq!(seq, 2);
    let history = reader.history(&talk);
    assert_eq!(reader.texts(&talk), ["is there tea?", "plenty"]);
    let by = |entry: &Value| entry["actor"].clone();
    assert_eq!(history.iter().rev().map(by).next(), Some(json!(account.id)));
    assert!(!json!(history).to_string().contains(&account.owner.id));
    let row = reader.row(&talk);
    assert_eq!((&row["kind"], &row["account"], &row["unread"]), (&json!("official"), &json!(account.id), &json!(1)));
    let between = account.owner.get(&account.path(&format!("/followers/{openid}/messages"))).done();
    let by_account: Vec<Value> =
        list_at(&between, "messages").iter().map(|message| message["by_account"].clone()).collect();
    assert_eq!(by_account, [json!(true), json!(false)]);
    account.owner.post(&account.path(&format!("/followers/{openid}/messages/2/recall")), json!({})).done();
    assert_eq!(reader.texts(&talk), ["is there tea?"]);
    stranger.get(&format!("/v1/conversations/{talk}")).refused(404, "conversation-not-found");
    account.owner.get(&format!("/v1/conversations/{talk}")).refused(404, "conversation-not-found");
    stranger.get(&account.path("/messages")).refused(403, "account-not-yours");
    reader.delete(&account.path("/follow")).done();
    reader.send(&talk, "still there?").refused(403, "not-followed");
    account.write_to(&openid, "come back").refused(403, "not-followed");
}

#[test]
fn an_account_writes_for_two_days_after_it_was_written_to_and_a_minute_after_it_was_followed() {
    let server = Server::start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea Help");
    account.followed_by(&reader);
    let openid = account.openid_of(&reader);
    account.write_to(&openid, "welcome").done();
    server.advance(Duration::from_secs(61));
    account.write_to(&openid, "are you there?").refused(403, "reply-window-over");
    let talk = account.talk_with(&reader);
    let _ = reader.say(&talk, "yes");
    server.advance(47 * HOUR);
    account.write_to(&openid, "good").done();
    server.advance(HOUR);
    account.write_to(&openid, "too late").refused(403, "reply-window-over");
    assert_eq!(reader.texts(&talk), ["welcome", "yes", "good"]);
    for odd in [json!({ "kind": "contact_card", "user": reader.id }), text(" ")] {
        let path = account.path(&format!("/followers/{openid}/messages"));
        account.owner.post(&path, json!({ "content": odd })).problem(400);
    }
}

#[test]
fn subscription_accounts_are_one_row_of_the_inbox_and_make_no_noise() {
    let server = SHARED.server();
    let [owner, reader] = server.people(["owner", "reader"]);
    let [daily, weekly] = ["Daily", "Weekly"].map(|name| Account::subscription(owner.clone(), name));
    let talks = [&daily, &weekly].map(|account| {
        account.followed_by(&reader);
        let openid = account.openid_of(&reader);
        account.write_to(&openid, "news").done();
        account.talk_with(&reader)
    });
    let inbox = reader.get("/v1/conversations").done();
    assert_eq!((list_at(&inbox, "conversations").len(), &inbox["badge"]), (0, &json!(0)));
    let folded = &inbox["subscriptions"];
    assert_eq!((&folded["conversations"], &folded["unread"]), (&json!(2), &json!(2)));
    assert_eq!(folded["latest"]["id"], talks[1]);
    reader.put(&format!("/v1/conversations/{}/read", talks[1]), json!({ "seq": 1 })).done();
    assert_eq!(reader.get("/v1/conversations").done()["subscriptions"]["unread"], 1);
    assert_eq!(reader.all("/v1/subscriptions/conversations").len(), 2);
}

#[test]
fn what_an_account_that_is_muted_says_makes_no_noise() {
    let server = SHARED.server();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea");
    account.followed_by(&reader);
    let mute = |on: bool| drop(reader.put(&account.path("/muted"), json!({ "on": on })).done());
    // Before anything was said.
    mute(true);
    assert!(list_at(&reader.get("/v1/conversations").done(), "conversations").is_empty());
    account.write_to(&account.openid_of(&reader), "news").done();
    let talk = account.talk_with(&reader);
    assert_eq!((&reader.row(&talk)["muted"], reader.badge()), (&json!(true), 0));
    assert_eq!(reader.details(&talk)["settings"]["muted"], true);
    mute(false);
    assert_eq!((&reader.row(&talk)["muted"], reader.badge()), (&json!(false), 1));
    mute(true);
    reader.delete(&account.path("/follow")).done();
    account.followed_by(&reader);
    assert_eq!((&reader.row(&talk)["muted"], reader.badge()), (&json!(false), 1));
}

#[test]
fn a_menu_is_shown_to_everybody_and_chosen_from_by_followers() {
    let server = SHARED.server();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea Shop");
    let below = json!([{ "name": "Green", "type": "click", "key": "GREEN" },
        { "name": "Map", "type": "view", "url": "https://example.org/map" }]);
    let menu = json!({ "button": [{ "name": "Teas", "sub_button": below }] });
    reader.put(&account.path("/menu"), menu.clone()).refused(403, "account-not-yours");
    account.owner.put(&account.path("/menu"), json!({ "button": [] })).refused(400, "invalid-field");
    account.owner.put(&account.path("/menu"), menu.clone()).done();
    assert_eq!(reader.get(&account.path("/menu")).done(), menu);
    let choose =
        |bar: u32, below: u32| reader.post(&account.path("/menu-choices"), json!({ "bar": bar, "below": below }));
    choose(0, 0).refused(403, "not-followed");
    account.followed_by(&reader);
    assert_eq!(choose(0, 0).done()["url"], Value::Null);
    assert_eq!(text_at(&choose(0, 1).done(), "url"), "https://example.org/map");
    choose(0, 2).refused(404, "menu-button-not-found");
    account.owner.delete(&account.path("/menu")).done();
    choose(0, 0).refused(404, "menu-button-not-found");
}

#[test]
fn an_account_answers_by_itself_once_also_through_kill_9() {
    let server = Server::start();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea Help");
    let keyword = |mode: &str, word: &str| json!([{ "mode": mode, "text": word }]);
    account.answers(json!({
        "welcome": text("welcome"),
        "rules": [
            { "name": "hours", "mode": "reply_all", "keywords": keyword("contain", "OPEN"),
              "replies": [text("nine to five"), text("not on Mondays")] },
            { "name": "dice", "mode": "random_one", "keywords": keyword("equal", "dice"), "replies": [text("one"), text("two")] },
        ],
        "default": text("we write back"),
    }));
    account.followed_by(&reader);
    let talk = account.talk_with(&reader);
    assert_eq!(said(&reader, &talk, 1), ["welcome"]);
    let _ = reader.say(&talk, "when are you open?");
    assert_eq!(said(&reader, &talk, 4)[2..], ["nine to five", "not on Mondays"]);
    let _ = reader.say(&talk, " Dice ");
    assert!(["one", "two"].contains(&said(&reader, &talk, 6)[5].as_str()));
    let _ = reader.say(&talk, "thanks");
    assert_eq!(said(&reader, &talk, 8)[7], "we write back");
    // Within the hour the default is not given again, so what comes after it answers something else.
    let _ = reader.say(&talk, "anybody?");
    let _ = reader.say(&talk, "dice");
    server.kill();
    server.start_again();
    let texts = said(&reader, &talk, 11);
    assert_eq!(texts[8..10], ["anybody?", "dice"]);
    server.advance(HOUR);
    let _ = reader.say(&talk, "hello?");
    assert_eq!(said(&reader, &talk, 13)[12], "we write back");
    let counted = |words: &str| reader.texts(&talk).iter().filter(|text| *text == words).count();
    assert_eq!((counted("welcome"), counted("we write back"), counted("nine to five")), (1, 2, 1));
    reader.delete(&account.path("/follow")).done();
    account.followed_by(&reader);
    until("a second welcome", || (counted("welcome") == 2).then_some(()));
}

#[test]
fn what_an_account_may_not_answer_with_is_refused() {
    let server = SHARED.server();
    let account = Account::service(server.register("owner"), "Tea Help");
    let path = account.path("/auto-replies");
    account.owner.put(&path, json!({ "welcome": text("") })).problem(400);
    let pat = json!({ "kind": "pat", "target": account.owner.id });
    account.owner.put(&path, json!({ "default": pat })).refused(400, "content-not-allowed");
    let empty = json!([{ "name": "x", "mode": "reply_all", "keywords": [], "replies": [text("a")] }]);
    account.owner.put(&path, json!({ "rules": empty })).refused(400, "invalid-field");
    let fine = json!({ "default": text("later") });
    account.owner.put(&path, fine.clone()).done();
    assert_eq!(account.owner.get(&path).done(), fine);
    server.register("stranger").get(&path).refused(403, "account-not-yours");
}
