//! The wallet: opening it, its PIN, balance, statement.

use actix_web::{HttpResponse, get, post, put, web};
use chrono::{DateTime, Utc};
use domain::{CardId, WalletEvent, hold::Payer, wallet::Limit};
use ledger::{Currency, Money};
use projections::wallet::{CardRow, Line, LineFilter, LineKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{Done, aside, before, page_limit, paths::LinePath};
use crate::{
    App,
    problem::{Code, Problem, Refusals},
    query::Query,
    request::{Command, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(wallet).service(open_wallet).service(change_pin).service(reset_pin).service(authorize);
    config.service(choose_arrival).service(limits).service(statement).service(receipt);
}

/// A wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wallet {
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// The currency of everything in it.
    pub currency: Currency,
    /// What can be spent.
    pub available: Money,
    /// What is on its way and may come back.
    pub held: Money,
    /// The real name, once a card has given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The linked cards.
    pub cards: Vec<CardRow>,
    /// How long transfers wait after they were accepted, in seconds.
    pub arrival_seconds: i64,
}

/// One's own wallet with its balance.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "The wallet.", body = Wallet), Refusals))]
#[get("")]
async fn wallet(reader: Reader, app: web::Data<App>) -> Result<web::Json<Wallet>, Problem> {
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let row = view.wallet(reader.user)?.ok_or(domain::Rejection::WalletNotOpen)?;
    let (currency, owner) = (app.commands.policy.money.currency, Payer::Person(reader.user));
    Ok(web::Json(Wallet {
        opened_at: row.opened_at,
        currency,
        available: available(&view.flow(owner), currency)?,
        held: view.held(owner, currency),
        holder: row.holder,
        cards: row.cards,
        arrival_seconds: row.arrival_seconds,
    }))
}

/// A limit of what may leave the balance. Withdrawals to one's own cards don't count.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitShown {
    /// Of which time: `day`, `year`, `life`, or `static-code-day` for payments to static codes.
    pub period: &'static str,
    /// How much in all.
    pub most: Money,
    /// How much is left of it.
    pub left: Money,
}

/// What may still be spent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limits {
    /// The limits that there are. Days and years are local ones; further linked cards raise them.
    pub limits: Vec<LimitShown>,
    /// What may still be withdrawn without a fee.
    pub withdrawal_free: Money,
    /// How often a shown code may still pay without a PIN today.
    pub without_pin: u32,
}

/// What is left of one's limits.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "The limits.", body = Limits), Refusals))]
#[get("/limits")]
async fn limits(reader: Reader, app: web::Data<App>) -> Result<web::Json<Limits>, Problem> {
    let left = app.commands.limits_left(reader.user).await?;
    let currency = app.commands.policy.money.currency;
    let money = |amount| Money::new(amount, currency).map_err(domain::Rejection::from_money);
    let shown =
        |limit: Limit| Ok(LimitShown { period: limit.period, most: money(limit.most)?, left: money(limit.left)? });
    let limits = left.limits.into_iter().map(shown).collect::<Result<_, domain::Rejection>>()?;
    Ok(web::Json(Limits { limits, withdrawal_free: money(left.withdrawal_free)?, without_pin: left.without_pin }))
}

/// What an account has.
pub(super) fn available(flow: &projections::wallet::Flow, currency: Currency) -> Result<Money, Problem> {
    flow.balance(currency).map_err(|error| domain::Rejection::from_money(error).into())
}

/// A PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    /// Six digits.
    #[schema(pattern = "^[0-9]{6}$")]
    pub pin: String,
}

/// Open a wallet.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 201, description = "It is open.", body = Done), Refusals))]
#[post("")]
async fn open_wallet(command: Command<web::Json<NewPin>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.open_wallet(&command.caller, command.body.into_inner().pin).await?;
    Ok(HttpResponse::Created().json(Done::from(&committed)))
}

/// A change of PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinChange {
    /// The present one.
    pub old: String,
    /// The new one: six digits.
    #[schema(pattern = "^[0-9]{6}$")]
    pub new: String,
}

/// Take another PIN. Authorizations given before end.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[put("/pin")]
async fn change_pin(command: Command<web::Json<PinChange>>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let PinChange { old, new } = command.body.into_inner();
    let committed = app.commands.change_pin(&command.caller, old, new).await?;
    Ok(web::Json((&committed).into()))
}

/// A new PIN for who forgot the old one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinReset {
    /// A linked card.
    pub card: CardId,
    /// That card's whole number.
    pub number: String,
    /// The new PIN: six digits.
    #[schema(pattern = "^[0-9]{6}$")]
    pub pin: String,
}

/// Take another PIN with a linked card at hand. A lock ends.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "Changed.", body = Done), Refusals))]
#[post("/pin-resets")]
async fn reset_pin(command: Command<web::Json<PinReset>>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.outside_call(&command.user)?;
    let PinReset { card, number, pin } = command.body.into_inner();
    let committed = app.commands.reset_pin(&command.caller, card, number, pin).await?;
    Ok(web::Json((&committed).into()))
}

