//! The auditor of money, outside: books that other tools check, and the bank's own statement.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use commands::gateways::{BankGateway, BankRequest, LinkCard};
use gateways::{GatewayOptions, HttpBank};
use ledger::{Currency::CNY, Money, export::Dialect};
use serde_json::{Value, json};
use teahouse_tests::{OPERATOR_TOKEN, SANDBOX_SECRET, Sandbox, Server, Setup, Shop, befriend, binary, people::text_at};
use tempfile::TempDir;
use uuid::Uuid;

const DIALECTS: [(&str, Dialect); 3] =
    [("beancount", Dialect::Beancount), ("hledger", Dialect::Hledger), ("ledger", Dialect::Ledger)];

/// A server on which something has happened.
fn server() -> Server {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    mei.say(&talk, "shall we settle the bill?");
    server
}

fn audit(server: &Server, arguments: &[&str]) -> binary::Ran {
    let url = server.url();
    binary::run(&[&["audit"], arguments, &["--server", &url, "--token", OPERATOR_TOKEN]].concat())
}

/// Whether a command in a directory ends well. Tools of beancount are those that `tests/run` installs, where it has.
fn ends_well(dir: &Path, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap();
    let installed = binary::workspace().join("target/test-tools/bin").join(name);
    let tool = if installed.is_file() { installed } else { PathBuf::from(name) };
    let output = Command::new(tool).args(words).env("BEANCOUNT_DISABLE_LOAD_CACHE", "1").current_dir(dir).output();
    output.unwrap_or_else(|error| panic!("{line}: {error}; tests/run installs it")).status.success()
}

#[test]
fn the_books_of_a_server_are_taken_by_each_tool_and_are_those_that_were_written() {
    let server = server();
    for (format, dialect) in DIALECTS {
        let home = TempDir::new().unwrap();
        let out = home.path().join("books");
        let shown = out.display().to_string();
        let _ = audit(&server, &["export-books", "--format", format, "--out", &shown]).ended_with(0);
        for book in ["book", "control"] {
            assert!(ends_well(&out, &dialect.check(&format!("{book}.{}", dialect.extension()))), "{format}: {book}");
        }
        // The README's own commands.
        let readme = fs::read_to_string(out.join("README.md")).unwrap();
        let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        assert!(commands.contains(&dialect.check(&format!("book.{}", dialect.extension())).as_str()), "{readme}");
        assert!(commands.contains(&"sha256sum --check --quiet SHA256SUMS"), "{readme}");
        assert!(ends_well(&out, "sha256sum --check --quiet SHA256SUMS"));
        let accounts = out.join(format!("accounts.{}", dialect.extension()));
        let mut text = fs::read_to_string(&accounts).unwrap();
        text.push('\n');
        fs::write(&accounts, text).unwrap();
        assert!(!ends_well(&out, "sha256sum --check --quiet SHA256SUMS"), "a changed file goes unnoticed");
        // Nothing is written over.
        let again = audit(&server, &["export-books", "--format", format, "--out", &shown]).ended_with(2);
        assert!(again.err.contains("is not empty"), "{}", again.err);
    }
}

