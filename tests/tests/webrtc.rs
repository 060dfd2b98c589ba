//! Calls that really connect: peers with a WebRTC by others find each other through the server, directly and through a
//! real TURN server with the server's credentials.

use std::process::Command;

use serde_json::{Value, json};
use teahouse_tests::{
    Browser, Person, Server, Setup, Socket, befriend, group,
    peer::{Coturn, Peer},
    people::{list_at, number_at, text_at},
    until,
};

const SECRET: &str = "what coturn and the server know";
/// Decoded pictures, and pieces of sound, after which a call is taken to work.
const FRAMES: u64 = 20;

/// Two aiortc peers in a call, until both have decoded enough of what the other sends; what each of them counted.
fn aiortc_call(server: &Server, relay: bool) -> [Value; 2] {
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let call = mei.call_up(&talk);
    lin.about_call(&call, "ring").done();
    lin.about_call(&call, "accept").done();
    let peer = |role: &str, who: &Person, other: &Person| {
        let task = json!({
            "url": server.url(), "token": who.token(), "call": call, "peer": other.device, "role": role,
            "relay": relay, "frames": FRAMES,
        });
        Peer::start("aiortc_peer.py", &task)
    };
    let mut peers = [peer("caller", &mei, &lin), peer("callee", &lin, &mei)];
    peers.iter().for_each(|peer| assert_eq!(peer.said(), "ready"));
    peers.iter_mut().for_each(|peer| peer.tell("go"));
    let counted = [peers[0].told(), peers[1].told()];
    mei.about_call(&call, "connected").done();
    lin.about_call(&call, "hangup").done();
    peers.into_iter().for_each(Peer::end);
    let shown = mei.shown_call(&call);
    assert_eq!(shown["outcome"], "completed");
    let cards = until("the call is shown", || Some(lin.call_cards(&talk)).filter(|cards| !cards.is_empty()));
    assert_eq!(cards, [("completed".to_owned(), number_at(&shown, "seconds"))]);
    for counted in &counted {
        assert!(number_at(counted, "video") >= FRAMES && number_at(counted, "audio") >= FRAMES, "{counted}");
    }
    counted
}

#[test]
fn two_aiortc_peers_see_and_hear_each_other_directly() {
    let server = patient().start();
    for counted in aiortc_call(&server, false) {
        assert_eq!((&counted["local"], &counted["remote"]), (&json!("host"), &json!("host")));
    }
    nothing_of_it_is_kept(&server);
}

#[test]
fn two_aiortc_peers_see_and_hear_each_other_through_coturn() {
    let coturn = Coturn::start(SECRET);
    let server = with_turn(&coturn);
    for counted in aiortc_call(&server, true) {
        assert_eq!((&counted["local"], &counted["remote"]), (&json!("relay"), &json!("relay")));
    }
    nothing_of_it_is_kept(&server);
}

/// A server that leaves peers the time that they take to start on a busy machine.
fn patient() -> Setup {
    let setup = Setup::new().with("TEAHOUSE_POLICY__CALLS__CONNECT_SECONDS", "3600");
    setup.with("TEAHOUSE_POLICY__CALLS__LOST_SECONDS", "3600")
}

fn with_turn(coturn: &Coturn) -> Server {
    patient()
        .with("TEAHOUSE_ICE__TURN_URLS", &format!("turn:127.0.0.1:{}?transport=udp", coturn.port))
        .with("TEAHOUSE_TURN_SECRET", SECRET)
        .start()
}

/// Neither the log nor what the server writes about its doings has any of the signals, or a credential.
fn nothing_of_it_is_kept(server: &Server) {
    let kept = [json!(server.events(&[])).to_string(), server.log()];
    for (kept, what) in kept.iter().zip(["the log", "what it wrote"]) {
        for secret in ["a=candidate", "a=ice-pwd", "m=video", SECRET] {
            assert!(!kept.contains(secret), "{secret} is in {what}");
        }
    }
}

