//! Shops: merchants, static codes, orders, refunds, from HTTP to disk.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use teahouse_tests::{
    Person, Sandbox, Server, Setup, Shop,
    money::{card_number, fresh_key, yuan},
    people::{list_at, number_at, text_at},
    until,
};

/// A server with a bank.
struct House {
    server: Server,
    bank: Sandbox,
}

impl House {
    fn open() -> Self {
        let bank = Sandbox::bank();
        Self { server: Setup::new().with_bank(&bank).start(), bank }
    }

    fn with_money(&self, name: &str, amount: &str) -> Person {
        let person = self.server.register(name);
        person.with_money(amount);
        person
    }
}

#[test]
fn a_payer_types_the_amount_at_a_static_code() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let shown = payer.get(&shop.path("")).done();
    assert_eq!((text_at(&shown, "name"), &shown["open"]), ("Tea Stall".to_owned(), &json!(true)));
    let paid = shop.paid_by(&payer, "12.50").done();
    assert_eq!(text_at(&paid["available"], "amount"), "87.50");
    assert_eq!((shop.balance(), payer.available()), ("12.50".to_owned(), "87.50".to_owned()));
    assert_eq!(shop.statement(""), [["sale", "12.50", "12.50"].map(str::to_owned)]);
    assert_eq!(payer.statement()[0], ("payment".to_owned(), "-12.50".to_owned(), "87.50".to_owned()));
    assert!(shop.statement("?kind=refund_given").is_empty());
    assert_eq!(shop.statement("?at_least=12.50").len(), 1);
    assert!(shop.statement("?at_least=12.51").is_empty());
}

#[test]
fn a_payment_sent_twice_is_made_once_and_without_a_key_not_at_all() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let body = json!({ "amount": yuan("5.00"), "authorization": payer.authorized_up_to("20.00") });
    payer.post(&shop.path("/payments"), body.clone()).refused(400, "key-required");
    let key = fresh_key();
    let [first, second] = [0, 1].map(|_| payer.call("POST", &shop.path("/payments"), Some(&body), Some(&key)).done());
    assert_eq!(first["payment"], second["payment"]);
    assert_eq!(first["position"], second["position"]);
    assert_eq!(shop.balance(), "5.00");
}

