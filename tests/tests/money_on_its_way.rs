//! Money on its way: who sees it and who may do what with it.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Sandbox, Server, Setup, befriend, group,
    money::yuan,
    people::{list_at, text_at},
    until,
};

/// A server with its bank.
struct Town {
    bank: Sandbox,
    server: Server,
}

impl Town {
    fn new() -> Self {
        let bank = Sandbox::bank();
        Self { server: Setup::new().with_bank(&bank).start(), bank }
    }
}

#[test]
fn money_is_found_under_the_path_of_its_own_kind_only() {
    let town = Town::new();
    let [ann, bo] = town.server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    let card = ann.with_money("100.00");
    let body = json!({ "card": card, "amount": yuan("1.00"), "authorization": ann.authorized() });
    let placed = [
        ("/v1/transfers", ann.transfer(&talk, "1.00").done()),
        ("/v1/red-packets", ann.red_packet(&talk, json!("lucky"), 1, "1.00").done()),
        ("/v1/wallet/withdrawals", ann.ask_once("/v1/wallet/withdrawals", body).done()),
    ];
    for (own, hold) in &placed {
        let id = text_at(hold, "id");
        ann.get(&format!("{own}/{id}")).done();
        let all = ["/v1/transfers", "/v1/red-packets", "/v1/wallet/withdrawals", "/v1/bill-payments"];
        for other in all.iter().filter(|path| *path != own) {
            ann.get(&format!("{other}/{id}")).refused(404, "hold-not-found");
        }
    }
}

#[test]
fn who_sees_money_but_may_not_move_it_is_told_so_and_to_others_there_is_none() {
    let town = Town::new();
    let [ann, bo, cy, eve] = town.server.people(["ann", "bo", "cy", "eve"]);
    let talk = befriend(&ann, &bo);
    let _ = befriend(&bo, &cy);
    let club = group(&bo, &[&ann, &cy]);
    ann.with_money("100.00");
    let held = |hold: &Value, what: &str| format!("/v1/transfers/{}/{what}", text_at(hold, "id"));
    let transfer = ann.transfer(&talk, "1.00").done();
    for what in ["accept", "return"] {
        ann.ask_once(&held(&transfer, what), json!({})).refused(403, "not-for-you");
        eve.ask_once(&held(&transfer, what), json!({})).refused(404, "hold-not-found");
    }
    bo.ask_once(&held(&transfer, "cancel"), json!({})).refused(403, "not-the-payer");
    eve.ask_once(&held(&transfer, "cancel"), json!({})).refused(404, "hold-not-found");
    bo.ask_once(&held(&transfer, "accept"), json!({})).done();

    let packet = ann.red_packet(&club, json!("lucky"), 2, "2.00").done();
    ann.post(&format!("/v1/groups/{club}/leave"), json!({})).done();
    let open = format!("/v1/red-packets/{}/open", text_at(&packet, "id"));
    ann.ask_once(&open, json!({})).refused(403, "not-for-you");
    eve.ask_once(&open, json!({})).refused(404, "hold-not-found");
    assert_eq!(ann.held(), "2.00");
}

/// The ids in a list, with how each stands.
fn told(person: &Person, path: &str) -> Vec<(String, String)> {
    let page = person.get(path).done();
    list_at(&page, "pending").iter().map(|hold| (text_at(hold, "id"), text_at(hold, "state"))).collect()
}

fn entry(hold: &Value, state: &str) -> (String, String) {
    (text_at(hold, "id"), state.to_owned())
}

