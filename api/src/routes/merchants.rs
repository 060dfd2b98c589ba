//! Shops: registering, operators, the static code, balance, statement.

use actix_web::{HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use commands::wallet::MerchantPayment;
use domain::{MerchantId, PaymentId, Rejection, UserId, WalletEvent, hold::Payer};
use ledger::Money;
use projections::{
    shops::{MerchantRow, Part},
    wallet::CardRow,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Done, PageQuery, page,
    paths::{MerchantPath, MerchantPersonPath},
    wallet::{StatementPage, StatementQuery, available, statement_of},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    qr,
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(register_merchant).service(own_merchants).service(merchant_shown);
    config.service(merchant_details).service(add_operator).service(remove_operator).service(close_merchant);
    config.service(merchant_balance).service(merchant_statement).service(code_svg).service(code_png);
}

/// A shop to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMerchant {
    /// Its name, which payers see: at most 60 characters.
    pub name: String,
}

/// A merchant that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredMerchant {
    /// Its id.
    pub merchant: MerchantId,
    /// Position of the event in the log.
    pub position: u64,
}

/// Register a merchant; the caller is its owner.
#[utoipa::path(tag = "shops", security(("token" = [])),
    responses((status = 201, description = "Registered.", body = RegisteredMerchant), Refusals))]
#[post("")]
async fn register_merchant(
    command: Command<web::Json<NewMerchant>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let (merchant, committed) = app.commands.register_merchant(&command.caller, &command.body.name).await?;
    Ok(HttpResponse::Created().json(RegisteredMerchant { merchant, position: committed.position.0 }))
}

/// A part in a merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnMerchant {
    /// Which.
    pub id: MerchantId,
    /// Its name.
    pub name: String,
    /// Whether it is the caller's, rather than that they act for it.
    pub owns: bool,
    /// Whether it takes payments.
    pub open: bool,
}

/// A page of merchants.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnMerchants {
    /// The merchants, in the order of their ids.
    pub merchants: Vec<OwnMerchant>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The merchants that the caller owns or acts for.
#[utoipa::path(tag = "shops", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The merchants.", body = OwnMerchants), Refusals))]
#[get("")]
async fn own_merchants(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<OwnMerchants>, Problem> {
    let limit = query.limit()?;
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    let parts = view.parts_of(reader.user)?;
    let (parts, next) = page(parts, |part| part.merchant, query.cursor.as_deref(), limit)?;
    let shown = |Part { merchant, owns }: Part| -> Result<Option<OwnMerchant>, Problem> {
        let row = view.merchant(merchant)?;
        Ok(row.map(|row| OwnMerchant { id: merchant, name: row.name, owns, open: row.closed_at.is_none() }))
    };
    let rows = parts.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(web::Json(OwnMerchants { merchants: rows.into_iter().flatten().collect(), next }))
}

/// A merchant as payers see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantShown {
    /// Its id.
    pub id: MerchantId,
    /// Its name.
    pub name: String,
    /// Whether it takes payments.
    pub open: bool,
}

/// A merchant as payers see it.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "The merchant.", body = MerchantShown), Refusals))]
#[get("/{merchant}")]
async fn merchant_shown(
    reader: Reader,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<web::Json<MerchantShown>, Problem> {
    let row = merchant_row(&app, &reader, path.merchant).await?;
    Ok(web::Json(MerchantShown { id: path.merchant, name: row.name, open: row.closed_at.is_none() }))
}

async fn merchant_row(app: &App, reader: &Reader, id: MerchantId) -> Result<MerchantRow, Problem> {
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    Ok(view.merchant(id)?.ok_or(Rejection::MerchantNotFound)?)
}

/// A merchant as its owner and operators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantDetails {
    /// Its id.
    pub id: MerchantId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: UserId,
    /// Who may act for it besides the owner.
    pub operators: Vec<UserId>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// The text of its static code.
    pub code: String,
    /// The cards that its money may go to.
    pub cards: Vec<CardRow>,
}

/// All about a merchant, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "The merchant.", body = MerchantDetails), Refusals))]
#[get("/{merchant}/details")]
async fn merchant_details(
    reader: Reader,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<web::Json<MerchantDetails>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let row = merchant_row(&app, &reader, path.merchant).await?;
    let MerchantRow { name, owner, operators, registered_at, closed_at, cards } = row;
    let (id, operators) = (path.merchant, operators.into_iter().collect());
    let code = static_code(id);
    Ok(web::Json(MerchantDetails { id, name, owner, operators, registered_at, closed_at, code, cards }))
}

