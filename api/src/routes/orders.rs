//! Orders: a merchant says what is to be paid and shows a code; somebody pays it.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use commands::merchants::NewOrder;
use domain::{HoldId, MerchantId, OrderId, Rejection, UserId, WalletEvent, hold::Payer};
use eventlog::Position;
use ledger::Money;
use projections::shops::{ListFilter, ListPlace, MerchantRow, OrderRow, OrderState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    Done, aside, link, page_limit,
    paths::{MerchantOrderPath, MerchantPath, OrderPath},
    resume,
};
use crate::{
    App,
    problem::{Problem, Refusals},
    qr,
    query::Query,
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(merchant_orders).service(merchant_order).service(close_order);
    config.service(pay_with_code).service(reverse_order);
}

/// An order to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderToCreate {
    /// The merchant's number of it: 1 to 64 of the signs `0-9 A-Z a-z _ - | * @`. A repeated number is the same order.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for, in one line; payers see it.
    pub description: String,
    /// When it ends; 7 days from now if not given, and at most.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderShown {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's name.
    pub merchant_name: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// How it stands.
    pub state: OrderState,
    /// The text of its code.
    pub code: String,
    /// Until when the code can be paid.
    pub code_until: DateTime<Utc>,
    /// When it is closed unless it was paid.
    pub closes_at: DateTime<Utc>,
    /// What only the merchant's people and the payer see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_them: Option<OrderDetails>,
}

/// What only the merchant's people and the payer of an order see.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderDetails {
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Who paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<DateTime<Utc>>,
    /// The payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<HoldId>,
    /// What was given back.
    pub refunded: Money,
}

/// Create an order.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "Created, or there already.", body = OrderShown), Refusals))]
#[post("/{merchant}/orders")]
pub(super) async fn create_order(
    command: Command<web::Json<OrderToCreate>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let OrderToCreate { out_trade_no, amount, description, expires_at } = &*command.body;
    let new = NewOrder {
        merchant: path.merchant,
        out_trade_no: out_trade_no.clone(),
        amount: *amount,
        description: description.clone(),
        expires_at: *expires_at,
    };
    let (order, committed) = app.commands.create_order(&command.caller, new).await?;
    Ok(HttpResponse::Created().json(shown(&app, command.user, order, committed.position).await?))
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrdersPage {
    /// The orders, the latest first. Where few are in the state asked for, there may be less than `limit`, also none,
    /// although there is more to come.
    pub orders: Vec<OrderShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// Only orders in this state.
    #[param(inline)]
    state: Option<OrderState>,
    /// Not created before this time.
    #[serde(default, deserialize_with = "super::time")]
    from: Option<DateTime<Utc>>,
    /// Created before this time.
    #[serde(default, deserialize_with = "super::time")]
    to: Option<DateTime<Utc>>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A merchant's orders, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath, OrdersQuery), security(("token" = [])),
    responses((status = 200, description = "The orders.", body = OrdersPage), Refusals))]
#[get("/{merchant}/orders")]
async fn merchant_orders(
    reader: Reader,
    path: web::Path<MerchantPath>,
    query: Query<OrdersQuery>,
    app: web::Data<App>,
) -> Result<web::Json<OrdersPage>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let OrdersQuery { state, from, to, cursor, limit } = query.into_inner();
    let (limit, behind) = (page_limit(limit, 50, 100)?, resume::<ListPlace>(cursor.as_deref())?);
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    let (id, user, filter) = (path.merchant, reader.user, ListFilter { state, from, to });
    let page = aside(move || {
        let merchant = view.merchant(id)?.ok_or(Rejection::MerchantNotFound)?;
        let page = view.orders_of(id, &filter, behind, limit)?;
        let orders = page.rows.into_iter().map(|(id, row)| order_row(user, id, row, &merchant)).collect();
        Ok::<_, Problem>(OrdersPage { orders, next: page.next.map(|place| link(&place)) })
    });
    page.await.map(web::Json)
}

