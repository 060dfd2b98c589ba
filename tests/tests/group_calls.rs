//! Calls of groups: who hears what, who may come, how they end, and that they end whatever happens to the server.

use std::{sync::Barrier, time::Duration};

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Shared, Socket, befriend, group,
    people::{list_at, number_at, text_at},
    until,
};

static SHARED: Shared = Shared::new();

/// Who is in a call.
fn present(who: &Person, call: &str) -> Vec<String> {
    list_at(&who.shown_group_call(call), "present").iter().map(|one| text_at(one, "user")).collect()
}

/// Waits for a group to show that many calls, and gives how they ended.
#[track_caller]
fn cards(who: &Person, group: &str, count: usize) -> Vec<(String, u64)> {
    until("the calls are shown", || Some(who.call_cards(group)).filter(|cards| cards.len() == count))
}

fn offer(call: &str, to: &Person, seq: u64) -> Value {
    let signal = json!({ "kind": "offer", "sdp": "v=0" });
    json!({ "type": "signal", "call": call, "to": to.device, "seq": seq, "signal": signal })
}

#[test]
fn a_call_rings_for_the_group_goes_on_while_people_come_and_go_and_is_shown_when_the_last_has_left() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let house = group(&mei, &[&lin, &arjun]);
    let tablet = lin.log_in();
    let [mut starter, mut phone, mut other] = [&mei, &lin, &tablet].map(|person| Socket::connect(person, ""));
    // Whose device is not connected is lost after a while.
    let _connected = Socket::connect(&arjun, "");
    let made = mei.start_group_call(&house).done();
    assert_eq!(made["state"], "started");
    let call = text_at(&made, "call");
    let mut rung = [lin.id.clone(), arjun.id.clone()];
    rung.sort_unstable();
    for socket in [&mut starter, &mut phone, &mut other] {
        let expected =
            json!({ "call": call, "conversation": house, "media": "voice", "device": mei.device, "rung": rung });
        assert_eq!(socket.heard_of_call(), ("group-call.started".to_owned(), expected));
    }
    assert_eq!(lin.get(&format!("/v1/conversations/{house}/call")).done(), lin.shown_group_call(&call));
    lin.about_group_call(&call, "join").done();
    lin.about_group_call(&call, "join").done();
    tablet.about_group_call(&call, "join").refused(409, "answered-elsewhere");
    tablet.about_group_call(&call, "leave").refused(403, "device-not-in-call");
    for socket in [&mut starter, &mut phone, &mut other] {
        let (what, data) = socket.heard_of_call();
        assert_eq!((what.as_str(), &data["device"]), ("group-call.joined", &json!(lin.device)));
    }
    server.advance(Duration::from_secs(50));
    arjun.about_group_call(&call, "join").done();
    assert_eq!(present(&arjun, &call), [mei.id.clone(), lin.id.clone(), arjun.id.clone()]);
    mei.about_group_call(&call, "leave").done();
    server.advance(Duration::from_secs(30));
    lin.about_group_call(&call, "leave").done();
    lin.about_group_call(&call, "leave").done();
    assert_eq!(present(&mei, &call), std::slice::from_ref(&arjun.id));
    let (what, data) =
        std::iter::repeat_with(|| other.heard_of_call()).find(|(what, _)| what == "group-call.left").unwrap();
    assert_eq!((what.as_str(), &data["user"], &data["reason"]), ("group-call.left", &json!(mei.id), &json!("left")));
    arjun.about_group_call(&call, "leave").done();
    let shown = mei.shown_group_call(&call);
    let seconds = number_at(&shown, "seconds");
    assert!(shown["outcome"] == "completed" && (80..=140).contains(&seconds), "{shown}");
    assert_eq!(cards(&lin, &house, 1), [("completed".to_owned(), seconds)]);
    mei.get(&format!("/v1/conversations/{house}/call")).refused(404, "call-not-found");
    let minutes = |person: &Person| number_at(&person.get("/v1/me/report").done(), "call_minutes");
    assert!(minutes(&lin) >= 1 && minutes(&arjun) <= minutes(&lin), "each counts their own time");
    let card = lin.history(&house).last().cloned().unwrap_or_default();
    assert_eq!((&card["actor"], &card["data"]["content"]["group"]), (&json!(mei.id), &json!(true)));
    let recall = format!("/v1/conversations/{house}/messages/{}/recall", card["seq"]);
    mei.post(&recall, json!({})).refused(409, "call-is-not-recalled");
}

