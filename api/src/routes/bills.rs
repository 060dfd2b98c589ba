//! A merchant's daily bills as CSV: what was traded, and what came into and went out of the account.
//!
//! The columns are those that bookkeeping programs for Chinese merchants read. Every cell begins with a back-tick, so
//! that spreadsheets take numbers for text; amounts are in yuan.

use std::fmt::Write;

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::{MerchantId, OrderId, PaymentId, hold::Payer};
use ledger::Money;
use projections::{
    shops::{OrderRow, ShopsView},
    wallet::{Counterparty, Line, LineFilter, LineKind, WalletView},
};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{aside, paths::MerchantDayPath};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    request::Reader,
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(trade_bill).service(fund_flow_bill);
}

/// Most lines of one bill.
const LINES_MAX: usize = 200_000;
/// How many lines are read at a time.
const PAGE: usize = 1_000;
/// Programs tell UTF-8 by it.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const TRADE_COLUMNS: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,\
    交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
    商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const TRADE_TOTALS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const FLOW_COLUMNS: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
    资金变更提交申请人,备注,业务凭证号";
const FLOW_TOTALS: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

/// A day's trade bill: every sale and every refund. There is one once the day is over.
#[utoipa::path(tag = "shops", params(MerchantDayPath), security(("token" = [])),
    responses((status = 200, description = "The bill.", body = String, content_type = "text/csv"), Refusals))]
#[get("/{merchant}/bills/{date}/trade.csv")]
async fn trade_bill(
    reader: Reader,
    path: web::Path<MerchantDayPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let (day, wallets) = opened(&app, &reader, &path).await?;
    let shops = app.fresh(&app.read_models.shops, reader.at_least).await?;
    let bill = aside(move || write_trade_bill(&day, &day.lines(&wallets)?, &shops)).await?;
    Ok(csv(bill))
}

/// A day's fund-flow bill: every line of the account, with the balance after it. There is one once the day is over.
#[utoipa::path(tag = "shops", params(MerchantDayPath), security(("token" = [])),
    responses((status = 200, description = "The bill.", body = String, content_type = "text/csv"), Refusals))]
#[get("/{merchant}/bills/{date}/fund-flow.csv")]
async fn fund_flow_bill(
    reader: Reader,
    path: web::Path<MerchantDayPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let (day, wallets) = opened(&app, &reader, &path).await?;
    let bill = aside(move || write_flow_bill(&day, &day.lines(&wallets)?)).await?;
    Ok(csv(bill))
}

async fn opened(
    app: &App,
    reader: &Reader,
    path: &MerchantDayPath,
) -> Result<(Day, std::sync::Arc<WalletView>), Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    let day = Day::of(path.merchant, path.date, app.commands.policy.money.day_offset_minutes);
    if day.to > app.commands.now() {
        return Err(Problem::new(Code::BillNotReady, "this day is not over"));
    }
    Ok((day, app.fresh(&app.read_models.wallet, reader.at_least).await?))
}

fn csv(bill: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(bill)
}