/// Two browsers in a call, until both have decoded enough of what the other sends; what each of them counted.
fn browser_call(server: &Server, relay: bool) -> [Value; 2] {
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    let browser = |role: &str, who: &Person, other: &Person| {
        let servers = who.get("/v1/calls/ice-servers").done()["ice_servers"].clone();
        let task = json!({
            "socket": server.url().replacen("http", "ws", 1) + "/v1/ws", "token": who.token(), "call": call,
            "peer": other.device, "role": role, "ice_servers": servers, "relay": relay, "frames": FRAMES,
        });
        Browser::open("browser_peer.html", &task)
    };
    let browsers = [browser("callee", &lin, &mei), browser("caller", &mei, &lin)];
    let counted = browsers.each_ref().map(Browser::told);
    lin.about_call(&call, "connected").done();
    mei.about_call(&call, "hangup").done();
    assert_eq!(lin.shown_call(&call)["outcome"], "completed");
    for counted in &counted {
        assert!(counted["failed"].is_null(), "{counted}");
        assert!(number_at(counted, "video") >= FRAMES && number_at(counted, "audio") >= FRAMES, "{counted}");
    }
    counted
}

#[test]
fn two_browsers_see_and_hear_each_other_directly() {
    let server = patient().start();
    let _ = browser_call(&server, false);
    nothing_of_it_is_kept(&server);
}

#[test]
fn two_browsers_see_and_hear_each_other_through_coturn() {
    let coturn = Coturn::start(SECRET);
    let server = with_turn(&coturn);
    for counted in browser_call(&server, true) {
        assert_eq!((&counted["local"], &counted["remote"]), (&json!("relay"), &json!("relay")));
    }
}

/// A browser in a group's call, whose sound and pictures go through the server.
fn through_the_server(who: &Person, call: &str) -> Browser {
    let browser = Browser::open("browser_group_peer.html", &json!({ "places": 9, "frames": FRAMES }));
    let offer = browser.told();
    assert!(offer["failed"].is_null(), "{offer}");
    browser.tell(&who.post(&format!("/v1/group-calls/{call}/media"), offer).done());
    browser
}

/// Waits until each of these browsers, by the place of its person, has seen and heard more of all others.
#[track_caller]
fn see_each_other(browsers: &[(u64, &Browser)]) {
    for (_, browser) in browsers {
        browser.tell(&json!({ "others": browsers.len() - 1 }));
    }
    for (own, browser) in browsers {
        let others: Vec<u64> = browsers.iter().map(|(place, _)| *place).filter(|place| place != own).collect();
        let told = browser.told();
        assert_eq!(told, json!({ "seen": others }), "at place {own}");
    }
}

/// Waits until the server forwards to so many devices.
#[track_caller]
fn forwards_to(server: &Server, devices: usize) {
    let line = format!("teahouse_forwarded_devices {devices}\n");
    until(&format!("{devices} devices"), || {
        Some(server.client().get("/metrics").text()).filter(|metrics| metrics.contains(&line))
    });
}

