//! Payments to make: at static codes, and of orders.

use super::{
    client,
    load::Traffic,
    market::{Payer, Shop},
    numbered::{Numbered, PLACE, Series},
};

/// The smallest coin, as a body's field.
const AMOUNT: &str = r#""amount":{"amount":"0.01","currency":"CNY"}"#;
/// Length of an id as text.
const ID: usize = 36;

/// A body as long as those of payments, for the ceiling.
pub(super) fn sample_body() -> String {
    payment_body(&uuid::Uuid::nil())
}

fn payment_body(authorization: &uuid::Uuid) -> String {
    format!(r#"{{{AMOUNT},"authorization":"{authorization}"}}"#)
}

/// Payments to static codes, each with a key of its own. Payers are shared out among connections, shops among the payers.
pub(super) fn of_codes(payers: &[Payer], shops: &[Shop], connections: usize) -> Vec<Series> {
    let request = |((payer, shop), number): ((&Payer, &Shop), usize)| {
        let path = format!("/v1/merchants/{}/payments", shop.merchant);
        let body = payment_body(&payer.authorization);
        let bytes = client::post_once(&path, &payer.person.token, &format!("payment {PLACE}"), &body);
        (number, Numbered::new(bytes))
    };
    Series::shared_out(payers.iter().zip(shops.iter().cycle()).zip(0..).map(request), connections, 0)
}

/// One connection's share of the orders: a shop's owner creates one, a payer pays it, and so on.
pub(super) struct Orders {
    creating: Vec<Numbered>,
    payers: Vec<Payer>,
    /// What is to be paid next.
    created: Option<String>,
    request: Vec<u8>,
    next: u64,
    step: u64,
}

impl Orders {
    /// Shares payers and shops out among connections.
    pub(super) fn shared_out(payers: &[Payer], shops: &[Shop], connections: usize) -> Vec<Self> {
        let mine = |first: usize| {
            let creating = shops.iter().map(creating).collect();
            let payers = payers.iter().skip(first).step_by(connections).cloned().collect();
            let (next, step) = (first as u64, connections as u64);
            Self { creating, payers, created: None, request: vec![], next, step }
        };
        (0..connections).map(mine).collect()
    }
}

/// The request that creates an order of a shop.
fn creating(shop: &Shop) -> Numbered {
    let path = format!("/v1/merchants/{}/orders", shop.merchant);
    let body = format!(r#"{{"out_trade_no":"{PLACE}",{AMOUNT},"description":"A pot of tea"}}"#);
    Numbered::new(client::post(&path, &shop.owner.token, &body))
}

impl Traffic for Orders {
    fn next(&mut self) -> &[u8] {
        let number = self.next;
        let Some(order) = self.created.take() else {
            let shop = (number % self.creating.len().max(1) as u64) as usize;
            return self.creating.get_mut(shop).map_or(&[], |request| request.with(number));
        };
        self.next += self.step;
        let payer = (number / self.step % self.payers.len().max(1) as u64) as usize;
        if let Some(Payer { person, authorization }) = self.payers.get(payer) {
            let (path, key) = (format!("/v1/orders/{order}/payments"), format!("order {number}"));
            let body = format!(r#"{{"authorization":"{authorization}"}}"#);
            self.request = client::post_once(&path, &person.token, &key, &body);
        }
        &self.request
    }

    fn done_with(&mut self, answer: &[u8]) -> bool {
        self.created = std::str::from_utf8(answer).ok().and_then(order_in);
        self.created.is_none()
    }
}

/// The id of the order that an answer shows; none in the answer to a payment.
fn order_in(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once(r#"{"id":""#)?;
    rest.get(..ID).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_done_once_it_was_created_and_paid() {
        let mut orders = Orders { creating: vec![], payers: vec![], created: None, request: vec![], next: 0, step: 1 };
        let order = "0199c0de-0000-7000-8000-000000000001";
        assert!(!orders.done_with(format!(r#"{{"id":"{order}","merchant":"m"}}"#).as_bytes()));
        assert_eq!(orders.created.as_deref(), Some(order));
        assert!(orders.done_with(br#"{"payment":"p","position":7}"#));
    }
}
