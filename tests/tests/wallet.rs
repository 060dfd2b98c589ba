//! Wallets: PIN, cards, balance, statement, money between people.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_tests::{
    Sandbox, Server, Setup, Socket, befriend, group,
    money::{PIN, card_number, fresh_key, yuan},
    people::in_parallel,
    until,
};

const HOUR: Duration = Duration::from_secs(3600);

struct Town {
    bank: Sandbox,
    server: Server,
}

impl Town {
    fn new() -> Self {
        let bank = Sandbox::bank();
        let server = Setup::new().with_bank(&bank).start();
        Self { bank, server }
    }

    /// What the log says, checked by the auditor's own tool.
    fn audited(&self) {
        self.server.stop();
        let data = self.server.data().display().to_string();
        let output = teahouse_tests::binary::command().args(["audit", "verify", "--data", &data]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn lines(told: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    told.iter().map(|(kind, amount, balance)| ((*kind).into(), (*amount).into(), (*balance).into())).collect()
}

#[test]
fn money_goes_from_a_card_to_friends_to_a_biller_and_back_to_the_card() {
    let (bank, billers) = (Sandbox::bank(), Sandbox::biller());
    let server = Setup::new().with_bank(&bank).with_billers(&billers).start();
    let [ann, bo, cy] = server.people(["ann", "bo", "cy"]);
    let (talk, _) = (befriend(&ann, &bo), befriend(&ann, &cy));
    let club = group(&ann, &[&bo, &cy]);
    let card = ann.with_money("2000.00");
    bo.open_wallet();

    let transfer = ann.transfer(&talk, "100.00").done();
    let shown = bo.history(&talk).pop().unwrap();
    assert_eq!(
        (&shown["data"]["content"]["kind"], &shown["data"]["content"]["transfer"]),
        (&json!("transfer"), &transfer["id"])
    );
    assert_eq!((ann.available().as_str(), ann.held().as_str()), ("1900.00", "100.00"));
    let id = transfer["id"].as_str().unwrap();
    let accepted = bo.ask_once(&format!("/v1/transfers/{id}/accept"), json!({})).done();
    assert_eq!((&accepted["state"], bo.available().as_str()), (&json!("done"), "100.00"));

    let packet = ann.red_packet(&club, json!("equal"), 2, "20.00").done();
    let open = format!("/v1/red-packets/{}/open", packet["id"].as_str().unwrap());
    for person in [&bo, &cy] {
        assert_eq!(person.ask_once(&open, json!({})).done()["amount"], yuan("10.00"));
    }
    bo.ask_once(&open, json!({})).refused(409, "opened-already");
    ann.ask_once(&open, json!({})).refused(409, "all-gone");
    // Cy has no wallet yet, and finds the money on opening one.
    cy.get("/v1/wallet").refused(409, "wallet-not-open");
    cy.open_wallet();
    assert_eq!(cy.available(), "10.00");

    let bill = ann.get("/v1/billers/harbour-electric/accounts/123456/bills").done()["bills"][0].clone();
    let payment = json!({ "biller": "harbour-electric", "account": "123456", "bill": bill["id"], "authorization": ann.authorized() });
    let paid = ann.ask_once("/v1/bill-payments", payment).done();
    assert_eq!((&paid["state"], &paid["amount"]), (&json!("done"), &bill["amount"]));

    let withdrawal = json!({ "card": card, "amount": yuan("1200.00"), "authorization": ann.authorized() });
    let withdrawn = ann.ask_once("/v1/wallet/withdrawals", withdrawal).done();
    // 1,000 are free, once; a thousandth of the other 200.00 is 0.20.
    assert_eq!((&withdrawn["state"], &withdrawn["purpose"]["fee"]), (&json!("done"), &yuan("0.20")));

    let before = (ann.get("/v1/wallet").done(), ann.statement(), bo.statement());
    assert_eq!(
        before.2,
        lines(&[("red_packet_received", "10.00", "110.00"), ("transfer_received", "100.00", "100.00")])
    );
    assert_eq!(before.1.len(), 5);
    server.kill();
    server.start_again();
    assert_eq!((ann.get("/v1/wallet").done(), ann.statement(), bo.statement()), before);
    Town { bank, server }.audited();
}

#[test]
fn a_key_that_is_used_again_long_after_it_was_forgotten_moves_other_money() {
    let town = Town::new();
    let [ann, bo] = town.server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.open_wallet();
    let card = ann.link_card(77);
    let top_up = json!({ "card": card, "amount": yuan("100.00") });
    let topped_up = || ann.call("POST", "/v1/wallet/top-ups", Some(&top_up), Some("salary")).done();
    let sent = || {
        let transfer = json!({ "amount": yuan("5.00"), "authorization": ann.authorized() });
        ann.call("POST", &format!("/v1/conversations/{talk}/transfers"), Some(&transfer), Some("tea"))
    };
    let (first, tea) = (topped_up(), sent().done());
    assert_eq!(topped_up()["id"], first["id"]);
    sent().refused(422, "key-reused");
    town.server.advance(5 * 24 * HOUR);
    // Keys are forgotten by the time of what comes after them.
    let time_goes_by = || {
        let message = json!({ "content": { "kind": "text", "text": "tea?" } });
        ann.ask_once(&format!("/v1/conversations/{talk}/messages"), message).done();
    };
    until("the key of the top-up is forgotten", || {
        time_goes_by();
        (topped_up()["id"] != first["id"]).then_some(())
    });
    let more_tea = until("the key of the transfer is forgotten", || {
        time_goes_by();
        Some(sent()).filter(|sent| sent.status == 201).map(|sent| sent.done())
    });
    assert_ne!(more_tea["id"], tea["id"]);
    // The first transfer is back by now; the second one can be taken.
    bo.ask_once(&format!("/v1/transfers/{}/accept", more_tea["id"].as_str().unwrap()), json!({})).done();
    assert_eq!((ann.available().as_str(), ann.held().as_str()), ("195.00", "0.00"));
    let statement = town.bank.client().get("/v1/statement").text();
    assert_eq!(statement.lines().count(), 2, "{statement}");
    town.audited();
}

#[test]
fn five_wrong_pins_lock_it_and_time_or_a_card_opens_it_again() {
    let Town { server, .. } = &Town::new();
    let [ann] = server.people(["ann"]);
    ann.post("/v1/wallet/authorizations", json!({ "pin": PIN })).refused(409, "wallet-not-open");
    for wrong in ["12345", "1234567", "12345a", "１２３４５６"] {
        ann.post("/v1/wallet", json!({ "pin": wrong })).refused(400, "invalid-field");
    }
    ann.open_wallet();
    ann.post("/v1/wallet", json!({ "pin": PIN })).refused(409, "wallet-open-already");
    let card = ann.link_card(77);
    let try_pin = |pin: &str| ann.post("/v1/wallet/authorizations", json!({ "pin": pin }));
    for left in (1..=4).rev() {
        let problem = try_pin("000000").refused(403, "wrong-pin");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("{left} tries")), "{problem}");
    }
    try_pin("000000").refused(409, "pin-locked");
    try_pin(PIN).refused(409, "pin-locked");
    server.advance(3 * HOUR + Duration::from_secs(1));
    try_pin("000000").refused(403, "wrong-pin");
    try_pin(PIN).done();
    for _ in 0..4 {
        try_pin("000000").refused(403, "wrong-pin");
    }
    try_pin("000000").refused(409, "pin-locked");
    let reset =
        |number: String| ann.post("/v1/wallet/pin-resets", json!({ "card": card, "number": number, "pin": "246802" }));
    reset(card_number(78)).refused(403, "card-refused");
    reset(card_number(77)).done();
    try_pin(PIN).refused(403, "wrong-pin");
    try_pin("246802").done();
    let log = server.log();
    assert!(!log.contains("246802") && !log.contains(&card_number(77)));
    let events = server.events(&[]);
    assert!(events.iter().all(|event| !event.to_string().contains(&card_number(77))));
}

#[test]
fn a_card_linked_to_a_wallet_with_money_in_it_resets_the_pin_a_day_later() {
    let Town { server, .. } = &Town::new();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("100.00");
    bo.open_wallet();
    let transfer = ann.transfer(&talk, "5.00").done();
    bo.ask_once(&format!("/v1/transfers/{}/accept", transfer["id"].as_str().unwrap()), json!({})).done();
    let thief = bo.log_in();
    let cards = [thief.link_card(81), thief.link_card(82)];
    let reset = |card: &Value, n: u64| {
        let body = json!({ "card": card, "number": card_number(n), "pin": "246802" });
        thief.post("/v1/wallet/pin-resets", body)
    };
    reset(&cards[0], 81).refused(409, "pin-reset-too-early");
    thief.delete(&format!("/v1/wallet/cards/{}", cards[0].as_str().unwrap())).done();
    let again = thief.link_card(81);
    reset(&again, 81).refused(409, "pin-reset-too-early");
    server.advance(24 * HOUR - Duration::from_secs(600));
    reset(&cards[1], 82).refused(409, "pin-reset-too-early");
    server.advance(Duration::from_secs(601));
    reset(&cards[1], 82).done();
}

#[test]
fn an_authorization_is_for_one_device_one_payment_or_one_sum_and_five_minutes() {
    let Town { server, .. } = &Town::new();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("500.00");
    let send = |person: &teahouse_tests::Person, authorization: &Value, amount: &str| {
        let body = json!({ "amount": yuan(amount), "authorization": authorization });
        person.ask_once(&format!("/v1/conversations/{talk}/transfers"), body)
    };
    let once = ann.authorized();
    send(&ann.log_in(), &once, "1.00").refused(403, "not-authorized");
    send(&ann, &once, "1.00").done();
    send(&ann, &once, "1.00").refused(403, "not-authorized");
    let sum = ann.authorized_up_to("10.00");
    send(&ann, &sum, "6.00").done();
    send(&ann, &sum, "4.01").refused(403, "not-authorized");
    send(&ann, &sum, "4.00").done();
    send(&ann, &sum, "0.01").refused(403, "not-authorized");
    let late = ann.authorized();
    server.advance(Duration::from_secs(301));
    send(&ann, &late, "1.00").refused(403, "not-authorized");
    send(&bo, &late, "1.00").refused(409, "wallet-not-open");
    assert_eq!((ann.available().as_str(), ann.held().as_str()), ("489.00", "11.00"));
}

#[test]
fn a_request_that_is_repeated_moves_money_once_also_after_a_crash() {
    let Town { server, .. } = &Town::new();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    let card = ann.with_money("100.00");
    let (path, key) = (format!("/v1/conversations/{talk}/transfers"), fresh_key());
    let body = json!({ "amount": yuan("30.00"), "authorization": ann.authorized() });
    ann.post(&path, body.clone()).refused(400, "key-required");
    let first = ann.call("POST", &path, Some(&body), Some(&key)).done();
    let top_up = (json!({ "card": card, "amount": yuan("5.00") }), fresh_key());
    let topped_up = ann.call("POST", "/v1/wallet/top-ups", Some(&top_up.0), Some(&top_up.1)).done();
    server.kill();
    server.start_again();
    assert_eq!(ann.call("POST", &path, Some(&body), Some(&key)).done(), first);
    assert_eq!(ann.call("POST", "/v1/wallet/top-ups", Some(&top_up.0), Some(&top_up.1)).done(), topped_up);
    let other = json!({ "amount": yuan("31.00"), "authorization": ann.authorized() });
    ann.call("POST", &path, Some(&other), Some(&key)).refused(422, "key-reused");
    assert_eq!((ann.available().as_str(), ann.held().as_str()), ("75.00", "30.00"));
    assert_eq!(ann.history(&talk).iter().filter(|entry| entry["data"]["content"]["kind"] == "transfer").count(), 1);
}

#[test]
fn a_transfer_comes_back_after_a_day_arrives_late_or_is_taken_back_as_chosen() {
    let Town { server, .. } = &Town::new();
    let [ann, bo, eve] = server.people(["ann", "bo", "eve"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("100.00");
    bo.open_wallet();
    let act = |person: &teahouse_tests::Person, transfer: &Value, what: &str| {
        person.ask_once(&format!("/v1/transfers/{}/{what}", transfer["id"].as_str().unwrap()), json!({}))
    };
    let state = |transfer: &Value| {
        ann.get(&format!("/v1/transfers/{}", transfer["id"].as_str().unwrap())).done()["state"].clone()
    };

    let returned = ann.transfer(&talk, "10.00").done();
    act(&eve, &returned, "accept").refused(404, "hold-not-found");
    act(&ann, &returned, "accept").refused(403, "not-for-you");
    act(&ann, &returned, "cancel").refused(409, "not-arriving");
    act(&bo, &returned, "return").done();
    act(&bo, &returned, "accept").refused(409, "hold-over");

    let forgotten = ann.transfer(&talk, "20.00").done();
    assert_eq!(state(&forgotten), "waiting");
    server.advance(24 * HOUR);
    until("the transfer came back", || (state(&forgotten) == "returned").then_some(()));
    act(&bo, &forgotten, "accept").refused(409, "hold-over");

    ann.put("/v1/wallet/arrival", json!({ "seconds": 60 })).refused(400, "invalid-field");
    ann.put("/v1/wallet/arrival", json!({ "seconds": 7200 })).done();
    let (late, cancelled) = (ann.transfer(&talk, "30.00").done(), ann.transfer(&talk, "40.00").done());
    assert_eq!(act(&bo, &late, "accept").done()["state"], "arriving");
    act(&bo, &cancelled, "accept").done();
    assert_eq!((bo.available().as_str(), ann.available().as_str()), ("0.00", "30.00"));
    server.kill();
    server.start_again();
    act(&ann, &cancelled, "cancel").done();
    // The clock starts anew with the server, which was a day ahead.
    server.advance(26 * HOUR);
    until("the transfer arrived", || (state(&late) == "done").then_some(()));
    act(&ann, &late, "cancel").refused(409, "hold-over");
    assert_eq!((bo.available().as_str(), ann.available().as_str()), ("30.00", "70.00"));
    assert_eq!(
        ann.statement(),
        lines(&[
            ("transfer_returned", "40.00", "70.00"),
            ("transfer_sent", "-40.00", "30.00"),
            ("transfer_sent", "-30.00", "70.00"),
            ("transfer_returned", "20.00", "100.00"),
            ("transfer_sent", "-20.00", "80.00"),
            ("transfer_returned", "10.00", "100.00"),
            ("transfer_sent", "-10.00", "90.00"),
            ("top_up", "100.00", "100.00"),
        ])
    );
}

#[test]
fn nobody_spends_what_is_not_there_or_more_than_their_limits() {
    let Town { server, .. } = &Town::new();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("6000.00");
    for (amount, status, code) in [
        ("0.00", 400, "invalid-field"),
        ("-1.00", 400, "invalid-field"),
        ("6000.01", 409, "insufficient-funds"),
        ("5000.01", 409, "limit-reached"),
        ("200000.01", 409, "amount-too-large"),
    ] {
        ann.transfer(&talk, amount).refused(status, code);
    }
    let body = |amount: Value| json!({ "amount": amount, "authorization": ann.authorized() });
    for (wrong, code) in [
        (json!("1.00"), "invalid-body"),
        (json!({ "amount": 1.0, "currency": "CNY" }), "invalid-amount"),
        (json!({ "amount": "1.001", "currency": "CNY" }), "invalid-amount"),
    ] {
        ann.ask_once(&format!("/v1/conversations/{talk}/transfers"), body(wrong)).refused(400, code);
    }
    let dollars = json!({ "amount": "1.00", "currency": "USD" });
    ann.ask_once(&format!("/v1/conversations/{talk}/transfers"), body(dollars)).refused(400, "invalid-field");
    let limits = || {
        let limits = ann.get("/v1/wallet/limits").done();
        let told = |limit: &Value| {
            [&limit["period"], &limit["most"]["amount"], &limit["left"]["amount"]]
                .map(|text| text.as_str().unwrap().to_owned())
        };
        limits["limits"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let year = ["year", "100000.00", "100000.00"].map(str::to_owned);
    let day = |left: &str| ["day", "5000.00", left].map(str::to_owned);
    let code = ["static-code-day", "500.00", "500.00"].map(str::to_owned);
    assert_eq!(limits(), [code.clone(), day("5000.00"), year]);
    ann.transfer(&talk, "5000.00").done();
    let year = ["year", "100000.00", "95000.00"].map(str::to_owned);
    assert_eq!(limits(), [code, day("0.00"), year]);
    bo.get("/v1/wallet/limits").refused(409, "wallet-not-open");
    let free = ann.get("/v1/wallet/limits").done();
    assert_eq!((&free["withdrawal_free"], &free["without_pin"]), (&yuan("1000.00"), &json!(10)));
    let problem = ann.transfer(&talk, "0.01").refused(409, "limit-reached");
    assert!(problem["detail"].as_str().unwrap().contains("leaves 0"), "{problem}");
    server.advance(24 * HOUR);
    until("the transfer came back", || (ann.available() == "6000.00").then_some(()));
    // A new day has a new limit.
    assert_eq!(limits()[1], day("5000.00"));
    ann.transfer(&talk, "4999.00").done();
    bo.open_wallet();
    bo.transfer(&talk, "0.01").refused(409, "insufficient-funds");
}

#[test]
fn one_wallet_asked_by_many_at_once_is_never_overdrawn() {
    let town = Town::new();
    let [ann, bo] = town.server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("10.00");
    bo.open_wallet();
    let authorization = ann.authorized_up_to("100.00");
    let replies = in_parallel(40, |_| {
        let body = json!({ "amount": yuan("1.00"), "authorization": authorization });
        let (path, key) = (format!("/v1/conversations/{talk}/transfers"), fresh_key());
        let replies = [0, 1].map(|_| ann.call("POST", &path, Some(&body), Some(&key)));
        assert_eq!(replies[0].status, replies[1].status);
        replies[0].clone()
    });
    let sent: Vec<Value> = replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.json()).collect();
    assert_eq!(sent.len(), 10);
    replies.iter().filter(|reply| reply.status != 201).for_each(|reply| drop(reply.refused(409, "insufficient-funds")));
    in_parallel(sent.len() * 2, |index| {
        let id = sent[index / 2]["id"].as_str().unwrap();
        let act = if index % 2 == 0 { "accept" } else { "return" };
        bo.ask_once(&format!("/v1/transfers/{id}/{act}"), json!({})).status
    });
    let cents = |text: String| text.replace('.', "").parse::<u32>().unwrap();
    assert_eq!(cents(ann.available()) + cents(bo.available()), 1000);
    assert_eq!(ann.held(), "0.00");
    town.audited();
}

#[test]
fn five_hundred_members_storm_a_packet_of_a_hundred_shares_and_a_hundred_get_one() {
    let bank = Sandbox::bank();
    let server = Setup::new().with_bank(&bank).with("TEAHOUSE_POLICY__INVITE_FREELY_UP_TO", "500").start();
    let crowd = server.crowd("guest", 500);
    let (owner, others) = crowd.split_first().unwrap();
    others.iter().for_each(|other| drop(befriend(owner, other)));
    let hall = group(owner, &others.iter().collect::<Vec<_>>());
    owner.with_money("100.00");
    let packet = owner.red_packet(&hall, json!("lucky"), 100, "88.88").done();
    let path = format!("/v1/red-packets/{}", packet["id"].as_str().unwrap());
    let replies = in_parallel(crowd.len(), |index| crowd[index].ask_once(&format!("{path}/open"), json!({})));
    let cents = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
    let shares: Vec<u64> =
        replies.iter().filter(|reply| reply.status == 200).map(|reply| cents(&reply.json()["amount"])).collect();
    assert_eq!((shares.len(), shares.iter().sum::<u64>()), (100, 8888));
    assert!(shares.iter().all(|share| *share > 0));
    replies.iter().filter(|reply| reply.status != 200).for_each(|reply| drop(reply.refused(409, "all-gone")));
    let shown = owner.get(&path).done();
    assert_eq!((&shown["state"], shown["purpose"]["taken"].as_array().unwrap().len()), (&json!("done"), 100));
    let taken = shown["purpose"]["taken"].as_array().unwrap();
    let most = taken.iter().map(|share| cents(&share["amount"])).max().unwrap();
    let luckiest = taken.iter().find(|share| cents(&share["amount"]) == most).unwrap();
    assert_eq!(shown["purpose"]["best_luck"], luckiest["user"]);
    Town { bank, server }.audited();
}

#[test]
fn a_red_packet_is_for_members_and_the_rest_comes_back_after_a_day() {
    let Town { server, .. } = &Town::new();
    let [ann, bo, cy, eve] = server.people(["ann", "bo", "cy", "eve"]);
    let (talk, _) = (befriend(&ann, &bo), befriend(&ann, &cy));
    let club = group(&ann, &[&bo, &cy]);
    ann.with_money("100.00");
    for (packet, shares, amount) in [
        (json!("lucky"), 0, "1.00"),
        (json!("lucky"), 101, "10.00"),
        (json!("lucky"), 3, "0.02"),
        (json!("equal"), 3, "1.00"),
        (json!("lucky"), 1, "200.01"),
        (json!({ "exclusive": { "to": bo.id } }), 2, "1.00"),
    ] {
        ann.red_packet(&club, packet, shares, amount).refused(400, "invalid-field");
    }
    ann.red_packet(&talk, json!("equal"), 2, "1.00").refused(400, "invalid-field");
    ann.red_packet(&club, json!({ "exclusive": { "to": eve.id } }), 1, "1.00").refused(404, "member-not-found");
    eve.open_wallet();
    eve.red_packet(&club, json!("lucky"), 1, "1.00").refused(404, "conversation-not-found");

    let open = |packet: &Value| format!("/v1/red-packets/{}/open", packet["id"].as_str().unwrap());
    let exclusive = ann.red_packet(&club, json!({ "exclusive": { "to": cy.id } }), 1, "8.00").done();
    bo.ask_once(&open(&exclusive), json!({})).refused(403, "not-for-you");
    eve.ask_once(&open(&exclusive), json!({})).refused(404, "hold-not-found");
    assert_eq!(cy.ask_once(&open(&exclusive), json!({})).done()["amount"], yuan("8.00"));
    let equal = ann.red_packet(&club, json!("equal"), 3, "9.00").done();
    bo.ask_once(&open(&equal), json!({})).done();
    let direct = ann.red_packet(&talk, json!("lucky"), 1, "5.00").done();
    ann.ask_once(&open(&direct), json!({})).refused(403, "not-for-you");
    let path = format!("/v1/red-packets/{}", equal["id"].as_str().unwrap());
    eve.get(&path).refused(404, "hold-not-found");
    assert_eq!(cy.get(&path).done().get("amount"), None, "who has not opened it does not see what is in it");
    server.advance(24 * HOUR);
    until("the rest came back", || (ann.get(&path).done()["state"] == "returned").then_some(()));
    cy.ask_once(&open(&equal), json!({})).refused(409, "hold-over");
    until("all is settled", || (ann.held() == "0.00").then_some(()));
    assert_eq!(ann.available(), "89.00");
}

#[test]
fn what_the_bank_does_late_twice_or_not_at_all_is_booked_as_it_was() {
    let town = Town::new();
    let (ann, bank) = (town.server.register("ann"), &town.bank);
    let card = ann.with_money("1000.00");
    let top_up =
        |amount: &str| ann.ask_once("/v1/wallet/top-ups", json!({ "card": card, "amount": yuan(amount) })).done();
    let state = |answer: &Value| {
        ann.get(&format!("/v1/wallet/top-ups/{}", answer["id"].as_str().unwrap())).done()["state"].clone()
    };

    bank.faults("[[rule]]\ndo = \"decline\"\namount = \"13.00\"\ncode = \"lost-card\"\nreason = \"the card was reported lost\"\n");
    let declined = top_up("13.00");
    assert_eq!((&declined["state"], &declined["declined"]["code"]), (&json!("declined"), &json!("lost-card")));
    bank.faults("[[rule]]\ndo = \"pending\"\non = [\"collect\"]\nms = 100\n");
    let pending = top_up("50.00");
    assert_eq!(pending["state"], "pending");
    bank.faults("[[rule]]\ndo = \"wrong_amount\"\non = [\"collect\"]\nnth = 1\n");
    let doubted = top_up("20.00");
    assert_eq!(doubted["state"], "pending");
    bank.faults("[[rule]]\ndo = \"down\"\n");
    let unheard = top_up("10.00");
    assert_eq!((&unheard["state"], ann.available().as_str()), (&json!("pending"), "1000.00"));
    town.server.kill();
    town.server.start_again();
    bank.faults("");
    for asked in [&pending, &doubted, &unheard] {
        town.server.advance(Duration::from_secs(20));
        until("the top-up is done", || (state(asked) == "done").then_some(()));
    }
    assert_eq!(ann.available(), "1080.00");

    bank.faults(
        "[[rule]]\ndo = \"decline\"\non = [\"pay_out\"]\ncode = \"closed\"\nreason = \"the account is closed\"\n",
    );
    let withdraw = |amount: &str| {
        ann.ask_once(
            "/v1/wallet/withdrawals",
            json!({ "card": card, "amount": yuan(amount), "authorization": ann.authorized() }),
        )
    };
    let refused = withdraw("1000.00").done();
    assert_eq!((&refused["state"], &refused["returned"]["code"]), (&json!("returned"), &json!("closed")));
    assert_eq!((ann.available().as_str(), ann.held().as_str()), ("1080.00", "0.00"));
    bank.faults("");
    // What failed has used nothing of the free amount.
    assert_eq!(withdraw("1000.00").done()["purpose"]["fee"], yuan("0.00"));
    assert_eq!(withdraw("10.00").done()["purpose"]["fee"], yuan("0.10"));
    withdraw("80.00").refused(409, "insufficient-funds");
    assert_eq!(ann.available(), "69.90");
    town.audited();
}

#[test]
fn cards_bear_one_name_and_only_their_last_digits_are_kept() {
    let Town { server, .. } = &Town::new();
    let [ann] = server.people(["ann"]);
    ann.open_wallet();
    let link = |holder: &str, number: String| {
        ann.post("/v1/wallet/cards", json!({ "holder": holder, "number": number, "bank": "Harbour Bank" }))
    };
    link("Ann Lee", "4111111111111112".into()).refused(400, "invalid-field");
    link("Ann Lee", "4111111111111111".into()).refused(403, "card-refused");
    let card = link("Ann Lee", card_number(501)).done();
    link("Ann Lee", card_number(501)).refused(409, "card-linked-already");
    link("Bo Chan", card_number(502)).refused(403, "other-holder");
    let second = link("ann  lee", card_number(503)).done();
    let wallet = ann.get("/v1/wallet").done();
    assert_eq!((&wallet["holder"], wallet["cards"].as_array().unwrap().len()), (&json!("Ann Lee"), 2));
    ann.delete(&format!("/v1/wallet/cards/{}", second["card"].as_str().unwrap())).done();
    let top_up = |card: &Value| ann.ask_once("/v1/wallet/top-ups", json!({ "card": card, "amount": yuan("1.00") }));
    top_up(&second["card"]).refused(404, "card-not-found");
    top_up(&card["card"]).done();
}

#[test]
fn both_sides_devices_hear_how_a_transfer_ends() {
    let Town { server, .. } = &Town::new();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("10.00");
    let (mut mine, mut theirs) = (Socket::connect(&ann, ""), Socket::connect(&bo, ""));
    let transfer = ann.transfer(&talk, "10.00").done();
    bo.ask_once(&format!("/v1/transfers/{}/accept", transfer["id"].as_str().unwrap()), json!({})).done();
    for socket in [&mut mine, &mut theirs] {
        let heard = until("the end is heard", || Some(socket.entry()).filter(|entry| entry["type"] == "hold.released"));
        assert_eq!(heard["data"]["hold"], transfer["id"]);
    }
}

#[test]
fn without_a_bank_people_are_told_so() {
    let server = Setup::new().start();
    let ann = server.register("ann");
    ann.open_wallet();
    let card = json!({ "holder": "Ann", "number": card_number(1), "bank": "Harbour Bank" });
    ann.post("/v1/wallet/cards", card).refused(503, "not-connected");
    ann.get("/v1/billers").refused(503, "not-connected");
}