#[test]
fn what_does_not_exist_or_is_closed_takes_no_money() {
    let house = House::open();
    let payer = house.with_money("mei", "600.00");
    let poor = house.with_money("arjun", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let nowhere = Shop { owner: shop.owner.clone(), id: payer.id.clone() };
    nowhere.paid_by(&payer, "1.00").refused(404, "merchant-not-found");
    shop.paid_by(&payer, "500.01").refused(409, "limit-reached");
    shop.paid_by(&poor, "100.01").refused(409, "insufficient-funds");
    payer.post(&shop.path("/close"), json!({})).refused(403, "merchant-owner-only");
    shop.owner.post(&shop.path("/close"), json!({})).done();
    shop.paid_by(&payer, "1.00").refused(409, "merchant-closed");
    shop.order("T1", "1.00").refused(409, "merchant-closed");
    assert_eq!(payer.get(&shop.path("")).done()["open"], false);
    assert_eq!((payer.available(), poor.available()), ("600.00".to_owned(), "100.00".to_owned()));
}

#[test]
fn only_the_owner_and_operators_see_the_shop_from_within() {
    let house = House::open();
    let [owner, clerk, stranger] = house.server.people(["lin", "clerk", "stranger"]);
    let shop = Shop::of(owner);
    let operator = shop.path(&format!("/operators/{}", clerk.id));
    clerk.put(&operator, json!({})).refused(403, "merchant-owner-only");
    shop.owner.put(&operator, json!({})).done();
    for within in ["/details", "/balance", "/statement"] {
        clerk.get(&shop.path(within)).done();
        stranger.get(&shop.path(within)).refused(403, "not-an-operator");
    }
    let details = clerk.get(&shop.path("/details")).done();
    assert_eq!(details["operators"], json!([clerk.id]));
    assert_eq!(clerk.all("/v1/merchants")[0]["owns"], false);
    assert_eq!(shop.owner.all("/v1/merchants")[0]["owns"], true);
    shop.owner.delete(&operator).done();
    clerk.get(&shop.path("/details")).refused(403, "not-an-operator");
    assert!(clerk.all("/v1/merchants").is_empty());
}

#[test]
fn codes_are_pictures() {
    let house = House::open();
    let shop = Shop::of(house.server.register("lin"));
    let order = shop.order("T1", "8.00").done();
    assert_eq!(text_at(&order, "code"), format!("teahouse:order:{}", text_at(&order, "id")));
    for base in [shop.path(""), format!("/v1/orders/{}", text_at(&order, "id"))] {
        let svg = shop.owner.get(&format!("{base}/code.svg"));
        assert_eq!((svg.status, svg.header("content-type")), (200, Some("image/svg+xml")));
        assert!(svg.text().starts_with("<svg") && svg.text().contains("h1v1h-1z"));
        let png = shop.owner.get(&format!("{base}/code.png"));
        assert_eq!((png.status, png.header("content-type")), (200, Some("image/png")));
        assert!(png.body.starts_with(b"\x89PNG\r\n"));
    }
}

#[test]
fn an_order_is_paid_once_and_its_number_names_it() {
    let house = House::open();
    let [mei, arjun] = ["mei", "arjun"].map(|name| house.with_money(name, "100.00"));
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "8.00").done(), "id");
    assert_eq!(text_at(&shop.order("T1", "8.00").done(), "id"), order);
    shop.order("T1", "9.00").refused(409, "order-differs");
    let seen = mei.get(&format!("/v1/orders/{order}")).done();
    assert_eq!((text_at(&seen, "state"), &seen["between_them"]), ("NOTPAY".to_owned(), &Value::Null));
    let paid = mei.pay_order(&order).done();
    assert_eq!(text_at(&paid["available"], "amount"), "92.00");
    arjun.pay_order(&order).refused(409, "order-paid");
    assert_eq!((arjun.available(), arjun.held()), ("100.00".to_owned(), "0.00".to_owned()));
    assert_eq!((shop.state("T1"), shop.balance()), ("SUCCESS".to_owned(), "8.00".to_owned()));
    let details = mei.get(&format!("/v1/orders/{order}")).done()["between_them"].clone();
    assert_eq!((&details["payer"], &details["payment"]), (&json!(mei.id), &paid["payment"]));
    shop.owner.post(&shop.path("/orders/T1/close"), json!({})).refused(409, "order-paid");
}

#[test]
fn of_many_who_pay_an_order_at_once_one_has_paid_and_nobody_lost_anything() {
    let house = House::open();
    let payers: Vec<Person> = (0..8).map(|_| house.with_money("mei", "50.00")).collect();
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "8.00").done(), "id");
    let replies = teahouse_tests::people::in_parallel(payers.len(), |at| payers[at].pay_order(&order));
    let paid = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(paid, 1);
    replies.iter().filter(|reply| reply.status != 201).for_each(|reply| {
        reply.refused(409, "order-paid");
    });
    let mut left: Vec<String> = payers.iter().map(Person::available).collect();
    left.sort();
    assert_eq!((left[0].as_str(), &left[1..]), ("42.00", vec!["50.00".to_owned(); 7].as_slice()));
    assert!(payers.iter().all(|payer| payer.held() == "0.00"));
    assert_eq!(shop.balance(), "8.00");
}

#[test]
fn the_code_of_an_order_ends_after_two_hours_and_the_order_after_seven_days() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "8.00").done(), "id");
    house.server.advance(Duration::from_secs(2 * 3600 + 1));
    payer.pay_order(&order).refused(409, "order-code-expired");
    shop.order("T1", "8.00").done();
    payer.pay_order(&order).done();
    let unpaid = text_at(&shop.order("T2", "8.00").done(), "id");
    house.server.advance(Duration::from_secs(7 * 24 * 3600));
    payer.pay_order(&unpaid).refused(409, "order-closed");
    until("the order is closed", || (shop.state("T2") == "CLOSED").then_some(()));
    assert_eq!(shop.state("T1"), "SUCCESS");
}

