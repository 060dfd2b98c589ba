//! The adapters of the wallet's gateways against the sandboxes: money moves once, whatever goes wrong on the way.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, atomic::AtomicBool, atomic::Ordering::Relaxed},
    thread,
};

use commands::gateways::{
    BankGateway, BankRequest, BillPayment, BillerGateway, BillerKind, GatewayError, LinkCard, LinkedCard, Outcome,
};
use gateways::{GatewayOptions, HttpBank, HttpBiller};
use ledger::{Currency::CNY, Money};
use serde_json::{Value, json};
use teahouse_tests::{SANDBOX_SECRET, Sandbox, until};
use uuid::Uuid;

/// For calls that are meant to be answered.
const PATIENT_MS: u64 = 60_000;
/// For calls that are meant not to be.
const IMPATIENT_MS: u64 = 300;

fn options(url: &str, timeout_ms: u64) -> GatewayOptions {
    let secret = SANDBOX_SECRET.to_owned().into();
    GatewayOptions { base_url: url.to_owned(), secret, timeout_ms, ..GatewayOptions::default() }
}

fn bank_at(url: &str, timeout_ms: u64) -> HttpBank {
    HttpBank::new(&options(url, timeout_ms)).unwrap()
}

fn yuan(text: &str) -> Money {
    Money::parse(text, CNY).unwrap()
}

