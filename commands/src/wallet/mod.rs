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

use domain::{
    DeviceId, HoldEvent, HoldId, PaymentId, Rejection, UserId, WalletEvent,
    hold::{Payer, Terms},
    wallet::{Payment, Placement},
};
use ledger::Money;
use uuid::Uuid;

pub use link_card::CardToLink;
pub(crate) use pauses::Pauses;
pub use pay_bill::BillToPay;
pub use pay_merchant::MerchantPayment;
pub(crate) use processes::Rounds;
pub use send_red_packet::RedPacketToSend;
pub use send_transfer::TransferToSend;

use crate::{Caller, CommandError, Commands, Committed, engine::Begun};

impl Commands {
    /// The id that a hold gets which a command places: the same for a repeated command.
    pub(crate) fn hold_of(begun: &Begun) -> HoldId {
        HoldId(begun.id.derive("hold"))
    }

    fn payment_of(begun: &Begun) -> PaymentId {
        PaymentId(begun.id.derive("payment"))
    }

    /// Makes sure that a refusal for want of money is not only for want of news: where what is known to have come in does
    /// not suffice, waits until everything acknowledged is known.
    pub(crate) async fn know_enough(&self, owner: UserId, amount: Money) -> Result<(), CommandError> {
        let debited = self.wallets.look(owner, |wallet| wallet.debited(amount.currency())).await?;
        let credited = self.accounts.credited(Payer::Person(owner), amount.currency());
        let enough = credited.checked_sub(debited).is_ok_and(|available| available.minor() >= amount.minor());
        if enough { Ok(()) } else { self.accounts.catch_up().await }
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
        self.know_enough(owner, amount).await?;
        self.run(&self.wallets, owner, begun, |wallet, now| {
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
        decide: impl Fn(&domain::Hold, chrono::DateTime<chrono::Utc>) -> Result<Vec<HoldEvent>, Rejection>,
    ) -> Result<Committed<HoldEvent>, CommandError> {
        self.run(&self.holds, terms.hold, begun, decide).await
    }

    /// The device that a caller calls from.
    pub(crate) fn device_of(caller: &Caller) -> Result<DeviceId, CommandError> {
        caller.device.ok_or(CommandError::NotLoggedIn)
    }
}
