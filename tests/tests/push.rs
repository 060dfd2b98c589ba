//! WebSocket and sync: what happens reaches every device, once and in order, whatever happened to the connection.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Server, Setup, Shared, Socket, befriend, group,
    people::{number_at, text_at, texts},
    raw,
    socket::Came,
    until,
};
use tokio_tungstenite::tungstenite::Message;

static SHARED: Shared = Shared::new();

fn positions(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| number_at(entry, "position")).collect()
}

/// A page of sync from the end, for where that is now.
fn position_now(who: &Person) -> u64 {
    let mut after = 0;
    loop {
        let page = who.get(&format!("/v1/sync?after={after}&limit=500")).done();
        after = number_at(&page, "next");
        if page["more"] == false {
            return after;
        }
    }
}

#[test]
fn whatever_is_pushed_is_what_sync_gives() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let mut socket = Socket::connect(&lin, "");
    let hello = socket.hello;
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "one");
    let house = group(&mei, &[&lin, &arjun]);
    mei.say(&house, "two");
    lin.say(&talk, "three");
    mei.post(
        &format!("/v1/conversations/{talk}/messages"),
        json!({ "content": { "kind": "text", "text": "four" }, "reply_to": 1 }),
    )
    .done();
    lin.put(&format!("/v1/conversations/{talk}/read"), json!({ "seq": 3 })).done();
    lin.patch("/v1/me", json!({ "about": "tea" })).done();
    lin.patch(&format!("/v1/contacts/{}", mei.id), json!({ "remark": "Mei" })).done();
    mei.put(&format!("/v1/groups/{house}/name"), json!({ "name": "new name" })).done();
    mei.post(&format!("/v1/conversations/{house}/pats"), json!({ "target": lin.id })).done();
    let last = number_at(&mei.send(&house, "the end").done(), "position");
    let pushed = socket.entries_until(last);
    assert_eq!(pushed, lin.sync_from(hello));
    assert_eq!(texts(&pushed), ["one", "two", "three", "four", "the end"]);
}

#[test]
fn what_is_none_of_my_business_is_not_pushed_to_me() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let other = befriend(&mei, &arjun);
    let begin = position_now(&lin);
    let mut socket = Socket::connect(&lin, &format!("?after={begin}"));
    mei.say(&other, "not for lin");
    arjun.patch("/v1/me", json!({ "about": "tea" })).done();
    mei.patch(&format!("/v1/contacts/{}", lin.id), json!({ "remark": "my Lin" })).done();
    mei.put(&format!("/v1/conversations/{talk}/pinned"), json!({ "on": true })).done();
    let last = number_at(&mei.send(&talk, "for lin").done(), "position");
    assert_eq!(positions(&socket.entries_until(last)), [last]);
}

#[test]
fn a_device_that_comes_back_while_others_go_on_talking_misses_nothing_and_doubles_nothing() {
    const RECONNECTS: usize = 15;
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talks = [befriend(&mei, &lin), group(&mei, &[&lin, &arjun])];
    let begin = position_now(&lin);
    let finished = AtomicBool::new(false);
    let mut got: Vec<Value> = vec![];
    std::thread::scope(|scope| {
        let talker = |talk: &str| {
            while !finished.load(Ordering::Relaxed) {
                mei.say(talk, "on and on");
            }
        };
        let threads: Vec<_> = talks.iter().map(|talk| scope.spawn(move || talker(talk))).collect();
        let mut after = begin;
        for _ in 0..RECONNECTS {
            let mut socket = Socket::connect(&lin, &format!("?after={after}"));
            for _ in 0..40 {
                got.push(socket.entry());
            }
            after = number_at(got.last().unwrap(), "position");
        }
        finished.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let last = number_at(got.last().unwrap(), "position");
    let expected: Vec<Value> =
        lin.sync_from(begin).into_iter().filter(|entry| number_at(entry, "position") <= last).collect();
    assert_eq!(positions(&got), positions(&expected));
    assert_eq!(got, expected);
}

#[test]
fn a_device_that_has_just_synced_is_pushed_only_what_comes_after() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for _ in 0..100 {
        mei.say(&talk, "known");
        let known = position_now(&lin);
        let mut socket = Socket::connect(&lin, &format!("?after={known}"));
        let last = number_at(&mei.send(&talk, "new").done(), "position");
        assert_eq!(positions(&socket.entries_until(last)), [last]);
    }
}

#[test]
fn pages_of_sync_join_without_a_gap_whatever_their_size() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    for number in 0..20 {
        mei.say(if number % 3 == 0 { &talk } else { &house }, &number.to_string());
    }
    let whole = lin.sync_from(0);
    for limit in [1, 2, 7] {
        let (mut after, mut entries) = (0, vec![]);
        loop {
            let page = lin.get(&format!("/v1/sync?after={after}&limit={limit}")).done();
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            after = number_at(&page, "next");
            if page["more"] == false {
                break;
            }
        }
        assert_eq!(entries, whole, "limit {limit}");
    }
    for wrong in ["after=-1", "after=x", "limit=0", "limit=501", "after=99999999999999999999999"] {
        lin.get(&format!("/v1/sync?{wrong}")).problem(400);
    }
}

