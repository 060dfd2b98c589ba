//! What can be said, quoted, forwarded, taken back and deleted.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Setup, Shared, befriend, group,
    people::{list_at, number_at},
};

static SHARED: Shared = Shared::new();

/// Sends a message of that content.
#[track_caller]
fn send(by: &Person, conversation: &str, content: Value) -> Reply {
    by.post(&format!("/v1/conversations/{conversation}/messages"), json!({ "content": content }))
}

#[track_caller]
fn one(reader: &Person, conversation: &str, seq: u64) -> Value {
    reader.get(&format!("/v1/conversations/{conversation}/messages/{seq}")).done()
}

#[track_caller]
fn recall(by: &Person, conversation: &str, seq: u64) -> Reply {
    by.post(&format!("/v1/conversations/{conversation}/messages/{seq}/recall"), json!({}))
}

/// The first sticker that the server offers.
#[track_caller]
fn sticker(person: &Person) -> Value {
    let pack = person.all("/v1/sticker-packs").remove(0);
    json!({ "kind": "sticker", "pack": pack["pack"], "sticker": pack["stickers"][0]["name"] })
}

#[test]
fn every_kind_of_content_arrives_as_it_was_sent() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let contents = [
        json!({ "kind": "text", "text": "hello\n茶 🍵 \u{202e}" }),
        sticker(&mei),
        json!({ "kind": "location", "latitude": 30.25, "longitude": -120.5, "title": "The teahouse", "address": "1 Lane" }),
        json!({ "kind": "contact_card", "user": arjun.id }),
        json!({ "kind": "link", "url": "https://example.org/tea?x=1", "title": "Tea", "description": "About it" }),
    ];
    for (content, seq) in contents.iter().zip(1..) {
        let sent = send(&mei, &talk, content.clone()).done();
        assert_eq!(sent["seq"], seq);
        let received = one(&lin, &talk, seq);
        assert_eq!(received["data"]["content"], *content);
        for field in ["id", "at", "position"] {
            assert_eq!(received[field], sent[field], "{field}");
        }
        assert_eq!((&received["actor"], &received["type"]), (&json!(mei.id), &json!("message.sent")));
    }
}

#[test]
fn what_breaks_a_rule_of_its_kind_is_refused() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let text = |text: &str| json!({ "kind": "text", "text": text });
    let link = |url: &str| json!({ "kind": "link", "url": url, "title": "t" });
    let place = |latitude: f64| json!({ "kind": "location", "latitude": latitude, "longitude": 0, "title": "t" });
    let unknown_sticker = json!({ "kind": "sticker", "pack": mei.id, "sticker": "x" });
    let refused = [
        (text(" \n\t"), 400),
        (text("a\u{0}b"), 400),
        (text(&"x".repeat(12 * 1024 + 1)), 400),
        (text(&"茶".repeat(4 * 1024 + 1)), 400),
        (link("javascript:alert(1)"), 400),
        (link("https://a b"), 400),
        (place(90.5), 400),
        (unknown_sticker, 404),
        (json!({ "kind": "contact_card", "user": "01930000-0000-7000-8000-000000000000" }), 404),
        (json!({ "kind": "voice", "seconds": 3 }), 400),
        (json!({ "kind": "text" }), 400),
        (json!({ "kind": "text", "text": "x", "colour": "red" }), 400),
        (json!({ "kind": "announcement", "text": "x" }), 400),
        (json!({ "kind": "pat", "target": lin.id }), 400),
        (json!({ "kind": "merged", "title": "x", "items": [] }), 400),
        (json!("text"), 400),
        (Value::Null, 400),
    ];
    for (content, status) in refused {
        let reply = send(&mei, &talk, content.clone());
        assert_eq!(reply.status, status, "{content}: {}", reply.text());
        reply.problem(status);
    }
    assert_eq!(send(&mei, &talk, text(&"x".repeat(12 * 1024))).status, 201);
    assert_eq!(lin.history(&talk).iter().filter(|entry| entry["seq"].is_u64()).count(), 1);
}

#[test]
fn numbers_are_dense_although_many_send_at_once() {
    let server = SHARED.server();
    let people = server.crowd("sender", 8);
    let others: Vec<&Person> = people.iter().skip(1).collect();
    let talk = group(&people[0], &others);
    let mut seqs = teahouse_tests::people::in_parallel(200, |number| people[number % people.len()].say(&talk, "x"));
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<u64>>());
}

#[test]
fn a_reply_shows_what_it_answers_as_it_is_now() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "the question");
    let path = format!("/v1/conversations/{talk}/messages");
    let answer = json!({ "content": { "kind": "text", "text": "the answer" }, "reply_to": 1 });
    lin.post(&path, answer).done();
    let quoted = one(&mei, &talk, 2)["quoted"].clone();
    let expected = json!({ "seq": 1, "sender": mei.id, "content": { "kind": "text", "text": "the question" } });
    assert_eq!(quoted, expected);
    recall(&mei, &talk, 1).done();
    assert_eq!(one(&lin, &talk, 2)["quoted"], json!({ "seq": 1, "sender": mei.id, "recalled": true }));
    for nothing in [0, 3, 99] {
        let answer = json!({ "content": { "kind": "text", "text": "x" }, "reply_to": nothing });
        mei.post(&path, answer).refused(404, "message-not-found");
    }
}

