//! People do whatever comes to mind, allowed or not, while the server is killed now and then: it never fails, and in the
//! end every way of looking at what happened tells the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use teahouse_tests::{
    Dice, Person, Server, Setup, Socket, befriend, binary,
    people::{in_parallel, number_at, text_at},
};

const PEOPLE: usize = 6;
const ROUNDS: usize = 4;
/// What each person does in a round.
const DEEDS: usize = 120;

/// Where it all happens.
struct Stage {
    server: Server,
    people: Vec<Person>,
    /// Direct conversations and groups.
    places: Vec<String>,
    groups: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        // Sockets are not read while a round lasts, and answer nothing.
        let server = Setup::new().with("TEAHOUSE_API__SOCKET_IDLE_SECONDS", "600").start();
        let people = server.crowd("actor", PEOPLE);
        let mut places = vec![];
        for (number, one) in people.iter().enumerate() {
            places.extend(people[number + 1..].iter().map(|other| befriend(one, other)));
        }
        let found = |number: usize| {
            let others: Vec<&str> = people.iter().skip(1 + number).map(|person| person.id.as_str()).collect();
            text_at(&people[0].post("/v1/groups", json!({ "name": "chaos", "members": others })).done(), "conversation")
        };
        let groups: Vec<String> = (0..3).map(found).collect();
        places.extend(groups.iter().cloned());
        Self { server, people, places, groups }
    }

    /// One deed, allowed or not; the server must know what to say to it.
    fn deed(&self, by: &Person, dice: &mut Dice) {
        let other = dice.of(&self.people).id.clone();
        let (method, path, body) = match dice.below(30) {
            0..=21 => self.in_a_conversation(&other, dice),
            22..=27 => self.in_a_group(&other, dice),
            _ => Self::among_contacts(&other, dice),
        };
        let reply = by.call(method, &path, body.as_ref(), None);
        assert!(reply.status < 500, "{method} {path} {body:?}: {} {}", reply.status, reply.text());
        if reply.status >= 400 {
            reply.problem(reply.status);
        }
    }

    fn in_a_conversation(&self, other: &str, dice: &mut Dice) -> (&'static str, String, Option<Value>) {
        let place = dice.of(&self.places).clone();
        let at = |rest: &str| format!("/v1/conversations/{place}{rest}");
        let seq = 1 + dice.below(20);
        let on = json!({ "on": dice.below(2) == 0 });
        match dice.below(16) {
            0 => ("POST", at(&format!("/messages/{seq}/recall")), None),
            1 => ("DELETE", at(&format!("/messages/{seq}")), None),
            2 => ("PUT", at("/read"), Some(json!({ "seq": seq }))),
            3 => ("PUT", at("/pinned"), Some(on)),
            4 => ("PUT", at("/muted"), Some(on)),
            5 => ("POST", at("/hide"), None),
            6 if dice.below(3) == 0 => ("POST", at("/clear"), None),
            7 => ("POST", at("/pats"), Some(json!({ "target": other }))),
            8 => {
                let from = dice.of(&self.places);
                let merged = ["the bundle", ""].get(dice.below(3));
                let forward = json!({ "from": from, "seqs": [seq, 1 + dice.below(20)], "merged_as": merged });
                ("POST", at("/forwards"), Some(forward))
            }
            9 => {
                let message = json!({ "content": { "kind": "text", "text": "as said" }, "reply_to": seq });
                ("POST", at("/messages"), Some(message))
            }
            10 => {
                let mut message = json!({ "content": { "kind": "text", "text": "you there" }, "mentions": [other] });
                message["mention_all"] = json!(dice.below(2) == 0);
                ("POST", at("/messages"), Some(message))
            }
            _ => {
                let text = format!("茶 number {}", dice.below(1_000));
                ("POST", at("/messages"), Some(json!({ "content": { "kind": "text", "text": text } })))
            }
        }
    }

    fn in_a_group(&self, other: &str, dice: &mut Dice) -> (&'static str, String, Option<Value>) {
        let group = dice.of(&self.groups).clone();
        let at = |rest: &str| format!("/v1/groups/{group}{rest}");
        let on = json!({ "on": dice.below(6) == 0 });
        let number = dice.below(1_000);
        match dice.below(24) {
            0 => ("PUT", at("/name"), Some(json!({ "name": format!("name {number}") }))),
            1 => ("PUT", at("/announcement"), Some(json!({ "text": format!("at {number}") }))),
            2 => ("PUT", at("/nickname"), Some(json!({ "nickname": format!("nick {number}") }))),
            3 => ("PUT", at("/invite-confirmation"), Some(on)),
            4 => ("PUT", at("/all-mute"), Some(on)),
            5 => ("POST", at("/owner"), Some(json!({ "to": other }))),
            6 => ("PUT", at(&format!("/admins/{other}")), None),
            7 => ("DELETE", at(&format!("/admins/{other}")), None),
            8 if dice.below(3) == 0 => ("POST", at("/members/remove"), Some(json!({ "users": [other] }))),
            9 => ("PUT", at(&format!("/mutes/{other}")), Some(json!({}))),
            15..=17 => ("DELETE", at(&format!("/mutes/{other}")), None),
            11 if dice.below(4) == 0 => ("POST", at("/leave"), None),
            12..=14 => ("POST", at(&format!("/join-requests/{other}/approve")), None),
            _ => ("POST", at("/members"), Some(json!({ "users": [other], "reason": "come back" }))),
        }
    }

    fn among_contacts(other: &str, dice: &mut Dice) -> (&'static str, String, Option<Value>) {
        match dice.below(14) {
            0 if dice.below(5) == 0 => ("DELETE", format!("/v1/contacts/{other}"), None),
            1 if dice.below(3) == 0 => ("PUT", format!("/v1/blocks/{other}"), None),
            2..=4 => ("DELETE", format!("/v1/blocks/{other}"), None),
            7..=9 => ("POST", format!("/v1/friend-requests/{other}/accept"), None),
            5 => ("PATCH", format!("/v1/contacts/{other}"), Some(json!({ "remark": "x", "starred": true }))),
            6 => ("PATCH", "/v1/me".to_owned(), Some(json!({ "display_name": format!("name {}", dice.below(1_000)) }))),
            _ => {
                let request = json!({ "to": other, "greeting": "again?", "source": "search" });
                ("POST", "/v1/friend-requests".to_owned(), Some(request))
            }
        }
    }
}

