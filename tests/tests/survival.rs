//! Killed without warning while many talk: what was acknowledged is there, once, and nothing has a hole.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use teahouse_tests::{
    Client, Person, Server, Setup, befriend, binary, group,
    people::{fresh_handle, list_at, number_at, registration, text_at},
    until,
};

/// Clients that send at the same time.
const WRITERS: usize = 6;
/// How often the server is killed.
const ROUNDS: usize = 4;
/// Messages that must be acknowledged before it is killed again.
const ACKNOWLEDGED_PER_ROUND: usize = 150;

/// A message that a client sent.
#[derive(Clone, Debug)]
struct Sent {
    client_id: String,
    /// What was answered; none where the server was killed before it answered.
    seq: Option<u64>,
}

#[test]
fn a_conversation_is_found_again_after_kill_9() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for (by, text) in [(&mei, "Is the tea ready?"), (&lin, "茶好了"), (&mei, "I am on my way.")] {
        by.say(&talk, text);
    }
    let (history, synced) = (lin.history(&talk), lin.sync_from(0));
    server.kill();
    server.start_again();
    assert_eq!(lin.history(&talk), history);
    assert_eq!(lin.sync_from(0), synced);
    assert_eq!(mei.texts(&talk), ["Is the tea ready?", "茶好了", "I am on my way."]);
    assert_eq!(lin.say(&talk, "Here you are."), 4);
}

#[test]
fn whatever_was_acknowledged_under_load_is_there_once_after_kill_9() {
    survives_kill_9_under_load(&Setup::new());
}

#[test]
fn the_same_holds_on_sled() {
    survives_kill_9_under_load(&Setup::new().argument("--store").argument("sled"));
}

fn survives_kill_9_under_load(setup: &Setup) {
    let server = setup.start();
    let people = server.crowd("writer", WRITERS);
    let others: Vec<&Person> = people.iter().skip(1).collect();
    let talk = group(&people[0], &others);
    let mut all: Vec<Vec<Sent>> = vec![vec![]; WRITERS];
    for round in 0..ROUNDS {
        let acknowledged = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let writers = people.iter().zip(&mut all).enumerate();
            for (number, (person, sent)) in writers {
                let (talk, acknowledged) = (&talk, &acknowledged);
                scope.spawn(move || write_until_killed(person, talk, &format!("{number}-{round}"), sent, acknowledged));
            }
            let enough = || (acknowledged.load(Ordering::Relaxed) >= ACKNOWLEDGED_PER_ROUND).then_some(());
            until("enough is acknowledged", enough);
            server.kill();
        });
        server.start_again();
        for (person, sent) in people.iter().zip(&mut all) {
            send_the_last_again(person, &talk, sent);
        }
    }
    check_history(&people[0], &talk, &all);
    assert_eq!(server.stop(), Some(0));
    let data = server.data().display().to_string();
    let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
    let _ = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
}

/// Sends one message after the other until the server is gone.
fn write_until_killed(person: &Person, talk: &str, name: &str, sent: &mut Vec<Sent>, acknowledged: &AtomicUsize) {
    for number in 0.. {
        let client_id = format!("{name}-{number}");
        match try_send(person, talk, &client_id) {
            Some(seq) => {
                sent.push(Sent { client_id, seq: Some(seq) });
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            None => return sent.push(Sent { client_id, seq: None }),
        }
    }
}

fn try_send(person: &Person, talk: &str, client_id: &str) -> Option<u64> {
    let message = json!({ "client_id": client_id, "content": { "kind": "text", "text": client_id } });
    let path = format!("/v1/conversations/{talk}/messages");
    let reply = person.try_call("POST", &path, Some(&message), None).ok()?;
    if reply.status == 503 {
        // It stops.
        return None;
    }
    assert_eq!(reply.status, 201, "{}", reply.text());
    Some(number_at(&reply.json(), "seq"))
}

/// What a client does that was not answered, and one that merely believes so: it sends again.
fn send_the_last_again(person: &Person, talk: &str, sent: &mut [Sent]) {
    let from = sent.len().saturating_sub(2);
    for sent in &mut sent[from..] {
        let seq = try_send(person, talk, &sent.client_id).expect("the server answers again");
        assert!(sent.seq.is_none_or(|before| before == seq), "{sent:?} was said again as {seq}");
        sent.seq = Some(seq);
    }
}

fn check_history(reader: &Person, talk: &str, all: &[Vec<Sent>]) {
    let mut expected: Vec<(u64, &str)> =
        all.iter().flatten().map(|sent| (sent.seq.expect("sent again"), sent.client_id.as_str())).collect();
    expected.sort_unstable();
    let dense: Vec<u64> = (1..=expected.len() as u64).collect();
    assert_eq!(expected.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), dense);
    let expected: Vec<(u64, String)> = expected.into_iter().map(|(seq, text)| (seq, text.to_owned())).collect();
    assert_eq!(said(&whole_history(reader, talk)), expected);
    assert_eq!(said(&reader.sync_from(0)), expected);
}