fn run<A>(work: impl Future<Output = A>) -> A {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A number of the range in which every number is a card.
fn number(n: u32) -> String {
    let digits = format!("620000{n:09}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn card(n: u32, holder: &str) -> LinkCard {
    let [holder, bank] = [holder, "Harbour Bank"].map(str::to_owned);
    LinkCard { request_id: Uuid::now_v7(), holder, number: number(n), bank }
}

fn link(bank: &HttpBank, n: u32) -> LinkedCard {
    run(bank.link_card(&card(n, "Mei Lin"))).unwrap()
}

fn request(card: &LinkedCard, amount: &str) -> BankRequest {
    BankRequest { request_id: Uuid::now_v7(), card_token: card.token.clone(), amount: yuan(amount) }
}

fn statement(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let reply = sandbox.client().get(&format!("/v1/statement{query}"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a card holds, by its token.
fn balance(sandbox: &Sandbox, card: &LinkedCard) -> String {
    let shown = sandbox.client().get(&format!("/v1/admin/cards/{}", card.token)).done();
    shown["balance"]["amount"].as_str().unwrap().to_owned()
}

#[track_caller]
fn done(outcome: Result<Outcome, GatewayError>) -> String {
    match outcome {
        Ok(Outcome::Done { reference, .. }) => reference,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn declined(outcome: Result<Outcome, GatewayError>) -> String {
    match outcome {
        Ok(Outcome::Declined { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unknown<A: std::fmt::Debug>(outcome: Result<A, GatewayError>) {
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
}

#[test]
fn a_request_made_twice_moves_money_once() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let (top_up, withdrawal) = (request(&card, "500.50"), request(&card, "100.25"));
    let first = run(bank.collect(&top_up)).unwrap();
    let second = run(bank.pay_out(&withdrawal)).unwrap();
    assert_eq!(run(bank.collect(&top_up)), Ok(first.clone()));
    assert_eq!(run(bank.pay_out(&withdrawal)), Ok(second.clone()));
    assert_eq!(run(bank.outcome(top_up.request_id)), Ok(Some(first)));
    assert_eq!(run(bank.outcome(withdrawal.request_id)), Ok(Some(second)));
    assert_eq!(run(bank.outcome(Uuid::now_v7())), Ok(None));
    assert_eq!(balance(&sandbox, &card), "9599.75");

    let lines = statement(&sandbox, "");
    let told: Vec<_> = lines.iter().map(|line| (&line["kind"], &line["amount"], &line["balance"]["amount"])).collect();
    let money = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
    assert_eq!(
        told,
        [
            (&json!("collect"), &money("500.50"), &json!("500.50")),
            (&json!("pay_out"), &money("-100.25"), &json!("400.25")),
        ]
    );
    assert_eq!(lines[0]["request_id"], json!(top_up.request_id));
    let second_at = lines[1]["at"].as_str().unwrap();
    assert_eq!(statement(&sandbox, &format!("?to={second_at}")), lines[..1]);
    assert_eq!(statement(&sandbox, &format!("?from={second_at}")), lines[1..]);
}

#[test]
fn an_id_that_stands_for_another_request_is_never_carried_out() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let first = request(&card, "10.00");
    done(run(bank.collect(&first)));
    unknown(run(bank.collect(&BankRequest { amount: yuan("11.00"), ..first.clone() })));
    unknown(run(bank.pay_out(&first)));
    unknown(run(bank.collect(&BankRequest { request_id: Uuid::now_v7(), amount: yuan("0"), ..first })));
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("9990.00", 1));
}

#[test]
fn what_was_declined_stays_declined_and_moves_nothing() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let stranger = LinkedCard { token: "card_of_nobody".to_owned(), ..card.clone() };
    let too_much = request(&card, "10000.01");
    assert_eq!(declined(run(bank.collect(&too_much))), "insufficient-funds");
    assert_eq!(declined(run(bank.pay_out(&request(&card, "0.01")))), "settlement-short");
    assert_eq!(declined(run(bank.collect(&request(&stranger, "1")))), "unknown-card");
    let dollars = Money::parse("1", ledger::Currency::USD).unwrap();
    assert_eq!(declined(run(bank.collect(&BankRequest { amount: dollars, ..request(&card, "1") }))), "wrong-currency");

    let richer = json!({ "number": number(1), "balance": yuan("20000") });
    sandbox.client().put("/v1/admin/cards", richer).done();
    assert_eq!(declined(run(bank.collect(&too_much))), "insufficient-funds");
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("20000.00", 0));
    done(run(bank.collect(&request(&card, "20000"))));
}

#[test]
fn a_card_is_linked_to_its_holder_only_and_again_with_the_same_token() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let first = card(1, "Mei Lin");
    let linked = run(bank.link_card(&first)).unwrap();
    assert!(number(1).ends_with(&linked.last_four) && linked.holder == "Mei Lin" && linked.bank == "Harbour Bank");
    assert_eq!(run(bank.link_card(&first)), Ok(linked.clone()));
    sandbox.kill();
    sandbox.start_again();
    assert_eq!(run(bank.link_card(&first)), Ok(linked.clone()));
    assert_eq!(run(bank.link_card(&card(1, "mei lin"))).unwrap().token, linked.token);
    sandbox
        .client()
        .put("/v1/admin/cards", json!({ "number": number(2), "holder": "Lin", "balance": yuan("1") }))
        .done();
    let refused = [
        (LinkCard { number: "6200000000000000".to_owned(), ..card(1, "Mei Lin") }, "invalid-number"),
        (LinkCard { number: "4111111111111111".to_owned(), ..card(1, "Mei Lin") }, "unknown-card"),
        (LinkCard { bank: "Hill Bank".to_owned(), ..card(1, "Mei Lin") }, "bank-mismatch"),
        (card(1, "Arjun"), "holder-mismatch"),
        (card(2, "Mei Lin"), "holder-mismatch"),
        (LinkCard { request_id: first.request_id, ..card(3, "Mei Lin") }, "request-reused"),
    ];
    for (request, wanted) in refused {
        let outcome = run(bank.link_card(&request));
        assert!(matches!(&outcome, Err(GatewayError::Refused { code, .. }) if code == wanted), "{wanted}: {outcome:?}");
    }
}

#[test]
fn a_cards_number_is_in_the_banks_own_book_and_nowhere_else() {
    let sandbox = Sandbox::bank();
    let (bank, impatient) = (bank_at(&sandbox.url(), PATIENT_MS), bank_at(&sandbox.url(), IMPATIENT_MS));
    let mut said = vec![format!("{:?}", link(&bank, 1))];
    for rules in [
        "[[rule]]\ndo = 'down'",
        "[[rule]]\ndo = 'decline'",
        "[[rule]]\ndo = 'wrong_id'",
        "[[rule]]\ndo = 'time_out'",
        &format!("[[rule]]\ndo = 'decline'\nreason = 'no: {}'\ncode = 'x{}'", number(1), number(1)),
    ] {
        sandbox.faults(rules);
        said.push(format!("{:?} {0:?}", run(impatient.link_card(&card(1, "Mei Lin"))).unwrap_err()));
    }
    sandbox.faults("");
    let malformed = json!({ "request_id": number(1), "number": [number(1)] });
    said.push(sandbox.client().post("/v1/cards", malformed).refused(400, "invalid-body").to_string());
    said.push(format!("{:?}", run(bank.link_card(&card(1, "Arjun"))).unwrap_err()));
    sandbox.kill();
    said.push(format!("{:?}", run(bank.link_card(&card(1, "Mei Lin"))).unwrap_err()));
    said.push(sandbox.log());
    for text in said {
        assert!(!text.contains(&number(1)), "{text}");
    }
    let mut with_number = vec![];
    for entry in fs::read_dir(sandbox.data()).unwrap() {
        let path = entry.unwrap().path();
        if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(&number(1)) {
            with_number.push(path);
        }
    }
    let book = sandbox.data().join("bank.jsonl");
    assert_eq!(with_number, std::slice::from_ref(&book));
    assert_eq!(fs::metadata(book).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn killed_before_the_answer_the_bank_still_tells_the_outcome() {
    let sandbox = Sandbox::start("bank", "[[rule]]\ndo = 'time_out'\non = ['collect']\nnth = 1");
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let top_up = request(&card, "25.00");
    let asked = ask_and_kill(&sandbox, &bank, &top_up, || statement(&sandbox, "").len() == 1);
    unknown(asked);
    sandbox.faults("");
    let outcome = run(bank.outcome(top_up.request_id)).unwrap().unwrap();
    assert_eq!(run(bank.collect(&top_up)), Ok(outcome.clone()));
    assert_eq!(json!(done(Ok(outcome))), statement(&sandbox, "")[0]["reference"]);
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("9975.00", 1));
}

#[test]
fn killed_before_it_did_anything_the_bank_never_heard_of_the_request() {
    let sandbox = Sandbox::start("bank", "[[rule]]\ndo = 'delay'\nms = 600000\non = ['collect']\namount = '25.00'");
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let top_up = request(&card, "25.00");
    unknown(ask_and_kill(&sandbox, &bank, &top_up, || sandbox.log().contains("a fault strikes")));
    sandbox.faults("");
    assert_eq!(run(bank.outcome(top_up.request_id)), Ok(None));
    assert!(statement(&sandbox, "").is_empty());
    done(run(bank.collect(&top_up)));
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("9975.00", 1));
}

/// Asks, kills the bank when it has got that far, starts it again, and gives what was answered.
fn ask_and_kill(
    sandbox: &Sandbox,
    bank: &HttpBank,
    request: &BankRequest,
    so_far: impl Fn() -> bool,
) -> Result<Outcome, GatewayError> {
    thread::scope(|scope| {
        let asked = scope.spawn(|| run(bank.collect(request)));
        until("the bank has got that far", || so_far().then_some(()));
        sandbox.kill();
        sandbox.start_again();
        asked.join().unwrap()
    })
}

#[test]
fn what_was_answered_before_a_kill_is_known_after_it() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let (card, answered, killed) = (link(&bank, 1), Mutex::new(vec![]), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !killed.load(Relaxed) {
                    let top_up = request(&card, "0.01");
                    if let Ok(outcome) = run(bank.collect(&top_up)) {
                        answered.lock().unwrap().push((top_up.request_id, outcome));
                    }
                }
            });
        }
        until("some requests are answered", || (answered.lock().unwrap().len() > 40).then_some(()));
        sandbox.kill();
        killed.store(true, Relaxed);
    });
    sandbox.start_again();
    let answered = answered.into_inner().unwrap();
    for (id, outcome) in &answered {
        assert_eq!(run(bank.outcome(*id)).as_ref(), Ok(&Some(outcome.clone())));
    }
    let lines = statement(&sandbox, "");
    assert!(lines.len() >= answered.len());
    let left = yuan("10000").checked_sub(Money::from_minor(lines.len().try_into().unwrap(), CNY).unwrap()).unwrap();
    assert_eq!(balance(&sandbox, &card), left.amount().to_string());
}

