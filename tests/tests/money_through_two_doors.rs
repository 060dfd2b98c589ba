//! People move money at random, several things at the same time, and a model beside it says where it all must be in the end:
//! through one server with a log of its own, and through two at once that share a log.
//!
//! `TEAHOUSE_TEST_SEED` repeats what people want to do; what comes first is up to the threads.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use serde_json::{Value, json};
use teahouse_tests::{
    Cluster, Dice, Person, Reply, Sandbox, Server, Setup, Together, befriend, binary, dice, group,
    money::yuan,
    people::{in_parallel, text_at},
    until,
};

const PEOPLE: usize = 4;
/// Who do something at the same time, each at a door of their own.
const HANDS: usize = 4;
/// What each of them does.
const DEEDS: usize = 40;
/// What everybody has at first, in fen: so little that it runs out.
const FIRST: i64 = 3_000;
const LIMIT: Duration = Duration::from_secs(120);

/// Money on its way.
struct Held {
    from: usize,
    left: i64,
    /// Whom a transfer is for; none for a red packet.
    to: Option<usize>,
    opened_by: BTreeSet<usize>,
}

/// Where the money must be, by what was acknowledged.
#[derive(Default)]
struct Books {
    available: BTreeMap<usize, i64>,
    held: BTreeMap<String, Held>,
    /// How often each thing was done, or refused with which code.
    answers: BTreeMap<String, usize>,
}

struct Town<'a> {
    doors: &'a [Server],
    people: Vec<Person>,
    authorizations: Vec<Value>,
    /// The conversation of each two.
    rooms: BTreeMap<(usize, usize), String>,
    hall: String,
    books: Mutex<Books>,
    together: Together,
}