#[test]
fn three_browsers_see_and_hear_each_other_through_the_server() {
    let server = patient()
        .with("TEAHOUSE_SFU__LISTEN", "127.0.0.1:0")
        .with("TEAHOUSE_SFU__SILENT_SECONDS", "30")
        .with("TEAHOUSE_POLICY__CALLS__MESH_MAX", "2")
        .start();
    let [mei, lin, arjun, stranger] = server.people(["mei", "lin", "arjun", "stranger"]);
    let house = group(&mei, &[&lin, &arjun]);
    let mut listener = Socket::connect(&mei, "");
    let call = mei.call_group(&house);
    let (offer, media) = (json!({ "offer": "v=0" }), format!("/v1/group-calls/{call}/media"));
    lin.post(&media, offer.clone()).refused(403, "device-not-in-call");
    stranger.post(&media, offer.clone()).refused(404, "call-not-found");
    mei.post(&media, offer.clone()).refused(400, "offer-refused");
    lin.about_group_call(&call, "join").done();
    lin.log_in().post(&media, offer.clone()).refused(403, "device-not-in-call");
    assert_eq!(mei.shown_group_call(&call)["way"], "mesh");
    arjun.about_group_call(&call, "join").done();
    assert_eq!(mei.shown_group_call(&call)["way"], "forwarded");
    let ways = std::iter::repeat_with(|| listener.heard_of_call()).filter(|(what, _)| what == "group-call.joined");
    assert_eq!(ways.take(2).map(|(_, data)| data["way"].clone()).collect::<Vec<_>>(), ["mesh", "forwarded"]);
    let [one, two, three] = [&mei, &lin, &arjun].map(|person| through_the_server(person, &call));
    see_each_other(&[(0, &one), (1, &two), (2, &three)]);
    forwards_to(&server, 3);

    // Who leaves sees nothing any more, and is seen again when they come back.
    arjun.about_group_call(&call, "leave").done();
    assert!(three.told()["over"].is_string());
    forwards_to(&server, 2);
    arjun.post(&media, offer.clone()).refused(403, "device-not-in-call");
    arjun.about_group_call(&call, "join").done();
    let again = through_the_server(&arjun, &call);
    see_each_other(&[(0, &one), (1, &two), (2, &again)]);

    // A browser that is killed is forgotten, who is removed from the group is put out, and the end of the call ends it for all.
    drop(two);
    forwards_to(&server, 2);
    see_each_other(&[(0, &one), (2, &again)]);
    mei.post(&format!("/v1/groups/{house}/members/remove"), json!({ "users": [arjun.id] })).done();
    forwards_to(&server, 1);
    arjun.post(&media, offer.clone()).refused(404, "call-not-found");
    for person in [&mei, &lin] {
        person.about_group_call(&call, "leave").done();
    }
    forwards_to(&server, 0);
    mei.post(&media, offer).refused(409, "call-over");
    assert_eq!(mei.shown_group_call(&call)["outcome"], "completed");
    nothing_of_it_is_kept(&server);
}

#[test]
fn coturn_takes_the_servers_credentials_and_none_that_are_expired_or_forged() {
    let coturn = Coturn::start(SECRET);
    let server = with_turn(&coturn);
    let shown = server.register("mei").get("/v1/calls/ice-servers").done();
    let turn = list_at(&shown, "ice_servers").pop().unwrap();
    let (name, proof) = (text_at(&turn, "username"), text_at(&turn, "credential"));
    let is_taken = |name: &str, proof: &str| {
        // A packet that comes late is counted as lost, though coturn does relay.
        until("it relays", || {
            let (done, said) = client_of(&coturn, name, proof);
            (done && said.contains("Total lost packets 0")).then_some(())
        });
    };
    is_taken(&name, &proof);
    let (end, user) = name.split_once(':').unwrap();
    let later = format!("{}:{user}", end.parse::<u64>().unwrap() + 1);
    let expired = format!("1600000000:{user}");
    let forged = [
        (later.as_str(), proof.as_str()),
        (&name, "Zm9yZ2VkIGJ5IHNvbWVib2R5IQ=="),
        (&expired, &hmac(SECRET, &expired)),
        (&name, &hmac("another secret", &name)),
    ];
    for (name, proof) in forged {
        let (done, said) = client_of(&coturn, name, proof);
        assert!(!done, "{name}: {said}");
    }
    // Made as the server makes them.
    is_taken(&later, &hmac(SECRET, &later));
}

/// Has coturn's own client, which shows that, ask it to relay: whether it does, and what the client says.
fn client_of(coturn: &Coturn, name: &str, proof: &str) -> (bool, String) {
    let mut client = Command::new("turnutils_uclient");
    client.args(["-y", "-n", "1", "-m", "1", "-l", "100", "-p", &coturn.port.to_string()]);
    client.args(["-u", name, "-w", proof, "127.0.0.1"]);
    let output = client.output().expect("coturn's client can be started");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

fn hmac(secret: &str, name: &str) -> String {
    let script = "import base64, hmac, sys; \
        print(base64.b64encode(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'sha1').digest()).decode())";
    let output = Command::new("python3").args(["-c", script, secret, name]).output().expect("Python can be started");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