#[test]
fn what_is_not_on_disk_is_not_answered() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let (card, trace) = (link(&bank, 1), tempfile::NamedTempFile::new().unwrap());
    done(run(bank.collect(&request(&card, "1"))));
    let id = sandbox.process_id();
    let mut strace = Command::new("strace")
        .args(["--follow-forks", "--quiet=attach,exit", "--trace=fdatasync", "--inject=fdatasync:error=EIO"])
        .args(["--attach", &id.to_string(), "--output"])
        .arg(trace.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace must be installed: run tests/run");
    until("strace is attached to every thread", || {
        let traced = format!("TracerPid:\t{}", strace.id());
        let mut threads = fs::read_dir(format!("/proc/{id}/task")).unwrap().map(|thread| thread.unwrap().path());
        let is_traced =
            |path: PathBuf| fs::read_to_string(path.join("status")).is_ok_and(|status| status.contains(&traced));
        threads.all(is_traced).then_some(())
    });
    let top_up = request(&card, "2");
    unknown(run(bank.collect(&top_up)));
    sandbox.kill();
    strace.wait().unwrap();
    sandbox.start_again();
    done(run(bank.collect(&top_up)));
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("9997.00", 2));
}

#[test]
fn a_fault_in_the_answer_leaves_the_outcome_unknown_until_it_is_asked_for() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let impatient = bank_at(&sandbox.url(), IMPATIENT_MS);
    let card = link(&bank, 1);
    done(run(bank.collect(&request(&card, "1"))));
    for (at, fault) in ["time_out", "answer_twice", "wrong_amount", "wrong_id"].into_iter().enumerate() {
        sandbox.faults(&format!("[[rule]]\ndo = '{fault}'\non = ['collect']\ncard = '{}'", card.last_four));
        let top_up = request(&card, "2");
        unknown(run(if fault == "time_out" { &impatient } else { &bank }.collect(&top_up)));
        until("the money is moved all the same", || (statement(&sandbox, "").len() == at + 2).then_some(()));
        let outcome = run(bank.outcome(top_up.request_id)).unwrap().unwrap();
        sandbox.faults("");
        assert_eq!(run(bank.collect(&top_up)), Ok(outcome), "{fault}");
        assert_eq!(statement(&sandbox, "").len(), at + 2, "{fault}");
    }
    assert_eq!(balance(&sandbox, &card), "9991.00");
}

