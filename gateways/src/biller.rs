//! Billers over HTTP.

use async_trait::async_trait;
use commands::gateways::{Bill, BillPayment, Biller, BillerGateway, GatewayError, Outcome};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    http::Connection,
    options::{GatewayOptions, OptionsError},
    wire::{Answer, Order, contradiction, moved, outcome_of},
};

/// One host that speaks for any number of billers.
#[derive(Clone, Debug)]
pub struct HttpBiller {
    connection: Connection,
}

#[derive(Deserialize)]
struct Billers {
    billers: Vec<Biller>,
}

#[derive(Deserialize)]
struct Bills {
    bills: Vec<Bill>,
}

impl HttpBiller {
    /// Billers that are where the options say. Nothing is called yet.
    ///
    /// # Errors
    /// [`OptionsError`]
    pub fn new(options: &GatewayOptions) -> Result<Self, OptionsError> {
        Connection::new(options).map(|connection| Self { connection })
    }
}

#[async_trait]
impl BillerGateway for HttpBiller {
    async fn billers(&self) -> Result<Vec<Biller>, GatewayError> {
        Ok(self.connection.get::<Billers>("/v1/billers".to_owned(), vec![]).await?.billers)
    }

    async fn bills(&self, biller: &str, account: &str) -> Result<Vec<Bill>, GatewayError> {
        let query = vec![("biller", biller.to_owned()), ("account", account.to_owned())];
        let Bills { bills } = self.connection.get("/v1/bills".to_owned(), query).await?;
        let asked_for = |bill: &Bill| bill.biller == biller && bill.account == account && bill.amount.is_positive();
        if bills.iter().all(asked_for) {
            Ok(bills)
        } else {
            Err(contradiction(biller, "a bill of another account, or of nothing"))
        }
    }

    async fn pay(&self, payment: &BillPayment) -> Result<Outcome, GatewayError> {
        let BillPayment { request_id, bill, amount } = payment;
        let order = Order { request_id: *request_id, card_token: None, bill: Some(bill), amount: *amount };
        moved(self.connection.post::<Answer>("/v1/payments", order).await, *request_id, *amount)
    }

    async fn outcome(&self, request_id: Uuid) -> Result<Option<Outcome>, GatewayError> {
        let path = format!("/v1/requests/{request_id}");
        outcome_of(self.connection.get::<Answer>(path, vec![]).await, request_id)
    }
}