#[test]
fn two_who_start_a_call_at_the_same_moment_are_in_one() {
    let server = SHARED.server();
    for round in 0..5 {
        let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
        let house = group(&mei, &[&lin, &arjun]);
        let start = Barrier::new(3);
        let made = std::thread::scope(|scope| {
            let call = |person| {
                let (start, house): (&Barrier, &str) = (&start, &house);
                scope.spawn(move || {
                    start.wait();
                    Person::start_group_call(person, house).done()
                })
            };
            [&mei, &lin, &arjun].map(call).map(|made| made.join().unwrap())
        });
        let call = text_at(&made[0], "call");
        assert!(made.iter().all(|made| made["call"] == json!(call)), "round {round}: {made:?}");
        let started = made.iter().filter(|made| made["state"] == "started").count();
        assert_eq!((started, present(&mei, &call).len()), (1, 3), "round {round}");
        mei.start_group_call(&house).refused(409, "in-another-call");
    }
}

#[test]
fn strangers_and_former_members_find_no_call_and_who_is_removed_is_put_out_of_it() {
    let server = SHARED.server();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let house = group(&mei, &[&lin, &arjun]);
    let mut sockets = [&mei, &lin].map(|person| Socket::connect(person, ""));
    let call = mei.call_group(&house);
    for what in ["join", "decline", "leave"] {
        stranger.about_group_call(&call, what).refused(404, "call-not-found");
        // A call of two and one of a group are not mistaken for each other.
        lin.about_call(&call, what).problem(404);
    }
    stranger.get(&format!("/v1/group-calls/{call}")).refused(404, "call-not-found");
    stranger.get(&format!("/v1/conversations/{house}/call")).refused(404, "conversation-not-found");
    stranger.start_group_call(&house).refused(404, "conversation-not-found");
    let mut outside = Socket::connect(&stranger, "");
    outside.say(&offer(&call, &mei, 1));
    assert_eq!(outside.message()["code"], "call-not-found");
    lin.about_group_call(&call, "join").done();
    let removal = json!({ "users": [lin.id] });
    mei.post(&format!("/v1/groups/{house}/members/remove"), removal).done();
    until("who was removed is out of it", || Some(()).filter(|()| present(&mei, &call) == [mei.id.clone()]));
    lin.about_group_call(&call, "join").refused(404, "call-not-found");
    lin.get(&format!("/v1/group-calls/{call}")).refused(404, "call-not-found");
    sockets[1].say(&offer(&call, &mei, 1));
    let refused = std::iter::repeat_with(|| sockets[1].message()).find(|message| message["type"] == "error");
    assert_eq!(refused.unwrap()["code"], "device-not-in-call");
    mei.about_group_call(&call, "leave").done();
    assert_eq!(cards(&arjun, &house, 1)[0].0, "completed");
}

#[test]
fn nine_people_are_in_a_call_at_most_and_any_two_of_them_signal() {
    let server = Server::start();
    let people = server.crowd("guest", 11);
    let owner = &people[0];
    let house = group(owner, &people[1..].iter().collect::<Vec<_>>());
    owner.start_group_call(&house).refused(409, "rings-for-too-many");
    let outsider = json!({ "conversation": house, "media": "voice", "ring": [server.register("other").id] });
    owner.post("/v1/group-calls", outsider).refused(404, "member-not-found");
    let ring: Vec<&str> = people[1..9].iter().map(|person| person.id.as_str()).collect();
    let body = json!({ "conversation": house, "media": "video", "ring": ring });
    let call = text_at(&owner.post("/v1/group-calls", body).done(), "call");
    for person in &people[1..9] {
        person.about_group_call(&call, "join").done();
    }
    // For whom it does not ring may come as well, if there is room.
    people[9].about_group_call(&call, "join").refused(409, "call-full");
    people[9].start_group_call(&house).refused(409, "call-full");
    let [mut three, mut seven] = [&people[3], &people[7]].map(|person| Socket::connect(person, ""));
    three.say(&offer(&call, &people[7], 1));
    let heard = std::iter::repeat_with(|| seven.message()).find(|message| message["type"] == "signal").unwrap();
    assert_eq!((&heard["from"], &heard["user"]), (&json!(people[3].device), &json!(people[3].id)));
    seven.say(&offer(&call, &people[10], 1));
    let refused = std::iter::repeat_with(|| seven.message()).find(|message| message["type"] == "error").unwrap();
    assert_eq!(refused["code"], "device-not-in-call");
    people[8].about_group_call(&call, "leave").done();
    people[9].about_group_call(&call, "join").done();
    assert_eq!(present(owner, &call).len(), 9);
}