#[test]
fn a_fault_before_anything_is_done_moves_nothing() {
    let sandbox = Sandbox::bank();
    let (bank, impatient) = (bank_at(&sandbox.url(), PATIENT_MS), bank_at(&sandbox.url(), IMPATIENT_MS));
    let card = link(&bank, 1);
    let (shut, slow, refused) = (request(&card, "1"), request(&card, "2"), request(&card, "3"));
    let rules = "[[rule]]\ndo = 'down'\namount = '1.00'\n[[rule]]\ndo = 'delay'\nms = 600000\namount = '2.00'\n\
        [[rule]]\ndo = 'decline'\ncode = 'lost-card'\nreason = 'the card was lost'\namount = '3.00'";
    sandbox.faults(rules);
    unknown(run(bank.collect(&shut)));
    unknown(run(impatient.collect(&slow)));
    assert_eq!(declined(run(bank.collect(&refused))), "lost-card");
    assert_eq!(run(bank.outcome(shut.request_id)), Ok(None));
    assert_eq!(run(bank.outcome(slow.request_id)), Ok(None));
    sandbox.faults("");
    assert!(statement(&sandbox, "").is_empty());
    assert_eq!(declined(run(bank.collect(&refused))), "lost-card");
    done(run(bank.collect(&shut)));
    assert_eq!(balance(&sandbox, &card), "9999.00");
}

