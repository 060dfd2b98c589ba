//! Payments to make: at static codes, and of orders.

use super::{
    client,
    load::Traffic,
    market::{Payer, Shop},
    numbered::{Numbered, PLACE},
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

/// One connection's share of the payments to static codes: payers in turn, each payment with a key of its own.
pub(super) struct Payments {
    requests: Vec<Numbered>,
    turn: usize,
    next: u64,
}

impl Payments {
    /// Shares payers out among connections; shops are shared out among the payers.
    pub(super) fn shared_out(payers: &[Payer], shops: &[Shop], connections: usize) -> Vec<Self> {
        let mut shares: Vec<Self> = (0..connections).map(|_| Self { requests: vec![], turn: 0, next: 0 }).collect();
        for ((payer, shop), number) in payers.iter().zip(shops.iter().cycle()).zip(0..) {
            let path = format!("/v1/merchants/{}/payments", shop.merchant);
            let body = payment_body(&payer.authorization);
            let request = client::post_once(&path, &payer.person.token, &format!("payment {PLACE}"), &body);
            let place: usize = number % connections.max(1);
            if let Some(share) = shares.get_mut(place) {
                share.requests.push(Numbered::new(request));
            }
        }
        shares
    }
}

impl Traffic for Payments {
    fn next(&mut self) -> &[u8] {
        let (turn, number) = (self.turn, self.next);
        self.turn = (turn + 1) % self.requests.len().max(1);
        self.next += 1;
        self.requests.get_mut(turn).map_or(&[], |request| request.with(number))
    }
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
