//! Merchants in tests: what their owners do, and how they are paid.

use serde_json::{Value, json};

use crate::{
    Person, Reply,
    money::{card_number, yuan},
    people::{list_at, text_at},
};

/// A merchant and its owner.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Whose it is.
    pub owner: Person,
    /// Its id.
    pub id: String,
}

impl Shop {
    /// Has somebody open one.
    #[track_caller]
    #[must_use]
    pub fn of(owner: Person) -> Self {
        let id = text_at(&owner.post("/v1/merchants", json!({ "name": "Tea Stall" })).done(), "merchant");
        Self { owner, id }
    }

    /// The path of something of it.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/merchants/{}{rest}", self.id)
    }

    /// Somebody pays at its static code.
    #[track_caller]
    pub fn paid_by(&self, payer: &Person, amount: &str) -> Reply {
        let body = json!({ "amount": yuan(amount), "note": "two cups", "authorization": payer.authorized() });
        payer.ask_once(&self.path("/payments"), body)
    }

    /// What it has.
    #[track_caller]
    #[must_use]
    pub fn balance(&self) -> String {
        text_at(&self.owner.get(&self.path("/balance")).done()["available"], "amount")
    }

    /// What is on its way to a card.
    #[track_caller]
    #[must_use]
    pub fn held(&self) -> String {
        text_at(&self.owner.get(&self.path("/balance")).done()["held"], "amount")
    }

    /// Kind, amount and balance of each line of the statement, the latest first.
    #[track_caller]
    #[must_use]
    pub fn statement(&self, query: &str) -> Vec<[String; 3]> {
        let page = self.owner.get(&self.path(&format!("/statement{query}"))).done();
        let told = |line: &Value| {
            [text_at(line, "kind"), text_at(&line["amount"], "amount"), text_at(&line["balance"], "amount")]
        };
        list_at(&page, "lines").iter().map(told).collect()
    }

    /// Creates an order with that number.
    #[track_caller]
    pub fn order(&self, number: &str, amount: &str) -> Reply {
        let body = json!({ "out_trade_no": number, "amount": yuan(amount), "description": "a pot of tea" });
        self.owner.post(&self.path("/orders"), body)
    }

    /// How the order with that number stands.
    #[track_caller]
    #[must_use]
    pub fn state(&self, number: &str) -> String {
        text_at(&self.owner.get(&self.path(&format!("/orders/{number}"))).done(), "state")
    }

    /// Gives money back: of an order, as `{"out_trade_no": ...}`, or of a sale, as `{"sale": ...}`.
    ///
    /// # Panics
    /// When `of` is no object.
    #[track_caller]
    pub fn refund(&self, number: &str, of: &Value, amount: &str) -> Reply {
        let mut body = json!({ "out_refund_no": number, "amount": yuan(amount), "reason": "cold tea" });
        for (field, value) in of.as_object().expect("an object") {
            body[field] = value.clone();
        }
        self.owner.ask_once(&self.path("/refunds"), body)
    }

    /// Reads a code that a payer shows.
    #[track_caller]
    pub fn charge(&self, code: &str, number: &str, amount: &str) -> Reply {
        let body =
            json!({ "auth_code": code, "out_trade_no": number, "amount": yuan(amount), "description": "a pot of tea" });
        self.owner.ask_once(&self.path("/code-payments"), body)
    }

    /// Links the card of that number; gives its id.
    #[track_caller]
    pub fn link_card(&self, n: u64) -> Value {
        let card = json!({ "holder": "Lin of the Tea Stall", "number": card_number(n), "bank": "Harbour Bank" });
        self.owner.post(&self.path("/cards"), card).done()["card"].clone()
    }

    /// Somebody who acts for it sends money to a card.
    #[track_caller]
    pub fn withdraw(&self, by: &Person, card: &Value, amount: &str) -> Reply {
        by.ask_once(&self.path("/withdrawals"), json!({ "card": card, "amount": yuan(amount) }))
    }
}

impl Person {
    /// Pays an order.
    #[track_caller]
    pub fn pay_order(&self, order: &str) -> Reply {
        self.ask_once(&format!("/v1/orders/{order}/payments"), json!({ "authorization": self.authorized() }))
    }

    /// A code to show at the counter.
    ///
    /// # Panics
    /// When it does not look like one.
    #[track_caller]
    #[must_use]
    pub fn pay_code(&self) -> String {
        let code = text_at(&self.post("/v1/wallet/pay-codes", json!({})).done(), "code");
        assert!(code.len() == 18 && ("10"..="14").contains(&code.split_at(2).0), "{code}");
        code
    }
}
