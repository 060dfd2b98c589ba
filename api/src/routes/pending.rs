//! Lists of money on its way. What is over stands in the statement.

use std::cmp::Reverse;

use actix_web::{get, web};
use domain::hold::{HoldKind, Payer};
use projections::wallet::{HoldPlace, HoldRow, Side};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    PageQuery,
    cards::{TopUp, top_up_row},
    cut,
    holds::HoldShown,
    paths::MerchantPath,
    resume,
};
use crate::{
    App,
    problem::{Problem, Refusals},
    query::Query,
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(transfers).service(red_packets).service(bill_payments);
}

/// Whose transfers.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Those that the caller is to accept, or has accepted and waits for.
    #[default]
    Received,
    /// Those that the caller has sent.
    Sent,
}

/// Which transfers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransfersQuery {
    /// Whether those that the caller is to get, or those that the caller has sent; `received` if not given.
    #[param(inline)]
    direction: Option<Direction>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A page of money on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingPage {
    /// The latest first.
    pub pending: Vec<HoldShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The caller's transfers that are not over: which wait for the caller, or which the caller has sent.
#[utoipa::path(tag = "money", params(TransfersQuery), security(("token" = [])),
    responses((status = 200, description = "The transfers.", body = PendingPage), Refusals))]
#[get("/v1/transfers")]
async fn transfers(
    reader: Reader,
    query: Query<TransfersQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PendingPage>, Problem> {
    let TransfersQuery { direction, cursor, limit } = query.into_inner();
    let side = match direction.unwrap_or_default() {
        Direction::Received => Side::Received(reader.user),
        Direction::Sent => Side::Sent(Payer::Person(reader.user)),
    };
    pending(&app, &reader, side, HoldKind::Transfer, PageQuery { cursor, limit }).await
}

/// The red packets that the caller has sent and of which shares are left.
#[utoipa::path(tag = "money", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The red packets.", body = PendingPage), Refusals))]
#[get("/v1/red-packets")]
async fn red_packets(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PendingPage>, Problem> {
    let side = Side::Sent(Payer::Person(reader.user));
    pending(&app, &reader, side, HoldKind::RedPacket, query.into_inner()).await
}

/// The caller's withdrawals that the bank has not settled.
#[utoipa::path(tag = "wallet", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The withdrawals.", body = PendingPage), Refusals))]
#[get("/withdrawals")]
pub(super) async fn withdrawals(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PendingPage>, Problem> {
    let side = Side::Sent(Payer::Person(reader.user));
    pending(&app, &reader, side, HoldKind::Withdrawal, query.into_inner()).await
}

/// The caller's payments of bills that the biller has not settled.
#[utoipa::path(tag = "money", params(PageQuery), security(("token" = [])),
    responses((status = 200, description = "The payments.", body = PendingPage), Refusals))]
#[get("/v1/bill-payments")]
async fn bill_payments(
    reader: Reader,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PendingPage>, Problem> {
    let side = Side::Sent(Payer::Person(reader.user));
    pending(&app, &reader, side, HoldKind::Bill, query.into_inner()).await
}

/// A merchant's withdrawals that the bank has not settled, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath, PageQuery), security(("token" = [])),
    responses((status = 200, description = "The withdrawals.", body = PendingPage), Refusals))]
#[get("/{merchant}/withdrawals")]
pub(super) async fn merchant_withdrawals(
    reader: Reader,
    path: web::Path<MerchantPath>,
    query: Query<PageQuery>,
    app: web::Data<App>,
) -> Result<web::Json<PendingPage>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let side = Side::Sent(Payer::Merchant(path.merchant));
    pending(&app, &reader, side, HoldKind::Withdrawal, query.into_inner()).await
}

async fn pending(
    app: &App,
    reader: &Reader,
    side: Side,
    kind: HoldKind,
    query: PageQuery,
) -> Result<web::Json<PendingPage>, Problem> {
    let limit = query.limit()?;
    let behind = resume::<Reverse<HoldPlace>>(query.cursor.as_deref())?;
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    // One more than asked for tells whether there is a next page.
    let rows = view.pending(side, kind, behind.map(|behind| behind.0), limit + 1);
    let (rows, next) = cut(rows, |row: &HoldRow| Reverse((row.terms.placed_at, row.terms.hold)), limit);
    Ok(web::Json(PendingPage { pending: rows.into_iter().map(HoldShown::of).collect(), next }))
}

/// Top-ups.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingTopUps {
    /// All of them: there are never more than a few, since further ones are refused (`too-many-top-ups`).
    pub pending: Vec<TopUp>,
}

/// The caller's top-ups that the bank has not settled.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "The top-ups.", body = PendingTopUps), Refusals))]
#[get("/top-ups")]
pub(super) async fn top_ups(reader: Reader, app: web::Data<App>) -> Result<web::Json<PendingTopUps>, Problem> {
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let rows = view.pending_top_ups(reader.user)?;
    let shown = rows.into_iter().map(|(id, row)| top_up_row(&app, &view, id, row));
    Ok(web::Json(PendingTopUps { pending: shown.collect::<Result<_, _>>()? }))
}
