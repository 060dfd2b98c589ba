//! Signalling within calls: who may tell which device something, and who hears it.

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Setup, Shared, Socket, befriend,
    people::{list_at, text_at},
};
use tokio_tungstenite::tungstenite::Message;

static SHARED: Shared = Shared::new();

fn signal(call: &str, to: &Person, seq: u64, signal: Value) -> Value {
    json!({ "type": "signal", "call": call, "to": to.device, "seq": seq, "signal": signal })
}

fn offer(call: &str, to: &Person, seq: u64) -> Value {
    signal(call, to, seq, json!({ "kind": "offer", "sdp": "v=0" }))
}

/// Says something that is refused, with that code.
#[track_caller]
fn refused(socket: &mut Socket, said: &Value, code: &str) {
    socket.say(said);
    let answer = socket.message();
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{answer}");
    assert_eq!((&answer["call"], &answer["to"], &answer["seq"]), (&said["call"], &said["to"], &said["seq"]));
}

/// The next signal that comes.
#[track_caller]
fn heard(socket: &mut Socket) -> Value {
    let message = socket.message();
    assert_eq!(message["type"], "signal", "{message}");
    message
}

#[test]
fn the_two_devices_of_a_call_hear_each_other_and_nobody_else_does() {
    let server = SHARED.server();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let (tablet, stranger) = (lin.log_in(), &arjun);
    let [mut caller, mut callee, mut other, mut third] =
        [&mei, &lin, &tablet, stranger].map(|person| Socket::connect(person, ""));
    let call = mei.call_up(&talk);
    refused(&mut caller, &offer(&call, &lin, 1), "call-not-answered");
    lin.about_call(&call, "accept").done();
    caller.say(&offer(&call, &lin, 1));
    let expected = json!({
        "type": "signal", "call": call, "from": mei.device, "user": mei.id, "seq": 1,
        "signal": { "kind": "offer", "sdp": "v=0" },
    });
    assert_eq!(heard(&mut callee), expected);
    let way = json!({ "candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0 });
    callee.say(&signal(&call, &mei, 1, json!({ "kind": "answer", "sdp": "v=0" })));
    callee.say(&signal(&call, &mei, 2, json!({ "kind": "candidate", "candidate": way })));
    callee.say(&signal(&call, &mei, 3, json!({ "kind": "candidate", "candidate": null })));
    assert_eq!(heard(&mut caller)["signal"]["kind"], "answer");
    assert_eq!(heard(&mut caller)["signal"]["candidate"], way);
    assert_eq!(heard(&mut caller)["signal"], json!({ "kind": "candidate", "candidate": null }));
    // The callee's other device is not in the call; nobody else knows that there is one.
    refused(&mut other, &offer(&call, &mei, 1), "device-not-in-call");
    refused(&mut caller, &offer(&call, &tablet, 1), "device-not-in-call");
    refused(&mut caller, &offer(&call, &arjun, 1), "device-not-in-call");
    refused(&mut third, &offer(&call, &mei, 1), "call-not-found");
    for socket in [&mut other, &mut third, &mut callee] {
        socket.ping();
    }
    lin.about_call(&call, "hangup").done();
    refused(&mut caller, &offer(&call, &lin, 9), "call-over");
}

#[test]
fn a_number_that_does_not_rise_is_refused_also_from_a_device_that_came_back() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let [mut caller, mut callee] = [&mei, &lin].map(|person| Socket::connect(person, ""));
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    caller.say(&offer(&call, &lin, 7));
    assert_eq!(heard(&mut callee)["seq"], 7);
    for late in [7, 3] {
        refused(&mut caller, &offer(&call, &lin, late), "stale-signal");
    }
    drop(caller);
    let mut caller = Socket::connect(&mei, "");
    refused(&mut caller, &offer(&call, &lin, 7), "stale-signal");
    caller.say(&offer(&call, &lin, 8));
    assert_eq!(heard(&mut callee)["seq"], 8, "an ICE restart");
    callee.say(&offer(&call, &mei, 1));
    assert_eq!(heard(&mut caller)["seq"], 1, "each device counts for itself");
}

#[test]
fn who_signals_to_a_device_that_is_gone_is_told() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let mut caller = Socket::connect(&mei, "");
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    refused(&mut caller, &offer(&call, &lin, 1), "peer-unreachable");
    let mut callee = Socket::connect(&lin, "");
    caller.say(&offer(&call, &lin, 2));
    assert_eq!(heard(&mut callee)["seq"], 2);
}

#[test]
fn signals_are_bounded_in_form_size_and_number() {
    let server = Setup::new().with("TEAHOUSE_API__RATES__SIGNALS", "4").start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let [mut caller, mut callee] = [&mei, &lin].map(|person| Socket::connect(person, ""));
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    for wrong in [json!({ "kind": "shout" }), json!({ "kind": "offer" }), json!("offer")] {
        caller.say(&signal(&call, &lin, 1, wrong));
        assert_eq!(caller.message()["code"], "unknown-message");
    }
    let large = json!({ "kind": "offer", "sdp": "x".repeat(30_000) });
    caller.say(&signal(&call, &lin, 1, large.clone()));
    assert_eq!(heard(&mut callee)["signal"], large);
    caller.say(&offer(&call, &lin, 2));
    assert_eq!(heard(&mut callee)["seq"], 2);
    refused(&mut caller, &offer(&call, &lin, 3), "rate-limited");
    caller.say(&signal(&call, &lin, 4, json!({ "kind": "offer", "sdp": "x".repeat(33_000) })));
    assert!(caller.closed().is_none_or(|code| [1008, 1009].contains(&code)));
    // Anything else is as short as ever.
    callee.say_raw(Message::text(format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(5_000))));
    assert_eq!(callee.closed(), Some(1008));
}

#[test]
fn everybody_gets_ice_servers_with_credentials_of_their_own() {
    let server = Setup::new()
        .with("TEAHOUSE_ICE__STUN_URLS", "stun:127.0.0.1:1,stun:127.0.0.1:2")
        .with("TEAHOUSE_ICE__TURN_URLS", "turn:127.0.0.1:3?transport=udp")
        .with("TEAHOUSE_TURN_SECRET", "known to coturn as well")
        .start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let servers = |who: &Person| list_at(&who.get("/v1/calls/ice-servers").done(), "ice_servers");
    let [stun, turn] = [servers(&mei)[0].clone(), servers(&mei)[1].clone()];
    assert_eq!(stun, json!({ "urls": ["stun:127.0.0.1:1", "stun:127.0.0.1:2"] }));
    assert_eq!(turn["urls"], json!(["turn:127.0.0.1:3?transport=udp"]));
    assert!(text_at(&turn, "username").ends_with(&format!(":{}", mei.id)));
    assert_ne!(turn["credential"], servers(&lin)[1]["credential"]);
    server.client().get("/v1/calls/ice-servers").problem(401);
    assert!(!server.log().contains("known to coturn"));
    let none = SHARED.server();
    assert_eq!(servers(&none.register("mei")), [Value::Null; 0]);
}
