//! Three servers on one log while connections are cut, servers are killed and the log itself goes away: whoever was told
//! that something happened finds it once, everywhere, and the money is all there.
//!
//! `TEAHOUSE_TEST_SEED` repeats what people do and what breaks, as far as threads let it.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use teahouse_tests::{
    Cluster, Dice, Person, Sandbox, Setup, Socket, Together, binary, dice, group,
    money::yuan,
    people::{in_parallel, number_at, text_at},
    socket::Came,
};

const PEOPLE: usize = 4;
const WATCHERS: usize = 2;
/// How often something is killed: each server twice, the log as often as one of them.
const KILLS: usize = 8;
/// How long it may all take, from when people begin until each has heard the last words.
const LIMIT: Duration = Duration::from_secs(300);
/// What the watchers wait for.
const LAST_WORDS: &str = "the house closes";

/// What was told of what was done.
#[derive(Default)]
struct Told {
    /// Each text that was acknowledged, and its number in the group.
    texts: Mutex<BTreeMap<String, u64>>,
    packets: Mutex<Vec<String>>,
    transfers: AtomicUsize,
    accepted: AtomicUsize,
    /// Shares that somebody took out of a packet.
    shares: AtomicUsize,
}

struct Stage {
    cluster: Cluster,
    people: Vec<Person>,
    authorizations: Vec<Value>,
    /// A group of all of them.
    hall: String,
    /// Direct conversations of the first with each of the others.
    rooms: Vec<String>,
    told: Told,
    together: Together,
    /// Nothing breaks any more, and nobody begins anything.
    calm: AtomicBool,
    /// People who are still at it.
    busy: AtomicUsize,
    _bank: Sandbox,
}

impl Stage {
    fn new() -> Self {
        let bank = Sandbox::bank();
        let setup = Setup::new()
            .with_bank(&bank)
            .with("TEAHOUSE_CLUSTER__LEASE_SECONDS", "3")
            .with("TEAHOUSE_POLICY__MONEY__AUTHORIZATION_SECONDS", "3600")
            .with("TEAHOUSE_CLUSTER__PATIENCE_MS", "2000")
            .with("TEAHOUSE_API__READ_WAIT_MS", "2000");
        let cluster = Cluster::start(3, &setup);
        let people = cluster.nodes[0].crowd("actor", PEOPLE);
        let others: Vec<&Person> = people[1..].iter().collect();
        let hall = group(&people[0], &others);
        let rooms = others.iter().map(|other| text_at(&people[0].contact(other), "conversation")).collect();
        for person in &people {
            person.with_money("1000.00");
        }
        let authorizations = people.iter().map(|person| person.authorized_up_to("900.00")).collect();
        Self {
            cluster,
            people,
            authorizations,
            hall,
            rooms,
            told: Told::default(),
            together: Together::within(LIMIT),
            calm: AtomicBool::new(false),
            busy: AtomicUsize::new(PEOPLE),
            _bank: bank,
        }
    }

    fn ask(&self, who: usize, first: usize, path: &str, body: &Value) -> teahouse_tests::Reply {
        loop {
            let reply = self.people[who].ask_any(&self.cluster.nodes, first, path, body, &self.together);
            // To a server that has not heard of something yet, there is no such thing.
            if reply.status != 404 {
                return reply;
            }
            self.together.go_on();
        }
    }

