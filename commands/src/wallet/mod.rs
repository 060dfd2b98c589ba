//! Use cases about money: wallets, and what becomes of money on its way.

mod accept_transfer;
mod authorize_spending;
mod cancel_transfer;
mod change_pin;
mod choose_arrival;
mod limits;
mod link_card;
mod open_red_packet;
mod open_wallet;
mod pauses;
mod pay_bill;
mod pay_merchant;
mod processes;
mod quote_withdrawal;
mod reset_pin;
mod return_transfer;
mod send_red_packet;
mod send_transfer;
mod settle;
mod show_hold;
mod top_up;
mod unlink_card;
mod withdraw;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{
    Aggregate, DeviceId, HoldEvent, HoldId, Rejection, UserId, WalletEvent,
    hold::{Payer, Terms},
    wallet::{Payment, Placement},
};
use uuid::Uuid;

pub use link_card::CardToLink;
pub(crate) use pauses::Pauses;
pub use pay_bill::BillToPay;
pub use pay_merchant::MerchantPayment;
pub(crate) use processes::Rounds;
pub use send_red_packet::RedPacketToSend;
pub use send_transfer::TransferToSend;

use crate::{
    Caller, CommandError, Commands, Committed, engine::Begun, ports::Unsettled, processes::counted,
    repository::Repository,
};

impl Commands {
    /// Runs the last step of a command that takes money out of an account. A refusal for want of money is not only for want
    /// of news: it is decided once more when everything acknowledged is known.
    pub(crate) async fn run_paying<A: Aggregate>(
        &self,
        repository: &Arc<Repository<A>>,
        id: A::Id,
        mut begun: Begun,
        decide: impl Fn(&A, DateTime<Utc>) -> Result<Vec<A::Event>, Rejection>,
    ) -> Result<Committed<A::Event>, CommandError> {
        match self.attempt(repository, id, &mut begun, &decide).await {
            Err(CommandError::Rejected(Rejection::InsufficientFunds { .. })) => {
                self.accounts.catch_up().await?;
                self.attempt(repository, id, &mut begun, &decide).await
            }
            outcome => outcome,
        }
    }

    /// Settles what was just placed. Where that does not work now nothing is lost: [`Commands::run_settlements`] tries again.
    pub async fn settle_soon(&self, item: Unsettled) {
        counted("settle", self.settle(item).await);
    }

    /// Puts money of a person into a hold.
    pub(crate) async fn place_hold(
        &self,
        owner: UserId,
        authorization: Option<(Uuid, DeviceId)>,
        begun: Begun,
        placement: Placement,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let amount = placement.amount;
        self.run_paying(&self.streams.wallets, owner, begun, |wallet, now| {
            let credited = self.accounts.credited(Payer::Person(owner), amount.currency());
            let payment = Payment { owner, credited, authorization, now, policy: &self.policy.money };
            wallet.place(&payment, &placement)
        })
        .await
    }

    /// The terms of a hold.
    async fn terms(&self, hold: HoldId) -> Result<Terms, CommandError> {
        Ok(self.accounts.terms(hold).await?.ok_or(Rejection::HoldNotFound)?)
    }

    /// Decides on a hold.
    async fn decide_hold(
        &self,
        terms: &Terms,
        begun: Begun,
        decide: impl Fn(&domain::Hold, DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection>,
    ) -> Result<Committed<HoldEvent>, CommandError> {
        self.run(&self.streams.holds, terms.hold, begun, decide).await
    }

    /// The device that a caller calls from.
    pub(crate) fn device_of(caller: &Caller) -> Result<DeviceId, CommandError> {
        caller.device.ok_or(CommandError::NotLoggedIn)
    }
}