#[test]
fn refunds_are_partial_never_above_what_was_paid_and_done_once() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "8.00").done(), "id");
    let of_order = json!({ "out_trade_no": "T1" });
    shop.refund("R0", &of_order, "1.00").refused(409, "order-not-paid");
    payer.pay_order(&order).done();
    let first = shop.refund("R1", &of_order, "3.00").done();
    let again = shop.refund("R1", &of_order, "3.00").done();
    assert_eq!(first["refund"], again["refund"]);
    shop.refund("R1", &of_order, "4.00").refused(409, "refund-differs");
    shop.refund("R2", &of_order, "5.01").refused(409, "refund-too-large");
    assert_eq!((shop.balance(), payer.available(), shop.state("T1")), ("5.00".into(), "95.00".into(), "REFUND".into()));
    shop.refund("R2", &of_order, "5.00").done();
    assert_eq!((shop.balance(), payer.available()), ("0.00".to_owned(), "100.00".to_owned()));
    let line = number_at(&shop.paid_by(&payer, "6.00").done(), "position");
    let of_line = json!({ "sale": line });
    shop.refund("R3", &json!({ "sale": line + 1 }), "1.00").refused(404, "sale-not-found");
    shop.refund("R3", &of_line, "6.00").done();
    assert_eq!((shop.balance(), payer.available()), ("0.00".to_owned(), "100.00".to_owned()));
    assert_eq!(payer.statement()[0].0, "refund_received");
    payer
        .ask_once(&shop.path("/refunds"), json!({ "out_refund_no": "X", "amount": yuan("1.00"), "sale": line }))
        .refused(403, "not-an-operator");
}

#[test]
fn the_numbers_and_words_of_a_merchant_are_such_that_a_bill_can_show_them() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let order = |number: &str, description: &str| {
        let body = json!({ "out_trade_no": number, "amount": yuan("1.00"), "description": description });
        shop.owner.post(&shop.path("/orders"), body)
    };
    for number in ["", "T,1", "T\n1", "T`1", "T\u{7}", "T 1", "=T1/2", &"9".repeat(65)] {
        order(number, "tea").refused(400, "invalid-number");
        shop.charge(&payer.pay_code(), number, "1.00").refused(400, "invalid-number");
    }
    for description in ["tea\n2026-11-22,`1", "tea\u{2028}", "\u{202e}aet", " "] {
        order("T1", description).refused(400, "invalid-field");
    }
    order("T-1_A|*@", "tea").done();
    let line = number_at(&shop.paid_by(&payer, "12.50").done(), "position");
    for number in ["", "R,1", "R\r\n1", "R`1"] {
        shop.refund(number, &json!({ "sale": line }), "1.00").refused(400, "invalid-number");
    }
    assert_eq!((shop.balance(), payer.available()), ("12.50".to_owned(), "87.50".to_owned()));
}

#[test]
fn after_a_kill_every_payment_is_whole_and_the_shop_is_as_it_was() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "8.00").done(), "id");
    shop.paid_by(&payer, "2.00").done();
    payer.pay_order(&order).done();
    house.server.kill();
    house.server.start_again();
    assert_eq!((shop.balance(), payer.available(), payer.held()), ("10.00".into(), "90.00".into(), "0.00".into()));
    payer.pay_order(&order).refused(409, "order-paid");
    assert_eq!(shop.statement("").len(), 2);
}

#[test]
fn a_code_that_the_payer_shows_pays_once_and_within_a_minute() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let code = payer.pay_code();
    assert_eq!(text_at(&shop.charge(&code, "T1", "8.00").done(), "state"), "SUCCESS");
    shop.charge(&code, "T2", "8.00").refused(409, "pay-code-invalid");
    shop.charge("100000000000000000", "T2", "8.00").refused(409, "pay-code-invalid");
    let late = payer.pay_code();
    house.server.advance(Duration::from_secs(61));
    shop.charge(&late, "T2", "8.00").refused(409, "pay-code-invalid");
    assert_eq!((shop.balance(), payer.available()), ("8.00".to_owned(), "92.00".to_owned()));
    for event in house.server.events(&[]) {
        assert!(!event.to_string().contains(&code), "{event}");
    }
}

#[test]
fn a_repeated_charge_is_the_same_payment_and_so_is_a_repeated_code() {
    let house = House::open();
    let payer = house.with_money("mei", "100.00");
    let shop = Shop::of(house.server.register("lin"));
    let key = fresh_key();
    let ask = || text_at(&payer.call("POST", "/v1/wallet/pay-codes", None, Some(&key)).done(), "code");
    let code = ask();
    assert_eq!(ask(), code);
    let body =
        json!({ "auth_code": code, "out_trade_no": "T1", "amount": yuan("8.00"), "description": "a pot of tea" });
    let charge = || shop.owner.call("POST", &shop.path("/code-payments"), Some(&body), Some("charge")).done();
    assert_eq!(charge()["between_them"]["payment"], charge()["between_them"]["payment"]);
    assert_eq!(shop.balance(), "8.00");
}

