//! Use cases of shops: merchants, their orders, refunds, and where their money goes.

mod add_operator;
mod close_merchant;
mod close_order;
mod create_order;
mod link_card;
mod pay_order;
mod pay_with_code;
mod refund;
mod register_merchant;
mod remove_operator;
mod reverse_order;
mod settle_order;
mod show_pay_code;
mod unlink_card;
mod withdraw;

use domain::{MerchantId, OrderId, UserId, hold::Payer};
use ledger::Money;

pub use create_order::NewOrder;
pub use pay_order::OrderPayment;
pub use refund::{RefundOf, RefundToGive};

use crate::{CommandError, Commands};

impl Commands {
    /// The id of a merchant's order: the same whenever the merchant gives the same number, and not to be guessed.
    #[must_use]
    pub fn order_of(&self, merchant: MerchantId, out_trade_no: &str) -> OrderId {
        self.secrets.order(merchant, out_trade_no)
    }

    /// Checks that somebody may act for a merchant, or read what is the merchant's.
    ///
    /// # Errors
    /// [`domain::Rejection::MerchantNotFound`], [`domain::Rejection::NotAnOperator`].
    pub async fn check_acting(&self, by: UserId, merchant: MerchantId) -> Result<(), CommandError> {
        Ok(self.streams.merchants.look(merchant, |state| state.check_acting(by)).await??)
    }

    /// What an account has, as far as it is known at this moment.
    ///
    /// # Errors
    /// When the stream can't be read or the sums no longer fit.
    pub async fn available(&self, owner: Payer) -> Result<Money, CommandError> {
        let currency = self.policy.money.currency;
        let debited = match owner {
            Payer::Person(user) => self.streams.wallets.look(user, |wallet| wallet.debited(currency)).await?,
            Payer::Merchant(merchant) => self.streams.merchants.look(merchant, |state| state.debited(currency)).await?,
        };
        let credited = self.accounts.credited(owner, currency);
        Ok(credited.checked_sub(debited).map_err(domain::Rejection::from_money)?)
    }
}
