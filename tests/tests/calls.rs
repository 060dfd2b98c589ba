//! Calls of two: who hears what, how they end, and that they end whatever happens to the server.

use std::{sync::Barrier, time::Duration};

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Shared, Socket, befriend, group,
    people::{list_at, number_at},
    until,
};

static SHARED: Shared = Shared::new();

/// Waits for a conversation to show that many calls, and gives how they ended.
#[track_caller]
fn cards(who: &Person, talk: &str, count: usize) -> Vec<(String, u64)> {
    until("the calls are shown", || Some(who.call_cards(talk)).filter(|cards| cards.len() == count))
}

fn outcome(who: &Person, call: &str) -> Value {
    who.shown_call(call)["outcome"].clone()
}

#[test]
fn all_devices_of_the_friend_hear_a_call_and_one_of_them_has_it() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let tablet = lin.log_in();
    let [mut caller, mut phone, mut other] = [&mei, &lin, &tablet].map(|person| Socket::connect(person, ""));
    let call = mei.call_up(&talk);
    for socket in [&mut caller, &mut phone, &mut other] {
        let (what, data) = socket.heard_of_call();
        assert_eq!(what, "call.invited");
        let expected =
            json!({ "call": call, "conversation": talk, "media": "voice", "callee": lin.id, "device": mei.device });
        assert_eq!(data, expected);
    }
    tablet.about_call(&call, "ring").done();
    lin.about_call(&call, "ring").done();
    assert_eq!(caller.heard_of_call(), ("call.rang".to_owned(), json!({ "call": call })));
    lin.about_call(&call, "accept").done();
    tablet.about_call(&call, "accept").refused(409, "answered-elsewhere");
    tablet.about_call(&call, "hangup").refused(403, "device-not-in-call");
    for socket in [&mut caller, &mut phone, &mut other] {
        let (what, data) =
            std::iter::repeat_with(|| socket.heard_of_call()).find(|(what, _)| what != "call.rang").unwrap();
        assert_eq!((what.as_str(), &data["device"]), ("call.accepted", &json!(lin.device)));
    }
    assert_eq!(tablet.shown_call(&call)["answered_elsewhere"], true);
    assert_eq!(lin.shown_call(&call)["answered_elsewhere"], false);
    mei.about_call(&call, "connected").done();
    lin.about_call(&call, "connected").done();
    server.advance(Duration::from_secs(65));
    mei.about_call(&call, "hangup").done();
    lin.about_call(&call, "hangup").done();
    for socket in [&mut caller, &mut other] {
        assert_eq!(socket.heard_of_call().0, "call.connected");
        let (what, data) = socket.heard_of_call();
        assert_eq!((what.as_str(), &data["outcome"]), ("call.ended", &json!("completed")));
    }
    let shown = mei.shown_call(&call);
    let seconds = number_at(&shown, "seconds");
    assert!((65..=125).contains(&seconds), "{shown}");
    assert_eq!(cards(&lin, &talk, 1), [("completed".to_owned(), seconds)]);
    for person in [&mei, &lin] {
        let report = person.get("/v1/me/report").done();
        assert_eq!((&report["calls"], &report["call_minutes"]), (&json!(1), &json!(seconds / 60)));
    }
}

#[test]
fn a_call_that_is_declined_or_given_up_says_so_to_both() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let declined = mei.call_up(&talk);
    lin.about_call(&declined, "cancel").refused(403, "not-the-caller");
    mei.about_call(&declined, "accept").refused(403, "not-the-callee");
    mei.about_call(&declined, "hangup").refused(409, "call-not-answered");
    lin.about_call(&declined, "decline").done();
    lin.about_call(&declined, "accept").refused(409, "call-over");
    let cancelled = mei.call_up(&talk);
    mei.about_call(&cancelled, "cancel").done();
    assert_eq!((outcome(&mei, &declined), outcome(&lin, &cancelled)), (json!("declined"), json!("cancelled")));
    assert_eq!(cards(&lin, &talk, 2), [("declined".to_owned(), 0), ("cancelled".to_owned(), 0)]);
    let call = lin.history(&talk).last().cloned().unwrap_or_default();
    let path = format!("/v1/conversations/{talk}/messages/{}/recall", call["seq"]);
    mei.post(&path, json!({})).refused(409, "call-is-not-recalled");
    let forged = json!({ "content": { "kind": "call", "call": cancelled, "media": "voice", "outcome": "completed", "seconds": 9 } });
    mei.post(&format!("/v1/conversations/{talk}/messages"), forged).refused(400, "content-not-allowed");
}