#[test]
fn above_the_limits_the_payer_has_to_confirm() {
    let house = House::open();
    let payer = house.with_money("mei", "4000.00");
    let shop = Shop::of(house.server.register("lin"));
    let asked = shop.charge(&payer.pay_code(), "T1", "1000.01").done();
    assert_eq!((text_at(&asked, "state"), payer.available()), ("USERPAYING".to_owned(), "4000.00".to_owned()));
    let entries = payer.sync_from(0);
    let told = entries.iter().find(|entry| entry["type"] == "wallet.pay-code-presented").unwrap();
    let order = text_at(&told["data"], "order");
    payer.pay_order(&order).done();
    assert_eq!((shop.state("T1"), payer.available()), ("SUCCESS".to_owned(), "2999.99".to_owned()));
    for number in 0..10 {
        let charged = shop.charge(&payer.pay_code(), &format!("S{number}"), "1.00").done();
        assert_eq!(text_at(&charged, "state"), "SUCCESS");
    }
    let eleventh = shop.charge(&payer.pay_code(), "S10", "1.00").done();
    assert_eq!(text_at(&eleventh, "state"), "USERPAYING");
}

#[test]
fn a_reversed_order_is_closed_or_given_back() {
    let house = House::open();
    let payer = house.with_money("mei", "2000.00");
    let shop = Shop::of(house.server.register("lin"));
    let reverse = |number: &str| shop.owner.ask_once(&shop.path(&format!("/orders/{number}/reverse")), json!({}));
    let asked = shop.charge(&payer.pay_code(), "T1", "1500.00").done();
    reverse("T1").done();
    payer.pay_order(&text_at(&asked, "id")).refused(409, "order-closed");
    shop.charge(&payer.pay_code(), "T2", "8.00").done();
    shop.refund("R1", &json!({ "out_trade_no": "T2" }), "3.00").done();
    for _ in 0..2 {
        reverse("T2").done();
        assert_eq!((shop.state("T2"), shop.balance()), ("REFUND".to_owned(), "0.00".to_owned()));
    }
    assert_eq!((shop.state("T1"), payer.available()), ("CLOSED".to_owned(), "2000.00".to_owned()));
    reverse("T3").refused(404, "order-not-found");
}

#[test]
fn a_merchant_withdraws_to_a_bank_card_that_its_owner_has_linked() {
    let house = House::open();
    let payer = house.with_money("mei", "400.00");
    let [owner, clerk, stranger] = house.server.people(["lin", "clerk", "stranger"]);
    let shop = Shop::of(owner);
    shop.owner.put(&shop.path(&format!("/operators/{}", clerk.id)), json!({})).done();
    shop.paid_by(&payer, "80.00").done();
    let theirs = json!({ "holder": "Clerk", "number": card_number(900_001), "bank": "Harbour Bank" });
    clerk.post(&shop.path("/cards"), theirs).refused(403, "merchant-owner-only");
    let card = shop.link_card(900_002);
    let details = clerk.get(&shop.path("/details")).done();
    assert_eq!((&details["cards"][0]["id"], &details["cards"][0]["bank"]), (&card, &json!("Harbour Bank")));
    assert!(!details.to_string().contains(&card_number(900_002)));

    let body = json!({ "card": card, "amount": yuan("30.00") });
    clerk.post(&shop.path("/withdrawals"), body.clone()).refused(400, "key-required");
    let key = fresh_key();
    let [done, again] = [0, 1].map(|_| clerk.call("POST", &shop.path("/withdrawals"), Some(&body), Some(&key)).done());
    assert_eq!((done["state"].as_str(), &done["id"]), (Some("done"), &again["id"]));
    assert_eq!((shop.balance(), shop.held()), ("50.00".to_owned(), "0.00".to_owned()));
    assert_eq!(shop.statement("")[0], ["withdrawal", "-30.00", "50.00"].map(str::to_owned));
    shop.withdraw(&clerk, &card, "50.01").refused(409, "insufficient-funds");
    shop.withdraw(&stranger, &card, "1.00").refused(403, "not-an-operator");
    let path = shop.path(&format!("/withdrawals/{}", text_at(&done, "id")));
    assert_eq!(clerk.get(&path).done()["purpose"]["paid_out"], yuan("30.00"));
    stranger.get(&path).refused(403, "not-an-operator");
    stranger.get(&format!("/v1/wallet/withdrawals/{}", text_at(&done, "id"))).refused(404, "hold-not-found");

    let cards = house.server.events(&["--type", "merchant.card-linked"]);
    let token = text_at(&cards[0]["payload"], "token");
    let there = house.bank.client().get(&format!("/v1/admin/cards/{token}")).done();
    assert_eq!(there["balance"], yuan("10030.00"));
    shop.owner.delete(&shop.path(&format!("/cards/{}", card.as_str().unwrap()))).done();
    shop.withdraw(&clerk, &card, "1.00").refused(404, "card-not-found");
}