#[test]
fn a_late_decision_is_pending_until_it_is_taken() {
    let sandbox = Sandbox::start("bank", "[[rule]]\ndo = 'pending'\nms = 0\non = ['collect']\nnth = 1");
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let soon = request(&card, "1");
    assert_eq!(run(bank.collect(&soon)), Ok(Outcome::Pending));
    sandbox.kill();
    sandbox.start_again();
    let reference = done(run(bank.outcome(soon.request_id)).map(Option::unwrap));
    assert_eq!(done(run(bank.collect(&soon))), reference);
    sandbox.faults("[[rule]]\ndo = 'pending'\nms = 600000");
    let late = request(&card, "2");
    assert_eq!(run(bank.collect(&late)), Ok(Outcome::Pending));
    assert_eq!(run(bank.collect(&late)), Ok(Outcome::Pending));
    assert_eq!((balance(&sandbox, &card).as_str(), statement(&sandbox, "").len()), ("9999.00", 1));
}

#[test]
fn whoever_asks_until_there_is_an_outcome_moves_everything_exactly_once() {
    let rules: String = ["down", "wrong_id", "wrong_amount", "answer_twice", "pending\nms=0", "delay\nms=3"]
        .map(|fault| fault.split_once('\n').unwrap_or((fault, "")))
        .map(|(fault, more)| format!("[[rule]]\ndo = '{fault}'\nrate = 0.15\n{more}\n"))
        .concat();
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let cards = [link(&bank, 1), link(&bank, 2)];
    sandbox.faults(&format!("seed = 5\n{rules}"));
    let moved = Mutex::new(0);
    thread::scope(|scope| {
        for at in 0..6 {
            let (bank, card, moved) = (&bank, &cards[at % 2], &moved);
            scope.spawn(move || {
                for cents in 1..=20 {
                    let amount = Money::from_minor(cents, CNY).unwrap();
                    let top_up = BankRequest { amount, ..request(card, "1") };
                    until("the top-up is done", || match run(bank.collect(&top_up)) {
                        Ok(Outcome::Done { .. }) => Some(()),
                        Ok(Outcome::Pending) | Err(GatewayError::Unknown(_)) => None,
                        other => panic!("{other:?}"),
                    });
                    *moved.lock().unwrap() += cents;
                }
            });
        }
    });
    sandbox.faults("");
    let lines = statement(&sandbox, "");
    let total = Money::from_minor(moved.into_inner().unwrap(), CNY).unwrap();
    assert_eq!(lines.len(), 120);
    assert_eq!(lines[119]["balance"], json!(total));
    let left = cards.map(|card| yuan(&balance(&sandbox, &card)));
    assert_eq!(left[0].checked_add(left[1]).unwrap().checked_add(total).unwrap(), yuan("20000"));
}

