//! `kill -9` before and after every append of everything that moves money: after the restart every hold ends right, once.
//!
//! Each operation is run again and again. The first time the server ends itself just before the first append, then just
//! after it, then before the second one, and so on until it comes through. After each crash the server is started again,
//! settles by itself what a bank, a biller or an order decides on, and the client repeats its requests with their keys.

use std::{cell::Cell, fs};

use serde_json::{Value, json};
use teahouse_tests::{
    CrashFile, Person, Sandbox, Server, Setup, Shop, befriend, binary, group,
    money::{fresh_key, yuan},
    people::{list_at, text_at},
    until,
};
use tempfile::TempDir;

/// A server that can be told where to crash, with a bank and billers beside it.
struct Town {
    bank: Sandbox,
    billers: Sandbox,
    server: Server,
    crashes: CrashFile,
    ann: Person,
    bo: Person,
    card: Value,
}

impl Town {
    fn new() -> Self {
        let (bank, billers, crashes) = (Sandbox::bank(), Sandbox::biller(), CrashFile::new());
        let server = Setup::new().with_bank(&bank).with_billers(&billers).obeying(&crashes).start();
        let [ann, bo] = server.people(["ann", "bo"]);
        let card = ann.with_money("2000.00");
        bo.open_wallet();
        Self { bank, billers, server, crashes, ann, bo, card }
    }

    /// Runs an operation with a crash at every one of its points; tells how often it was carried out. `check` is asked after
    /// each time whether it was carried out once more, exactly.
    fn crash_at_every_point_of(
        &self,
        settles_by_itself: bool,
        operation: impl Fn(&Operation) -> Option<()>,
        check: impl Fn(i64),
    ) -> i64 {
        let rounds = Cell::new(0);
        self.crashes.at_every_point(
            &self.server,
            || {
                rounds.set(rounds.get() + 1);
                // What needs no crash: a proof of the PIN, which is not money.
                Operation { number: rounds.get(), key: fresh_key(), authorization: self.ann.authorized() }
            },
            operation,
            || {
                if settles_by_itself {
                    until("everything is settled", || (self.ann.held() == "0.00").then_some(()));
                }
            },
            |once, place| {
                assert_eq!(self.ann.held(), "0.00", "{place}");
                check(once.number);
            },
        );
        rounds.get()
    }

    /// Moves the clock, unless the server has crashed.
    fn try_advance(&self, seconds: u64) {
        let body = json!({ "advance_seconds": seconds });
        let _ = self.server.operator().try_call("POST", "/v1/operator/clock", Some(&body), None);
    }

    /// What the auditor and the bank say in the end.
    fn audited(self) {
        let home = TempDir::new().unwrap();
        let statement = home.path().join("statement.jsonl");
        fs::write(&statement, self.bank.client().get("/v1/statement").text()).unwrap();
        assert_eq!(self.server.stop(), Some(0));
        let (data, statement) = (self.server.data().display().to_string(), statement.display().to_string());
        let _ = binary::run(&["audit", "verify", "--data", &data]).ended_with(0);
        let _ = binary::run(&["audit", "replay", "--compare", "--data", &data]).ended_with(0);
        let reconciled = binary::run(&["audit", "reconcile", "--data", &data, "--bank", &statement]).ended_with(0);
        assert!(reconciled.out.contains("differences: 0"), "{}", reconciled.out);
    }
}

/// One time that an operation is carried out: its requests have the same keys however often they are sent.
struct Operation {
    number: i64,
    key: String,
    authorization: Value,
}

impl Operation {
    /// Sends a request; none where the server has crashed.
    fn ask(&self, by: &Person, path: &str, mut body: Value) -> Option<Value> {
        if body["authorization"] == "proved" {
            body["authorization"] = self.authorization.clone();
        }
        let key = format!("{} of {path}", self.key);
        // A client whose connection was closed while it asked asks once more, perhaps before the server is done with it.
        let reply = until("the first request with this key is over", || {
            let reply = by.try_call("POST", path, Some(&body), Some(&key));
            let waits =
                reply.as_ref().is_ok_and(|reply| reply.status == 409 && reply.json()["code"] == "key-in-flight");
            (!waits).then_some(reply)
        });
        let reply = reply.ok()?;
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
        Some(reply.json())
    }

    /// Waits until something is so; none where the server has crashed.
    fn until(&self, by: &Person, path: &str, so: impl Fn(&Value) -> bool) -> Option<()> {
        until("the server has done it, or crashed", || match by.try_call("GET", path, None, None) {
            Ok(reply) => so(&reply.done()).then_some(Some(())),
            Err(_) => Some(None),
        })
    }
}

/// So many yuan after so many rounds.
fn after(rounds: i64, begin: i64, each: i64) -> String {
    format!("{}.00", begin + rounds * each)
}