#[test]
fn a_merchants_withdrawal_that_the_bank_refuses_comes_back_and_one_that_it_is_silent_about_is_settled_later() {
    let house = House::open();
    let payer = house.with_money("mei", "400.00");
    let shop = Shop::of(house.server.register("lin"));
    shop.paid_by(&payer, "80.00").done();
    let card = shop.link_card(900_003);
    house.bank.faults("[[rule]]\ndo = 'decline'\non = ['pay_out']\ncode = 'lost-card'\nreason = 'it was lost'\n");
    let refused = shop.withdraw(&shop.owner, &card, "30.00").done();
    assert_eq!((refused["state"].as_str(), &refused["returned"]["code"]), (Some("returned"), &json!("lost-card")));
    assert_eq!((shop.balance(), shop.held()), ("80.00".to_owned(), "0.00".to_owned()));
    assert_eq!(shop.statement("")[0], ["withdrawal_returned", "30.00", "80.00"].map(str::to_owned));
    house.bank.faults("[[rule]]\ndo = 'down'\non = ['pay_out']\n");
    let waiting = shop.withdraw(&shop.owner, &card, "30.00").done();
    assert_eq!(waiting["state"], "waiting");
    assert_eq!((shop.balance(), shop.held()), ("50.00".to_owned(), "30.00".to_owned()));
    house.server.kill();
    house.bank.faults("");
    house.server.start_again();
    until("the withdrawal is settled", || (shop.held() == "0.00").then_some(()));
    assert_eq!(shop.balance(), "50.00");
    assert_eq!(house.server.stop(), Some(0));
    let data = house.server.data().to_string_lossy().into_owned();
    for audit in [["replay", "--compare", "--data", &data].as_slice(), &["verify", "--data", &data]] {
        let _ = teahouse_tests::binary::run(&[&["audit"], audit].concat()).ended_with(0);
    }
}

/// The rows of a bill before its totals, and the totals, without back-ticks.
fn bill(shop: &Shop, date: &str, name: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let reply = shop.owner.get(&shop.path(&format!("/bills/{date}/{name}.csv")));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let text = reply.text();
    let text = text.strip_prefix('\u{feff}').expect("a byte-order mark");
    let lines: Vec<&str> = text.lines().collect();
    let cells = |line: &&str| line.split(',').map(|cell| cell.strip_prefix('`').unwrap().to_owned()).collect();
    let columns = lines[0].split(',').count();
    let rows: Vec<Vec<String>> = lines[1..lines.len() - 2].iter().map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == columns), "{text}");
    (rows, cells(&lines[lines.len() - 1]))
}

