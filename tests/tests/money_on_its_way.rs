//! Money on its way: who sees it and who may do what with it.

use serde_json::{Value, json};
use teahouse_tests::{Sandbox, Server, Setup, befriend, group, money::yuan, people::text_at};

/// A server with its bank, which runs as long.
struct Town {
    _bank: Sandbox,
    server: Server,
}

impl Town {
    fn new() -> Self {
        let bank = Sandbox::bank();
        Self { server: Setup::new().with_bank(&bank).start(), _bank: bank }
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