/// An amount in fen.
fn fen(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

#[test]
fn transfers_and_red_packets() {
    let town = Town::new();
    let (ann, bo) = (&town.ann, &town.bo);
    let cy = town.server.register("cy");
    let (talk, _) = (befriend(ann, bo), befriend(ann, &cy));
    let club = group(ann, &[bo, &cy]);
    let transfer = |operation: &Operation| {
        let body = json!({ "amount": yuan("1.00"), "note": "tea", "authorization": "proved" });
        operation.ask(ann, &format!("/v1/conversations/{talk}/transfers"), body).map(|sent| text_at(&sent, "id"))
    };
    let accepted = town.crash_at_every_point_of(
        false,
        |operation| {
            let sent = transfer(operation)?;
            operation.ask(bo, &format!("/v1/transfers/{sent}/accept"), json!({})).map(|_| ())
        },
        |rounds| assert_eq!([ann.available(), bo.available()], [after(rounds, 2000, -1), after(rounds, 0, 1)]),
    );
    assert!(accepted >= 8);

    let before = ann.available();
    let packets = town.crash_at_every_point_of(
        false,
        |operation| {
            let packet = json!({ "packet": "lucky", "shares": 2, "amount": yuan("2.00"), "authorization": "proved" });
            let sent = operation.ask(ann, &format!("/v1/conversations/{club}/red-packets"), packet)?;
            let open = format!("/v1/red-packets/{}/open", text_at(&sent, "id"));
            operation.ask(bo, &open, json!({}))?;
            operation.ask(&cy, &open, json!({})).map(|_| ())
        },
        |rounds| assert_eq!(fen(&ann.available()), fen(&before) - rounds * 200),
    );

    // Nobody takes these: after a day the process manager gives them back.
    let before = ann.available();
    let returned = town.crash_at_every_point_of(
        false,
        |operation| {
            transfer(operation)?;
            // More than once, since a clock that was moved is right again after a crash.
            operation.until(ann, "/v1/wallet", |wallet| {
                town.try_advance(25 * 3600);
                wallet["held"] == yuan("0.00")
            })
        },
        |_| assert_eq!(ann.available(), before),
    );
    cy.open_wallet();
    let all = fen(&ann.available()) + fen(&bo.available()) + fen(&cy.available());
    assert_eq!(all, 200_000);
    let shown = |talk: &str| bo.history(talk).iter().filter(|entry| entry["type"] == "message.sent").count();
    assert_eq!(i64::try_from(shown(&talk)), Ok(accepted + returned));
    assert_eq!(i64::try_from(shown(&club)), Ok(packets));
    town.audited();
}

#[test]
fn top_ups_withdrawals_and_bills() {
    let town = Town::new();
    let (ann, card) = (&town.ann, &town.card);
    let top_ups = town.crash_at_every_point_of(
        true,
        |operation| {
            let asked = operation.ask(ann, "/v1/wallet/top-ups", json!({ "card": card, "amount": yuan("3.00") }))?;
            let path = format!("/v1/wallet/top-ups/{}", text_at(&asked, "id"));
            operation.until(ann, &path, |top_up| top_up["state"] == "done")
        },
        |rounds| assert_eq!(ann.available(), after(rounds, 2000, 3)),
    );
    let begin = 2000 + top_ups * 3;
    let withdraw = |operation: &Operation| {
        let body = json!({ "card": card, "amount": yuan("1.00"), "authorization": "proved" });
        operation.ask(ann, "/v1/wallet/withdrawals", body).map(|_| ())
    };
    let withdrawn =
        town.crash_at_every_point_of(true, withdraw, |rounds| assert_eq!(ann.available(), after(rounds, begin, -1)));
    let begin = begin - withdrawn;
    // The bank takes its time, so that the process manager is the one who hears of the end.
    town.bank.faults("[[rule]]\ndo = 'pending'\non = ['pay_out']\nms = 1\n");
    let late = town.crash_at_every_point_of(
        true,
        |operation| {
            withdraw(operation)?;
            operation.until(ann, "/v1/wallet", |wallet| {
                town.try_advance(3);
                wallet["held"] == yuan("0.00")
            })
        },
        |rounds| assert_eq!(ann.available(), after(rounds, begin, -1)),
    );
    let (begin, withdrawn) = (begin - late, withdrawn + late);
    town.bank.faults("[[rule]]\ndo = 'decline'\non = ['pay_out']\ncode = 'lost-card'\nreason = 'it was lost'\n");
    town.crash_at_every_point_of(true, withdraw, |_| assert_eq!(ann.available(), after(0, begin, 0)));
    town.bank.faults("");
    // What came to nothing takes nothing of the 1,000.00 that are free: another 1,000.00 less what arrived is.
    let rest = yuan(&format!("{}.00", 1000 - withdrawn));
    let body = json!({ "card": card, "amount": rest, "authorization": ann.authorized() });
    assert_eq!(ann.ask_once("/v1/wallet/withdrawals", body).done()["purpose"]["fee"], yuan("0.00"));

    // One bill for each round, of an account of its own, and not too large a one.
    let bill_of = |account: u64| {
        let found = ann.get(&format!("/v1/billers/harbour-electric/accounts/{account}/bills")).done();
        let bill = list_at(&found, "bills").first()?.clone();
        let amount = fen(&text_at(&bill["amount"], "amount"));
        (amount < 8_000).then(|| (account.to_string(), text_at(&bill, "id"), amount))
    };
    let bills: Vec<(String, String, i64)> = (138_001..).filter_map(bill_of).take(12).collect();
    let before = fen(&ann.available());
    let paid = town.crash_at_every_point_of(
        true,
        |operation| {
            let (account, id, _) = &bills[usize::try_from(operation.number).unwrap() - 1];
            let body =
                json!({ "biller": "harbour-electric", "account": account, "bill": id, "authorization": "proved" });
            operation.ask(ann, "/v1/bill-payments", body).map(|_| ())
        },
        |rounds| {
            let paid = bills.iter().take(usize::try_from(rounds).unwrap()).map(|(.., amount)| amount);
            assert_eq!(fen(&ann.available()), before - paid.sum::<i64>());
        },
    );
    let statement = town.billers.client().get("/v1/statement").text();
    assert_eq!(i64::try_from(statement.lines().count()), Ok(paid), "{statement}");
    town.audited();
}

#[test]
fn orders_refunds_and_what_merchants_withdraw() {
    let town = Town::new();
    let ann = &town.ann;
    let shop = Shop::of(town.bo.clone());
    let order = |operation: &Operation, kind: &str| {
        let number = format!("{kind}-{}", operation.number);
        let body = json!({ "out_trade_no": number, "amount": yuan("1.00"), "description": "tea" });
        operation.ask(&shop.owner, &shop.path("/orders"), body)
    };
    let pay = |operation: &Operation, kind: &str| {
        let path = format!("/v1/orders/{}/payments", text_at(&order(operation, kind)?, "id"));
        operation.ask(ann, &path, json!({ "authorization": "proved" }))
    };
    let balances = || [ann.available(), shop.balance()];
    let orders = town.crash_at_every_point_of(
        true,
        |operation| pay(operation, "scanned").map(|_| ()),
        |rounds| assert_eq!(balances(), [after(rounds, 2000, -1), after(rounds, 0, 1)]),
    );

    // The code is used up by the first try; a repeated request gets the first one's answer.
    let coded = town.crash_at_every_point_of(
        true,
        |operation| {
            let shown = operation.ask(ann, "/v1/wallet/pay-codes", json!({}))?;
            let number = format!("coded-{}", operation.number);
            let (code, amount) = (&shown["code"], yuan("1.00"));
            let body = json!({ "auth_code": code, "out_trade_no": number, "amount": amount, "description": "tea" });
            operation.ask(&shop.owner, &shop.path("/code-payments"), body).map(|_| ())
        },
        |rounds| assert_eq!(balances(), [after(rounds, 2000 - orders, -1), after(rounds, orders, 1)]),
    );

    let begin = orders + coded;
    town.crash_at_every_point_of(
        true,
        |operation| {
            pay(operation, "given-back")?;
            let (number, refund) = (format!("given-back-{}", operation.number), format!("refund-{}", operation.number));
            let body = json!({ "out_refund_no": refund, "out_trade_no": number, "amount": yuan("1.00") });
            operation.ask(&shop.owner, &shop.path("/refunds"), body).map(|_| ())
        },
        |_| assert_eq!(balances(), [after(0, 2000 - begin, 0), after(0, begin, 0)]),
    );

    let card = shop.link_card(900_101);
    let before = fen(&shop.balance());
    town.crash_at_every_point_of(
        false,
        |operation| {
            let body = json!({ "card": card, "amount": yuan("0.50") });
            let asked = operation.ask(&shop.owner, &shop.path("/withdrawals"), body)?;
            let path = shop.path(&format!("/withdrawals/{}", text_at(&asked, "id")));
            operation.until(&shop.owner, &path, |withdrawal| withdrawal["state"] == "done")
        },
        |rounds| assert_eq!((fen(&shop.balance()), shop.held()), (before - rounds * 50, "0.00".to_owned())),
    );
    town.audited();
}

#[test]
fn without_the_setting_no_file_ends_a_server() {
    let server = Server::start();
    fs::write(server.data().join("crash"), "before 1").unwrap();
    let _ = server.register("ann");
    assert!(!server.log().contains("ENDS ITSELF"));
}