#[test]
fn what_is_on_its_way_is_listed_for_those_whom_it_concerns_until_it_is_over_also_after_a_crash() {
    let town = Town::new();
    let [ann, bo, eve] = town.server.people(["ann", "bo", "eve"]);
    let talk = befriend(&ann, &bo);
    let card = ann.with_money("100.00");
    bo.open_wallet();
    let (first, second) = (ann.transfer(&talk, "1.00").done(), ann.transfer(&talk, "2.00").done());
    let packet = ann.red_packet(&talk, json!("lucky"), 1, "3.00").done();
    let exclusive = ann.red_packet(&talk, json!({ "exclusive": { "to": bo.id } }), 1, "3.00").done();
    town.bank.faults("[[rule]]\ndo = \"down\"\n");
    let body = json!({ "card": card, "amount": yuan("4.00"), "authorization": ann.authorized() });
    let withdrawal = ann.ask_once("/v1/wallet/withdrawals", body).done();
    let top_up = ann.ask_once("/v1/wallet/top-ups", json!({ "card": card, "amount": yuan("5.00") })).done();

    let both = vec![entry(&second, "waiting"), entry(&first, "waiting")];
    let check = || {
        assert_eq!(told(&ann, "/v1/transfers?direction=sent"), both);
        assert_eq!(
            (told(&bo, "/v1/transfers"), told(&bo, "/v1/transfers?direction=received")),
            (both.clone(), both.clone())
        );
        assert_eq!(told(&ann, "/v1/red-packets"), [entry(&exclusive, "waiting"), entry(&packet, "waiting")]);
        assert_eq!(told(&ann, "/v1/wallet/withdrawals"), [entry(&withdrawal, "waiting")]);
        assert_eq!(told(&ann, "/v1/wallet/top-ups"), [entry(&top_up, "pending")]);
        let lists =
            ["transfers?direction=sent", "red-packets", "wallet/withdrawals", "wallet/top-ups", "bill-payments"];
        for list in lists {
            let path = format!("/v1/{list}");
            assert_eq!((told(&bo, &path), told(&eve, &path)), (vec![], vec![]), "{list}");
        }
        for list in ["transfers", "bill-payments"] {
            assert_eq!((told(&ann, &format!("/v1/{list}")), told(&eve, &format!("/v1/{list}"))), (vec![], vec![]));
        }
    };
    check();
    let page = bo.get("/v1/transfers?limit=1").done();
    assert_eq!(text_at(&page["pending"][0], "id"), text_at(&second, "id"));
    let rest = bo.get(&format!("/v1/transfers?limit=1&cursor={}", text_at(&page, "next"))).done();
    assert_eq!((text_at(&rest["pending"][0], "id"), rest.get("next")), (text_at(&first, "id"), None));
    bo.get("/v1/transfers?limit=0").refused(400, "invalid-query");
    bo.get("/v1/transfers?cursor=x").refused(400, "invalid-query");
    bo.get("/v1/transfers?direction=lost").refused(400, "invalid-query");
    town.server.kill();
    town.server.start_again();
    check();

    bo.ask_once(&format!("/v1/transfers/{}/accept", text_at(&first, "id")), json!({})).done();
    bo.ask_once(&format!("/v1/transfers/{}/return", text_at(&second, "id")), json!({})).done();
    for packet in [&packet, &exclusive] {
        bo.ask_once(&format!("/v1/red-packets/{}/open", text_at(packet, "id")), json!({})).done();
    }
    town.bank.faults("");
    town.server.advance(Duration::from_secs(60));
    until("all is settled", || (ann.held() == "0.00" && told(&ann, "/v1/wallet/top-ups").is_empty()).then_some(()));
    for list in ["transfers?direction=sent", "red-packets", "wallet/withdrawals"] {
        assert_eq!(told(&ann, &format!("/v1/{list}")), [], "{list}");
    }
    assert_eq!(told(&bo, "/v1/transfers"), []);
}