/// An order by the merchant's number of it, for the merchant's people.
#[utoipa::path(tag = "shops", params(MerchantOrderPath), security(("token" = [])),
    responses((status = 200, description = "The order.", body = OrderShown), Refusals))]
#[get("/{merchant}/orders/{out_trade_no}")]
async fn merchant_order(
    reader: Reader,
    path: web::Path<MerchantOrderPath>,
    app: web::Data<App>,
) -> Result<web::Json<OrderShown>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let order = app.commands.order_of(path.merchant, &path.out_trade_no);
    shown(&app, reader.user, order, reader.at_least).await.map(web::Json)
}

/// Close an order that nobody has paid.
#[utoipa::path(tag = "shops", params(MerchantOrderPath), security(("token" = [])),
    responses((status = 200, description = "Closed.", body = Done), Refusals))]
#[post("/{merchant}/orders/{out_trade_no}/close")]
async fn close_order(
    command: Command<NoBody>,
    path: web::Path<MerchantOrderPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let order = app.commands.order_of(path.merchant, &path.out_trade_no);
    let committed = app.commands.close_order(&command.caller, path.merchant, order).await?;
    Ok(web::Json((&committed).into()))
}

/// An order, for whoever has its id from the code.
#[utoipa::path(tag = "shops", params(OrderPath), security(("token" = [])),
    responses((status = 200, description = "The order.", body = OrderShown), Refusals))]
#[get("/v1/orders/{order}")]
pub(super) async fn order_shown(
    reader: Reader,
    path: web::Path<OrderPath>,
    app: web::Data<App>,
) -> Result<web::Json<OrderShown>, Problem> {
    shown(&app, reader.user, path.order, reader.at_least).await.map(web::Json)
}

async fn shown(app: &App, user: UserId, id: OrderId, at_least: Position) -> Result<OrderShown, Problem> {
    let view = app.fresh(&app.read_models.shops, at_least).await?;
    let row = view.order(id)?.ok_or(Rejection::OrderNotFound)?;
    let merchant = view.merchant(row.merchant)?.ok_or(Rejection::OrderNotFound)?;
    Ok(order_row(user, id, row, &merchant))
}

/// An order as somebody may see it.
fn order_row(user: UserId, id: OrderId, row: OrderRow, merchant: &MerchantRow) -> OrderShown {
    let acts = merchant.owner == user || merchant.operators.contains(&user);
    let OrderRow { amount, description, code_until, closes_at, state, payer, .. } = row;
    let between_them = (acts || payer == Some(user)).then_some(OrderDetails {
        out_trade_no: row.out_trade_no,
        created_at: row.created_at,
        payer,
        paid_at: row.paid_at,
        payment: row.payment,
        refunded: row.refunded,
    });
    OrderShown {
        id,
        merchant: row.merchant,
        merchant_name: merchant.name.clone(),
        amount,
        description,
        state,
        code: order_code(id),
        code_until,
        closes_at,
        between_them,
    }
}

/// What an order's code says.
fn order_code(order: OrderId) -> String {
    format!("teahouse:order:{order}")
}

async fn check_order(app: &App, reader: &Reader, order: OrderId) -> Result<(), Problem> {
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    Ok(view.order(order)?.map(|_| ()).ok_or(Rejection::OrderNotFound)?)
}

/// An order's code as an SVG picture. Its text is `teahouse:order:` and the order's id.
#[utoipa::path(tag = "shops", params(OrderPath), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/svg+xml"), Refusals))]
#[get("/v1/orders/{order}/code.svg")]
pub(super) async fn order_code_svg(
    reader: Reader,
    path: web::Path<OrderPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    check_order(&app, &reader, path.order).await?;
    qr::svg(&order_code(path.order))
}