#[test]
fn after_kill_9_a_device_goes_on_where_it_was() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let mut socket = Socket::connect(&lin, "");
    let seen = number_at(&mei.send(&talk, "before").done(), "position");
    assert_eq!(texts(&socket.entries_until(seen)), ["before"]);
    let missed = number_at(&mei.send(&talk, "missed").done(), "position");
    server.kill();
    server.start_again();
    let after = number_at(&mei.send(&talk, "after").done(), "position");
    assert!(after > missed);
    let mut socket = Socket::connect(&lin, &format!("?after={seen}"));
    assert_eq!(texts(&socket.entries_until(after)), ["missed", "after"]);
}

#[test]
fn without_a_position_a_device_goes_on_from_its_last_ack() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let mut socket = Socket::connect(&lin, "");
    let first = number_at(&mei.send(&talk, "one").done(), "position");
    socket.entries_until(first);
    socket.say(&json!({ "type": "ack", "position": first }));
    // The answer to the ping says that the ack before it was heard.
    socket.ping();
    drop(socket);
    let second = number_at(&mei.send(&talk, "two").done(), "position");
    let mut socket = Socket::connect(&lin, "");
    assert_eq!(texts(&socket.entries_until(second)), ["two"]);
}

#[test]
fn typing_is_shown_in_direct_conversations_to_who_may_be_written_to() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let (talk, house) = (befriend(&mei, &lin), group(&mei, &[&lin, &arjun]));
    let (mut mine, mut theirs) = (Socket::connect(&mei, ""), Socket::connect(&lin, ""));
    mine.say(&json!({ "type": "typing", "conversation": talk }));
    assert_eq!(theirs.message(), json!({ "type": "typing", "conversation": talk, "user": mei.id }));
    // In a group nobody is shown it, and neither is somebody who blocked the one who types.
    let blocked = befriend(&arjun, &lin);
    lin.put(&format!("/v1/blocks/{}", arjun.id), json!({})).done();
    let mut other = Socket::connect(&arjun, "");
    other.say(&json!({ "type": "typing", "conversation": blocked }));
    other.ping();
    let mut again = Socket::connect(&mei.log_in(), "");
    again.say(&json!({ "type": "typing", "conversation": house }));
    again.ping();
    theirs.ping();
    // It is not kept anywhere either.
    assert!(!lin.get("/v1/sync?after=0").text().contains("typing"));
}

#[test]
fn what_is_not_understood_is_said_so_and_a_broken_frame_ends_the_connection() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let mut socket = Socket::connect(&mei, "");
    for nonsense in ["", "{", "[]", "null", r#"{"type":"dance"}"#, r#"{"type":"ack","position":-1}"#, "茶\u{0}"] {
        socket.say_raw(Message::text(nonsense));
        assert_eq!(socket.message()["type"], "error", "{nonsense:?}");
    }
    socket.ping();
    socket.say_raw(Message::binary(vec![0, 1, 2]));
    assert_eq!(socket.closed(), Some(1008));
    let mut socket = Socket::connect(&mei, "");
    socket.say_raw(Message::text("x".repeat(100_000)));
    assert!(socket.closed().is_none_or(|code| [1008, 1009].contains(&code)));
    assert_eq!(mei.get("/v1/me").status, 200);
}

#[test]
fn a_connection_ends_when_its_device_connects_again_or_is_logged_out_and_when_the_server_stops() {
    let server = Server::start();
    let mei = server.register("mei");
    let phone = mei.log_in();
    let mut first = Socket::connect(&phone, "");
    let mut second = Socket::connect(&phone, "");
    assert_eq!(first.closed(), Some(4001));
    mei.delete(&format!("/v1/me/devices/{}", phone.device)).done();
    assert_eq!(second.closed(), Some(4003));
    assert_eq!(Socket::try_connect(&phone, "").err(), Some(Some(401)));
    let mut other = Socket::connect(&mei, "");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(other.closed(), Some(1001));
}

#[test]
fn a_device_that_is_logged_out_while_it_connects_does_not_stay_connected() {
    let server = SHARED.server();
    let mei = server.register("mei");
    for _ in 0..60 {
        let phone = mei.log_in();
        std::thread::scope(|scope| {
            scope.spawn(|| mei.delete(&format!("/v1/me/devices/{}", phone.device)).done());
            match Socket::try_connect(&phone, "") {
                Ok(mut socket) => assert_eq!(socket.closed(), Some(4003)),
                Err(status) => assert!([Some(401), None].contains(&status), "{status:?}"),
            }
        });
    }
}

