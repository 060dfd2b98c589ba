//! Search in one's own messages and conversations, Chinese included.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Shared, befriend, group,
    people::{list_at, number_at, text_at, texts},
};

static SHARED: Shared = Shared::new();

/// Text as it stands in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[track_caller]
fn found(by: &Person, words: &str, filters: &str) -> Vec<String> {
    texts(&by.all(&format!("/v1/search/messages?q={}{filters}", encoded(words))))
}

#[track_caller]
fn conversations(by: &Person, words: &str) -> Vec<String> {
    let rows = by.all(&format!("/v1/search/conversations?q={}", encoded(words)));
    rows.iter().map(|row| text_at(row, "conversation")).collect()
}

#[test]
fn words_are_found_in_english_and_chinese_newest_first() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let said =
        ["The new spring tea is here", "明前龙井，很香", "我们星期六见", "Shall I bring TEA cups?", "CAFÉ no match"];
    for text in said {
        mei.say(&talk, text);
    }
    assert_eq!(found(&lin, "tea", ""), ["Shall I bring TEA cups?", "The new spring tea is here"]);
    assert_eq!(found(&lin, "spring tea", ""), ["The new spring tea is here"]);
    assert_eq!(found(&lin, "龙井", ""), ["明前龙井，很香"]);
    assert_eq!(found(&lin, "星期六", ""), ["我们星期六见"]);
    assert_eq!(found(&lin, "咖啡", ""), [""; 0]);
    assert_eq!(
        (found(&lin, "cafe", "").len(), found(&lin, "cafés", "").len(), found(&lin, "Café", "").len()),
        (1, 0, 1)
    );
    assert_eq!(found(&lin, "\"tea cups\"", ""), ["Shall I bring TEA cups?"]);
}

#[test]
fn the_context_of_a_hit_is_read_from_there() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for number in 1..=30 {
        mei.say(&talk, &if number == 12 { "the needle".to_owned() } else { format!("hay {number}") });
    }
    let hits = lin.all("/v1/search/messages?q=needle");
    let seq = number_at(&hits[0], "seq");
    let path = format!("/v1/conversations/{}/messages?around={seq}&limit=5", text_at(&hits[0], "conversation"));
    let around = texts(&list_at(&lin.get(&path).done(), "entries"));
    assert!(around.contains(&"the needle".to_owned()) && around.contains(&"hay 11".to_owned()), "{around:?}");
}

#[test]
fn filters_narrow_a_search_down() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    mei.say(&talk, "tea by mei to lin");
    lin.say(&talk, "tea by lin to mei");
    mei.say(&house, "tea by mei to all");
    let link = json!({ "kind": "link", "url": "https://example.org", "title": "tea as a link" });
    mei.post(&format!("/v1/conversations/{house}/messages"), json!({ "content": link })).done();
    let now = |server: &Server| {
        text_at(&server.operator().post("/v1/operator/clock", json!({ "advance_seconds": 1 })).done(), "now")
    };
    server.advance(Duration::from_secs(86_400));
    let noon = encoded(&now(&server));
    mei.say(&talk, "tea a day later");
    let by = |filters: String| found(&mei, "tea", &filters);
    assert_eq!(by(format!("&conversation={house}")), ["tea by mei to all"]);
    assert_eq!(by(format!("&sender={}", lin.id)), ["tea by lin to mei"]);
    assert_eq!(by(format!("&from={noon}")), ["tea a day later"]);
    assert_eq!(by(format!("&to={noon}&conversation={talk}")), ["tea by lin to mei", "tea by mei to lin"]);
    let links = mei.all("/v1/search/messages?q=tea&kind=link");
    assert_eq!(links.iter().map(|hit| hit["data"]["content"]["title"].clone()).collect::<Vec<_>>(), ["tea as a link"]);
    assert_eq!(by("&from=2100-01-01T08:00:00+08:00".to_owned()), [""; 0], "a plus that is not encoded");
    for wrong in ["kind=smoke", "sender=x", "from=yesterday", "cursor=x", "limit=51", "limit=0"] {
        mei.get(&format!("/v1/search/messages?q=tea&{wrong}")).problem(400);
    }
    mei.get(&format!("/v1/search/messages?q={}", "x".repeat(201))).problem(400);
}

#[test]
fn nobody_finds_what_they_may_not_see() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    mei.say(&talk, "oolong taken back");
    mei.say(&talk, "oolong deleted by lin");
    mei.say(&talk, "oolong for both");
    mei.say(&house, "oolong before lin left");
    lin.post(&format!("/v1/groups/{house}/leave"), json!({})).done();
    mei.say(&house, "oolong after lin left");
    mei.post(&format!("/v1/conversations/{talk}/messages/1/recall"), json!({})).done();
    lin.delete(&format!("/v1/conversations/{talk}/messages/2")).done();
    assert_eq!(found(&lin, "oolong", ""), ["oolong before lin left", "oolong for both"]);
    let all = ["oolong after lin left", "oolong before lin left", "oolong for both", "oolong deleted by lin"];
    assert_eq!(found(&mei, "oolong", ""), all);
    assert_eq!(found(&arjun, "oolong", ""), ["oolong after lin left", "oolong before lin left"]);
    assert_eq!(found(&stranger, "oolong", ""), [""; 0]);
    assert_eq!(found(&stranger, "oolong", &format!("&conversation={talk}")), [""; 0]);
}

#[test]
fn hits_come_in_pages_without_a_gap_or_a_double() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let mut expected: Vec<String> = (0..23).map(|number| format!("puerh {number}")).collect();
    for text in &expected {
        mei.say(&talk, text);
    }
    expected.reverse();
    let mut seen = vec![];
    let mut cursor = String::new();
    loop {
        let page = lin.get(&format!("/v1/search/messages?q=puerh&limit=5{cursor}")).done();
        seen.extend(texts(&list_at(&page, "messages")));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn what_was_said_just_now_is_found_at_once() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for number in 0..20 {
        mei.say(&talk, &format!("word{number}"));
        assert_eq!(found(&lin, &format!("word{number}"), ""), [format!("word{number}")]);
    }
}

#[test]
fn conversations_are_found_by_the_names_of_groups_and_people() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    mei.say(&talk, "hello");
    mei.put(&format!("/v1/groups/{house}/name"), json!({ "name": "周六品茶" })).done();
    mei.patch(&format!("/v1/contacts/{}", lin.id), json!({ "remark": "Auntie" })).done();
    assert_eq!(conversations(&mei, "品茶"), std::slice::from_ref(&house));
    assert_eq!(conversations(&mei, "auntie")[0], talk);
    assert!(conversations(&mei, "arjun").contains(&house));
    assert_eq!(conversations(&lin, "auntie"), [""; 0]);
    assert_eq!(conversations(&stranger, "品茶"), [""; 0]);
    mei.get("/v1/search/conversations?q=").problem(400);
}

#[test]
fn any_text_can_be_searched_for() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let odd = ["", " ", "\"", "\"\"", "a AND", "*", "a:b", "(", "\u{0}", "🍵", "\u{202e}", "-", "%", "\\", "茶\n茶"];
    for text in odd {
        let found = mei.get(&format!("/v1/search/messages?q={}", encoded(text))).done();
        assert_eq!(found["messages"], Value::Array(vec![]), "{text:?}");
    }
}
