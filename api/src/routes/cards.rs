//! Linked cards, and money between them and the wallet.

use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use commands::{ports::Unsettled, wallet::CardToLink};
use domain::{CardId, HoldId, PaymentId, WalletEvent, cards::CardLinked, hold::HoldKind, wallet::WithdrawalQuote};
use eventlog::Position;
use ledger::Money;
use projections::wallet::{TopUpRow, TopUpState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Done,
    holds::{HoldShown, hold_shown, placed_hold},
    paths::{CardPath, HoldPath, TopUpPath},
};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(link_card).service(unlink_card).service(top_up).service(top_up_shown);
    config.service(withdraw).service(withdrawal).service(withdrawal_fee);
}

/// A debit card to be linked. Of its number only the last four digits are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    /// The holder's name.
    pub holder: String,
    /// The number, digits only.
    #[schema(pattern = "^[0-9]{12,19}$")]
    pub number: String,
    /// The bank's name.
    pub bank: String,
}

/// A card that was linked.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkedCard {
    /// Its id.
    pub card: CardId,
    /// The number's last four digits.
    pub last_four: String,
    /// The bank's name.
    pub bank: String,
    /// Position of the event in the log.
    pub position: u64,
}

impl From<NewCard> for CardToLink {
    fn from(card: NewCard) -> Self {
        let NewCard { holder, number, bank } = card;
        Self { holder, number, bank }
    }
}

impl LinkedCard {
    pub(super) fn of(linked: &CardLinked, position: Position) -> Self {
        let CardLinked { card, last_four, bank, .. } = linked.clone();
        Self { card, last_four, bank, position: position.0 }
    }
}

/// Link a debit card, which the bank confirms. The first card gives the wallet its real name; later ones must bear the
/// same.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 201, description = "Linked.", body = LinkedCard), Refusals))]
#[post("/cards")]
async fn link_card(command: Command<web::Json<NewCard>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.outside_call(&command.user)?;
    let committed = app.commands.link_card(&command.caller, command.body.into_inner().into()).await?;
    let linked = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::CardLinked(linked) => Some(LinkedCard::of(linked, committed.position)),
        _ => None,
    });
    linked.map(|linked| HttpResponse::Created().json(linked)).ok_or_else(Problem::no_event)
}

/// Unlink a card. Money on its way to it still arrives.
#[utoipa::path(tag = "wallet", params(CardPath), security(("token" = [])),
    responses((status = 200, description = "Unlinked.", body = Done), Refusals))]
#[delete("/cards/{card}")]
async fn unlink_card(
    command: Command<NoBody>,
    path: web::Path<CardPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.unlink_card(&command.caller, path.card).await?;
    Ok(web::Json((&committed).into()))
}

/// Money to be fetched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTopUp {
    /// From which card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
}

/// A top-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopUp {
    /// Its id.
    pub id: PaymentId,
    /// From which card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// `pending` until the bank has settled it, then `done` or `declined`.
    pub state: &'static str,
    /// What the bank calls it, once done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The bank's code and words, once declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<Declined>,
    /// What can be spent now.
    pub available: Money,
}

/// Why a bank or biller refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Declined {
    /// Its code.
    pub code: String,
    /// Its words.
    pub reason: String,
}

/// Fetch money from a card. The answer says how it stands; `pending` is settled as soon as the bank answers.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 201, description = "Asked for.", body = TopUp), Refusals))]
#[post("/top-ups")]
async fn top_up(command: Command<web::Json<NewTopUp>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewTopUp { card, amount } = *command.body;
    let committed = app.commands.request_top_up(command.keyed()?, card, amount).await?;
    let id = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::TopUpRequested(requested) => Some(requested.top_up),
        _ => None,
    });
    let id = id.ok_or_else(Problem::no_event)?;
    app.commands.settle_soon(Unsettled::TopUp(command.user, id)).await;
    let view = app.fresh(&app.read_models.wallet, committed.position).await?;
    let row = view.top_up(id)?.ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(top_up_row(&app, &view, id, row)?))
}

/// How a top-up stands.
#[utoipa::path(tag = "wallet", params(TopUpPath), security(("token" = [])),
    responses((status = 200, description = "The top-up.", body = TopUp), Refusals))]
