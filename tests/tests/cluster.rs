//! Several real servers on one log, which a server for tests keeps: what is done through one holds on all of them.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use teahouse_tests::{
    Cluster, LogHost, Person, Server, Setup, Socket, befriend, binary,
    cluster::SECRET_KEY,
    people::{in_parallel, number_at, text_at},
    until,
};

fn position(answer: &serde_json::Value) -> u64 {
    number_at(answer, "position")
}

#[test]
fn what_is_done_on_one_node_holds_on_every_node() {
    let cluster = Cluster::start(3, &Setup::new());
    let [one, two, three] = [0, 1, 2].map(|n: usize| &cluster.nodes[n]);
    let [ann, bob] = one.people(["ann", "bob"]);

    // Sessions: a token is good everywhere at once, and gone everywhere once revoked.
    let is_known = |person: &Person| {
        let status = person.get("/v1/me").status;
        // Who they are a server may hear a moment later.
        assert_ne!(status, 401);
        (status == 200).then_some(())
    };
    let elsewhere = ann.at(two, 0);
    until("the second node knows Ann", || is_known(&elsewhere));
    let second = ann.at(three, 0).log_in();
    until("the first node knows Ann's second device", || is_known(&second.at(one, 0)));
    let revoked = position(&elsewhere.delete(&format!("/v1/me/devices/{}", second.device)).done());
    second.at(three, revoked).get("/v1/me").refused(401, "not-logged-in");

    // Relations: what two agreed on through one node lets them talk through another.
    let room = befriend(&ann, &bob);
    let seen = position(&ann.send(&room, "first").done());
    let mut pushed = Socket::connect(&ann.at(three, seen), &format!("?after={seen}"));
    let said = bob.at(two, seen).send(&room, "second").done();
    assert_eq!(number_at(&said, "seq"), number_at(&ann.at(three, position(&said)).say_done(&room, "third"), "seq") - 1);
    let texts: Vec<_> = [(); 2].map(|()| pushed.entry()["data"]["content"]["text"].clone()).into();
    assert_eq!(texts, ["second", "third"]);
    let blocked = position(&bob.at(three, 0).put(&format!("/v1/blocks/{}", ann.id), json!({})).done());
    let refused = ann.at(two, blocked).send(&room, "fourth");
    assert!((400..500).contains(&refused.status), "{}", refused.text());

    // Reads: a node that has not heard yet waits for what the client has seen.
    for node in [one, two, three] {
        assert_eq!(ann.at(node, blocked).texts(&room).len(), 3);
    }
}

trait SayDone {
    fn say_done(&self, room: &str, text: &str) -> serde_json::Value;
}

impl SayDone for Person {
    #[track_caller]
    fn say_done(&self, room: &str, text: &str) -> serde_json::Value {
        self.send(room, text).done()
    }
}

#[test]
fn a_key_is_one_command_on_all_nodes_together() {
    let cluster = Cluster::start(2, &Setup::new());
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]];
    let [ann, bob] = one.people(["ann", "bob"]);
    let room = befriend(&ann, &bob);
    let path = format!("/v1/conversations/{room}/messages");
    let body = |text: String| json!({ "content": { "kind": "text", "text": text } });
    let sent = |through: &Person, key: &str, text: String| {
        // While the other node is at it, the key may be under way.
        until("the command is done", || {
            let reply = through.call("POST", &path, Some(&body(text.clone())), Some(key));
            (reply.status < 400).then(|| number_at(&reply.json(), "seq"))
        })
    };
    // One after the other, the second node without having been told what the first one did.
    for n in 0..30 {
        let key = format!("after-{n}");
        let first = sent(&ann.at(one, 0), &key, format!("after {n}"));
        assert_eq!(sent(&ann.at(two, 0), &key, format!("after {n}")), first);
    }
    // Both at the same time.
    for n in 0..20 {
        let key = format!("both-{n}");
        let seqs = in_parallel(2, |node| sent(&ann.at([one, two][node], 0), &key, format!("both {n}")));
        assert_eq!(seqs[0], seqs[1]);
    }
    let seen = cluster.settle();
    let reused = ann.at(two, seen).call("POST", &path, Some(&body("something else".into())), Some("after-3"));
    reused.refused(422, "key-reused");
    let texts = two.messages();
    assert_eq!(texts.len(), 50);
}