#[test]
fn whatever_people_do_the_server_never_fails_and_all_its_views_agree() {
    let stage = Stage::new();
    for round in 0..ROUNDS {
        let mut sockets: Vec<Socket> = stage.people.iter().map(|person| Socket::connect(person, "")).collect();
        in_parallel(PEOPLE, |number| {
            let mut dice = Dice::new((round * PEOPLE + number) as u64);
            (0..DEEDS).for_each(|_| stage.deed(&stage.people[number], &mut dice));
        });
        for (number, person) in stage.people.iter().enumerate() {
            pushed_is_synced(person, &mut sockets[number]);
            history_is_synced(person, &stage.places);
            inbox_is_history(person);
        }
        let seen: Vec<Vec<Value>> = stage.people.iter().map(|person| person.sync_from(0)).collect();
        let inboxes: Vec<Value> = stage.people.iter().map(|person| person.get("/v1/conversations").done()).collect();
        stage.server.kill();
        stage.server.start_again();
        assert_eq!(stage.people.iter().map(|person| person.sync_from(0)).collect::<Vec<_>>(), seen);
        let again = stage.people.iter().map(|person| person.get("/v1/conversations").done());
        assert_eq!(again.collect::<Vec<_>>(), inboxes);
    }
    assert_eq!(stage.server.stop(), Some(0));
    let data = stage.server.data().display().to_string();
    let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
    let _ = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
}

/// What a device was pushed is what it would have been given had it been away, but for what was taken back or deleted
/// since.
fn pushed_is_synced(person: &Person, socket: &mut Socket) {
    // A change of one's own profile always comes back.
    let mark = person.patch("/v1/me", json!({ "about": format!("mark {}", socket.hello) })).done();
    let pushed = socket.entries_until(number_at(&mark, "position"));
    let positions =
        |entries: &[Value]| -> Vec<u64> { entries.iter().map(|entry| number_at(entry, "position")).collect() };
    let synced = person.sync_from(socket.hello);
    assert!(positions(&pushed).is_sorted());
    let pushed: BTreeMap<u64, &Value> = pushed.iter().map(|entry| (number_at(entry, "position"), entry)).collect();
    for entry in &synced {
        let position = number_at(entry, "position");
        let as_pushed = pushed.get(&position).unwrap_or_else(|| panic!("{} was not pushed {entry}", person.handle));
        if entry["recalled"] != true {
            assert_eq!(*as_pushed, entry);
        }
    }
    // What was pushed and is not given any more is gone for a reason that was pushed as well.
    let gone: Vec<&&Value> =
        pushed.iter().filter(|(position, _)| !positions(&synced).contains(position)).map(|(_, entry)| entry).collect();
    for entry in gone {
        let told = |why: &&Value| {
            why["data"]["conversation"] == entry["conversation"] || why["conversation"] == entry["conversation"]
        };
        let reasons = ["message.deleted", "conversation.cleared", "message.recalled"];
        let because = pushed.values().filter(|why| reasons.iter().any(|reason| why["type"] == *reason)).any(told);
        assert!(because, "{} was pushed and is not synced: {entry}", person.handle);
    }
}

/// The history of each conversation has the same messages as sync, in the same order.
fn history_is_synced(person: &Person, places: &[String]) {
    let synced = person.sync_from(0);
    for place in places {
        let path = format!("/v1/conversations/{place}/messages?after=0&limit=100");
        let reply = person.get(&path);
        if reply.status == 404 {
            assert!(!synced.iter().any(|entry| entry["conversation"] == **place), "{} {place}", person.handle);
            continue;
        }
        let mut page = reply.done();
        let mut entries = vec![];
        while let Some(next) = page["next"].as_str() {
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            page = person.get(&format!("/v1/conversations/{place}/messages?cursor={next}&limit=100")).done();
        }
        let messages = |entries: &[Value]| -> Vec<(u64, u64, Value)> {
            let messages = entries.iter().filter(|entry| entry["conversation"] == **place && entry["seq"].is_u64());
            messages
                .map(|entry| (number_at(entry, "seq"), number_at(entry, "position"), entry["data"].clone()))
                .collect()
        };
        assert_eq!(messages(&entries), messages(&synced), "{} {place}", person.handle);
    }
}

/// Each row of the inbox says what the history says: the last thing, and how much is unread.
fn inbox_is_history(person: &Person) {
    let rows = person.all("/v1/conversations");
    let mut badge = 0;
    for row in &rows {
        let history = person.history(&text_at(row, "id"));
        assert_eq!(
            row["last"]["position"],
            history.last().map_or(Value::Null, |last| last["position"].clone()),
            "{row}"
        );
        let (last, read, unread) = (number_at(row, "last_seq"), number_at(row, "read_seq"), number_at(row, "unread"));
        assert!(read <= last && unread <= last - read, "{row}");
        if row["muted"] == false {
            badge += unread;
        }
    }
    assert_eq!(person.badge(), badge);
}
