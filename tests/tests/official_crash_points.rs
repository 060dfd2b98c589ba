//! `kill -9` before and after every append of a broadcast and of telling a program: every follower is shown the broadcast once,
//! and the program is told of nothing more than three times.

use std::{cell::Cell, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::{Value, json};
use teahouse_tests::{
    Account, Bot, CrashFile, Person, Server, Setup,
    bot::Does,
    money::fresh_key,
    people::{list_at, text_at},
    until,
};

const TIP: &str = "This official account can't serve you at present. Please try again later.";

/// A server that can be told where to crash, with an account, three followers and a program.
struct Stall {
    crashes: CrashFile,
    server: Server,
    account: Account,
    readers: Vec<Person>,
    bot: Bot,
}

impl Stall {
    fn with(bot: Bot) -> Self {
        let crashes = CrashFile::new();
        // As many broadcasts as there will be crashes.
        let policy = "TEAHOUSE_POLICY__OFFICIAL__BROADCASTS_MONTH_MAX";
        let server = Setup::new().with_bots(30_000).with(policy, "1000").obeying(&crashes).start();
        let account = Account::service(server.register("owner"), "Tea");
        let readers = ["mei", "lin", "arjun"].map(|name| server.register(name)).to_vec();
        readers.iter().for_each(|reader| account.followed_by(reader));
        account.run_by(&bot.url(), "plain");
        Self { crashes, server, account, readers, bot }
    }

    /// How often the log has an event of that type; none where the server has crashed.
    fn count(&self, event_type: &str) -> Option<usize> {
        let (mut count, mut after) = (0, 0);
        loop {
            let path = format!("/v1/operator/records?after={after}&limit=10000");
            let page = self.server.operator().try_call("GET", &path, None, None).ok()?.text();
            let lines: Vec<Value> = page.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let Some(last) = lines.last() else { return Some(count) };
            after = last["position"].as_u64().unwrap();
            count += lines.iter().filter(|line| names(line, event_type)).count();
        }
    }

    /// Waits until so many things are done with; none where the server has crashed.
    fn is_done_with(&self, things: usize) -> Option<()> {
        until("the program was told, or the server crashed", || match self.count("answer.given") {
            Some(given) => (given >= things).then_some(Some(())),
            None => Some(None),
        })
    }

    /// How often the program was told of each thing, by what names the thing.
    fn told(&self, element: &str) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for call in self.bot.told() {
            *told.entry(call.element(element).unwrap_or_default()).or_default() += 1;
        }
        told
    }
}

/// Whether a record is of an event of that type, which its bytes name.
fn names(line: &Value, event_type: &str) -> bool {
    let bytes = BASE64.decode(line["record"].as_str().unwrap()).unwrap();
    bytes.windows(event_type.len()).any(|part| part == event_type.as_bytes())
}

/// One time that something is done: its request has the same key however often it is sent.
struct Once {
    number: usize,
    key: String,
}

fn counted(rounds: &Cell<usize>) -> Once {
    rounds.set(rounds.get() + 1);
    Once { number: rounds.get(), key: fresh_key() }
}

#[test]
fn a_broadcast_is_shown_to_every_follower_once_wherever_the_server_was_killed() {
    let stall = Stall::with(Bot::start(|_| Does::Answers("success".to_owned())));
    let Stall { crashes, server, account, readers, .. } = &stall;
    let rounds = Cell::new(0);
    crashes.at_every_point(
        server,
        || counted(&rounds),
        |once| {
            let draft = json!({ "title": format!("no. {}", once.number), "body": "<p>tea</p>" });
            let call = |path: &str, body: &Value| {
                let key = format!("{} {path}", once.key);
                let reply = account.owner.try_call("POST", &account.path(path), Some(body), Some(&key)).ok()?;
                assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
                Some(reply.json())
            };
            let article = call("/drafts", &draft)?["article"].clone();
            call("/broadcasts", &json!({ "contents": [{ "kind": "article", "article": article }] }))?;
            stall.is_done_with(once.number)
        },
        || {},
        |once, place| {
            for reader in readers {
                let heard = list_at(&reader.get(&account.path("/broadcasts?limit=100")).done(), "broadcasts");
                let titles: Vec<String> =
                    heard.iter().rev().map(|row| text_at(&row["contents"][0]["front"], "title")).collect();
                let expected: Vec<String> = (1..=once.number).map(|number| format!("no. {number}")).collect();
                assert_eq!(titles, expected, "{place}");
            }
        },
    );
    // A draft, its publication, the broadcast, that its end is about to be told, that it was.
    assert_eq!(rounds.get(), 12);
    let told = stall.told("MsgID");
    assert_eq!(told.len(), rounds.get());
    assert!(told.values().all(|times| (1..=3).contains(times)), "{told:?}");
}

#[test]
fn a_program_that_fails_is_told_three_times_at_most_wherever_the_server_was_killed() {
    let stall = Stall::with(Bot::start(|_| Does::Refuses(500)));
    let Stall { crashes, server, account, readers, .. } = &stall;
    let reader = &readers[0];
    let talk = account.talk_with(reader);
    let rounds = Cell::new(0);
    crashes.at_every_point(
        server,
        || counted(&rounds),
        |once| {
            let words = json!({ "content": { "kind": "text", "text": format!("no. {}", once.number) } });
            let path = format!("/v1/conversations/{talk}/messages");
            let reply = reader.try_call("POST", &path, Some(&words), Some(&once.key)).ok()?;
            assert!(reply.status < 300, "{}", reply.text());
            stall.is_done_with(once.number)
        },
        || {},
        |once, place| {
            let tips = reader.history(&talk).iter().filter(|entry| entry["data"]["content"]["text"] == TIP).count();
            assert_eq!(tips, once.number, "{place}");
        },
    );
    // What was said, three tries, the tip, that it is over.
    assert_eq!(rounds.get(), 14);
    let told = stall.told("MsgId");
    assert_eq!(told.len(), rounds.get());
    assert!(told.values().all(|times| (2..=3).contains(times)), "{told:?}");
}
