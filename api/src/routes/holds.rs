//! Money on its way: transfers, red packets, bills.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use commands::{
    Committed,
    ports::Unsettled,
    wallet::{BillToPay, RedPacketToSend, TransferToSend},
};
use domain::{
    HoldEvent, HoldId, Rejection, UserId, WalletEvent,
    hold::{HoldKind, PacketKind, Payer, Purpose, ReturnReason, Stage, best_luck},
};
use eventlog::Position;
use ledger::Money;
use projections::wallet::HoldRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::paths::{AccountPath, ConversationPath, HoldPath};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(send_transfer).service(transfer).service(accept).service(give_back).service(cancel);
    config.service(send_red_packet).service(red_packet);
    config.service(billers).service(bills).service(pay_bill).service(bill_payment);
}

/// Money on its way, as somebody who has to do with it sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldShown {
    /// Its id.
    pub id: HoldId,
    /// Who sent it; none for a merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<UserId>,
    /// How much. Of a red packet only who has to do with it already sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// `waiting`, `arriving`, `done` or `returned`.
    pub state: &'static str,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// When it goes back unless somebody takes it, or arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime<Utc>>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_at: Option<DateTime<Utc>>,
    /// Why it went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnReason>,
    /// What the bank or biller calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it is for.
    pub purpose: PurposeShown,
}

/// What money is on its way for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PurposeShown {
    /// A friend is to accept it.
    Transfer {
        /// Who.
        to: UserId,
        /// The payer's words.
        note: String,
    },
    /// People open it.
    RedPacket {
        /// How it is divided.
        packet: PacketKind,
        /// Into how many shares.
        shares: u32,
        /// The payer's words.
        greeting: String,
        /// What was taken out, in that order.
        taken: Vec<ShareShown>,
        /// Who had the best luck, once a lucky packet is empty.
        #[serde(skip_serializing_if = "Option::is_none")]
        best_luck: Option<UserId>,
    },
    /// To a card.
    Withdrawal {
        /// Which.
        card: domain::CardId,
        /// What the card gets.
        paid_out: Money,
        /// What is kept.
        fee: Money,
    },
    /// To a biller.
    Bill {
        /// Which.
        biller: String,
        /// Which bill.
        bill: String,
        /// The customer's number.
        account: String,
    },
    /// To a merchant's order.
    Order {
        /// Which.
        order: domain::OrderId,
        /// Whose.
        merchant: domain::MerchantId,
    },
}

/// A share of a red packet.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareShown {
    /// Whose.
    pub user: UserId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: DateTime<Utc>,
}

impl HoldShown {
    pub(super) fn of(row: HoldRow) -> Self {
        let due = row.due();
        let from = match row.terms.payer {
            Payer::Person(user) => Some(user),
            Payer::Merchant(_) => None,
        };
        let state = match row.stage {
            Stage::Waiting => "waiting",
            Stage::Arriving(_) => "arriving",
            Stage::Released => "done",
            Stage::Returned => "returned",
        };
        Self {
            id: row.terms.hold,
            from,
            amount: Some(row.terms.amount),
            state,
            at: row.terms.placed_at,
            due,
            over_at: row.over_at,
            returned: row.returned.clone(),
            reference: row.reference.clone(),
            purpose: PurposeShown::of(row),
        }
    }
}

impl PurposeShown {
    fn of(row: HoldRow) -> Self {
        match row.terms.purpose {
            Purpose::Transfer { to, note, .. } => Self::Transfer { to, note },
            Purpose::RedPacket { packet, shares, greeting, .. } => {
                let all: Vec<_> = row.shares.iter().map(|(share, _)| *share).collect();
                let luckiest = (packet == PacketKind::Lucky && row.stage == Stage::Released).then(|| best_luck(&all));
                let shown = |(share, at): (domain::hold::Share, DateTime<Utc>)| ShareShown {
                    user: share.user,
                    amount: share.amount,
                    at,
                };
                let taken = row.shares.into_iter().map(shown).collect();
                Self::RedPacket { packet, shares, greeting, taken, best_luck: luckiest.flatten() }
            }
            Purpose::Withdrawal { card, amount, fee } => Self::Withdrawal { card, paid_out: amount, fee },
            Purpose::Bill { biller, bill, account, .. } => Self::Bill { biller, bill, account },
            Purpose::Order { order, merchant } => Self::Order { order, merchant },
        }
    }
}

/// The hold that a command placed.
pub(super) fn placed_hold(committed: &Committed<WalletEvent>) -> Result<HoldId, Problem> {
    let hold = committed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::HoldPlaced(placed) => Some(placed.hold),
        _ => None,
    });
    hold.ok_or_else(Problem::no_event)
}

