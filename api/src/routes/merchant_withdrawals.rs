//! Where a merchant's money may go, and sending it there.

use actix_web::{HttpResponse, delete, get, post, web};
use commands::ports::Unsettled;
use domain::{CardId, HoldId, MerchantEvent, MerchantId, Rejection, hold::Payer};
use eventlog::Position;
use ledger::Money;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Done,
    cards::{LinkedCard, NewCard},
    holds::HoldShown,
    paths::{MerchantCardPath, MerchantHoldPath, MerchantPath},
};
use crate::{
    App,
    problem::{Problem, Refusals},
    request::{Command, NoBody, Reader},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(link_merchant_card).service(unlink_merchant_card);
    config.service(withdraw_from_merchant).service(merchant_withdrawal);
}

/// Link a bank card to a merchant, which the bank confirms. Only the owner may: the merchant's money goes nowhere else.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "Linked.", body = LinkedCard), Refusals))]
#[post("/{merchant}/cards")]
async fn link_merchant_card(
    command: Command<web::Json<NewCard>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.outside_call(&command.user)?;
    let caller = command.caller;
    let card = command.body.into_inner().into();
    let committed = app.commands.link_merchant_card(&caller, path.merchant, card).await?;
    let linked = committed.events.iter().find_map(|(_, event)| match event {
        MerchantEvent::CardLinked(linked) => Some(LinkedCard::of(linked, committed.position)),
        _ => None,
    });
    linked.map(|linked| HttpResponse::Created().json(linked)).ok_or_else(Problem::no_event)
}

/// Unlink a card from a merchant. Money on its way to it still arrives.
#[utoipa::path(tag = "shops", params(MerchantCardPath), security(("token" = [])),
    responses((status = 200, description = "Unlinked.", body = Done), Refusals))]
#[delete("/{merchant}/cards/{card}")]
async fn unlink_merchant_card(
    command: Command<NoBody>,
    path: web::Path<MerchantCardPath>,
    app: web::Data<App>,
) -> Result<web::Json<Done>, Problem> {
    app.limits.command(&command.user)?;
    let committed = app.commands.unlink_merchant_card(&command.caller, path.merchant, path.card).await?;
    Ok(web::Json((&committed).into()))
}

/// Money of a merchant to be sent to a card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMerchantWithdrawal {
    /// To which of the merchant's cards.
    pub card: CardId,
    /// How much the card gets; a fee, where the operator of the server has set one, comes on top.
    pub amount: Money,
}

/// Send a merchant's money to one of its cards. What the bank refuses comes back.
#[utoipa::path(tag = "shops", params(MerchantPath), security(("token" = [])),
    responses((status = 201, description = "On its way.", body = HoldShown), Refusals))]
#[post("/{merchant}/withdrawals")]
async fn withdraw_from_merchant(
    command: Command<web::Json<NewMerchantWithdrawal>>,
    path: web::Path<MerchantPath>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.limits.payment(&command.user)?;
    app.commands.check_acting(command.user, path.merchant).await?;
    let NewMerchantWithdrawal { card, amount } = *command.body;
    let committed = app.commands.withdraw_from_merchant(command.keyed()?, path.merchant, card, amount).await?;
    let hold = committed.events.iter().find_map(|(_, event)| match event {
        MerchantEvent::WithdrawalPlaced(placed) => Some(placed.hold),
        _ => None,
    });
    let hold = hold.ok_or_else(Problem::no_event)?;
    app.commands.settle_soon(Unsettled::Hold(hold)).await;
    Ok(HttpResponse::Created().json(shown(&app, path.merchant, hold, committed.position).await?))
}

/// How a merchant's withdrawal stands, for its owner and operators.
#[utoipa::path(tag = "shops", params(MerchantHoldPath), security(("token" = [])),
    responses((status = 200, description = "The withdrawal.", body = HoldShown), Refusals))]
#[get("/{merchant}/withdrawals/{hold}")]
async fn merchant_withdrawal(
    reader: Reader,
    path: web::Path<MerchantHoldPath>,
    app: web::Data<App>,
) -> Result<web::Json<HoldShown>, Problem> {
    app.commands.check_acting(reader.user, path.merchant).await?;
    shown(&app, path.merchant, path.hold, reader.at_least).await.map(web::Json)
}

async fn shown(app: &App, merchant: MerchantId, hold: HoldId, at_least: Position) -> Result<HoldShown, Problem> {
    let view = app.fresh(&app.read_models.wallet, at_least).await?;
    let row = view.hold(hold)?.filter(|row| row.terms.payer == Payer::Merchant(merchant));
    Ok(HoldShown::of(row.ok_or(Rejection::HoldNotFound)?))
}
