//! Refunds: giving a payer money back, and what was given back.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use commands::merchants::{RefundOf, RefundToGive};
use domain::{OrderId, PaymentId, UserId, hold::Payer};
use ledger::Money;
use projections::shops::{ListFilter, ListPlace, RefundRow, ShopsView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    aside, link, page_limit,
    paths::{MerchantPath, MerchantRefundPath},
    resume,
};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(refund).service(refunds).service(refund_shown);
}

/// Money to be given back: of an order, or of a sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// The merchant's number of the refund: 1 to 64 of the signs `0-9 A-Z a-z _ - | * @`. A repeated number is the same
    /// refund.
    pub out_refund_no: String,
    /// The merchant's number of the order.
    #[serde(default)]
    pub out_trade_no: Option<String>,
    /// Instead of an order: the number of the sale's line in the merchant's statement.
    #[serde(default)]
    #[schema(maximum = 9223372036854775807_u64)]
    pub sale: Option<u64>,
    /// How much.
    pub amount: Money,
    /// A few words, which the payer sees.
    #[serde(default)]
    pub reason: String,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundGiven {
    /// Its id.
    pub refund: PaymentId,
    /// What the merchant has now.
    pub available: Money,
    /// Position of the last event in the log.
    pub position: u64,
}

/// Give a payer money back, in whole or in part.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "Given back.", body = RefundGiven), Refusals))]
#[post("/{merchant}/refunds")]
async fn refund(
    command: Command<web::Json<NewRefund>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    app.commands.check_acting(command.user, path.merchant).await?;
    let (merchant, NewRefund { out_refund_no, out_trade_no, sale, amount, reason }) = (path.merchant, &*command.body);
    let of = match (out_trade_no, sale) {
        (Some(number), None) => RefundOf::Order(number.clone()),
        (None, Some(line)) => RefundOf::Line(super::position(Some(*line))?.0),
        _ => return Err(Problem::new(Code::InvalidBody, "give one of the two: out_trade_no, sale")),
    };
    let (amount, reason) = (*amount, reason.clone());
    let wanted = RefundToGive { merchant, out_refund_no: out_refund_no.clone(), of, amount, reason };
    let committed = app.commands.refund(command.keyed()?, wanted).await?;
    let refund = PaymentId::of_refund(merchant, out_refund_no);
    let available = app.commands.available(Payer::Merchant(merchant)).await?;
    Ok(HttpResponse::Created().json(RefundGiven { refund, available, position: committed.position.0 }))
}

/// A refund, as the merchant's people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundShown {
    /// Its id.
    pub id: PaymentId,
    /// The merchant's number of it.
    pub out_refund_no: String,
    /// What had been paid: an order, or a payment to the static code.
    pub paid: Uuid,
    /// The merchant's number of the order, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_trade_no: Option<String>,
    /// Who had paid.
    pub payer: UserId,
    /// How much was given back.
    pub amount: Money,
    /// The merchant's words.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A page of refunds.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundsPage {
    /// The latest first.
    pub refunds: Vec<RefundShown>,
    /// Pass as `cursor` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which refunds.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefundsQuery {
    /// Not given before this time.
    #[serde(default, deserialize_with = "super::time")]
    from: Option<DateTime<Utc>>,
    /// Given before this time.
    #[serde(default, deserialize_with = "super::time")]
    to: Option<DateTime<Utc>>,
    /// An earlier page's `next`.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A merchant's refunds, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantPath, RefundsQuery), security(("token" = [])),
    responses((status = 200, description = "The refunds.", body = RefundsPage), Refusals))]
#[get("/{merchant}/refunds")]
async fn refunds(
    reader: Reader,
    path: web::Path<MerchantPath>,
    query: Query<RefundsQuery>,
    app: web::Data<App>,
) -> Result<web::Json<RefundsPage>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let RefundsQuery { from, to, cursor, limit } = query.into_inner();
    let (limit, behind) = (page_limit(limit, 50, 100)?, resume::<ListPlace>(cursor.as_deref())?);
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    let (merchant, filter) = (path.merchant, ListFilter { state: None, from, to });
    let page = aside(move || {
        let page = view.refunds_of(merchant, &filter, behind, limit)?;
        let refunds = page.rows.into_iter().map(|(id, row)| shown(&view, id, row)).collect::<Result<_, Problem>>()?;
        Ok::<_, Problem>(RefundsPage { refunds, next: page.next.map(|place| link(&place)) })
    });
    page.await.map(web::Json)
}

/// A refund by the merchant's number of it, for the merchant's people.
#[utoipa::path(tag = "shops", params(MerchantRefundPath), security(("token" = [])),
    responses((status = 200, description = "The refund.", body = RefundShown), Refusals))]
#[get("/{merchant}/refunds/{out_refund_no}")]
async fn refund_shown(
    reader: Reader,
    path: web::Path<MerchantRefundPath>,
    app: web::Data<App>,
) -> Result<web::Json<RefundShown>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let view = app.fresh(&app.read_models.shops, reader.at_least).await?;
    let id = PaymentId::of_refund(path.merchant, &path.out_refund_no);
    let row = view.refund(id)?.ok_or_else(|| Problem::new(Code::RefundNotFound, "no such refund"))?;
    shown(&view, id, row).map(web::Json)
}

fn shown(view: &ShopsView, id: PaymentId, row: RefundRow) -> Result<RefundShown, Problem> {
    let RefundRow { out_refund_no, paid, payer, amount, reason, at } = row;
    let out_trade_no = view.order(OrderId(paid))?.map(|order| order.out_trade_no);
    Ok(RefundShown { id, out_refund_no, paid, out_trade_no, payer, amount, reason, at })
}
