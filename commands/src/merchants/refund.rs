//! A merchant gives money back.

use domain::{
    MerchantEvent, MerchantId, Rejection,
    hold::Payer,
    merchant::{Refund, Sale},
};
use ledger::Money;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// What is to be given back.
#[derive(Clone, Debug)]
pub struct RefundToGive {
    /// By whom.
    pub merchant: MerchantId,
    /// The merchant's number of it.
    pub out_refund_no: String,
    /// Of what.
    pub of: RefundOf,
    /// How much.
    pub amount: Money,
    /// The merchant's words.
    pub reason: String,
}

/// What was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOf {
    /// An order, by the merchant's number of it.
    Order(String),
    /// A sale, by the number of its line in the merchant's statement.
    Line(u64),
}

impl Commands {
    /// Gives a payer money back. The same number with the same refund, with a key or without, is done once.
    ///
    /// # Errors
    /// [`Rejection::NotAnOperator`], [`Rejection::OrderNotFound`], [`Rejection::OrderNotPaid`],
    /// [`Rejection::SaleNotFound`], [`Rejection::RefundDiffers`], [`Rejection::RefundTooLate`],
    /// [`Rejection::TooManyRefunds`], [`Rejection::RefundTooLarge`], [`Rejection::InsufficientFunds`].
    pub async fn refund(
        &self,
        caller: &Caller,
        wanted: RefundToGive,
    ) -> Result<Committed<MerchantEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let RefundToGive { merchant, out_refund_no, of, amount, reason } = wanted;
        self.check_acting(by, merchant).await?;
        let sale = self.sale(merchant, &of).await?;
        let (owner, currency) = (Payer::Merchant(merchant), amount.currency());
        self.run_paying(&self.streams.merchants, merchant, begun, |state, now| {
            let refund = Refund {
                merchant,
                out_refund_no: &out_refund_no,
                sale,
                amount,
                reason: &reason,
                credited: self.accounts.credited(owner, currency),
                now,
                policy: &self.policy.money,
            };
            state.refund(by, &refund)
        })
        .await
    }

    async fn sale(&self, merchant: MerchantId, of: &RefundOf) -> Result<Sale, CommandError> {
        match of {
            RefundOf::Order(out_trade_no) => {
                let order = self.order_of(merchant, out_trade_no);
                Ok(self.streams.orders.look_settled(order, |state| state.sale(order)).await??)
            }
            RefundOf::Line(position) => {
                Ok(self.accounts.sale(merchant, *position).await?.ok_or(Rejection::SaleNotFound)?)
            }
        }
    }
}
