//! The year of a person in numbers.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use teahouse_tests::{
    Server, befriend, group,
    people::{list_at, text_at},
};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_year_counts_what_was_sent_by_day_kind_and_conversation() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    stay_clear_of_new_year(&server);
    let mut sent: Vec<String> = (0..3).map(|_| text_at(&mei.send(&talk, "x").done(), "at")).collect();
    let link = json!({ "content": { "kind": "link", "url": "https://example.org", "title": "t" } });
    sent.push(text_at(&mei.post(&format!("/v1/conversations/{talk}/messages"), link).done(), "at"));
    lin.say(&talk, "not counted for mei");
    server.advance(DAY);
    sent.push(text_at(&mei.send(&house, "taken back, and counted all the same").done(), "at"));
    mei.post(&format!("/v1/conversations/{house}/messages/1/recall"), json!({})).done();
    let year: u16 = sent[0][..4].parse().unwrap();
    let mut by_day: BTreeMap<&str, u64> = BTreeMap::new();
    sent.iter().for_each(|at| *by_day.entry(&at[..10]).or_default() += 1);

    let report = mei.get(&format!("/v1/me/report?year={year}")).done();
    let expected = [
        ("year", json!(year)),
        ("messages", json!(5)),
        ("active_days", json!(by_day.len())),
        ("conversations", json!(2)),
        ("most_active_conversation", json!({ "conversation": talk, "messages": 4 })),
        ("by_kind", json!([{ "kind": "text", "messages": 4 }, { "kind": "link", "messages": 1 }])),
        ("first_message_on", json!(sent[0][..10])),
        ("first_message_ever_on", json!(sent[0][..10])),
    ];
    for (field, value) in expected {
        assert_eq!(report[field], value, "{field} of {report}");
    }
    let days: BTreeMap<String, u64> =
        list_at(&report, "days").iter().map(|day| (text_at(day, "date"), day["messages"].as_u64().unwrap())).collect();
    assert_eq!(days, by_day.into_iter().map(|(day, count)| (day.to_owned(), count)).collect());
    let hours = list_at(&report, "by_hour");
    assert_eq!((hours.len(), hours.iter().filter_map(Value::as_u64).sum::<u64>()), (24, 5));

    let before = mei.get(&format!("/v1/me/report?year={}", year - 1)).done();
    assert_eq!((&before["messages"], &before["days"]), (&json!(0), &json!([])));
    assert_eq!(arjun.get(&format!("/v1/me/report?year={year}")).done()["messages"], 0);
    for wrong in ["year=x", "year=-1", "year=99999", "year=10000"] {
        mei.get(&format!("/v1/me/report?{wrong}")).problem(400);
    }
}

/// In the last days of December the server's clock is moved into January: the test needs two days of one year.
fn stay_clear_of_new_year(server: &Server) {
    let now = server.operator().post("/v1/operator/clock", json!({ "advance_seconds": 0 })).done();
    if text_at(&now, "now")[5..].starts_with("12-3") {
        server.advance(DAY * 5);
    }
}