#[test]
fn while_the_log_is_away_reads_go_on_writes_are_put_off_and_all_recovers_by_itself() {
    let setup = Setup::new().with("TEAHOUSE_CLUSTER__PATIENCE_MS", "5000");
    let cluster = Cluster::start(1, &setup);
    let node = &cluster.nodes[0];
    let [ann, bob] = node.people(["ann", "bob"]);
    let room = befriend(&ann, &bob);
    ann.say(&room, "before");
    cluster.log.kill();
    let refused = ann.send(&room, "meanwhile");
    refused.refused(503, "log-unavailable");
    assert!(refused.header("retry-after").is_some());
    until("the node says so", || (node.client().get("/readyz").status == 503).then_some(()));
    assert_eq!(ann.texts(&room), ["before"]);
    assert_eq!(node.client().get("/livez").status, 200);
    cluster.log.start_again();
    until("the node is ready again", || (node.client().get("/readyz").status == 200).then_some(()));
    ann.say(&room, "after");
    assert_eq!(bob.texts(&room), ["before", "after"]);
}

#[test]
fn a_server_that_does_not_fit_into_the_cluster_says_so_and_ends() {
    let log = LogHost::start();
    let first = Cluster::setup(Setup::new(), &log).start();
    let _ = first.people(["ann"]);
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    let serve = |data: &str, more: &[&str]| {
        let begin = ["serve", "--listen", "127.0.0.1:0", "--data", data];
        binary::run(&[&begin, more].concat()).ended_with(2).err
    };
    let url = log.url();
    let without_secret = serve(&at("a"), &["--log", &url]);
    assert!(without_secret.contains("secret_key"), "{without_secret}");
    let unverified = serve(&at("b"), &["--log", "esdb://127.0.0.1:1?tls=true&tlsVerifyCert=false"]);
    assert!(unverified.contains("tlsVerifyCert"), "{unverified}");
    let nonsense = serve(&at("c"), &["--log", "http://user:hidden@127.0.0.1:1"]);
    assert!(nonsense.contains("esdb://") && !nonsense.contains("hidden"), "{nonsense}");
    // A directory of one kind is not taken for the other.
    let cluster_data = first.data().display().to_string();
    first.stop();
    let without_cluster = serve(&cluster_data, &[]);
    assert!(without_cluster.contains("--log"), "{without_cluster}");
    let own = Server::start();
    let own_data = own.data().display().to_string();
    own.stop();
    let embedded = serve(&own_data, &["--log", &url]);
    assert!(embedded.contains("event log of its own"), "{embedded}");
    // And the read models of one cluster are not taken for those of another.
    let other = LogHost::start();
    let _ = Cluster::setup(Setup::new(), &other).start().people(["eve"]);
    let foreign = serve(&cluster_data, &["--log", &other.url()]);
    assert!(foreign.contains("another log"), "{foreign}");
}