/// A local day of a merchant.
#[derive(Clone, Copy)]
struct Day {
    merchant: MerchantId,
    offset: TimeDelta,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Day {
    fn of(merchant: MerchantId, date: NaiveDate, offset_minutes: i64) -> Self {
        let offset = TimeDelta::minutes(offset_minutes);
        let from = date.and_time(NaiveTime::MIN).and_utc();
        let moved = |time: DateTime<Utc>| time.checked_sub_signed(offset).unwrap_or(time);
        let end = from.checked_add_signed(TimeDelta::days(1)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { merchant, offset, from: moved(from), to: moved(end) }
    }

    /// The day's lines, the earliest first.
    fn lines(&self, wallets: &WalletView) -> Result<Vec<Line>, Problem> {
        let filter = LineFilter { from: Some(self.from), to: Some(self.to), ..LineFilter::default() };
        let (mut lines, mut before): (Vec<Line>, Option<u64>) = (vec![], None);
        loop {
            let page = wallets.statement(Payer::Merchant(self.merchant), before, &filter, PAGE)?;
            lines.extend(page.lines);
            before = page.next;
            if before.is_none() {
                break;
            }
            if lines.len() >= LINES_MAX {
                let detail = format!("a bill has at most {LINES_MAX} lines; read the statement");
                return Err(Problem::new(Code::BillTooLarge, detail));
            }
        }
        lines.reverse();
        Ok(lines)
    }

    fn local(&self, time: DateTime<Utc>) -> String {
        let local = time.checked_add_signed(self.offset).unwrap_or(time);
        local.format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// A text that can stand in a cell: without what would end the cell or the row. Every cell begins with a back-tick, so
/// none is a formula to a spreadsheet.
fn cell(text: &str) -> String {
    text.chars().map(|c| if ends_cell(c) { ' ' } else { c }).collect()
}

fn ends_cell(c: char) -> bool {
    matches!(c, ',' | '`' | '"' | '\u{2028}' | '\u{2029}') || c.is_control()
}

fn row(bill: &mut String, cells: &[String]) {
    let ticked: Vec<String> = cells.iter().map(|cell| format!("`{cell}")).collect();
    // Writing to a string does not fail.
    let _ = write!(bill, "{}\r\n", ticked.join(","));
}

fn bill_of(columns: &str) -> String {
    format!("{BYTE_ORDER_MARK}{columns}\r\n")
}

/// An amount as a number of the bill.
fn number(amount: Money) -> String {
    amount.amount().to_string()
}

fn add(sum: &mut Option<Money>, amount: Money) -> Result<(), Problem> {
    let so_far = sum.unwrap_or(Money::zero(amount.currency()));
    *sum = Some(so_far.checked_add(amount).map_err(domain::Rejection::from_money)?);
    Ok(())
}

fn total(sum: Option<Money>) -> String {
    sum.map_or_else(|| "0.00".to_owned(), number)
}

/// How something was sold: at the payer's code, at an order's, or at the static one.
fn trade_type(order: Option<&OrderRow>) -> &'static str {
    match order {
        Some(order) if order.by_code => "MICROPAY",
        Some(_) => "NATIVE",
        None => "STATIC",
    }
}

fn write_trade_bill(day: &Day, lines: &[Line], shops: &ShopsView) -> Result<String, Problem> {
    let mut bill = bill_of(TRADE_COLUMNS);
    let (mut count, mut sold, mut refunded) = (0, None, None);
    for line in lines {
        let refund = match line.kind {
            LineKind::Sale => None,
            LineKind::RefundGiven => shops.refund(PaymentId(line.reference))?,
            _ => continue,
        };
        let paid = refund.as_ref().map_or(line.reference, |refund| refund.paid);
        let order = shops.order(OrderId(paid))?;
        let what = order.as_ref().map_or(line.note.as_str(), |order| order.description.as_str());
        let nothing = Money::zero(line.amount.currency());
        let (sale, given) = if refund.is_some() { (nothing, line.amount.negated()) } else { (line.amount, nothing) };
        add(&mut sold, sale)?;
        add(&mut refunded, given)?;
        count += 1;
        let payer = line.counterparty.as_ref().map_or_else(String::new, Counterparty::id);
        let status = if refund.is_some() { "REFUND" } else { "SUCCESS" };
        let refund_id = refund.as_ref().map_or_else(|| "0".to_owned(), |_| line.reference.to_string());
        let refund_no = refund.as_ref().map_or_else(|| "0".to_owned(), |refund| cell(&refund.out_refund_no));
        let [refund_kind, refund_status] = if refund.is_some() { ["ORIGINAL", "SUCCESS"] } else { ["", ""] };
        row(
            &mut bill,
            &[
                day.local(line.at),
                String::new(),
                day.merchant.to_string(),
                "0".to_owned(),
                String::new(),
                paid.to_string(),
                order.as_ref().map_or_else(String::new, |order| cell(&order.out_trade_no)),
                payer,
                trade_type(order.as_ref()).to_owned(),
                status.to_owned(),
                "OTHERS".to_owned(),
                line.amount.currency().to_string(),
                number(sale),
                "0.00".to_owned(),
                refund_id,
                refund_no,
                number(given),
                "0.00".to_owned(),
                refund_kind.to_owned(),
                refund_status.to_owned(),
                cell(what),
                String::new(),
                "0.00000".to_owned(),
                "0.00%".to_owned(),
                number(sale),
                number(given),
                String::new(),
            ],
        );
    }
    let _ = write!(bill, "{TRADE_TOTALS}\r\n");
    let (sold, refunded) = (total(sold), total(refunded));
    let none = || "0.00".to_owned();
    let totals = [count.to_string(), sold.clone(), refunded.clone(), none(), "0.00000".to_owned(), sold, refunded];
    row(&mut bill, &totals);
    Ok(bill)
}

fn write_flow_bill(day: &Day, lines: &[Line]) -> Result<String, Problem> {
    let mut bill = bill_of(FLOW_COLUMNS);
    let (mut came, mut went) = ((0, None), (0, None));
    for line in lines {
        let out = line.amount.is_negative();
        let size = if out { line.amount.negated() } else { line.amount };
        let side = if out { &mut went } else { &mut came };
        side.0 += 1;
        add(&mut side.1, size)?;
        let name = match line.kind {
            LineKind::Sale => "交易",
            LineKind::RefundGiven => "退款",
            LineKind::Withdrawal => "提现",
            LineKind::WithdrawalReturned => "提现退回",
            _ => "其他",
        };
        row(
            &mut bill,
            &[
                day.local(line.at),
                line.reference.to_string(),
                line.position.to_string(),
                name.to_owned(),
                name.to_owned(),
                if out { "支出" } else { "收入" }.to_owned(),
                number(size),
                number(line.balance),
                "system".to_owned(),
                cell(&line.note),
                line.reference.to_string(),
            ],
        );
    }
    let _ = write!(bill, "{FLOW_TOTALS}\r\n");
    let all = came.0 + went.0;
    row(&mut bill, &[all.to_string(), came.0.to_string(), total(came.1), went.0.to_string(), total(went.1)]);
    Ok(bill)
}
