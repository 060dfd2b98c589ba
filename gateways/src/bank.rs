//! A bank over HTTP.

use async_trait::async_trait;
use commands::gateways::{BankGateway, BankRequest, GatewayError, LinkCard, LinkedCard, Outcome};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    http::Connection,
    options::{GatewayOptions, OptionsError},
    wire::{Answer, Order, contradiction, moved, outcome_of},
};

/// Longest token and name that are taken from a bank, in bytes.
const TEXT_BYTES: usize = 200;

/// A bank over HTTP.
#[derive(Clone, Debug)]
pub struct HttpBank {
    connection: Connection,
}

#[derive(Serialize)]
struct Card<'a> {
    request_id: Uuid,
    holder: &'a str,
    number: &'a str,
    bank: &'a str,
}

#[derive(Deserialize)]
struct Linked {
    request_id: Uuid,
    token: String,
    last_four: String,
    bank: String,
    holder: String,
}

impl HttpBank {
    /// A bank that is where the options say. Nothing is called yet.
    ///
    /// # Errors
    /// [`OptionsError`]
    pub fn new(options: &GatewayOptions) -> Result<Self, OptionsError> {
        Connection::new(options).map(|connection| Self { connection })
    }

    async fn order(&self, path: &'static str, request: &BankRequest) -> Result<Outcome, GatewayError> {
        let BankRequest { request_id, card_token, amount } = request;
        let order = Order { request_id: *request_id, card_token: Some(card_token), bill: None, amount: *amount };
        moved(self.connection.post::<Answer>(path, order).await, *request_id, *amount)
    }
}

#[async_trait]
impl BankGateway for HttpBank {
    async fn link_card(&self, request: &LinkCard) -> Result<LinkedCard, GatewayError> {
        let LinkCard { request_id, holder, number, bank } = request;
        let card = Card { request_id: *request_id, holder, number, bank };
        match self.connection.post::<Linked>("/v1/cards", card).await {
            Ok(linked) => linked.to(request),
            Err(GatewayError::Refused { code, reason }) if !shows(&code, number) && !shows(&reason, number) => {
                Err(GatewayError::Refused { code, reason })
            }
            Err(GatewayError::Refused { .. }) => {
                let (code, reason) = ("refused".to_owned(), "the bank does not take the card".to_owned());
                Err(GatewayError::Refused { code, reason })
            }
            Err(error) => Err(error),
        }
    }

    async fn collect(&self, request: &BankRequest) -> Result<Outcome, GatewayError> {
        self.order("/v1/collections", request).await
    }

    async fn pay_out(&self, request: &BankRequest) -> Result<Outcome, GatewayError> {
        self.order("/v1/payouts", request).await
    }

    async fn outcome(&self, request_id: Uuid) -> Result<Option<Outcome>, GatewayError> {
        let path = format!("/v1/requests/{request_id}");
        outcome_of(self.connection.get::<Answer>(path, vec![]).await, request_id)
    }
}

impl Linked {
    /// The card, if this answers that request and gives nothing away.
    fn to(self, request: &LinkCard) -> Result<LinkedCard, GatewayError> {
        let Self { request_id, token, last_four, bank, holder } = self;
        let wrong = |what| Err(contradiction(request.request_id, what));
        if request_id != request.request_id {
            return wrong("the answer is to another request");
        }
        if last_four.len() != 4 || !request.number.ends_with(&last_four) || bank != request.bank {
            return wrong("the answer is about another card");
        }
        let plain = |text: &str| (1..=TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if !plain(&token) || !plain(&holder) {
            return wrong("a token or a name is missing or far too long");
        }
        if shows(&token, &request.number) || shows(&holder, &request.number) {
            return wrong("the answer has us store the card's number");
        }
        Ok(LinkedCard { token, last_four, bank, holder })
    }
}

/// Whether a text gives a card's number away, also with spaces or dashes in it.
fn shows(text: &str, number: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    !number.is_empty() && digits.contains(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "6200000000000005";

    fn request() -> LinkCard {
        let (holder, bank) = ("Mei Lin".to_owned(), "Harbour".to_owned());
        LinkCard { request_id: Uuid::from_u128(7), holder, number: NUMBER.to_owned(), bank }
    }

    fn linked(token: &str, last_four: &str, bank: &str, id: u128) -> Result<LinkedCard, GatewayError> {
        let [token, last_four, bank, holder] = [token, last_four, bank, "Mei Lin"].map(str::to_owned);
        Linked { request_id: Uuid::from_u128(id), token, last_four, bank, holder }.to(&request())
    }

    #[test]
    fn an_answer_about_another_card_or_request_is_not_believed() {
        assert_eq!(linked("t", "0005", "Harbour", 7).unwrap().token, "t");
        for (last_four, bank, id) in
            [("0004", "Harbour", 7), ("0005", "Hill", 7), ("0005", "Harbour", 8), ("5", "Harbour", 7)]
        {
            assert!(
                matches!(linked("t", last_four, bank, id), Err(GatewayError::Unknown(_))),
                "{last_four} {bank} {id}"
            );
        }
    }

    #[test]
    fn a_token_that_holds_the_cards_number_is_not_taken() {
        for token in [NUMBER, "card-6200000000000005", "6200 0000 0000 0005", ""] {
            let error = linked(token, "0005", "Harbour", 7).unwrap_err();
            assert!(!shows(&error.to_string(), NUMBER));
        }
    }
}