#[test]
fn a_quoted_message_that_the_reader_deleted_is_not_shown_to_them() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "the question");
    let path = format!("/v1/conversations/{talk}/messages");
    lin.post(&path, json!({ "content": { "kind": "text", "text": "the answer" }, "reply_to": 1 })).done();
    mei.delete(&format!("{path}/1")).done();
    assert_eq!(one(&mei, &talk, 2)["quoted"], json!({ "seq": 1 }));
    assert_eq!(one(&lin, &talk, 2)["quoted"]["content"]["text"], "the question");
}

#[test]
fn messages_are_forwarded_one_by_one_or_merged() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, there) = (befriend(&mei, &lin), befriend(&mei, &arjun));
    mei.say(&talk, "one");
    lin.say(&talk, "two");
    lin.say(&talk, "taken back");
    recall(&lin, &talk, 3).done();
    let path = format!("/v1/conversations/{there}/forwards");
    let sent = mei.post(&path, json!({ "from": talk, "seqs": [2, 1] })).done();
    let seqs: Vec<u64> = list_at(&sent, "messages").iter().map(|sent| number_at(sent, "seq")).collect();
    assert_eq!(seqs, [1, 2]);
    let mut forwarded = arjun.texts(&there);
    forwarded.sort();
    assert_eq!(forwarded, ["one", "two"]);
    mei.post(&path, json!({ "from": talk, "seqs": [1, 2], "merged_as": "what we said" })).done();
    let merged = one(&arjun, &there, 3)["data"]["content"].clone();
    assert_eq!((&merged["kind"], &merged["title"]), (&json!("merged"), &json!("what we said")));
    let items: Vec<_> =
        list_at(&merged, "items").iter().map(|i| (i["sender"].clone(), i["content"]["text"].clone())).collect();
    assert_eq!(items, [(json!("mei"), json!("one")), (json!("lin"), json!("two"))]);
    mei.post(&path, json!({ "from": talk, "seqs": [1, 3] })).refused(409, "message-recalled");
    mei.post(&path, json!({ "from": talk, "seqs": [1, 4] })).problem(404);
    mei.post(&path, json!({ "from": talk, "seqs": [] })).problem(400);
    mei.post(&path, json!({ "from": talk, "seqs": (1..=101).collect::<Vec<u64>>() })).problem(400);
    // Nobody forwards out of a conversation that they are not in.
    let theirs = befriend(&arjun, &lin);
    lin.say(&theirs, "between us");
    let out_of = |conversation: &str| mei.post(&path, json!({ "from": conversation, "seqs": [1] }));
    assert_eq!(out_of(&theirs).problem(404), out_of("01930000-0000-7000-8000-000000000000").problem(404));
}

#[test]
fn a_pat_is_a_line_with_the_suffix_of_who_is_patted_and_notifies_nobody() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    lin.patch("/v1/me", json!({ "pat_suffix": "'s tea bowl" })).done();
    let pats = format!("/v1/conversations/{talk}/pats");
    mei.post(&pats, json!({ "target": lin.id })).done();
    let content = json!({ "kind": "pat", "target": lin.id, "suffix": "'s tea bowl" });
    assert_eq!(one(&arjun, &talk, 1)["data"]["content"], content);
    assert_eq!(lin.row(&talk)["mentioned"], false);
    // Taken back it is gone without a tip.
    recall(&mei, &talk, 1).done();
    let left = |who: &Person| who.history(&talk).iter().filter(|entry| entry["seq"] == 1).count();
    assert_eq!((left(&mei), left(&lin)), (0, 0));
    let stranger = server.register("stranger");
    mei.post(&pats, json!({ "target": stranger.id })).refused(404, "member-not-found");
}

#[test]
fn a_message_is_taken_back_within_two_minutes_and_its_text_edited_again_for_five() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "a mistake");
    mei.say(&talk, "too late for this one");
    server.advance(Duration::from_secs(60));
    recall(&lin, &talk, 1).refused(403, "not-the-sender");
    recall(&mei, &talk, 1).done();
    recall(&mei, &talk, 1).refused(409, "message-recalled");
    server.advance(Duration::from_secs(120));
    recall(&mei, &talk, 2).refused(409, "recall-window-over");
    let tip = one(&lin, &talk, 1);
    assert_eq!((&tip["recalled"], &tip["data"]), (&json!(true), &Value::Null));
    assert!(!lin.get("/v1/sync?after=0").text().contains("a mistake"));
    assert!(lin.row(&talk).to_string().find("a mistake").is_none());
    assert_eq!(tip.get("re_edit"), None);
    assert_eq!(one(&mei, &talk, 1)["re_edit"], "a mistake");
    server.advance(Duration::from_secs(300));
    assert_eq!(one(&mei, &talk, 1).get("re_edit"), None);
    // The tip stays on both sides.
    for who in [&mei, &lin] {
        assert_eq!(one(who, &talk, 1)["recalled"], true);
    }
}