fn fen(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

fn written(fen: i64) -> Value {
    yuan(&format!("{}.{:02}", fen / 100, fen % 100))
}

impl<'a> Town<'a> {
    fn new(doors: &'a [Server]) -> Self {
        let people = doors[0].crowd("payer", PEOPLE);
        let mut rooms = BTreeMap::new();
        for one in 0..PEOPLE {
            for other in one + 1..PEOPLE {
                rooms.insert((one, other), befriend(&people[one], &people[other]));
            }
        }
        let hall = group(&people[0], &people[1..].iter().collect::<Vec<_>>());
        for person in &people {
            person.with_money("30.00");
        }
        let authorizations = people.iter().map(|person| person.authorized_up_to("900.00")).collect();
        let available = (0..PEOPLE).map(|person| (person, FIRST)).collect();
        let books = Mutex::new(Books { available, ..Books::default() });
        Self { doors, people, authorizations, rooms, hall, books, together: Together::within(LIMIT) }
    }

    fn ask(&self, who: usize, door: usize, path: &str, body: &Value) -> Reply {
        self.people[who].ask_any(self.doors, door, path, body, &self.together)
    }

    /// Notes an answer; whether the thing was done.
    fn note(&self, what: &str, reply: &Reply, may_be_refused: &[&str]) -> bool {
        let answer = if reply.status < 300 { "done".to_owned() } else { text_at(&reply.json(), "code") };
        assert!(answer == "done" || may_be_refused.contains(&answer.as_str()), "{what}: {}", reply.text());
        *self.books.lock().unwrap().answers.entry(format!("{what} {answer}")).or_default() += 1;
        answer == "done"
    }

    fn deed(&self, door: usize, dice: &mut Dice) {
        let (who, other) = (dice.below(PEOPLE), dice.below(PEOPLE));
        match dice.below(10) {
            0..=3 if who != other => drop(self.send(who, other, 1 + dice.below(900) as i64, door)),
            4 | 5 => drop(self.hide(who, 1 + dice.below(PEOPLE), 10 + dice.below(900) as i64, door)),
            6 | 7 => {
                if let Some(packet) = self.one_of(dice, |held| held.to.is_none()) {
                    self.open(who, &packet, door);
                }
            }
            _ => {
                if let Some(transfer) = self.one_of(dice, |held| held.to.is_some()) {
                    let what: &&str = dice.of(&["accept", "accept", "return"]);
                    self.settle(&transfer, what, door);
                }
            }
        }
    }

    /// Sends money; gives the transfer, if that was done.
    fn send(&self, who: usize, to: usize, amount: i64, door: usize) -> Option<String> {
        let room = &self.rooms[&(who.min(to), who.max(to))];
        let body = json!({ "amount": written(amount), "authorization": self.authorizations[who] });
        let reply = self.ask(who, door, &format!("/v1/conversations/{room}/transfers"), &body);
        let done = self.note("send", &reply, &["insufficient-funds"]);
        done.then(|| self.hold(who, amount, Some(to), &reply))
    }

    /// Sends a red packet; gives it, if that was done.
    fn hide(&self, who: usize, shares: usize, amount: i64, door: usize) -> Option<String> {
        let authorization = &self.authorizations[who];
        let body =
            json!({ "packet": "lucky", "shares": shares, "amount": written(amount), "authorization": authorization });
        let reply = self.ask(who, door, &format!("/v1/conversations/{}/red-packets", self.hall), &body);
        let done = self.note("hide", &reply, &["insufficient-funds"]);
        done.then(|| self.hold(who, amount, None, &reply))
    }

    fn hold(&self, from: usize, left: i64, to: Option<usize>, reply: &Reply) -> String {
        let id = text_at(&reply.json(), "id");
        let mut books = self.books.lock().unwrap();
        *books.available.get_mut(&from).unwrap() -= left;
        let held = Held { from, left, to, opened_by: BTreeSet::new() };
        assert!(books.held.insert(id.clone(), held).is_none(), "two have the same id");
        id
    }

    /// Opens a red packet.
    fn open(&self, who: usize, packet: &str, door: usize) {
        let reply = self.ask(who, door, &format!("/v1/red-packets/{packet}/open"), &json!({}));
        if self.note("open", &reply, &["opened-already", "all-gone", "hold-not-found", "hold-over"]) {
            let share = fen(reply.json()["amount"]["amount"].as_str().unwrap());
            let mut books = self.books.lock().unwrap();
            let held = books.held.get_mut(packet).unwrap();
            assert!(held.opened_by.insert(who), "a packet was opened twice by the same person");
            held.left -= share;
            assert!(share > 0 && held.left >= 0, "more came out of a packet than was in it");
            *books.available.get_mut(&who).unwrap() += share;
        }
    }

    /// Accepts a transfer, or gives it back.
    fn settle(&self, transfer: &str, what: &str, door: usize) {
        let (from, to) = {
            let books = self.books.lock().unwrap();
            let held = &books.held[transfer];
            (held.from, held.to.unwrap())
        };
        let gets = if what == "accept" { to } else { from };
        let reply = self.ask(to, door, &format!("/v1/transfers/{transfer}/{what}"), &json!({}));
        if self.note(what, &reply, &["hold-over", "hold-not-found"]) {
            let mut books = self.books.lock().unwrap();
            let left = std::mem::take(&mut books.held.get_mut(transfer).unwrap().left);
            assert!(left > 0, "a transfer was settled twice");
            *books.available.get_mut(&gets).unwrap() += left;
        }
    }

    /// Some money on its way, or what was so.
    fn one_of(&self, dice: &mut Dice, which: impl Fn(&Held) -> bool) -> Option<String> {
        let books = self.books.lock().unwrap();
        let found: Vec<&String> = books.held.iter().filter(|(_, held)| which(held)).map(|(id, _)| id).collect();
        if found.is_empty() { None } else { Some((*dice.of(&found)).clone()) }
    }

    /// Each thing once, while everybody has money: whether the dice bring it is a matter of luck.
    fn each_once(&self) {
        for what in ["accept", "return"] {
            let transfer = self.send(0, 1, 100, 0).unwrap();
            self.settle(&transfer, what, 0);
        }
        let packet = self.hide(0, 1, 100, 0).unwrap();
        self.open(1, &packet, 0);
    }

    /// Many try to spend the last money of somebody at the same moment, through all doors: what is there is spent, no more.
    fn spend_the_last(&self) {
        let available = self.books.lock().unwrap().available[&0];
        let tries = usize::try_from(available / 100).unwrap() + 6;
        in_parallel(tries, |number| self.together.part(|| drop(self.send(0, 1, 100, number))));
        let left = self.books.lock().unwrap().available[&0];
        assert!((0..100).contains(&left), "{left} fen are left of {available}");
    }

    /// Whatever is still on its way goes back after its time.
    fn let_time_pass(&self) {
        for door in self.doors {
            door.advance(Duration::from_secs(25 * 3600));
        }
        let mut books = self.books.lock().unwrap();
        let Books { available, held, .. } = &mut *books;
        for held in held.values_mut() {
            *available.get_mut(&held.from).unwrap() += std::mem::take(&mut held.left);
        }
    }

    fn compare(&self) {
        let books = self.books.lock().unwrap();
        println!("{:?}", books.answers);
        assert_eq!(books.available.values().sum::<i64>(), FIRST * PEOPLE as i64);
        for (door, person) in self.doors.iter().flat_map(|door| self.people.iter().enumerate().map(move |p| (door, p)))
        {
            let (number, person) = (person.0, person.1.at(door, 0));
            until("nothing is on its way any more", || (person.held() == "0.00").then_some(()));
            assert_eq!(fen(&person.available()), books.available[&number], "{}", person.handle);
        }
        for what in ["send done", "send insufficient-funds", "hide done", "open done", "accept done", "return done"] {
            assert!(books.answers.contains_key(what), "this never happened: {what}");
        }
    }
}

fn play(doors: &[Server]) {
    let seed = dice::seed();
    let town = Town::new(doors);
    town.each_once();
    in_parallel(HANDS, |hand| {
        town.together.part(|| {
            let mut dice = Dice::new(seed.wrapping_add(hand as u64));
            for _ in 0..DEEDS {
                town.deed(hand, &mut dice);
            }
        });
    });
    town.spend_the_last();
    town.let_time_pass();
    town.compare();
}

#[test]
fn random_money_is_where_the_model_says_through_a_server_with_a_log_of_its_own() {
    let bank = Sandbox::bank();
    let servers = [Setup::new().with_bank(&bank).start()];
    play(&servers);
    assert_eq!(servers[0].stop(), Some(0));
    let data = servers[0].data().display().to_string();
    let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
}

#[test]
fn random_money_is_where_the_model_says_through_two_servers_at_once_that_share_a_log() {
    let bank = Sandbox::bank();
    let setup = Setup::new().with_bank(&bank).with("TEAHOUSE_CLUSTER__LEASE_SECONDS", "3");
    let cluster = Cluster::start(2, &setup);
    play(&cluster.nodes);
    cluster.settle();
    let _ = binary::run(&["audit", "verify", "--log", &cluster.log.url()]).ended_with(0);
}