#[test]
fn a_transfer_that_arrives_later_stays_on_both_lists_until_it_does() {
    let town = Town::new();
    let [ann, bo] = town.server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("100.00");
    bo.open_wallet();
    ann.put("/v1/wallet/arrival", json!({ "seconds": 7200 })).done();
    let transfer = ann.transfer(&talk, "1.00").done();
    bo.ask_once(&format!("/v1/transfers/{}/accept", text_at(&transfer, "id")), json!({})).done();
    for (who, list) in [(&ann, "/v1/transfers?direction=sent"), (&bo, "/v1/transfers")] {
        assert_eq!(told(who, list), [entry(&transfer, "arriving")]);
    }
    town.server.advance(Duration::from_secs(7_200));
    until("it has arrived", || told(&bo, "/v1/transfers").is_empty().then_some(()));
    assert_eq!((told(&ann, "/v1/transfers?direction=sent"), bo.available()), (vec![], "1.00".to_owned()));
}

#[test]
fn a_withdrawal_costs_what_was_told_before_and_the_most_empties_the_wallet() {
    let town = Town::new();
    let ann = town.server.register("ann");
    ann.get("/v1/wallet/withdrawal-fee?amount=1.00").refused(409, "wallet-not-open");
    let card = ann.with_money("2000.00");
    let quote = |amount: &str| {
        let told = ann.get(&format!("/v1/wallet/withdrawal-fee?amount={amount}")).done();
        ["fee", "total", "free_left", "most"].map(|field| text_at(&told[field], "amount"))
    };
    let withdraw = |amount: &str| {
        let body = json!({ "card": card, "amount": yuan(amount), "authorization": ann.authorized() });
        text_at(&ann.ask_once("/v1/wallet/withdrawals", body).done()["purpose"]["fee"], "amount")
    };
    assert_eq!(quote("1000.00"), ["0.00", "1000.00", "1000.00", "1999.00"]);
    assert_eq!(quote("1000.01"), ["0.10", "1000.11", "1000.00", "1999.00"]);
    assert_eq!(withdraw("900.00"), "0.00");
    let [fee, total, free_left, most] = quote("300.00");
    assert_eq!([fee.as_str(), &total, &free_left, &most], ["0.20", "300.20", "100.00", "1099.00"]);
    assert_eq!(withdraw("300.00"), fee);
    let [.., most] = quote("1.00");
    withdraw(&most);
    assert_eq!((ann.available(), quote("1.00")[3].clone()), ("0.00".to_owned(), "0.00".to_owned()));
    for wrong in ["", "?amount=", "?amount=1.001", "?amount=x"] {
        ann.get(&format!("/v1/wallet/withdrawal-fee{wrong}")).refused(400, "invalid-query");
    }
    ann.get("/v1/wallet/withdrawal-fee?amount=-1.00").refused(400, "invalid-field");
    ann.get("/v1/wallet/withdrawal-fee?amount=200000.01").refused(409, "amount-too-large");
}

#[test]
fn an_unknown_biller_account_and_bill_are_told_apart() {
    let billers = Sandbox::biller();
    let server = Setup::new().with_billers(&billers).start();
    let ann = server.register("ann");
    ann.get("/v1/billers/no-such-biller/accounts/13800138000/bills").refused(404, "biller-not-found");
    ann.get("/v1/billers/longline-phone/accounts/12/bills").refused(404, "bill-account-not-found");
    let body = json!({
        "biller": "longline-phone", "account": "13800138000", "bill": "none",
        "authorization": "01930000-0000-7000-8000-000000000000",
    });
    ann.ask_once("/v1/bill-payments", body).refused(404, "bill-not-found");
    billers.faults(
        "[[rule]]\ndo = \"decline\"\non = [\"bills\"]\ncode = \"in-dispute\"\nreason = \"ask at the counter\"\n",
    );
    let refused = ann.get("/v1/billers/longline-phone/accounts/13800138000/bills").refused(403, "bills-refused");
    assert!(text_at(&refused, "detail").contains("in-dispute"), "{refused}");
}

#[test]
fn an_amount_that_is_none_is_named() {
    let town = Town::new();
    let ann = town.server.register("ann");
    for amount in ["1e30", "12.345", "", "999999999999999999999999999999"] {
        let body = json!({ "card": ann.id, "amount": yuan(amount) });
        ann.ask_once("/v1/wallet/top-ups", body).refused(400, "invalid-amount");
    }
}