#[test]
fn a_device_that_does_not_read_is_cut_off_and_catches_up_and_the_server_does_not_grow() {
    const ROUNDS: usize = 4;
    let server = Setup::new().with("TEAHOUSE_API__PUSH_BYTES_MAX", "65536").start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let begin = position_now(&lin);
    let words = "w".repeat(10_000);
    let devices: Vec<Person> = (0..8).map(|_| lin.log_in()).collect();
    let burst = || {
        // More than the queue, and what the system keeps for a connection, hold together.
        let mut socket = Socket::connect(&lin, "");
        let mut slow: Vec<Socket> = devices.iter().map(|device| Socket::connect(device, "")).collect();
        let sent =
            teahouse_tests::people::in_parallel(1_200, |_| number_at(&mei.send(&talk, &words).done(), "position"));
        let codes: Vec<Option<u16>> = slow.iter_mut().map(Socket::closed).collect();
        // Where nothing was read for long the connection may be gone before the reason came through.
        let cut = |code: &Option<u16>| matches!(code, Some(4008) | None);
        assert!(codes.iter().all(cut) && cut(&socket.closed()), "{codes:?}");
        sent.into_iter().max().unwrap()
    };
    burst();
    let before = server.resident_kib();
    let last = (1..ROUNDS).fold(0, |_, _| burst());
    let grown = server.resident_kib().saturating_sub(before);
    // Caches and write buffers grow a little; what was sent to the devices, kept, would be 9 x 12 MB x 3 rounds.
    assert!(grown < 240 * 1024, "grown by {grown} KiB from {before} KiB");
    let mut socket = Socket::connect(&lin, &format!("?after={begin}"));
    let caught_up: Vec<u64> = socket.entries_until(last).iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(caught_up, (1..=(ROUNDS * 1_200) as u64).collect::<Vec<u64>>());
}

#[test]
fn a_browser_shows_its_token_as_a_subprotocol() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let shake = |protocols: &str| {
        let headers = [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", protocols),
        ];
        let request = raw::request("GET", "/v1/ws", &headers, b"");
        let text = String::from_utf8(request).unwrap().replace("connection: close", "connection: upgrade");
        raw::head(&mei.address(), text.as_bytes())
    };
    let (status, head) = shake(&format!("teahouse, bearer.{}", mei.token().unwrap()));
    assert_eq!(status, 101, "{head}");
    // The one that is agreed on does not give the token back.
    assert!(head.contains("sec-websocket-protocol: teahouse\r\n"), "{head}");
    assert_eq!(shake("teahouse, bearer.nobody").0, 401);
    assert_eq!(shake("teahouse").0, 401);
}

#[test]
fn a_device_that_acknowledges_what_has_not_happened_gets_what_happens_next() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let mut socket = Socket::connect(&lin, "");
    socket.say(&json!({ "type": "ack", "position": 9_007_199_254_740_991_u64 }));
    socket.ping();
    let mut socket = Socket::connect(&lin, "");
    let last = number_at(&mei.send(&talk, "hello").done(), "position");
    assert_eq!(texts(&socket.entries_until(last)), ["hello"]);
}

#[test]
fn a_silent_connection_is_closed_after_a_while() {
    let server = Setup::new().with("TEAHOUSE_API__SOCKET_IDLE_SECONDS", "2").start();
    let mei = server.register("mei");
    let mut socket = Socket::connect(&mei, "");
    let connected = || server.client().get("/metrics").text();
    assert!(connected().contains("websockets"), "{}", connected());
    // One that answers pings stays; this one is not read, so its pings stay unanswered.
    until("the server has given up on it", || {
        let text = connected();
        let line = text.lines().find(|line| line.contains("websockets") && !line.starts_with('#'))?;
        line.ends_with(" 0").then_some(())
    });
    while let Came::Message(_) = socket.receive() {}
}

#[test]
fn a_position_ahead_of_the_log_is_refused_rather_than_waited_for() {
    let server = Server::start();
    let mei = server.register("mei");
    let next = number_at(&mei.get("/v1/sync?after=0").done(), "next");
    mei.get(&format!("/v1/sync?after={next}")).done();
    let problem = mei.get(&format!("/v1/sync?after={}", next + 1_000)).refused(409, "position-ahead");
    assert!(text_at(&problem, "detail").contains(&next.to_string()), "{problem}");
    assert_eq!(Socket::connect(&mei, &format!("?after={}", next + 1_000)).closed(), Some(4009));
    let lin = server.register("lin");
    lin.ask(&mei).done();
    let mut socket = Socket::connect(&mei, &format!("?after={next}"));
    assert_eq!(socket.entry()["type"], "friend.requested");
}