#[test]
fn who_talks_to_somebody_is_busy_to_others_and_places_no_call() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let [talk, other] = [befriend(&mei, &lin), befriend(&arjun, &lin)];
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    let busy = arjun.place_call(&other).done();
    assert_eq!(busy["state"], "ended");
    assert_eq!(cards(&arjun, &other, 1), [("busy".to_owned(), 0)]);
    lin.place_call(&other).refused(409, "in-another-call");
    mei.place_call(&talk).refused(409, "in-another-call");
    lin.about_call(&call, "hangup").done();
    assert_eq!(outcome(&mei, &call), json!("failed"), "it never connected");
    let again = arjun.call_up(&other);
    let waiting = mei.call_up(&talk);
    lin.about_call(&again, "accept").done();
    lin.about_call(&waiting, "accept").refused(409, "in-another-call");
}

#[test]
fn two_who_call_each_other_at_the_same_moment_are_in_one_call() {
    let server = Server::start();
    for round in 0..10 {
        let [mei, lin] = server.people(["mei", "lin"]);
        let talk = befriend(&mei, &lin);
        let start = Barrier::new(2);
        let made = std::thread::scope(|scope| {
            let place = |person| {
                let (start, talk): (&Barrier, &str) = (&start, &talk);
                scope.spawn(move || {
                    start.wait();
                    Person::place_call(person, talk).done()
                })
            };
            [&mei, &lin].map(place).map(|placed| placed.join().unwrap())
        });
        assert_eq!(made[0]["call"], made[1]["call"], "round {round}");
        let mut states = made.map(|made| made["state"].clone());
        states.sort_by_key(ToString::to_string);
        assert_eq!(states, [json!("accepted"), json!("invited")]);
    }
}

#[test]
fn who_was_blocked_hears_it_ring_and_nobody_answers_and_who_blocked_hears_nothing() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    lin.put(&format!("/v1/blocks/{}", mei.id), json!({})).done();
    let before = lin.sync_from(0);
    let mut caller = Socket::connect(&mei, "");
    let made = mei.place_call(&talk).done();
    assert_eq!(made["state"], "invited");
    let call = made["call"].as_str().unwrap().to_owned();
    assert_eq!(caller.heard_of_call().0, "call.invited");
    assert_eq!(caller.heard_of_call(), ("call.rang".to_owned(), json!({ "call": call })));
    for what in ["ring", "accept", "decline", "connected", "hangup"] {
        lin.about_call(&call, what).refused(404, "call-not-found");
    }
    lin.get(&format!("/v1/calls/{call}")).refused(404, "call-not-found");
    server.advance(Duration::from_secs(60));
    assert_eq!(
        caller.heard_of_call(),
        ("call.ended".to_owned(), json!({ "call": call, "outcome": "missed", "seconds": 0 }))
    );
    assert_eq!(list_at(&mei.get("/v1/calls").done(), "calls").len(), 1);
    assert_eq!(list_at(&lin.get("/v1/calls").done(), "calls").len(), 0);
    assert_eq!(lin.sync_from(0), before);
    // What is told of somebody who just is not there has the same form.
    let [arjun, sofia] = server.people(["arjun", "sofia"]);
    let unanswered = arjun.call_up(&befriend(&arjun, &sofia));
    sofia.about_call(&unanswered, "ring").done();
    server.advance(Duration::from_secs(60));
    until("it is missed", || Some(()).filter(|()| outcome(&arjun, &unanswered) == "missed"));
    let names = |person: &Person, call: &str| -> Vec<String> {
        person.shown_call(call).as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&mei, &call), names(&arjun, &unanswered));
    let told = |person: &Person| -> Vec<(Value, Vec<String>, bool)> {
        let entries =
            person.sync_from(0).into_iter().filter(|entry| entry["type"].as_str().unwrap().starts_with("call."));
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect();
        entries.map(|entry| (entry["type"].clone(), names(&entry["data"]), entry["actor"].is_null())).collect()
    };
    assert_eq!(told(&mei), told(&arjun));
}