/// A hold of a kind as somebody may see it: who sent it, who is to get it, and of a red packet every member of its
/// conversation.
pub(super) async fn hold_shown(
    app: &App,
    user: UserId,
    (kind, hold): (HoldKind, HoldId),
    at_least: Position,
) -> Result<HoldShown, Problem> {
    let view = app.fresh(&app.read_models.wallet, at_least).await?;
    let row = view.hold(hold)?.filter(|row| row.terms.purpose.kind() == kind).ok_or(Rejection::HoldNotFound)?;
    let theirs = row.terms.payer == Payer::Person(user)
        || row.terms.purpose.payee() == Some(user)
        || row.shares.iter().any(|(share, _)| share.user == user);
    if theirs {
        return Ok(HoldShown::of(row));
    }
    let Purpose::RedPacket { conversation, .. } = row.terms.purpose else { return Err(Rejection::HoldNotFound.into()) };
    let chat = app.fresh(&app.read_models.chat, at_least).await?;
    if !chat.is_member(user, conversation) {
        return Err(Rejection::HoldNotFound.into());
    }
    // Who has not opened it sees who did, and not yet how much there was.
    let amount = Some(row.terms.amount).filter(|_| row.is_over());
    Ok(HoldShown { amount, ..HoldShown::of(row) })
}

/// Money for a friend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransfer {
    /// How much.
    pub amount: Money,
    /// A few words, at most 60 characters.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub note: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// Send money to the friend of a direct conversation, who accepts it or gives it back; after a day it comes back by
/// itself. The conversation shows it.
#[utoipa::path(tag = "money", params(ConversationPath), security(("token" = [])),
    responses((status = 201, description = "Sent.", body = HoldShown), Refusals))]
#[post("/v1/conversations/{conversation}/transfers")]
async fn send_transfer(
    command: Command<web::Json<NewTransfer>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewTransfer { amount, note, authorization } = &*command.body;
    let sending = TransferToSend {
        conversation: path.conversation,
        amount: *amount,
        note: note.clone(),
        authorization: *authorization,
    };
    let committed = app.commands.send_transfer(command.keyed()?, sending).await?;
    sent(&app, command.user, HoldKind::Transfer, &committed).await
}

/// Shows what was sent in its conversation, and answers.
async fn sent(
    app: &App,
    user: UserId,
    kind: HoldKind,
    committed: &Committed<WalletEvent>,
) -> Result<HttpResponse, Problem> {
    let hold = placed_hold(committed)?;
    if let Err(error) = app.commands.show_hold(hold).await {
        // The money is on its way all the same, and showing it is tried again.
        tracing::warn!(%error, "money on its way is not shown yet");
    }
    Ok(HttpResponse::Created().json(hold_shown(app, user, (kind, hold), committed.position).await?))
}

/// How a transfer stands.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "The transfer.", body = HoldShown), Refusals))]
#[get("/v1/transfers/{hold}")]
async fn transfer(
    reader: Reader,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    hold_shown(&app, reader.user, (HoldKind::Transfer, path.hold), reader.at_least).await.map(web::Json)
}

/// Accept a transfer.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "Accepted.", body = HoldShown), Refusals))]
#[post("/v1/transfers/{hold}/accept")]
async fn accept(
    command: Command<NoBody>,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    app.limits.payment(&command.user)?;
    let committed = app.commands.accept_transfer(command.keyed()?, path.hold).await?;
    decided(&app, command.user, path.hold, &committed).await
}

/// Give a transfer back.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "Given back.", body = HoldShown), Refusals))]
#[post("/v1/transfers/{hold}/return")]
async fn give_back(
    command: Command<NoBody>,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    app.limits.payment(&command.user)?;
    let committed = app.commands.return_transfer(command.keyed()?, path.hold).await?;
    decided(&app, command.user, path.hold, &committed).await
}

/// Take back one's own transfer with delayed arrival, until it arrives.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "Taken back.", body = HoldShown), Refusals))]
#[post("/v1/transfers/{hold}/cancel")]
async fn cancel(
    command: Command<NoBody>,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    app.limits.payment(&command.user)?;
    let committed = app.commands.cancel_transfer(command.keyed()?, path.hold).await?;
    decided(&app, command.user, path.hold, &committed).await
}

async fn decided(
    app: &App,
    user: UserId,
    hold: HoldId,
    committed: &Committed<HoldEvent>,
) -> Result<web::Json<HoldShown>, Problem> {
    hold_shown(app, user, (HoldKind::Transfer, hold), committed.position).await.map(web::Json)
}

/// A red packet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRedPacket {
    /// How it is divided.
    pub packet: PacketKind,
    /// Into how many shares, 1 to 100.
    #[schema(minimum = 1)]
    pub shares: u32,
    /// How much in all.
    pub amount: Money,
    /// A few words, at most 60 characters.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub greeting: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// Put a red packet into a conversation. What nobody took comes back after a day.
#[utoipa::path(tag = "money", params(ConversationPath), security(("token" = [])),
    responses((status = 201, description = "Sent.", body = HoldShown), Refusals))]