#[test]
fn a_message_deleted_for_me_is_there_for_others() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for text in ["one", "two", "three"] {
        mei.say(&talk, text);
    }
    let message = |seq: u64| format!("/v1/conversations/{talk}/messages/{seq}");
    lin.delete(&message(2)).done();
    lin.get(&message(2)).refused(404, "message-not-found");
    assert_eq!(lin.texts(&talk), ["one", "three"]);
    assert_eq!(mei.texts(&talk), ["one", "two", "three"]);
    let synced = teahouse_tests::people::texts(&lin.sync_from(0));
    assert_eq!(synced, ["one", "three"]);
    lin.delete(&message(9)).problem(404);
}

#[test]
fn mentions_call_on_members_and_all_is_for_who_runs_the_group() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = group(&mei, &[&lin, &arjun]);
    let path = format!("/v1/conversations/{talk}/messages");
    let message = |fields: Value| {
        let mut body = json!({ "content": { "kind": "text", "text": "look" } });
        fields.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let mentioned = || [&lin, &arjun].map(|who| who.row(&talk)["mentioned"] == true);
    mei.post(&path, message(json!({ "mentions": [lin.id] }))).done();
    assert_eq!(mentioned(), [true, false]);
    lin.put(&format!("/v1/conversations/{talk}/read"), json!({ "seq": 1 })).done();
    assert_eq!(mentioned(), [false, false]);
    mei.post(&path, message(json!({ "mention_all": true }))).done();
    assert_eq!(mentioned(), [true, true]);
    assert_eq!(mei.row(&talk)["mentioned"], false);
    lin.post(&path, message(json!({ "mention_all": true }))).refused(403, "mention-all-not-allowed");
    let stranger = server.register("stranger");
    mei.post(&path, message(json!({ "mentions": [stranger.id] }))).refused(404, "member-not-found");
    let crowd: Vec<&str> = (0..51).map(|_| lin.id.as_str()).collect();
    mei.post(&path, message(json!({ "mentions": crowd }))).problem(400);
    let direct = befriend(&lin, &arjun);
    lin.post(&format!("/v1/conversations/{direct}/messages"), message(json!({ "mentions": [arjun.id] }))).problem(409);
}

#[test]
fn the_history_is_read_from_any_place_in_both_directions() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for number in 1..=30 {
        mei.say(&talk, &number.to_string());
    }
    let page = |query: &str| lin.get(&format!("/v1/conversations/{talk}/messages?{query}")).done();
    let seqs = |page: &Value| -> Vec<u64> {
        list_at(page, "entries").iter().filter_map(|entry| entry["seq"].as_u64()).collect()
    };
    assert_eq!(seqs(&page("limit=5")), (26..=30).collect::<Vec<_>>());
    assert_eq!(seqs(&page("limit=5&before=11")), (6..=10).collect::<Vec<_>>());
    assert_eq!(seqs(&page("limit=5&after=10")), (11..=15).collect::<Vec<_>>());
    let around = seqs(&page("limit=5&around=15"));
    assert!(around.contains(&15) && around.len() == 5, "{around:?}");
    let mut backwards = vec![];
    let mut at = page("limit=7");
    loop {
        let mut seqs = seqs(&at);
        seqs.extend(backwards);
        backwards = seqs;
        match at["previous"].as_str() {
            Some(previous) => at = page(&format!("limit=7&cursor={previous}")),
            None => break,
        }
    }
    assert_eq!(backwards, (1..=30).collect::<Vec<_>>());
    for wrong in ["limit=0", "limit=101", "before=1&after=2", "cursor=x", "before=-1", "before=x"] {
        lin.get(&format!("/v1/conversations/{talk}/messages?{wrong}")).problem(400);
    }
}

#[test]
fn who_has_read_is_told_in_groups_of_up_to_fifty() {
    let server = Setup::new().with("TEAHOUSE_POLICY__READ_RECEIPTS_UP_TO", "3").start();
    let [mei, lin, arjun, sofia] = server.people(["mei", "lin", "arjun", "sofia"]);
    let talk = group(&mei, &[&lin, &arjun]);
    mei.say(&talk, "read this");
    let path = format!("/v1/conversations/{talk}/messages/1/readers");
    let readers = |who: &Person| list_at(&who.get(&path).done(), "readers");
    assert!(readers(&mei).is_empty());
    lin.put(&format!("/v1/conversations/{talk}/read"), json!({ "seq": 1 })).done();
    assert_eq!(readers(&mei), [json!(lin.id)]);
    // To answer is to have read.
    arjun.say(&talk, "I have");
    let mut both = readers(&lin);
    both.sort_by_key(Value::to_string);
    let mut expected = [json!(lin.id), json!(arjun.id)];
    expected.sort_by_key(Value::to_string);
    assert_eq!(both, expected);
    let _ = befriend(&mei, &sofia);
    mei.post(&format!("/v1/groups/{talk}/members"), json!({ "users": [sofia.id] })).done();
    mei.get(&path).refused(409, "group-too-large");
}