#[test]
fn a_bill_is_paid_exactly_and_once() {
    let sandbox = Sandbox::biller();
    let billers = HttpBiller::new(&options(&sandbox.url(), PATIENT_MS)).unwrap();
    let listed = run(billers.billers()).unwrap();
    let kinds: Vec<BillerKind> = listed.iter().map(|biller| biller.kind).collect();
    assert_eq!(kinds, [BillerKind::Electricity, BillerKind::Water, BillerKind::Gas, BillerKind::Phone]);
    for biller in &listed {
        let bills = run(billers.bills(&biller.id, "13800138000")).unwrap();
        assert_eq!(bills.len(), 1, "{biller:?}");
        let bill = &bills[0];
        assert!(bill.holder.starts_with('*') && bill.amount.is_positive());
        let pay = |amount| BillPayment { request_id: Uuid::now_v7(), bill: bill.id.clone(), amount };
        let cent = yuan("0.01");
        for wrong in [bill.amount.checked_add(cent), bill.amount.checked_sub(cent)] {
            assert_eq!(declined(run(billers.pay(&pay(wrong.unwrap())))), "wrong-amount");
        }
        let payment = pay(bill.amount);
        let first = run(billers.pay(&payment)).unwrap();
        assert_eq!(run(billers.pay(&payment)), Ok(first.clone()));
        assert_eq!(run(billers.outcome(payment.request_id)), Ok(Some(first)));
        assert_eq!(declined(run(billers.pay(&pay(bill.amount)))), "already-paid");
        assert_eq!(run(billers.bills(&biller.id, "13800138000")), Ok(vec![]));
    }
    assert_eq!(statement(&sandbox, "").len(), 4);
    let nothing = BillPayment { request_id: Uuid::now_v7(), bill: "no.such.bill".to_owned(), amount: yuan("1") };
    assert_eq!(declined(run(billers.pay(&nothing))), "unknown-bill");
    for (biller, account, wanted) in
        [("nobody", "13800138000", "unknown-biller"), (listed[0].id.as_str(), "12 &=#", "unknown-account")]
    {
        let outcome = run(billers.bills(biller, account));
        assert!(matches!(&outcome, Err(GatewayError::Refused { code, .. }) if code == wanted), "{outcome:?}");
    }
}

#[test]
fn a_billers_faults_are_seen_through_and_a_bill_is_paid_once_all_the_same() {
    let sandbox = Sandbox::biller();
    let patient = HttpBiller::new(&options(&sandbox.url(), PATIENT_MS)).unwrap();
    let impatient = HttpBiller::new(&options(&sandbox.url(), IMPATIENT_MS)).unwrap();
    let faults = ["time_out", "wrong_amount", "wrong_id", "answer_twice", "down"];
    for (at, fault) in faults.into_iter().enumerate() {
        let account = format!("{:08}", 10_000_000 + at);
        let bill = run(patient.bills("hearth-gas", &account)).unwrap().remove(0);
        let payment = BillPayment { request_id: Uuid::now_v7(), bill: bill.id, amount: bill.amount };
        sandbox.faults(&format!("[[rule]]\ndo = '{fault}'\non = ['pay']\naccount = '{account}'"));
        let client = if fault == "time_out" { &impatient } else { &patient };
        unknown(run(client.pay(&payment)));
        let paid = at + usize::from(fault != "down");
        until("it is done as far as it will be", || (statement(&sandbox, "").len() == paid).then_some(()));
        sandbox.kill();
        sandbox.start_again();
        let known = run(patient.outcome(payment.request_id)).unwrap();
        assert_eq!(known.is_some(), fault != "down", "{fault}");
        done(run(patient.pay(&payment)));
        assert_eq!(statement(&sandbox, "").len(), at + 1, "{fault}");
    }
    sandbox.faults("[[rule]]\ndo = 'wrong_id'\non = ['bills']");
    unknown(run(patient.bills("hearth-gas", "20000000")));
}

#[test]
fn out_of_reach_is_surely_not_carried_out_and_a_wrong_secret_opens_nothing() {
    let sandbox = Sandbox::bank();
    let bank = bank_at(&sandbox.url(), PATIENT_MS);
    let card = link(&bank, 1);
    let secret = "some-other-secret".to_owned().into();
    let stranger = HttpBank::new(&GatewayOptions { secret, ..options(&sandbox.url(), PATIENT_MS) }).unwrap();
    unknown(run(stranger.collect(&request(&card, "1"))));
    unknown(run(stranger.outcome(Uuid::now_v7())));
    for path in ["/v1/statement", "/v1/admin/faults", "/nowhere"] {
        sandbox.client().anonymous().get(path).refused(401, "not-admitted");
    }
    sandbox.kill();
    let outcome = run(bank.collect(&request(&card, "1")));
    assert!(matches!(outcome, Err(GatewayError::Unavailable(_))), "{outcome:?}");
    sandbox.start_again();
    assert!(statement(&sandbox, "").is_empty());
}
