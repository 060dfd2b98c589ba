//! A bank that says nothing holds up only what needs its word.

use std::time::Duration;

use serde_json::json;
use teahouse_tests::{
    Sandbox, Setup, befriend,
    money::yuan,
    people::{list_at, text_at},
    until,
};

#[test]
fn while_a_bank_is_silent_transfers_fall_due_and_bills_are_paid() {
    let (bank, billers) = (Sandbox::bank(), Sandbox::biller());
    // It is waited for longer than anything in this test lasts.
    let patient = Setup::new().with("TEAHOUSE_BANK__TIMEOUT_MS", "600000");
    let server = patient.with_bank(&bank).with_billers(&billers).start();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    let card = ann.with_money("2000.00");

    bank.faults("[[rule]]\ndo = 'down'\non = ['pay_out']\n");
    let body = json!({ "card": card, "amount": yuan("10.00"), "authorization": ann.authorized() });
    let withdrawal = ann.ask_once("/v1/wallet/withdrawals", body).done();
    assert_eq!(withdrawal["state"], "waiting");
    // From now on the bank does what it is asked for, and does not say so.
    bank.faults("[[rule]]\ndo = 'time_out'\non = ['pay_out']\nms = 600000\n");
    let paid_out = || bank.client().get("/v1/statement").text().lines().any(|line| line.contains("pay_out"));
    until("the process manager waits for the bank", || {
        server.advance(Duration::from_secs(3));
        paid_out().then_some(())
    });

    ann.transfer(&talk, "100.00").done();
    billers.faults("[[rule]]\ndo = 'pending'\non = ['pay']\nms = 1\n");
    let found = ann.get("/v1/billers/harbour-electric/accounts/123456/bills").done();
    let bill = text_at(&list_at(&found, "bills")[0], "id");
    let authorization = ann.authorized();
    let body =
        json!({ "biller": "harbour-electric", "account": "123456", "bill": bill, "authorization": authorization });
    let paid = ann.ask_once("/v1/bill-payments", body).done();
    assert_eq!(paid["state"], "waiting");
    server.advance(Duration::from_secs(25 * 3600));
    until("the transfer has come back, and the bill is paid", || (ann.held() == "10.00").then_some(()));
    assert_eq!(ann.statement()[0].0, "transfer_returned");
    let path = format!("/v1/bill-payments/{}", text_at(&paid, "id"));
    assert_eq!(ann.get(&path).done()["state"], "done");
    let path = format!("/v1/wallet/withdrawals/{}", text_at(&withdrawal, "id"));
    assert_eq!(ann.get(&path).done()["state"], "waiting");

    // When it speaks again, what it did counts, once.
    bank.faults("");
    server.kill();
    server.start_again();
    until("the withdrawal is settled", || (ann.held() == "0.00").then_some(()));
    assert_eq!(ann.get(&path).done()["state"], "done");
    assert_eq!(bank.client().get("/v1/statement").text().matches("pay_out").count(), 1);
}