/// An order's code as a PNG picture. Its text is `teahouse:order:` and the order's id.
#[utoipa::path(tag = "shops", params(OrderPath), security(("token" = [])),
    responses((status = 200, description = "The code.", body = String, content_type = "image/png"), Refusals))]
#[get("/v1/orders/{order}/code.png")]
pub(super) async fn order_code_png(
    reader: Reader,
    path: web::Path<OrderPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    check_order(&app, &reader, path.order).await?;
    qr::png(&order_code(path.order))
}

/// The payment of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPaymentToMake {
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// An order that was paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPaymentMade {
    /// The payment.
    pub payment: HoldId,
    /// What can be spent now.
    pub available: Money,
    /// Position of the last event in the log.
    pub position: u64,
}

/// Pay an order. Of two who pay at once, one is told `order-paid` and has the money back.
#[utoipa::path(tag = "shops", params(OrderPath), security(("token" = [])),
    responses((status = 201, description = "Paid.", body = OrderPaymentMade), Refusals))]
#[post("/v1/orders/{order}/payments")]
pub(super) async fn pay_order(
    command: Command<web::Json<OrderPaymentToMake>>,
    path: web::Path<OrderPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let paid = app.commands.pay_order(command.keyed()?, path.order, command.body.authorization).await?;
    let available = app.commands.available(Payer::Person(command.user)).await?;
    Ok(HttpResponse::Created().json(OrderPaymentMade { payment: paid.hold, available, position: paid.position.0 }))
}

/// A code to show at the counter.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayCodeShown {
    /// 18 digits, beginning with 10 to 14. The server keeps only a hash.
    pub code: String,
    /// Until when it pays, once.
    pub expires_at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

/// Get a code to show at the counter: it pays once, within a minute.
#[utoipa::path(tag = "shops", security(("token" = [])),
    responses((status = 201, description = "The code.", body = PayCodeShown), Refusals))]
#[post("/pay-codes")]
pub(super) async fn show_pay_code(command: Command<NoBody>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let (code, committed) = app.commands.show_pay_code(&command.caller).await?;
    let expires_at = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::PayCodeIssued(issued) => Some(issued.expires_at),
        _ => None,
    });
    let expires_at = expires_at.ok_or_else(Problem::no_event)?;
    Ok(HttpResponse::Created().json(PayCodeShown { code, expires_at, position: committed.position.0 }))
}

/// A payment with the code that a payer shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodePayment {
    /// What the payer's code says.
    pub auth_code: String,
    /// The merchant's number of the order.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for; the payer sees it.
    pub description: String,
}

/// Take a payment with the code that a payer shows. `SUCCESS` says that it is paid; `USERPAYING` that the payer has to
/// confirm, by paying the order with a proved PIN: ask for the order again, and reverse it if that takes too long.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "The order.", body = OrderShown), Refusals))]
#[post("/{merchant}/code-payments")]
async fn pay_with_code(
    command: Command<web::Json<CodePayment>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let CodePayment { auth_code, out_trade_no, amount, description } = &*command.body;
    let new = NewOrder {
        merchant: path.merchant,
        out_trade_no: out_trade_no.clone(),
        amount: *amount,
        description: description.clone(),
        expires_at: None,
    };
    let (order, position) = app.commands.pay_with_code(command.keyed()?, auth_code, new).await?;
    Ok(HttpResponse::Created().json(shown(&app, command.user, order, position).await?))
}

/// Take an order back: close it if nobody has paid, give all back if somebody has.
#[utoipa::path(tag = "shops", params(MerchantOrderPath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = Done), Refusals))]
#[post("/{merchant}/orders/{out_trade_no}/reverse")]
async fn reverse_order(
    command: Command<NoBody>,
    path: web::Path<MerchantOrderPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.payment(&command.user)?;
    let position = app.commands.reverse_order(command.keyed()?, path.merchant, &path.out_trade_no).await?;
    Ok(web::Json(Done { position: position.0 }))
}