#[get("/top-ups/{top_up}")]
async fn top_up_shown(
    reader: Reader,
    path: web::Path<TopUpPath>,
    app: web::Data<App>,
) -> Result<web::Json<TopUp>, Problem> {
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let row = view.top_up(path.top_up)?.filter(|row| row.user == reader.user);
    let row = row.ok_or_else(|| Problem::new(Code::TopUpNotFound, "no such top-up of yours"))?;
    Ok(web::Json(top_up_row(&app, &view, path.top_up, row)?))
}

/// A top-up as its owner sees it.
pub(super) fn top_up_row(
    app: &App,
    view: &projections::wallet::WalletView,
    id: PaymentId,
    row: TopUpRow,
) -> Result<TopUp, Problem> {
    let owner = domain::hold::Payer::Person(row.user);
    let (state, reference, declined) = match row.state {
        TopUpState::Pending => ("pending", None, None),
        TopUpState::Done { reference } => ("done", Some(reference), None),
        TopUpState::Declined { code, reason } => ("declined", None, Some(Declined { code, reason })),
    };
    let available = super::wallet::available(&view.flow(owner), app.commands.policy.money.currency)?;
    Ok(TopUp { id, card: row.card, amount: row.amount, at: row.at, state, reference, declined, available })
}

/// Money to be sent to a card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    /// To which card.
    pub card: CardId,
    /// How much the card gets; the fee comes on top.
    pub amount: Money,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// Send money to a linked card. The first 1,000 ever are free; then 0.1 % is kept, at least 0.10, unless the operator has
/// set others. What the bank refuses comes back.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 201, description = "On its way.", body = HoldShown), Refusals))]
#[post("/withdrawals")]
async fn withdraw(command: Command<web::Json<NewWithdrawal>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewWithdrawal { card, amount, authorization } = *command.body;
    let committed = app.commands.withdraw(command.keyed()?, card, amount, authorization).await?;
    let hold: HoldId = placed_hold(&committed)?;
    app.commands.settle_soon(Unsettled::Hold(hold)).await;
    Ok(HttpResponse::Created()
        .json(hold_shown(&app, command.user, (HoldKind::Withdrawal, hold), committed.position).await?))
}

/// How a withdrawal stands.
#[utoipa::path(tag = "wallet", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "The withdrawal.", body = HoldShown), Refusals))]
#[get("/withdrawals/{hold}")]
async fn withdrawal(
    reader: Reader,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    hold_shown(&app, reader.user, (HoldKind::Withdrawal, path.hold), reader.at_least).await.map(web::Json)
}

/// Which withdrawal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WithdrawalFeeQuery {
    /// How much the card is to get, like `12.30`.
    amount: String,
}

/// What a withdrawal would cost now. Nothing is reserved.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalFee {
    /// What the card would get.
    pub amount: Money,
    /// What would be kept.
    pub fee: Money,
    /// What would leave the balance: both together.
    pub total: Money,
    /// What may still be withdrawn without a fee, this amount not counted.
    pub free_left: Money,
    /// The most that the card could get at once, the fee paid: all there is, or as much as may be moved at once.
    pub most: Money,
}

/// What withdrawing an amount would cost.
#[utoipa::path(tag = "wallet", params(WithdrawalFeeQuery), security(("token" = [])),
    responses((status = 200, description = "The fee.", body = WithdrawalFee), Refusals))]
#[get("/withdrawal-fee")]
async fn withdrawal_fee(
    reader: Reader,
    query: Query<WithdrawalFeeQuery>,
    app: web::Data<App>,
) -> Result<web::Json<WithdrawalFee>, Problem> {
    let amount = Money::parse(&query.amount, app.commands.policy.money.currency);
    let amount = amount.map_err(|error| Problem::new(Code::InvalidQuery, format!("amount: {error}")))?;
    // What was acknowledged before this is counted.
    app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let quote = app.commands.withdrawal_quote(reader.user, amount).await?;
    let WithdrawalQuote { amount, fee, total, free_left, most } = quote;
    Ok(web::Json(WithdrawalFee { amount, fee, total, free_left, most }))
}