fn fen(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

#[test]
fn the_bills_of_a_day_add_up_to_the_ledger() {
    let bank = Sandbox::bank();
    // Days of UTC, whose dates are those of the times in answers.
    let setup = Setup::new().with_bank(&bank).with("TEAHOUSE_POLICY__MONEY__DAY_OFFSET_MINUTES", "0");
    let house = House { server: setup.start(), bank };
    // All of it on one day: it begins at one o'clock in the morning of the next.
    let since_midnight = UNIX_EPOCH.elapsed().unwrap().as_secs() % 86_400;
    house.server.advance(Duration::from_secs(86_400 - since_midnight + 3_600));
    let payer = house.with_money("mei", "400.00");
    let shop = Shop::of(house.server.register("lin"));
    let description = "=1+1,`tea\" for two";
    let body = json!({ "out_trade_no": "T-1", "amount": yuan("30.00"), "description": description });
    let order = text_at(&shop.owner.post(&shop.path("/orders"), body).done(), "id");
    payer.pay_order(&order).done();
    let line = number_at(&shop.paid_by(&payer, "12.50").done(), "position");
    shop.charge(&payer.pay_code(), "T2", "7.07").done();
    shop.refund("R1", &json!({ "out_trade_no": "T-1" }), "4.05").done();
    shop.refund("R2", &json!({ "sale": line }), "12.50").done();
    let paid_at = text_at(&payer.get(&format!("/v1/orders/{order}")).done()["between_them"], "paid_at");
    let date = paid_at.split('T').next().unwrap().to_owned();
    shop.owner.get(&shop.path(&format!("/bills/{date}/trade.csv"))).refused(409, "bill-not-ready");
    payer.get(&shop.path(&format!("/bills/{date}/trade.csv"))).refused(403, "not-an-operator");
    house.server.advance(Duration::from_secs(24 * 3600));

    let (rows, totals) = bill(&shop, &date, "trade");
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.len() == 27));
    assert_eq!(totals, ["5", "49.57", "16.55", "0.00", "0.00000", "49.57", "16.55"]);
    let sold: i64 = rows.iter().map(|row| fen(&row[24])).sum();
    let refunded: i64 = rows.iter().map(|row| fen(&row[25])).sum();
    assert_eq!((sold, refunded), (4957, 1655));
    let kinds: Vec<&str> = rows.iter().map(|row| row[8].as_str()).collect();
    assert_eq!(kinds, ["NATIVE", "STATIC", "MICROPAY", "NATIVE", "STATIC"]);
    assert_eq!((rows[0][6].as_str(), rows[0][9].as_str(), rows[3][15].as_str()), ("T-1", "SUCCESS", "R1"));
    assert_eq!(rows[0][20], "=1+1  tea  for two", "behind a back-tick, and without what would end the cell");
    assert_eq!(rows[4][5], rows[1][5]);

    let (flow, totals) = bill(&shop, &date, "fund-flow");
    assert_eq!(totals, ["5", "3", "49.57", "2", "16.55"]);
    assert!(flow.iter().all(|row| row.len() == 11));
    assert_eq!(flow[4][7], shop.balance());
    let account = format!("Liabilities:Merchant:{}", shop.id.to_uppercase());
    let mut booked = 0;
    for event in house.server.events(&[]) {
        for posting in event["payload"]["entry"]["postings"].as_array().into_iter().flatten() {
            if posting["account"] == account {
                booked -= fen(posting["amount"]["amount"].as_str().or(posting["amount"].as_str()).unwrap());
            }
        }
    }
    assert_eq!(booked, sold - refunded);
    assert_eq!(booked, fen(&shop.balance()));
}

#[test]
fn the_read_models_of_shops_are_rebuilt_to_the_same_rows() {
    let house = House::open();
    let payer = house.with_money("mei", "400.00");
    let shop = Shop::of(house.server.register("lin"));
    let order = text_at(&shop.order("T1", "30.00").done(), "id");
    payer.pay_order(&order).done();
    shop.order("T2", "1.00").done();
    for number in ["T3", "T4"] {
        shop.charge(&payer.pay_code(), number, "7.07").done();
        house.server.advance(Duration::from_secs(61));
    }
    let _ = payer.pay_code();
    shop.refund("R1", &json!({ "out_trade_no": "T1" }), "4.05").done();
    shop.owner.post(&shop.path("/orders/T2/close"), json!({})).done();
    assert_eq!(house.server.stop(), Some(0));
    let data = house.server.data().to_string_lossy().into_owned();
    for audit in [["replay", "--compare", "--data", &data].as_slice(), &["verify", "--data", &data]] {
        let _ = teahouse_tests::binary::run(&[&["audit"], audit].concat()).ended_with(0);
    }
}

/// What a field says of each item of a list.
fn each(list: &[Value], field: &str) -> Vec<String> {
    list.iter().map(|item| text_at(item, field)).collect()
}