#[test]
fn a_cluster_is_reached_by_tls_under_its_own_authority_and_under_no_other() {
    let (log, stranger) = (LogHost::start_with_tls(), LogHost::start_with_tls());
    let node = Cluster::setup(Setup::new(), &log).start();
    let [ann, bob] = node.people(["ann", "bob"]);
    let room = befriend(&ann, &bob);
    ann.say(&room, "in private");
    let _ = binary::run(&["audit", "verify", "--log", &log.url()]).ended_with(0);

    // Whoever trusts somebody else does not talk to it.
    let home = tempfile::tempdir().unwrap();
    let mut doubting = binary::command();
    doubting.args(["serve", "--listen", "127.0.0.1:0", "--log", &log.url_trusting(&stranger), "--data"]);
    let mut doubting = doubting.arg(home.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(doubting.stderr.take().unwrap()).lines().map_while(Result::ok);
    let why = said.find(|line| line.contains("the cluster does not answer yet"));
    doubting.kill().unwrap();
    doubting.wait().unwrap();
    assert!(why.is_some());

    // Without a look at certificates: only for who says that this is development.
    let unverified = log.url_with("tlsVerifyCert=false");
    let refused = binary::run(&["audit", "verify", "--log", &unverified]).ended_with(2).err;
    assert!(refused.contains("tlsVerifyCert"), "{refused}");
    node.stop();
    let setup = Setup::new().with("TEAHOUSE_DEVELOPMENT__UNVERIFIED_CLUSTER", "true");
    let setup = setup.with("TEAHOUSE_SECRET_KEY", SECRET_KEY).argument("--log").argument(&unverified);
    assert_eq!(ann.at(&setup.start(), 0).texts(&room), ["in private"]);
}

#[test]
fn what_falls_due_is_done_once_whoever_has_the_lease_and_when_it_is_gone() {
    // Long enough that nobody loses it by a pause of the machine.
    let setup = Setup::new().with("TEAHOUSE_CLUSTER__LEASE_SECONDS", "20");
    let cluster = Cluster::start(2, &setup);
    let one = &cluster.nodes[0];
    let holders = || {
        let taken = one.events(&["--type", "lease.taken"]);
        let mut holders: Vec<_> = taken.iter().map(|event| text_at(&event["payload"], "holder")).collect();
        holders.dedup();
        holders
    };
    until("somebody has the lease", || (!holders().is_empty()).then_some(()));
    let people = one.crowd("asker", 6);
    for asked in &people[1..] {
        people[0].ask(asked).done();
    }
    cluster.settle();
    for node in &cluster.nodes {
        node.advance(Duration::from_secs(40 * 24 * 3600));
    }
    let expired = |node: &Server| node.events(&["--type", "friend.request-expired"]).len();
    until("all requests have expired", || (expired(one) == 5).then_some(()));
    // Whoever has it is killed: the lease goes to the other one, which does what falls due then.
    let before = holders().len();
    let said = "this server does what falls due";
    let holder = cluster.nodes.iter().rev().find(|node| node.log().contains(said)).unwrap();
    let other = cluster.nodes.iter().find(|node| !std::ptr::eq(*node, holder)).unwrap();
    holder.kill();
    other.advance(Duration::from_secs(60));
    until("the other one has it", || other.log().contains(said).then_some(()));
    let again = people[0].at(other, 0);
    again.ask(&people[1]).done();
    other.advance(Duration::from_secs(40 * 24 * 3600));
    until("the new request has expired", || (expired(other) == 6).then_some(()));
    holder.start_again();
    cluster.settle();
    assert!(holders().len() > before);
    assert_eq!(expired(one), 6);
}

#[test]
fn a_call_goes_on_while_a_device_is_at_any_node_and_is_lost_once_when_none_is() {
    let setup = Setup::new().with("TEAHOUSE_CLUSTER__LEASE_SECONDS", "3");
    let cluster = Cluster::start(2, &setup);
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]];
    let [mei, lin] = one.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let seen = cluster.settle();
    let (mei, lin) = (mei.at(one, seen), lin.at(two, seen));
    let sockets = [Socket::connect(&mei, ""), Socket::connect(&lin, "")];
    let call = mei.call_up(&talk);
    lin.about_call(&call, "accept").done();
    mei.about_call(&call, "connected").done();
    for minutes in 1..=4 {
        two.advance(Duration::from_secs(65));
        one.advance(Duration::from_secs(65));
        let noted = || one.events(&["--type", "call.attended"]).len();
        until("a device is noted in the call", || (noted() >= minutes).then_some(()));
    }
    let seen = cluster.settle();
    assert_eq!(mei.at(two, seen).shown_call(&call)["state"], "connected");
    drop(sockets);
    for node in [one, two] {
        let is_alone = || node.client().get("/metrics").text().contains("teahouse_websockets 0");
        until("nobody is connected any more", || is_alone().then_some(()));
        node.advance(Duration::from_secs(150));
    }
    until("the call is lost", || (lin.shown_call(&call)["outcome"] == "failed").then_some(()));
    let cards = until("the call is shown", || Some(mei.call_cards(&talk)).filter(|cards| !cards.is_empty()));
    assert_eq!((cards.len(), cards[0].0.as_str()), (1, "failed"));
    assert!((195..=325).contains(&cards[0].1), "{cards:?}");
    cluster.settle();
    assert_eq!(one.events(&["--type", "call.ended"]).len(), 1);
}
