//! A person pays a household bill.

use domain::{HoldId, Rejection, WalletEvent, hold::Purpose, wallet::Placement};
use uuid::Uuid;

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::begin,
    gateways::{Bill, Biller, BillerGateway, GatewayError, UNKNOWN_ACCOUNT, UNKNOWN_BILLER},
};

/// A bill that is to be paid.
#[derive(Clone, Debug)]
pub struct BillToPay {
    /// Whose bill.
    pub biller: String,
    /// The customer's number with the biller.
    pub account: String,
    /// Which bill.
    pub bill: String,
    /// What the PIN was proved with.
    pub authorization: Uuid,
}

impl Commands {
    /// The billers that can be paid.
    ///
    /// # Errors
    /// [`CommandError::NotConnected`], [`CommandError::GatewaySilent`].
    pub async fn billers(&self) -> Result<Vec<Biller>, CommandError> {
        self.biller_gateway()?.billers().await.map_err(silent)
    }

    /// The open bills of an account with a biller.
    ///
    /// # Errors
    /// [`Rejection::BillerNotFound`], [`Rejection::BillAccountNotFound`], [`Rejection::BillsRefused`]; as [`Self::billers`].
    pub async fn bills(&self, biller: &str, account: &str) -> Result<Vec<Bill>, CommandError> {
        domain::rejection::check_filled("biller", biller, 60)?;
        domain::rejection::check_filled("account", account, 60)?;
        self.biller_gateway()?.bills(biller, account).await.map_err(|error| match error {
            GatewayError::Refused { code, .. } => match code.as_str() {
                UNKNOWN_BILLER => Rejection::BillerNotFound.into(),
                UNKNOWN_ACCOUNT => Rejection::BillAccountNotFound.into(),
                _ => Rejection::BillsRefused { code }.into(),
            },
            silence => silent(silence),
        })
    }

    /// Puts the money for a bill on its way. [`Commands::settle_hold`] has the biller take it.
    ///
    /// # Errors
    /// [`Rejection::BillNotFound`], [`Rejection::NotAuthorized`], [`Rejection::LimitReached`],
    /// [`Rejection::InsufficientFunds`]; as [`Self::bills`].
    pub async fn pay_bill(&self, caller: &Caller, wanted: BillToPay) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let BillToPay { biller, account, bill, authorization } = wanted;
        let open = self.bills(&biller, &account).await?;
        let found = open.into_iter().find(|open| open.id == bill).ok_or(Rejection::BillNotFound)?;
        let purpose = Purpose::Bill { biller, bill, account, due: found.due };
        let placement = Placement { hold: HoldId::new(), purpose, amount: found.amount };
        self.place_hold(owner, Some((authorization, device)), begun, placement).await
    }

    pub(super) fn biller_gateway(&self) -> Result<&dyn BillerGateway, CommandError> {
        self.billers.as_deref().ok_or(CommandError::NotConnected("biller"))
    }
}

fn silent(error: GatewayError) -> CommandError {
    tracing::warn!(%error, "a biller does not answer");
    CommandError::GatewaySilent("biller")
}
