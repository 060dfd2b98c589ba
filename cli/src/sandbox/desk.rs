//! What the handlers of both sandboxes share: who may call, faults, taking orders, outcomes, the statement.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Json, Path, Query},
};
use api::problem::Problem;
use chrono::{DateTime, Utc};
use ledger::Money;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    counter::{Answer, Counter, CounterError, Order, StatementLine, Trade},
    faults::{Call, Fault, Faults, Mark},
};

/// The bit by which a wrong id differs from the right one.
const ANOTHER: u128 = 1;

/// Where those who call are served.
pub(super) struct Desk<T: Trade> {
    counter: Mutex<Counter<T>>,
    faults: Mutex<Faults>,
    /// BLAKE3 hash of what they have to show; compared in constant time.
    secret: blake3::Hash,
    /// The last answer to an order, for the fault that gives it twice.
    last: Mutex<Option<Answer>>,
}

impl<T: Trade> Desk<T> {
    /// Opens.
    pub(super) fn new(counter: Counter<T>, faults: Faults, secret: &str) -> Self {
        let secret = blake3::hash(secret.as_bytes());
        Self { counter: Mutex::new(counter), faults: Mutex::new(faults), secret, last: Mutex::default() }
    }

    /// Whether a request shows the secret.
    pub(super) fn admits(&self, request: &HttpRequest) -> bool {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| blake3::hash(token.as_bytes()) == self.secret)
    }

    /// The fault that strikes a call, after the wait that it asks for.
    ///
    /// # Errors
    /// Where the fault is that nobody is there.
    pub(super) async fn strike(&self, mark: &Mark) -> Result<Option<Fault>, Problem> {
        let fault = self.faults.lock().strike(mark);
        match fault {
            Some(Fault::Down) => Err(Problem::named(StatusCode::SERVICE_UNAVAILABLE, "down", "closed at present")),
            Some(Fault::Delay(by)) => {
                sleep(by).await;
                Ok(None)
            }
            other => Ok(other),
        }
    }

    /// Gives an answer, or what a fault makes of it.
    async fn answer(&self, mut answer: Answer, fault: Option<Fault>) -> Json<Answer> {
        let before = self.last.lock().replace(answer.clone());
        match fault {
            Some(Fault::TimeOut(by)) => sleep(by).await,
            Some(Fault::AnswerTwice) => answer = before.unwrap_or(answer),
            Some(Fault::WrongAmount) => answer.order.amount = another_amount(answer.order.amount),
            Some(Fault::WrongId) => answer.order.request_id = another_id(answer.order.request_id),
            _ => {}
        }
        Json(answer)
    }
}

/// Some other amount.
pub(super) fn another_amount(amount: Money) -> Money {
    amount.checked_add(amount).unwrap_or(Money::zero(amount.currency()))
}

/// Some other id.
pub(super) fn another_id(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() ^ ANOTHER)
}

/// Has the counter do something; it may wait for the disk.
///
/// # Errors
/// A problem as it is answered.
pub(super) async fn at_counter<T: Trade, A: Send + 'static>(
    desk: &Data<Desk<T>>,
    work: impl FnOnce(&mut Counter<T>) -> Result<A, CounterError> + Send + 'static,
) -> Result<A, Problem> {
    let desk = desk.clone();
    match web::block(move || work(&mut desk.counter.lock())).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(CounterError::Reused)) => {
            Err(Problem::named(StatusCode::CONFLICT, "request-reused", CounterError::Reused.to_string()))
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "an order could not be booked");
            Err(Problem::named(StatusCode::SERVICE_UNAVAILABLE, "book-broken", error.to_string()))
        }
        Err(_) => Err(Problem::named(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the sandbox is stopping")),
    }
}

/// Takes an order of money and answers it.
///
/// # Errors
/// An amount that is none, an id that stands for something else, or a fault.
pub(super) async fn take<T: Trade>(desk: &Data<Desk<T>>, mark: &Mark, order: Order) -> Result<Json<Answer>, Problem> {
    if !order.amount.is_positive() {
        return Err(Problem::named(StatusCode::BAD_REQUEST, "invalid-amount", "an amount is above zero"));
    }
    let fault = desk.strike(mark).await?;
    let treatment = fault.as_ref().and_then(Fault::treatment);
    let answer = at_counter(desk, move |counter| counter.take(order, treatment, Utc::now())).await?;
    Ok(desk.answer(answer, fault).await)
}

async fn outcome<T: Trade>(desk: Data<Desk<T>>, id: Path<Uuid>) -> Result<Json<Answer>, Problem> {
    let mark = Mark { call: Call::Outcome, amount: None, card: None, account: None };
    let fault = desk.strike(&mark).await?;
    match at_counter(&desk, move |counter| counter.look_up(*id, Utc::now())).await? {
        Some(answer) => Ok(desk.answer(answer, fault).await),
        None => Err(Problem::named(StatusCode::NOT_FOUND, "unknown-request", "no order came under that id")),
    }
}

/// From when to when.
#[derive(Deserialize)]
struct Period {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

async fn statement<T: Trade>(desk: Data<Desk<T>>, period: Query<Period>) -> Result<HttpResponse, Problem> {
    let Period { from, to } = period.into_inner();
    let lines = at_counter(&desk, move |counter| counter.statement(from, to, Utc::now())).await?;
    let text: Result<Vec<String>, _> = lines.iter().map(in_json).collect();
    let text = text.map_err(|error| Problem::named(StatusCode::SERVICE_UNAVAILABLE, "statement", error.to_string()))?;
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").body(text.concat()))
}

fn in_json(line: &StatementLine) -> serde_json::Result<String> {
    Ok(serde_json::to_string(line)? + "\n")
}

#[derive(Serialize)]
struct RulesInForce {
    rules: usize,
}

async fn replace_faults<T: Trade>(desk: Data<Desk<T>>, text: String) -> Result<Json<RulesInForce>, Problem> {
    let faults =
        Faults::parse(&text).map_err(|error| Problem::named(StatusCode::BAD_REQUEST, "invalid-faults", error))?;
    let rules = faults.count();
    *desk.faults.lock() = faults;
    tracing::info!(rules, "faults were replaced");
    Ok(Json(RulesInForce { rules }))
}

async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "alive" }))
}

/// The endpoints that both have.
pub(super) fn routes<T: Trade>(config: &mut web::ServiceConfig) {
    config
        .route("/livez", web::get().to(alive))
        .route("/v1/requests/{id}", web::get().to(outcome::<T>))
        .route("/v1/statement", web::get().to(statement::<T>))
        .route("/v1/admin/faults", web::put().to(replace_faults::<T>));
}
