//! The bank's HTTP interface.

use actix_web::{
    http::StatusCode,
    web::{self, Data, Json, Path, ServiceConfig},
};
use api::problem::Problem;
use ledger::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cards::{Card, CardFact, Cards, Link, Linking, is_number, last_four},
    counter::{Answer, CounterError, Declined, Operation, Order},
    desk::{Desk, another_id, at_counter, take},
    faults::{Call, Fault, Mark},
};

/// Where the bank's customers are served.
type Bank = Data<Desk<Cards>>;

/// The bank's own endpoints.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/v1/cards", web::post().to(link))
        .route("/v1/collections", web::post().to(collect))
        .route("/v1/payouts", web::post().to(pay_out))
        .route("/v1/admin/cards", web::put().to(set_card))
        .route("/v1/admin/cards/{token}", web::get().to(show_card));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    request_id: Uuid,
    holder: String,
    number: String,
    bank: String,
}

#[derive(Serialize)]
struct Linked {
    request_id: Uuid,
    token: String,
    last_four: String,
    bank: String,
    holder: String,
}

async fn link(desk: Bank, body: Json<LinkBody>) -> Result<Json<Linked>, Problem> {
    let LinkBody { request_id, holder, number, bank } = body.into_inner();
    let mark = Mark { call: Call::Link, amount: None, card: Some(last_four(&number)), account: None };
    let fault = desk.strike(&mark).await?;
    if let Some(Fault::Decline(declined)) = &fault {
        return Err(refused(declined));
    }
    let token = format!("card_{}", Uuid::now_v7().simple());
    let wanted = Link { request_id, number, holder, bank, token };
    let linked = at_counter(&desk, move |counter| match counter.trade().link(wanted) {
        Linking::Known(link) => Ok(Ok(link)),
        Linking::Reused => Err(CounterError::Reused),
        Linking::Refused(declined) => Ok(Err(declined)),
        Linking::New(card, link) => {
            counter.learn(CardFact::Card(card))?;
            counter.learn(CardFact::Link(link.clone()))?;
            Ok(Ok(link))
        }
    });
    let Link { mut request_id, number, holder, bank, token } = linked.await?.map_err(|declined| refused(&declined))?;
    match fault {
        Some(Fault::TimeOut(by)) => tokio::time::sleep(by).await,
        Some(Fault::WrongId) => request_id = another_id(request_id),
        _ => {}
    }
    Ok(Json(Linked { request_id, token, last_four: last_four(&number), bank, holder }))
}

fn refused(declined: &Declined) -> Problem {
    Problem::named(StatusCode::UNPROCESSABLE_ENTITY, &declined.code, declined.reason.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    request_id: Uuid,
    card_token: String,
    amount: Money,
}

async fn collect(desk: Bank, body: Json<OrderBody>) -> Result<Json<Answer>, Problem> {
    order(&desk, body.into_inner(), Call::Collect, Operation::Collect).await
}

async fn pay_out(desk: Bank, body: Json<OrderBody>) -> Result<Json<Answer>, Problem> {
    order(&desk, body.into_inner(), Call::PayOut, Operation::PayOut).await
}

async fn order(desk: &Bank, body: OrderBody, call: Call, operation: Operation) -> Result<Json<Answer>, Problem> {
    let OrderBody { request_id, card_token: subject, amount } = body;
    let asked = subject.clone();
    let card =
        at_counter(desk, move |counter| Ok(counter.trade().by_token(&asked).map(|card| last_four(&card.number))));
    let mark = Mark { call, amount: Some(amount), card: card.await?, account: None };
    take(desk, &mark, Order { request_id, operation, subject, amount }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardBody {
    number: String,
    holder: Option<String>,
    bank: Option<String>,
    balance: Money,
}

/// A card without its number.
#[derive(Serialize)]
struct Shown {
    last_four: String,
    holder: Option<String>,
    bank: Option<String>,
    balance: Money,
}

impl From<&Card> for Shown {
    fn from(card: &Card) -> Self {
        let Card { number, holder, bank, balance } = card;
        Self { last_four: last_four(number), holder: holder.clone(), bank: bank.clone(), balance: *balance }
    }
}

async fn set_card(desk: Bank, body: Json<CardBody>) -> Result<Json<Shown>, Problem> {
    let CardBody { number, holder, bank, balance } = body.into_inner();
    if !is_number(&number) || balance.is_negative() {
        return Err(Problem::named(
            StatusCode::BAD_REQUEST,
            "invalid-card",
            "a card has a right check digit and owes nothing",
        ));
    }
    let set = at_counter(&desk, move |counter| {
        let known = counter.trade().card(&number);
        let (known_holder, known_bank) = known.map_or((None, None), |card| (card.holder, card.bank));
        let card = Card { number, holder: holder.or(known_holder), bank: bank.or(known_bank), balance };
        let shown = Shown::from(&card);
        counter.learn(CardFact::Card(card))?;
        Ok(shown)
    });
    set.await.map(Json)
}

async fn show_card(desk: Bank, token: Path<String>) -> Result<Json<Shown>, Problem> {
    let shown = at_counter(&desk, move |counter| Ok(counter.trade().by_token(&token).map(Shown::from)));
    shown
        .await?
        .map(Json)
        .ok_or_else(|| Problem::named(StatusCode::NOT_FOUND, "unknown-card", "no card was linked under that token"))
}