#[test]
fn the_sums_of_a_running_server_are_had_through_the_operators_endpoint() {
    let server = server();
    let balanced = audit(&server, &["trial-balance"]).ended_with(0);
    assert!(balanced.out.contains("the sides are equal"), "{}", balanced.out);
    let json = audit(&server, &["trial-balance", "--format", "json"]).ended_with(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert!(json["balanced"].as_bool().unwrap() && json["position"].as_u64().unwrap() > 0, "{json}");
    let _ = audit(&server, &["holds"]).ended_with(0);
    let statement = audit(&server, &["account", "Assets:Bank:Settlement", "--format", "camt053"]).ended_with(0);
    assert!(statement.out.contains("urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"), "{}", statement.out);
    let refused = audit(&server, &["account", "Assets:Purse"]).ended_with(2);
    assert!(refused.err.contains("no such account"), "{}", refused.err);
}

/// The schema of statements that ISO 20022 publishes, which `tests/run` installs.
fn schema() -> PathBuf {
    let libraries = binary::workspace().join("target/test-tools/lib");
    let there = fs::read_dir(&libraries).unwrap_or_else(|error| panic!("{}: {error}", libraries.display()));
    let packages = there.map(|entry| entry.unwrap().path().join("site-packages/camt053/xsd/camt.053.001.08.xsd"));
    packages.into_iter().find(|path| path.is_file()).expect("tests/run installs it")
}

#[test]
fn statements_keep_to_the_schema_that_is_published_for_them() {
    let bank = Sandbox::bank();
    let server = Setup::new().with_bank(&bank).start();
    let [ann, bo] = server.people(["ann", "bo"]);
    let talk = befriend(&ann, &bo);
    ann.with_money("100.00");
    ann.transfer(&talk, "1.00").done();
    let transfer = text_at(&ann.transfer(&talk, "2.00").done(), "id");
    bo.open_wallet();
    bo.ask_once(&format!("/v1/transfers/{transfer}/accept"), json!({})).done();
    let shop = Shop::of(server.register("lin"));
    shop.paid_by(&ann, "12.50").done();

    let (home, schema) = (TempDir::new().unwrap(), schema());
    let is_valid = |message: &str| {
        fs::write(home.path().join("statement.xml"), message).unwrap();
        ends_well(home.path(), &format!("xmlschema-validate --schema {} statement.xml", schema.display()))
    };
    let accounts = [
        "Assets:Bank:Settlement".to_owned(),
        format!("Liabilities:Wallet:{}", ann.id.to_uppercase()),
        format!("Liabilities:Merchant:{}", shop.id.to_uppercase()),
        format!("Liabilities:Hold:Transfer:{}", transfer.to_uppercase()),
    ];
    for account in &accounts {
        let message = audit(&server, &["account", account, "--format", "camt053"]).ended_with(0).out;
        assert!(message.contains("<Ntry>") && is_valid(&message), "{account}: {message}");
        assert!(!is_valid(&message.replacen("<Cd>BOOK</Cd>", "", 1)), "a spoiled statement is found");
        assert!(!is_valid(&message.replacen("Ccy=", "Currency=", 1)), "a spoiled statement is found");
    }
}

#[test]
fn what_only_the_bank_knows_of_is_missing_here() {
    let (server, sandbox, home) = (server(), Sandbox::bank(), TempDir::new().unwrap());
    let file = home.path().join("statement.jsonl");
    let shown = file.display().to_string();
    let reconcile = || {
        fs::write(&file, sandbox.client().get("/v1/statement").text()).unwrap();
        audit(&server, &["reconcile", "--bank", &shown])
    };
    let agreed = reconcile().ended_with(0);
    assert!(agreed.out.contains("matched: 0, differences: 0"), "{}", agreed.out);

    // Somebody collects in our name, behind the server's back.
    let secret = SANDBOX_SECRET.to_owned().into();
    let bank = HttpBank::new(&GatewayOptions { base_url: sandbox.url(), secret, ..GatewayOptions::default() }).unwrap();
    let [holder, number, bank_name] = ["Mei Lin", "6200000000000000", "Harbour Bank"].map(str::to_owned);
    let request_id = Uuid::now_v7();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let link = LinkCard { request_id: Uuid::now_v7(), holder, number: luhn(&number), bank: bank_name };
        let card_token = bank.link_card(&link).await.unwrap().token;
        let amount = Money::parse("12.34", CNY).unwrap();
        bank.collect(&BankRequest { request_id, card_token, amount }).await.unwrap();
    });
    let differs = reconcile().ended_with(1);
    assert!(differs.out.contains("missing here") && differs.out.contains("12.34"), "{}", differs.out);
    assert!(differs.out.contains(&request_id.to_string()), "{}", differs.out);
    assert!(differs.out.contains("matched: 0, differences: 1"), "{}", differs.out);
}