/// The PIN, for payments to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendingToAuthorize {
    /// The PIN.
    pub pin: String,
    /// How much may be spent in all; none for one payment of any permitted amount.
    #[serde(default)]
    pub up_to: Option<Money>,
}

/// What payments are authorized with.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorizedSpending {
    /// What payments name. It works from the device that proved the PIN only.
    pub authorization: Uuid,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Position of the event in the log.
    pub position: u64,
}

/// Prove the PIN for one payment, or for several up to a sum.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 201, description = "Proved.", body = AuthorizedSpending), Refusals))]
#[post("/authorizations")]
async fn authorize(
    command: Command<web::Json<SpendingToAuthorize>>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.command(&command.user)?;
    let SpendingToAuthorize { pin, up_to } = command.body.into_inner();
    let committed = app.commands.authorize_spending(&command.caller, pin, up_to).await?;
    let authorized = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::SpendingAuthorized(authorized) => Some(AuthorizedSpending {
            authorization: authorized.authorization,
            expires_at: authorized.expires_at,
            position: committed.position.0,
        }),
        _ => None,
    });
    authorized.map(|authorized| HttpResponse::Created().json(authorized)).ok_or_else(Problem::no_event)
}

/// When transfers arrive.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// How long after they were accepted, in seconds: 0, 7200 or 86400, unless the operator has set others.
    pub seconds: i64,
}

/// Choose how long one's transfers wait after they were accepted; until then they can be cancelled.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "Chosen.", body = Done), Refusals))]
#[put("/arrival")]
async fn choose_arrival(command: Command<web::Json<Arrival>>, app: web::Data<App>) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.choose_arrival(&command.caller, command.body.seconds).await?;
    Ok(web::Json((&committed).into()))
}

/// Which lines of a statement.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// Only lines of this kind.
    #[param(inline)]
    kind: Option<LineKind>,
    /// Only lines with this counterparty: the id of a person, merchant, card or conversation, or a biller's name.
    counterparty: Option<String>,
    /// Not before this time.
    #[serde(default, deserialize_with = "super::time")]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(default, deserialize_with = "super::time")]
    to: Option<DateTime<Utc>>,
    /// At least this much came in or went out, like `12.30`.
    at_least: Option<String>,
    /// At most this much came in or went out.
    at_most: Option<String>,
    /// An earlier page's `next`.
    #[param(maximum = 9223372036854775807_u64)]
    before: Option<u64>,
    /// At most this many, 1 to 200; 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

impl StatementQuery {
    /// The lines that it asks for.
    pub(super) fn filter(&self, currency: Currency) -> Result<LineFilter, Problem> {
        let amount = |text: &Option<String>| {
            let parsed = text.as_deref().map(|text| Money::parse(text, currency)).transpose();
            parsed.map_err(|error| Problem::new(Code::InvalidQuery, error.to_string()))
        };
        Ok(LineFilter {
            kind: self.kind,
            counterparty: self.counterparty.clone(),
            from: self.from,
            to: self.to,
            at_least: amount(&self.at_least)?,
            at_most: amount(&self.at_most)?,
        })
    }
}

/// A page of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementPage {
    /// The lines, the latest first. Where few fit the query, there may be less than `limit`, also none, although there
    /// is more to come.
    pub lines: Vec<Line>,
    /// Pass as `before` for more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What came in and went out, each line with the balance after it.
#[utoipa::path(tag = "wallet", params(StatementQuery), security(("token" = [])),
    responses((status = 200, description = "The lines.", body = StatementPage), Refusals))]
#[get("/statement")]
async fn statement(
    reader: Reader,
    query: Query<StatementQuery>,
    app: web::Data<App>,
) -> Result<web::Json<StatementPage>, Problem> {
    statement_of(&app, &reader, Payer::Person(reader.user), &query).await.map(web::Json)
}

/// A page of anybody's statement; who may see it was judged before.
pub(super) async fn statement_of(
    app: &App,
    reader: &Reader,
    owner: Payer,
    query: &StatementQuery,
) -> Result<StatementPage, Problem> {
    let (limit, before) = (page_limit(query.limit, 50, 200)?, before(query.before)?);
    let filter = query.filter(app.commands.policy.money.currency)?;
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let page = if filter == LineFilter::default() {
        view.statement(owner, before, &filter, limit)?
    } else {
        aside(move || view.statement(owner, before, &filter, limit)).await?
    };
    Ok(StatementPage { lines: page.lines, next: page.next })
}

/// The receipt of one line.
#[utoipa::path(tag = "wallet", params(LinePath), security(("token" = [])),
    responses((status = 200, description = "The line.", body = Line), Refusals))]
#[get("/statement/{position}")]
async fn receipt(reader: Reader, path: web::Path<LinePath>, app: web::Data<App>) -> Result<web::Json<Line>, Problem> {
    let view = app.fresh(&app.read_models.wallet, reader.at_least).await?;
    let line = view.line(Payer::Person(reader.user), path.position)?;
    line.map(web::Json).ok_or_else(|| Problem::new(Code::LineNotFound, "no such line in your statement"))
}