    fn act(&self, who: usize, mut dice: Dice) {
        for deed in 0.. {
            if self.calm.load(Ordering::SeqCst) {
                break;
            }
            let first = dice.below(self.cluster.nodes.len());
            match dice.below(8) {
                0 => self.transfer(who, first),
                1 => self.hide_money(who, first),
                2 | 3 => self.find_money(who, first),
                _ => self.say(who, first, &format!("{who}.{deed}")),
            }
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }

    fn say(&self, who: usize, first: usize, text: &str) {
        let body = json!({ "content": { "kind": "text", "text": text } });
        let said = self.ask(who, first, &format!("/v1/conversations/{}/messages", self.hall), &body).done();
        self.told.texts.lock().unwrap().insert(text.to_owned(), number_at(&said, "seq"));
    }

    fn transfer(&self, who: usize, first: usize) {
        let room = &self.rooms[who.max(1) - 1];
        let body = json!({ "amount": yuan("0.21"), "authorization": self.authorizations[who] });
        let sent = self.ask(who, first, &format!("/v1/conversations/{room}/transfers"), &body).done();
        self.told.transfers.fetch_add(1, Ordering::SeqCst);
        let path = format!("/v1/transfers/{}/accept", text_at(&sent, "id"));
        let receiver = usize::from(who == 0);
        // The other one may be at a server that has not heard of it yet.
        while self.ask(receiver, first + 1, &path, &json!({})).status >= 400 {
            self.together.go_on();
        }
        self.told.accepted.fetch_add(1, Ordering::SeqCst);
    }

    fn hide_money(&self, who: usize, first: usize) {
        let authorization = &self.authorizations[who];
        let body =
            json!({ "packet": "lucky", "shares": PEOPLE, "amount": yuan("0.88"), "authorization": authorization });
        let sent = self.ask(who, first, &format!("/v1/conversations/{}/red-packets", self.hall), &body).done();
        self.told.packets.lock().unwrap().push(text_at(&sent, "id"));
    }

    fn find_money(&self, who: usize, first: usize) {
        let Some(packet) = self.told.packets.lock().unwrap().last().cloned() else { return };
        let reply = self.ask(who, first, &format!("/v1/red-packets/{packet}/open"), &json!({}));
        if reply.status < 300 {
            self.told.shares.fetch_add(1, Ordering::SeqCst);
            return;
        }
        // Who opened it before is told so, who comes too late, and who is at a server that has not heard of it.
        let code = text_at(&reply.json(), "code");
        assert!(["opened-already", "all-gone", "hold-not-found"].contains(&code.as_str()), "{}", reply.text());
    }

    /// Reads what is pushed, from one server after the other, and gives positions and numbers of the group's messages as
    /// they came.
    fn watch(&self, who: usize, mut last: u64) -> Vec<(u64, u64)> {
        let mut seen = vec![];
        for connection in who.. {
            self.together.go_on();
            let node = &self.cluster.nodes[connection % self.cluster.nodes.len()];
            let Ok(mut socket) = Socket::try_connect(&self.people[who].at(node, 0), &format!("?after={last}")) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            // It goes elsewhere now and then, also where nothing made it.
            for _ in 0..15 {
                self.together.go_on();
                let message = match socket.receive_soon() {
                    None => continue,
                    Some(Came::Message(message)) => message,
                    Some(Came::Closed(_)) => break,
                };
                for entry in message["entries"].as_array().into_iter().flatten() {
                    last = number_at(entry, "position");
                    if entry["conversation"] == *self.hall && !entry["seq"].is_null() {
                        seen.push((last, number_at(entry, "seq")));
                    }
                    if entry["data"]["content"]["text"] == LAST_WORDS {
                        return seen;
                    }
                }
            }
        }
        unreachable!("the connections do not end")
    }

    /// Breaks one thing after the other, kills in between, and then says the last words.
    fn break_things(&self, mut dice: Dice) {
        const ORDERS: [&str; 7] = [
            "cut",
            "order cut-before-commit 1",
            "order cut-after-commit 1",
            "order unavailable-after-commit 2",
            "order hang-after-commit 1",
            "order read-cut-after 2",
            "order read-ends-after 1",
        ];
        for kill in 0..KILLS {
            for _ in 0..6 {
                let order: &&str = dice.of(&ORDERS);
                self.cluster.log.order(order);
                std::thread::sleep(Duration::from_millis(60));
            }
            self.together.go_on();
            match self.cluster.nodes.get(kill % (self.cluster.nodes.len() + 1)) {
                Some(node) => {
                    node.kill();
                    node.start_again();
                }
                None => {
                    self.cluster.log.kill();
                    std::thread::sleep(Duration::from_millis(300));
                    self.cluster.log.start_again();
                }
            }
        }
        self.calm.store(true, Ordering::SeqCst);
        self.cluster.log.order("clear");
        while self.busy.load(Ordering::SeqCst) > 0 {
            self.together.go_on();
            std::thread::sleep(Duration::from_millis(20));
        }
        self.say(0, 0, LAST_WORDS);
    }

    /// Everything that was acknowledged is in the log once, and nothing else that people do.
    fn look_into_the_log(&self) {
        let node = &self.cluster.nodes[0];
        let sent = node.events(&["--type", "message.sent"]);
        let texts: Vec<_> = sent.iter().filter_map(|event| event["payload"]["content"]["text"].as_str()).collect();
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len());
        assert_eq!(texts.len(), self.told.texts.lock().unwrap().len());
        let count = |event_type: &str| node.events(&["--type", event_type]).len();
        let told = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let packets = self.told.packets.lock().unwrap().len();
        assert_eq!(count("wallet.hold-placed"), told(&self.told.transfers) + packets);
        assert_eq!(count("hold.released"), told(&self.told.accepted));
        assert_eq!(count("hold.share-opened"), told(&self.told.shares));
    }

