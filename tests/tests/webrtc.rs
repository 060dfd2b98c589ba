//! Calls that really connect: peers with a WebRTC by others find each other through the server, directly and through a
//! real TURN server with the server's credentials.

use std::process::Command;

use serde_json::{Value, json};
use teahouse_tests::{
    Browser, Person, Server, Setup, befriend,
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

#[test]
fn coturn_takes_the_servers_credentials_and_none_that_are_expired_or_forged() {
    let coturn = Coturn::start(SECRET);
    let server = with_turn(&coturn);
    let shown = server.register("mei").get("/v1/calls/ice-servers").done();
    let turn = list_at(&shown, "ice_servers").pop().unwrap();
    let (name, proof) = (text_at(&turn, "username"), text_at(&turn, "credential"));
    assert!(allocates(&coturn, &name, &proof));
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
        assert!(!allocates(&coturn, name, proof), "{name}");
    }
    assert!(allocates(&coturn, &later, &hmac(SECRET, &later)), "made as the server makes them");
}

/// Whether coturn relays for who shows that; its own client asks.
fn allocates(coturn: &Coturn, name: &str, proof: &str) -> bool {
    let mut client = Command::new("turnutils_uclient");
    client.args(["-y", "-n", "1", "-m", "1", "-l", "100", "-p", &coturn.port.to_string()]);
    client.args(["-u", name, "-w", proof, "127.0.0.1"]);
    let output = client.output().expect("coturn's client can be started");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() == text.contains("Total lost packets 0"), "{text}");
    output.status.success()
}

fn hmac(secret: &str, name: &str) -> String {
    let script = "import base64, hmac, sys; \
        print(base64.b64encode(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'sha1').digest()).decode())";
    let output = Command::new("python3").args(["-c", script, secret, name]).output().expect("Python can be started");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