#[test]
fn a_merchants_orders_and_refunds_are_listed_by_state_and_time_for_its_people_only() {
    let house = House::open();
    let payer = house.with_money("mei", "400.00");
    let [owner, clerk, stranger] = house.server.people(["lin", "clerk", "stranger"]);
    let (shop, other) = (Shop::of(owner), Shop::of(house.server.register("zhou")));
    shop.owner.put(&shop.path(&format!("/operators/{}", clerk.id)), json!({})).done();
    other.order("T1", "9.00").done();
    let mut orders: Vec<Value> = vec![];
    for number in ["T1", "T2", "T3", "T4", "T5"] {
        orders.push(shop.order(number, "8.00").done());
        house.server.advance(Duration::from_secs(60));
    }
    for order in &orders[..3] {
        payer.pay_order(&text_at(order, "id")).done();
    }
    let line = number_at(&shop.paid_by(&payer, "12.50").done(), "position");
    shop.owner.post(&shop.path("/orders/T4/close"), json!({})).done();
    shop.refund("R1", &json!({ "out_trade_no": "T1" }), "4.05").done();
    shop.refund("R2", &json!({ "sale": line }), "2.00").done();

    let listed = |query: &str| {
        let page = clerk.get(&shop.path(&format!("/orders{query}"))).done();
        let numbers =
            list_at(&page, "orders").iter().map(|order| text_at(&order["between_them"], "out_trade_no")).collect();
        (numbers, page["next"].as_str().map(str::to_owned))
    };
    let numbers = |query: &str| -> Vec<String> { listed(query).0 };
    assert_eq!(listed(""), (vec!["T5", "T4", "T3", "T2", "T1"].into_iter().map(str::to_owned).collect(), None));
    for (state, there) in
        [("NOTPAY", "T5"), ("CLOSED", "T4"), ("SUCCESS", "T3 T2"), ("REFUND", "T1"), ("USERPAYING", "")]
    {
        assert_eq!(numbers(&format!("?state={state}")).join(" "), there, "{state}");
    }
    let created = |n: usize| {
        let order = clerk.get(&shop.path(&format!("/orders/T{n}"))).done();
        text_at(&order["between_them"], "created_at")
    };
    assert_eq!(numbers(&format!("?from={}&to={}", created(2), created(4))), ["T3", "T2"]);
    assert_eq!(numbers(&format!("?from={}&to={}&state=REFUND", created(2), created(4))), Vec::<String>::new());
    assert_eq!(numbers(&format!("?from={}&to={}", created(4), created(2))), Vec::<String>::new());
    let (page, next) = listed("?limit=2");
    let (second, more) = listed(&format!("?limit=2&cursor={}", next.unwrap()));
    let (third, end) = listed(&format!("?limit=2&cursor={}", more.unwrap()));
    assert_eq!(
        (page.join(" "), second.join(" "), third.join(" "), end),
        ("T5 T4".into(), "T3 T2".into(), "T1".into(), None)
    );
    clerk.get(&shop.path("/orders?state=LOST")).refused(400, "invalid-query");
    clerk.get(&shop.path("/orders?cursor=x")).refused(400, "invalid-query");
    clerk.get(&shop.path("/orders?limit=101")).refused(400, "invalid-query");

    let page = clerk.get(&shop.path("/refunds")).done();
    let refunds = list_at(&page, "refunds");
    assert_eq!((each(&refunds, "out_refund_no"), page.get("next")), (vec!["R2".to_owned(), "R1".to_owned()], None));
    assert_eq!((&refunds[0].get("out_trade_no"), &refunds[0]["amount"]), (&None, &yuan("2.00")));
    assert_eq!((&refunds[1]["out_trade_no"], &refunds[1]["reason"]), (&json!("T1"), &json!("cold tea")));
    let page = clerk.get(&shop.path("/refunds?limit=1")).done();
    let rest = clerk.get(&shop.path(&format!("/refunds?limit=1&cursor={}", text_at(&page, "next")))).done();
    assert_eq!((each(&list_at(&rest, "refunds"), "out_refund_no"), rest.get("next")), (vec!["R1".to_owned()], None));
    assert_eq!(clerk.get(&shop.path("/refunds/R1")).done(), refunds[1]);
    clerk.get(&shop.path("/refunds/R3")).refused(404, "refund-not-found");
    assert_eq!(clerk.get(&shop.path(&format!("/refunds?to={}", created(5)))).done()["refunds"], json!([]));

    for path in ["/orders", "/refunds", "/refunds/R1", "/withdrawals"] {
        for outsider in [&stranger, &payer, &other.owner] {
            outsider.get(&shop.path(path)).refused(403, "not-an-operator");
        }
    }
    assert_eq!(clerk.get(&shop.path("/withdrawals")).done(), json!({ "pending": [] }));
    assert_eq!(list_at(&other.owner.get(&other.path("/orders")).done(), "orders").len(), 1);
}