#[post("/v1/conversations/{conversation}/red-packets")]
async fn send_red_packet(
    command: Command<web::Json<NewRedPacket>>,
    path: web::Path<ConversationPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewRedPacket { packet, shares, amount, greeting, authorization } = &*command.body;
    let packet = RedPacketToSend {
        conversation: path.conversation,
        packet: *packet,
        shares: *shares,
        amount: *amount,
        greeting: greeting.clone(),
        authorization: *authorization,
    };
    let committed = app.commands.send_red_packet(command.keyed()?, packet).await?;
    sent(&app, command.user, HoldKind::RedPacket, &committed).await
}

/// A red packet, and who took what.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "The red packet.", body = HoldShown), Refusals))]
#[get("/v1/red-packets/{hold}")]
async fn red_packet(
    reader: Reader,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    hold_shown(&app, reader.user, (HoldKind::RedPacket, path.hold), reader.at_least).await.map(web::Json)
}

/// What came out of a red packet.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedShare {
    /// The caller's share.
    pub amount: Money,
    /// Position of the event in the log.
    pub position: u64,
}

/// Open a red packet, once.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "The caller's share.", body = OpenedShare), Refusals))]
#[post("/v1/red-packets/{hold}/open")]
pub(super) async fn open_red_packet(
    command: Command<NoBody>,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<OpenedShare>, Problem> {
    app.limits.payment(&command.user)?;
    let committed = app.commands.open_red_packet(command.keyed()?, path.hold).await?;
    let amount = committed.events.iter().find_map(|(_, event)| match event {
        HoldEvent::ShareOpened(opened) => Some(opened.amount),
        _ => None,
    });
    let amount = amount.ok_or_else(Problem::no_event)?;
    Ok(web::Json(OpenedShare { amount, position: committed.position.0 }))
}

/// Who sends bills.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillerShown {
    /// Its name among billers.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `electricity`, `water`, `gas` or `phone`.
    pub kind: String,
}

/// The billers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Billers {
    /// All of them.
    pub billers: Vec<BillerShown>,
}

/// Whose bills can be paid.
#[utoipa::path(tag = "money", security(("token" = [])),
    responses((status = 200, description = "The billers.", body = Billers), Refusals))]
#[get("/v1/billers")]
async fn billers(_reader: Reader, app: web::Data<App>) -> Result<web::Json<Billers>, Problem> {
    let shown = |biller: commands::gateways::Biller| BillerShown {
        id: biller.id,
        name: biller.name,
        kind: biller.kind.as_str().to_owned(),
    };
    Ok(web::Json(Billers { billers: app.commands.billers().await?.into_iter().map(shown).collect() }))
}

/// A bill.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillShown {
    /// The biller's name of it.
    pub id: String,
    /// In whose name, masked by the biller.
    pub holder: String,
    /// How much.
    pub amount: Money,
    /// When it is due.
    pub due: chrono::NaiveDate,
}

/// The open bills of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bills {
    /// All of them.
    pub bills: Vec<BillShown>,
}

/// The open bills of an account with a biller.
#[utoipa::path(tag = "money", params(AccountPath), security(("token" = [])),
    responses((status = 200, description = "The bills.", body = Bills), Refusals))]
#[get("/v1/billers/{biller}/accounts/{account}/bills")]
async fn bills(reader: Reader, path: web::Path<AccountPath>, app: web::Data<App>) -> Result<web::Json<Bills>, Problem> {
    app.limits.outside_call(&reader.user)?;
    let found = app.commands.bills(&path.biller, &path.account).await?;
    let shown = |bill: commands::gateways::Bill| BillShown {
        id: bill.id,
        holder: bill.holder,
        amount: bill.amount,
        due: bill.due,
    };
    Ok(web::Json(Bills { bills: found.into_iter().map(shown).collect() }))
}

/// A bill to be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBillPayment {
    /// The biller.
    pub biller: String,
    /// The customer's number with the biller.
    pub account: String,
    /// Which bill.
    pub bill: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

/// Pay a bill, whole. What the biller refuses comes back.
#[utoipa::path(tag = "money", security(("token" = [])),
    responses((status = 201, description = "On its way.", body = HoldShown), Refusals))]
#[post("/v1/bill-payments")]
async fn pay_bill(command: Command<web::Json<NewBillPayment>>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    let NewBillPayment { biller, account, bill, authorization } = &*command.body;
    let bill = BillToPay {
        biller: biller.clone(),
        account: account.clone(),
        bill: bill.clone(),
        authorization: *authorization,
    };
    let committed = app.commands.pay_bill(command.keyed()?, bill).await?;
    let hold = placed_hold(&committed)?;
    app.commands.settle_soon(Unsettled::Hold(hold)).await;
    Ok(HttpResponse::Created().json(hold_shown(&app, command.user, (HoldKind::Bill, hold), committed.position).await?))
}

/// How a bill's payment stands.
#[utoipa::path(tag = "money", params(HoldPath), security(("token" = [])),
    responses((status = 200, description = "The payment.", body = HoldShown), Refusals))]
#[get("/v1/bill-payments/{hold}")]
async fn bill_payment(
    reader: Reader,
    path: web::Path<HoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    hold_shown(&app, reader.user, (HoldKind::Bill, path.hold), reader.at_least).await.map(web::Json)
}