fn whole_history(reader: &Person, talk: &str) -> Vec<Value> {
    let mut entries = vec![];
    let mut query = "after=0&limit=100".to_owned();
    loop {
        let page = reader.get(&format!("/v1/conversations/{talk}/messages?{query}")).done();
        let page_entries = list_at(&page, "entries");
        if page_entries.is_empty() {
            return entries;
        }
        entries.extend(page_entries);
        query = format!("limit=100&cursor={}", page["next"].as_str().expect("a page that is not empty has a next"));
    }
}

fn said(entries: &[Value]) -> Vec<(u64, String)> {
    let messages = entries.iter().filter(|entry| entry["type"] == "message.sent");
    let said = |entry: &Value| (number_at(entry, "seq"), entry["data"]["content"]["text"].as_str().unwrap().to_owned());
    messages.map(said).collect()
}

#[test]
fn commands_of_several_steps_are_done_once_or_not_at_all_whenever_the_server_is_killed() {
    const ROUNDS: usize = 5;
    let server = Server::start();
    let host = server.register("host");
    let guests = std::sync::Mutex::new(vec![]);
    for _ in 0..ROUNDS {
        let done = AtomicUsize::new(0);
        let left_over: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..WRITERS)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            let handle = fresh_handle("guest");
                            match settle(&server, &host, &handle) {
                                Some(guest) => guests.lock().unwrap().push(guest),
                                None => return handle,
                            }
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            until("enough have settled", || (done.load(Ordering::Relaxed) >= 12).then_some(()));
            server.kill();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        server.start_again();
        for handle in left_over {
            guests.lock().unwrap().push(settle(&server, &host, &handle).expect("the server answers again"));
        }
    }
    let guests = guests.into_inner().unwrap();
    assert_eq!(server.events(&["--type", "user.registered"]).len(), guests.len() + 1);
    assert_eq!(host.all("/v1/contacts").len(), guests.len());
    for (guest, talk) in &guests {
        assert_eq!(guest.texts(talk), ["hello"], "{}", guest.handle);
    }
}

/// A guest registers, becomes the host's friend and says hello, each step with a key that is the same when all of it is
/// done again; none where the server was killed meanwhile.
fn settle(server: &Server, host: &Person, handle: &str) -> Option<(Person, String)> {
    let call = |by: &Client, path: &str, body: Value| -> Option<Value> {
        let reply = by.try_call("POST", path, Some(&body), Some(handle)).ok()?;
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
        Some(reply.json())
    };
    let anybody = server.client();
    let registered = call(&anybody, "/v1/users", registration(handle, "Guest"))?;
    let guest = Person::of(&anybody, handle, &registered);
    // A key is one command's of one person: the guest's first is the request.
    call(&guest, "/v1/friend-requests", json!({ "to": host.id, "greeting": "hello", "source": "search" }))?;
    let accepted = call(host, &format!("/v1/friend-requests/{}/accept", guest.id), json!({}))?;
    let talk = text_at(&accepted, "conversation");
    let hello = json!({ "client_id": "1", "content": { "kind": "text", "text": "hello" } });
    let said = guest.try_call("POST", &format!("/v1/conversations/{talk}/messages"), Some(&hello), None).ok()?;
    assert_eq!((said.status, number_at(&said.json(), "seq")), (201, 1), "{}", said.text());
    Some((guest, talk))
}

#[test]
fn a_server_that_is_asked_to_stop_answers_what_is_under_way_and_ends_well() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let acknowledged = AtomicUsize::new(0);
    let mut sent = vec![];
    std::thread::scope(|scope| {
        scope.spawn(|| write_until_killed(&mei, &talk, "m", &mut sent, &acknowledged));
        until("some is acknowledged", || (acknowledged.load(Ordering::Relaxed) >= 20).then_some(()));
        assert_eq!(server.stop(), Some(0));
    });
    server.start_again();
    send_the_last_again(&mei, &talk, &mut sent);
    check_history(&lin, &talk, &[sent]);
}

#[test]
fn what_fell_due_while_the_server_was_down_happens_when_it_starts() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    mei.ask(&lin).done();
    server.kill();
    // As if the time of a request had passed meanwhile.
    server.set("TEAHOUSE_POLICY__FRIEND_REQUEST_SECONDS", "0");
    server.start_again();
    until("the request has expired", || server.events(&["--type", "friend.request-expired"]).first().map(|_| ()));
    lin.accept(&mei).refused(404, "request-not-found");
}
