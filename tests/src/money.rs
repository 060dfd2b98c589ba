//! Money in tests: wallets with a bank behind them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::{Person, Reply, SANDBOX_SECRET, Sandbox, Setup};

/// The PIN of everybody whose wallet is opened here.
pub const PIN: &str = "135790";

impl Setup {
    /// With a bank.
    #[must_use]
    pub fn with_bank(self, bank: &Sandbox) -> Self {
        self.with("TEAHOUSE_BANK__BASE_URL", &bank.url()).with("TEAHOUSE_BANK__SECRET", SANDBOX_SECRET)
    }

    /// With billers.
    #[must_use]
    pub fn with_billers(self, billers: &Sandbox) -> Self {
        self.with("TEAHOUSE_BILLER__BASE_URL", &billers.url()).with("TEAHOUSE_BILLER__SECRET", SANDBOX_SECRET)
    }
}

/// An amount as JSON.
#[must_use]
pub fn yuan(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// A key that nobody has used yet.
#[must_use]
pub fn fresh_key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A number of the range in which the sandbox bank knows every number as a card with 10,000.00 on it.
#[must_use]
pub fn card_number(n: u64) -> String {
    let digits = format!("620000{n:09}");
    let doubled = |at: usize, digit: u64| if at.is_multiple_of(2) { digit * 2 } else { digit };
    let sum: u64 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| doubled(at, u64::from(digit - b'0')))
        .map(|digit| digit / 10 + digit % 10)
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

impl Person {
    /// Asks for something that moves money, under a key of its own.
    #[track_caller]
    pub fn ask_once(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(&body), Some(&fresh_key()))
    }

    /// Opens the wallet.
    #[track_caller]
    pub fn open_wallet(&self) {
        self.post("/v1/wallet", json!({ "pin": PIN })).done();
    }

    /// Links the card of that number; gives its id.
    #[track_caller]
    pub fn link_card(&self, n: u64) -> Value {
        let card =
            json!({ "holder": format!("Holder {}", self.handle), "number": card_number(n), "bank": "Harbour Bank" });
        self.post("/v1/wallet/cards", card).done()["card"].clone()
    }

    /// Opens the wallet, links a card that nobody else has and fetches money from it; gives the card.
    #[track_caller]
    pub fn with_money(&self, amount: &str) -> Value {
        static CARDS: AtomicU64 = AtomicU64::new(1);
        self.open_wallet();
        let card = self.link_card(CARDS.fetch_add(1, Ordering::Relaxed));
        let top_up = json!({ "card": card, "amount": yuan(amount) });
        assert_eq!(self.ask_once("/v1/wallet/top-ups", top_up).done()["state"], "done");
        card
    }

    /// Proves the PIN for one payment.
    #[track_caller]
    pub fn authorized(&self) -> Value {
        self.post("/v1/wallet/authorizations", json!({ "pin": PIN })).done()["authorization"].clone()
    }

    /// Proves the PIN for several payments up to a sum.
    #[track_caller]
    pub fn authorized_up_to(&self, amount: &str) -> Value {
        let body = json!({ "pin": PIN, "up_to": yuan(amount) });
        self.post("/v1/wallet/authorizations", body).done()["authorization"].clone()
    }

    /// What can be spent.
    #[track_caller]
    #[must_use]
    pub fn available(&self) -> String {
        self.get("/v1/wallet").done()["available"]["amount"].as_str().unwrap_or_default().to_owned()
    }

    /// What is on its way.
    #[track_caller]
    #[must_use]
    pub fn held(&self) -> String {
        self.get("/v1/wallet").done()["held"]["amount"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends money to the friend of a conversation.
    #[track_caller]
    pub fn transfer(&self, conversation: &str, amount: &str) -> Reply {
        let body = json!({ "amount": yuan(amount), "note": "for tea", "authorization": self.authorized() });
        self.ask_once(&format!("/v1/conversations/{conversation}/transfers"), body)
    }

    /// Puts a red packet into a conversation.
    #[track_caller]
    pub fn red_packet(&self, conversation: &str, packet: Value, shares: u32, amount: &str) -> Reply {
        let body =
            json!({ "packet": packet, "shares": shares, "amount": yuan(amount), "authorization": self.authorized() });
        self.ask_once(&format!("/v1/conversations/{conversation}/red-packets"), body)
    }

    /// The statement's lines: kind, amount, balance.
    #[track_caller]
    #[must_use]
    pub fn statement(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let page = self.get("/v1/wallet/statement?limit=200").done();
        let lines = page["lines"].as_array().cloned().unwrap_or_default();
        let told =
            |line: &Value| (text(&line["kind"]), text(&line["amount"]["amount"]), text(&line["balance"]["amount"]));
        lines.iter().map(told).collect()
    }
}