#[test]
fn money_that_people_moved_is_in_books_with_which_every_tool_and_the_bank_agree() {
    let (sandbox, home) = (Sandbox::bank(), TempDir::new().unwrap());
    let server = Setup::new()
        .with("TEAHOUSE_BANK__BASE_URL", &sandbox.url())
        .with("TEAHOUSE_BANK__SECRET", SANDBOX_SECRET)
        .start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    // Where money moves, every request has a key.
    let paid = |path: &str, body: Value| mei.call("POST", path, Some(&body), Some(&Uuid::now_v7().to_string())).done();
    let yuan = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
    for person in [&mei, &lin] {
        let _ = person.post("/v1/wallet", json!({ "pin": "395817" })).done();
    }
    let number = luhn("6200000000000000");
    let linked =
        mei.post("/v1/wallet/cards", json!({ "holder": "Mei Lin", "number": number, "bank": "Harbour Bank" })).done();
    let card = text_at(&linked, "card");
    let topped_up = paid("/v1/wallet/top-ups", json!({ "card": card, "amount": yuan("500.50") }));
    assert_eq!(topped_up["state"], "done", "{topped_up}");
    let proved = || text_at(&mei.post("/v1/wallet/authorizations", json!({ "pin": "395817" })).done(), "authorization");
    let transfer = json!({ "amount": yuan("20.25"), "authorization": proved() });
    let _ = paid(&format!("/v1/conversations/{talk}/transfers"), transfer);
    let withdrawal = json!({ "card": card, "amount": yuan("50.00"), "authorization": proved() });
    let _ = paid("/v1/wallet/withdrawals", withdrawal);

    let verified = audit(&server, &["verify"]).ended_with(0);
    assert!(verified.out.contains("with 4 journal entries"), "{}", verified.out);
    // The transfer waits for its friend.
    let holds = audit(&server, &["holds"]).ended_with(0);
    assert!(holds.out.contains("Liabilities:Hold:Transfer:") && holds.out.contains("1 open holds"), "{}", holds.out);
    let json = audit(&server, &["trial-balance", "--format", "json"]).ended_with(0).out;
    let trial: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(trial["totals"], json!([{ "debit": yuan("450.50"), "credit": yuan("450.50") }]));
    let account = format!("Liabilities:Wallet:{}", mei.id.to_uppercase());
    let statement = audit(&server, &["account", &account, "--format", "csv"]).ended_with(0).out;
    assert!(statement.ends_with(",,,closing-balance,,430.25,CNY,,,,\n"), "{statement}");
    for (format, dialect) in DIALECTS {
        let out = home.path().join(format);
        let _ =
            audit(&server, &["export-books", "--format", format, "--out", &out.display().to_string()]).ended_with(0);
        for book in ["book", "control"] {
            assert!(ends_well(&out, &dialect.check(&format!("{book}.{}", dialect.extension()))), "{format}: {book}");
        }
    }
    let file = home.path().join("statement.jsonl");
    fs::write(&file, sandbox.client().get("/v1/statement").text()).unwrap();
    let reconciled = audit(&server, &["reconcile", "--bank", &file.display().to_string()]).ended_with(0);
    assert!(reconciled.out.contains("matched: 2, differences: 0"), "{}", reconciled.out);
    fs::write(&file, "").unwrap();
    let lost = audit(&server, &["reconcile", "--bank", &file.display().to_string()]).ended_with(1);
    assert_eq!(lost.out.matches("missing there").count(), 2, "{}", lost.out);
}

/// A card's number with the last digit that makes it one.
fn luhn(number: &str) -> String {
    let body = &number[..number.len() - 1];
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 })
        .map(|digit| digit / 10 + digit % 10)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