#[test]
fn strangers_former_friends_and_groups_are_not_called() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let other = befriend(&lin, &arjun);
    mei.place_call(&other).refused(404, "conversation-not-found");
    let house = group(&lin, &[&mei, &arjun]);
    lin.place_call(&house).refused(409, "not-a-direct-conversation");
    lin.delete(&format!("/v1/contacts/{}", mei.id)).done();
    mei.place_call(&talk).refused(403, "not-friends");
    lin.place_call(&talk).refused(403, "not-friends");
}

#[test]
fn a_call_that_rings_when_the_server_is_killed_ends_by_its_time_once() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let call = mei.call_up(&talk);
    lin.about_call(&call, "ring").done();
    server.kill();
    server.start_again();
    assert_eq!(mei.shown_call(&call)["state"], "ringing");
    mei.place_call(&talk).refused(409, "in-another-call");
    server.advance(Duration::from_secs(60));
    assert_eq!(cards(&lin, &talk, 1), [("missed".to_owned(), 0)]);
    server.kill();
    server.start_again();
    server.advance(Duration::from_secs(60));
    let next = mei.call_up(&talk);
    assert_ne!(next, call);
    mei.about_call(&next, "cancel").done();
    assert_eq!(cards(&lin, &talk, 2), [("missed".to_owned(), 0), ("cancelled".to_owned(), 0)]);
    assert_eq!(server.events(&["--type", "call.ended"]).len(), 2);
}

#[test]
fn a_call_that_both_have_left_ends_and_one_device_that_stays_keeps_it() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let [mut caller, callee] = [&mei, &lin].map(|person| Socket::connect(person, ""));
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    lin.about_call(&call, "connected").done();
    drop(callee);
    server.advance(Duration::from_secs(600));
    assert_eq!(mei.shown_call(&call)["state"], "connected", "one of the two is there");
    caller.ping();
    drop(caller);
    until("it is lost", || {
        server.advance(Duration::from_secs(60));
        Some(()).filter(|()| outcome(&mei, &call) == "failed")
    });
    let shown = mei.shown_call(&call);
    assert!(number_at(&shown, "seconds") >= 600, "what was said counts: {shown}");
}

#[test]
fn past_calls_are_listed_back_in_time_page_by_page() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talks = [befriend(&mei, &lin), befriend(&arjun, &mei)];
    let mut placed = vec![];
    for (by, talk) in [(&mei, &talks[0]), (&arjun, &talks[1]), (&lin, &talks[0])] {
        let call = by.call_up(talk);
        by.about_call(&call, "cancel").done();
        placed.insert(0, json!(call));
    }
    let page = mei.get("/v1/calls?limit=2").done();
    let mut calls = list_at(&page, "calls");
    let rest = mei.get(&format!("/v1/calls?limit=2&before={}", page["next"])).done();
    assert_eq!((&page["next"], &rest["next"]), (&calls[1]["position"], &Value::Null));
    calls.extend(list_at(&rest, "calls"));
    assert_eq!(calls.iter().map(|call| call["call"].clone()).collect::<Vec<_>>(), placed);
    assert_eq!(list_at(&arjun.get("/v1/calls").done(), "calls").len(), 1);
    mei.get("/v1/calls?limit=101").refused(400, "invalid-query");
}