#[test]
fn who_is_in_one_call_is_in_no_other_be_it_of_two_or_of_a_group() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    let direct = mei.call_up(&talk);
    mei.start_group_call(&house).refused(409, "in-another-call");
    mei.about_call(&direct, "cancel").done();
    mei.start_group_call(&talk).refused(409, "not-a-group");
    let call = mei.call_group(&house);
    mei.place_call(&talk).refused(409, "in-another-call");
    assert_eq!(lin.place_call(&talk).done()["state"], "ended", "she is busy");
    let other = lin.call_group(&group(&lin, &[&arjun, &mei]));
    lin.about_group_call(&call, "join").refused(409, "in-another-call");
    lin.about_group_call(&other, "leave").done();
    lin.about_group_call(&call, "join").done();
    mei.put(&format!("/v1/groups/{house}/all-mute"), json!({ "on": true })).done();
    mei.about_group_call(&call, "leave").done();
    lin.about_group_call(&call, "leave").done();
    assert_eq!(cards(&arjun, &house, 1)[0].0, "completed", "shown though nobody may speak");
    arjun.start_group_call(&house).refused(403, "all-muted");
}

#[test]
fn ringing_and_being_alone_end_by_their_time_also_when_the_server_was_killed() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let house = group(&mei, &[&lin, &arjun]);
    let missed = mei.call_group(&house);
    server.kill();
    server.start_again();
    assert_eq!(present(&lin, &missed), std::slice::from_ref(&mei.id));
    server.advance(Duration::from_secs(60));
    assert_eq!(cards(&lin, &house, 1), [("missed".to_owned(), 0)]);
    let mut sockets = [&mei, &lin, &arjun].map(|person| Socket::connect(person, ""));
    let call = mei.call_group(&house);
    lin.about_group_call(&call, "join").done();
    server.advance(Duration::from_secs(60));
    let (_, data) = std::iter::repeat_with(|| sockets[2].heard_of_call())
        .find(|(what, _)| what == "group-call.unanswered")
        .unwrap();
    assert_eq!(data, json!({ "call": call, "people": [arjun.id] }));
    arjun.about_group_call(&call, "join").done();
    arjun.about_group_call(&call, "leave").done();
    // Both are lost together with the server, and don't come back.
    drop(sockets);
    server.kill();
    server.start_again();
    assert_eq!(present(&arjun, &call).len(), 2);
    until("it is lost", || {
        server.advance(Duration::from_secs(61));
        Some(()).filter(|()| !mei.shown_group_call(&call)["outcome"].is_null())
    });
    assert_eq!(cards(&lin, &house, 2)[1].0, "failed");
    assert_eq!(server.events(&["--type", "group-call.ended"]).len(), 2);
}

#[test]
fn who_has_blocked_the_caller_is_not_rung_and_the_caller_does_not_learn_it() {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let house = group(&mei, &[&lin, &arjun]);
    lin.put(&format!("/v1/blocks/{}", mei.id), json!({})).done();
    let calls_told = |person: &Person| {
        let entries = person.sync_from(0).into_iter();
        entries.filter(|entry| entry["type"].as_str().unwrap().starts_with("group-call.")).count()
    };
    let call = mei.call_group(&house);
    assert_eq!(list_at(&mei.shown_group_call(&call), "ringing").len(), 2);
    arjun.about_group_call(&call, "decline").done();
    arjun.about_group_call(&call, "decline").done();
    assert_eq!(list_at(&arjun.shown_group_call(&call), "ringing"), [json!(lin.id)]);
    server.advance(Duration::from_secs(60));
    assert_eq!(cards(&lin, &house, 1), [("missed".to_owned(), 0)]);
    assert_eq!((calls_told(&lin), calls_told(&arjun), calls_told(&mei)), (0, 3, 3));
}