/// Let somebody act for the caller's merchant.
#[utoipa::path(tag = "shops", params(MerchantPersonPath), security(("token" = [])),
    responses((status = 200, description = "They may.", body = Done), Refusals))]
#[put("/{merchant}/operators/{user}")]
async fn add_operator(
    command: Command<NoBody>,
    path: web::Path<MerchantPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.add_operator(&command.caller, path.merchant, path.user).await?;
    Ok(web::Json((&committed).into()))
}

/// Take an operator's part away, or one's own.
#[utoipa::path(tag = "shops", params(MerchantPersonPath), security(("token" = [])),
    responses((status = 200, description = "They may no longer.", body = Done), Refusals))]
#[delete("/{merchant}/operators/{user}")]
async fn remove_operator(
    command: Command<NoBody>,
    path: web::Path<MerchantPersonPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.remove_operator(&command.caller, path.merchant, path.user).await?;
    Ok(web::Json((&committed).into()))
}

/// Take no payments any more. What is there can still be given back and withdrawn.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "Closed.", body = Done), Refusals))]
#[post("/{merchant}/close")]
async fn close_merchant(
    command: Command<NoBody>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.close_merchant(&command.caller, path.merchant).await?;
    Ok(web::Json((&committed).into()))
}

/// What a merchant has.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantBalance {
    /// What can be given back or withdrawn.
    pub available: Money,
    /// What is on its way to a card.
    pub held: Money,
}

/// What a merchant has, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "The balance.", body = MerchantBalance), Refusals))]
#[get("/{merchant}/balance")]
async fn merchant_balance(
    reader: Reader,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<web::Json<MerchantBalance>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let (owner, currency) = (Payer::Merchant(path.merchant), app.commands.policy.money.currency);
    let available = available(&view.flow(owner), currency)?;
    Ok(web::Json(MerchantBalance { available, held: view.held(owner, currency) }))
}

/// What came in and went out of a merchant's account, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath, StatementQuery), security(("token" = [])),
    responses((status = 200, description = "The lines.", body = StatementPage), Refusals))]
#[get("/{merchant}/statement")]
async fn merchant_statement(
    reader: Reader,
    path: web::Path<MerchantPath>,
    query: Query<StatementQuery>,
    app: web::Data<App>,
) -> Result<web::Json<StatementPage>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    statement_of(&app, &reader, Payer::Merchant(path.merchant), &query).await.map(web::Json)
}

/// What a merchant's static code says.
fn static_code(merchant: MerchantId) -> String {
    format!("teahouse:pay:{merchant}")
}

/// A merchant's static code as an SVG picture. Its text is `teahouse:pay:` and the merchant's id.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/svg+xml"), Refusals))]
#[get("/{merchant}/code.svg")]
async fn code_svg(reader: Reader, path: web::Path<MerchantPath>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    merchant_row(&app, &reader, path.merchant).await?;
    qr::svg(&static_code(path.merchant))
}

/// A merchant's static code as a PNG picture. Its text is `teahouse:pay:` and the merchant's id.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/png"), Refusals))]
#[get("/{merchant}/code.png")]
async fn code_png(reader: Reader, path: web::Path<MerchantPath>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    merchant_row(&app, &reader, path.merchant).await?;
    qr::png(&static_code(path.merchant))
}

/// A payment to a merchant's static code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// How much.
    pub amount: Money,
    /// A few words.
    #[serde(default)]
    pub note: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// A payment that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentMade {
    /// Its id.
    pub payment: PaymentId,
    /// What can be spent now.
    pub available: Money,
    /// Position of the event in the log; also the number of its line in both statements.
    pub position: u64,
}

/// Pay at a merchant's static code; the payer says how much.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "Paid.", body = PaymentMade), Refusals))]
#[post("/{merchant}/payments")]
pub(super) async fn pay_merchant(
    command: Command<web::Json<NewPayment>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewPayment { amount, note, authorization } = &*command.body;
    let (amount, note, authorization) = (*amount, note.clone(), *authorization);
    let payment = MerchantPayment { merchant: path.merchant, amount, note, authorization };
    let committed = app.commands.pay_merchant(command.keyed()?, payment).await?;
    let paid = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::Paid(paid) => Some(paid.payment),
        _ => None,
    });
    let payment = paid.ok_or_else(Problem::no_event)?;
    let available = app.commands.available(Payer::Person(command.user)).await?;
    Ok(HttpResponse::Created().json(PaymentMade { payment, available, position: committed.position.0 }))
}