    /// Every server tells the same: of the group, with the numbers that were acknowledged, and of the money.
    fn compare_servers(&self, seen: u64) {
        let told = self.told.texts.lock().unwrap();
        let at_each = |look: &dyn Fn(Person) -> Value| {
            let looked: Vec<Value> = self
                .cluster
                .nodes
                .iter()
                .map(|node| self.people.iter().map(|person| look(person.at(node, seen))).collect())
                .collect();
            assert!(looked.iter().all(|all| *all == looked[0]));
            looked[0].clone()
        };
        let synced = at_each(&|person| person.sync_from(0).into());
        let hall = synced[1].as_array().unwrap().iter().filter(|entry| entry["conversation"] == *self.hall);
        let mut found = 0;
        for entry in hall {
            if let Some(text) = entry["data"]["content"]["text"].as_str() {
                assert_eq!(told.get(text), Some(&number_at(entry, "seq")), "{text}");
                found += 1;
            }
        }
        assert_eq!(found, told.len());
        at_each(&|person| person.get("/v1/wallet").done());
        at_each(&|person| person.get("/v1/conversations").done());
    }

    /// The books keep every rule, and each server's read models are what the log says.
    fn audit(&self) {
        let url = self.cluster.log.url();
        let verified = binary::run(&["audit", "verify", "--log", &url]).ended_with(0);
        assert!(verified.out.contains("all rules hold"), "{}", verified.out);
        for node in &self.cluster.nodes {
            assert_eq!(node.stop(), Some(0));
            let data = node.data().display().to_string();
            let _ = binary::run(&["audit", "replay", "--compare", "--data", &data, "--log", &url]).ended_with(0);
        }
    }
}

#[test]
fn whatever_breaks_everything_acknowledged_is_there_once_on_every_node_and_the_money_is_all_there() {
    let seed = dice::seed();
    let stage = Stage::new();
    let begin = stage.cluster.settle();
    let dice = |number: usize| Dice::new(seed.wrapping_add(number as u64));
    let watched = in_parallel(PEOPLE + WATCHERS + 1, |number| {
        stage.together.part(|| match number.checked_sub(PEOPLE) {
            None => {
                stage.act(number, dice(number));
                vec![]
            }
            Some(watcher) if watcher < WATCHERS => stage.watch(watcher, begin),
            Some(_) => {
                stage.break_things(dice(number));
                vec![]
            }
        })
    });
    // Pushed in order, without a gap and without a double, from whichever server.
    for seen in &watched[PEOPLE..PEOPLE + WATCHERS] {
        assert!(seen.is_sorted_by(|one, next| one.0 < next.0), "{seen:?}");
        let seqs: Vec<u64> = seen.iter().map(|(_, seq)| *seq).collect();
        let first = seqs.first().copied().unwrap();
        assert_eq!(seqs, (first..first + seqs.len() as u64).collect::<Vec<_>>());
    }
    let seen = stage.cluster.settle();
    stage.look_into_the_log();
    stage.compare_servers(seen);
    stage.audit();
}
