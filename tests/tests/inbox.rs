//! The inbox: one person's own view of their conversations.

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Shared, befriend, group,
    people::{list_at, number_at},
};

static SHARED: Shared = Shared::new();

fn at(talk: &str, rest: &str) -> String {
    format!("/v1/conversations/{talk}{rest}")
}

fn order(who: &Person) -> Vec<Value> {
    list_at(&who.get("/v1/conversations").done(), "conversations").iter().map(|row| row["id"].clone()).collect()
}

#[track_caller]
fn set(who: &Person, talk: &str, what: &str, on: bool) {
    who.put(&at(talk, what), json!({ "on": on })).done();
}

#[test]
fn unread_is_what_others_said_since_one_last_read_or_spoke() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for text in ["one", "two", "three"] {
        mei.say(&talk, text);
    }
    let row = lin.row(&talk);
    assert_eq!((&row["unread"], &row["last_seq"], &row["kind"]), (&json!(3), &json!(3), &json!("direct")));
    assert_eq!((&row["peer"], &row["last"]["data"]["content"]["text"]), (&json!(mei.id), &json!("three")));
    assert_eq!(mei.row(&talk)["unread"], 0);
    lin.put(&at(&talk, "/read"), json!({ "seq": 2 })).done();
    assert_eq!(lin.row(&talk)["unread"], 1);
    lin.say(&talk, "four");
    assert_eq!((lin.row(&talk)["unread"].clone(), mei.row(&talk)["unread"].clone()), (json!(0), json!(1)));
}

#[test]
fn a_read_mark_never_goes_back_and_the_farthest_device_counts() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for _ in 1..=5 {
        mei.say(&talk, "x");
    }
    let phone = lin.log_in();
    let read = |device: &Person, seq: u64| {
        device.put(&at(&talk, "/read"), json!({ "seq": seq })).done();
        number_at(&lin.row(&talk), "unread")
    };
    assert_eq!(read(&phone, 4), 1);
    assert_eq!(read(&lin, 2), 1);
    assert_eq!(read(&phone, 3), 1);
    assert_eq!(read(&lin, 5), 0);
    lin.put(&at(&talk, "/read"), json!({ "seq": 6 })).problem(404);
}

#[test]
fn the_badge_counts_all_that_is_unread_and_not_muted() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (direct, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    for _ in 1..=2 {
        mei.say(&direct, "x");
    }
    for _ in 1..=3 {
        mei.say(&house, "x");
    }
    assert_eq!(lin.badge(), 5);
    set(&lin, &house, "/muted", true);
    assert_eq!(lin.badge(), 2);
    assert_eq!((lin.row(&house)["unread"].clone(), lin.row(&house)["muted"].clone()), (json!(3), json!(true)));
    assert_eq!(arjun.row(&house)["muted"], false);
    set(&lin, &house, "/muted", false);
    lin.put(&at(&direct, "/read"), json!({ "seq": 2 })).done();
    assert_eq!(lin.badge(), 3);
    // A pat that is taken back leaves nothing to look at.
    let pat = number_at(&mei.post(&at(&direct, "/pats"), json!({ "target": lin.id })).done(), "seq");
    assert_eq!(lin.badge(), 4);
    mei.post(&at(&direct, &format!("/messages/{pat}/recall")), json!({})).done();
    assert_eq!((lin.badge(), lin.row(&direct)["unread"].clone()), (3, json!(0)));
}

#[test]
fn pinned_conversations_come_first_then_those_with_the_latest_words() {
    let server = SHARED.server();
    let [mei, a, b, c] = server.people(["mei", "a", "b", "c"]);
    let [with_a, with_b, with_c] = [&a, &b, &c].map(|friend| befriend(&mei, friend));
    for (friend, talk) in [(&a, &with_a), (&b, &with_b), (&c, &with_c)] {
        friend.say(talk, "hello");
    }
    assert_eq!(order(&mei), [json!(with_c), json!(with_b), json!(with_a)]);
    a.say(&with_a, "again");
    assert_eq!(order(&mei), [json!(with_a), json!(with_c), json!(with_b)]);
    set(&mei, &with_b, "/pinned", true);
    assert_eq!(order(&mei), [json!(with_b), json!(with_a), json!(with_c)]);
    set(&mei, &with_b, "/pinned", false);
    assert_eq!(order(&mei), [json!(with_a), json!(with_c), json!(with_b)]);
}

#[test]
fn a_hidden_conversation_comes_back_with_the_next_word() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    lin.say(&talk, "one");
    mei.post(&at(&talk, "/hide"), json!({})).done();
    assert!(mei.row(&talk).is_null());
    assert_eq!(mei.badge(), 0);
    assert!(!lin.row(&talk).is_null());
    lin.say(&talk, "two");
    assert_eq!(mei.row(&talk)["last"]["data"]["content"]["text"], "two");
    assert_eq!(mei.texts(&talk), ["one", "two"]);
}

#[test]
fn a_cleared_conversation_is_empty_for_who_cleared_it_only() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    lin.say(&talk, "one");
    lin.say(&talk, "two");
    mei.post(&at(&talk, "/clear"), json!({})).done();
    assert!(mei.texts(&talk).is_empty());
    mei.get(&at(&talk, "/messages/1")).refused(404, "message-not-found");
    assert_eq!(mei.row(&talk)["unread"], 0);
    assert_eq!(lin.texts(&talk), ["one", "two"]);
    lin.say(&talk, "three");
    assert_eq!(mei.texts(&talk), ["three"]);
    let found = mei.get("/v1/search/messages?q=one").done();
    assert_eq!(found["messages"], json!([]));
}

#[test]
fn the_inbox_comes_in_pages_without_a_gap_or_a_double() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let friends = server.crowd("friend", 12);
    let mut talks: Vec<Value> = friends
        .iter()
        .map(|friend| {
            let talk = befriend(&mei, friend);
            friend.say(&talk, "hello");
            json!(talk)
        })
        .collect();
    talks.reverse();
    let mut seen = vec![];
    let mut cursor = String::new();
    loop {
        let page = mei.get(&format!("/v1/conversations?limit=5{cursor}")).done();
        seen.extend(list_at(&page, "conversations").iter().map(|row| row["id"].clone()));
        assert_eq!(page["badge"], 12);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, talks);
}

#[test]
fn what_one_device_sets_the_others_are_told() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    lin.say(&talk, "one");
    let phone = mei.log_in();
    let mut socket = teahouse_tests::Socket::connect(&phone, "");
    mei.put(&at(&talk, "/read"), json!({ "seq": 1 })).done();
    set(&mei, &talk, "/pinned", true);
    set(&mei, &talk, "/muted", true);
    mei.delete(&at(&talk, "/messages/1")).done();
    let told = ["conversation.read", "conversation.pinned", "conversation.muted", "message.deleted"];
    for what in told {
        // What happened just before it connected may come first.
        while socket.entry()["type"] != what {}
    }
    assert_eq!(phone.row(&talk)["pinned"], true);
}
