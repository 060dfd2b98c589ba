//! The billers' HTTP interface.

use actix_web::{
    http::StatusCode,
    web::{self, Data, Json, Query, ServiceConfig},
};
use api::problem::Problem;
use chrono::Utc;
use commands::gateways::{Bill, Biller};
use ledger::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    bills::{self, NoBills},
    counter::{Answer, Operation, Order},
    desk::{Desk, another_amount, at_counter, take},
    faults::{Call, Fault, Mark},
};

/// Where the billers' customers are served.
type Office = Data<Desk<bills::Bills>>;

/// The billers' own endpoints.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/v1/billers", web::get().to(billers))
        .route("/v1/bills", web::get().to(open_bills))
        .route("/v1/payments", web::post().to(pay));
}

#[derive(Serialize)]
struct Billers {
    billers: Vec<Biller>,
}

async fn billers() -> Json<Billers> {
    Json(Billers { billers: bills::billers() })
}

#[derive(Deserialize)]
struct Whose {
    biller: String,
    account: String,
}

#[derive(Serialize)]
struct OpenBills {
    bills: Vec<Bill>,
}

async fn open_bills(desk: Office, whose: Query<Whose>) -> Result<Json<OpenBills>, Problem> {
    let Whose { biller, account } = whose.into_inner();
    let mark = Mark { call: Call::Bills, amount: None, card: None, account: Some(account.clone()) };
    let fault = desk.strike(&mark).await?;
    let open = at_counter(&desk, move |counter| Ok(counter.trade().open(&biller, &account, Utc::now())));
    let mut bills = open.await?.map_err(|none| match none {
        NoBills::UnknownBiller => Problem::named(StatusCode::NOT_FOUND, "unknown-biller", "there is no such biller"),
        NoBills::UnknownAccount => {
            Problem::named(StatusCode::NOT_FOUND, "unknown-account", "the biller has no such account")
        }
    })?;
    match fault {
        Some(Fault::Decline(declined)) => {
            return Err(Problem::named(StatusCode::NOT_FOUND, &declined.code, declined.reason));
        }
        Some(Fault::TimeOut(by)) => tokio::time::sleep(by).await,
        Some(Fault::WrongId) => bills.iter_mut().for_each(|bill| bill.account.push('0')),
        Some(Fault::WrongAmount) => bills.iter_mut().for_each(|bill| bill.amount = another_amount(bill.amount)),
        _ => {}
    }
    Ok(Json(OpenBills { bills }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentBody {
    request_id: Uuid,
    bill: String,
    amount: Money,
}

async fn pay(desk: Office, body: Json<PaymentBody>) -> Result<Json<Answer>, Problem> {
    let PaymentBody { request_id, bill: subject, amount } = body.into_inner();
    // BILLER.ACCOUNT.MONTH
    let account = subject.split('.').nth(1).map(str::to_owned);
    let mark = Mark { call: Call::Pay, amount: Some(amount), card: None, account };
    take(&desk, &mark, Order { request_id, operation: Operation::Pay, subject, amount }).await
}
