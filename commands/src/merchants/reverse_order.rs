//! A merchant takes an order back, whatever became of it.

use domain::{MerchantId, order::OrderStage};
use eventlog::Position;

use super::{RefundOf, RefundToGive};
use crate::{Caller, CommandError, Commands};

impl Commands {
    /// Closes an order that nobody has paid, or gives back what is left of what was paid. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`domain::Rejection::NotAnOperator`], [`domain::Rejection::OrderNotFound`]; as [`Commands::refund`].
    pub async fn reverse_order(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        out_trade_no: &str,
    ) -> Result<Position, CommandError> {
        self.check_acting(caller.user()?, merchant).await?;
        let order = self.order_of(merchant, out_trade_no);
        let stage = self.streams.orders.look(order, domain::Order::stage).await?;
        if !matches!(stage, OrderStage::Paid { .. }) {
            match self.close_order(caller, merchant, order).await {
                Err(CommandError::Rejected(domain::Rejection::OrderPaid)) => {}
                closed => return Ok(closed?.position),
            }
        }
        let sale = self.streams.orders.look(order, |state| state.sale(order)).await??;
        let given =
            self.streams.merchants.look(merchant, |state| state.refunded(order.0).map(|given| given.sum)).await?;
        let left = given.map_or(Ok(sale.amount), |given| sale.amount.checked_sub(given));
        let left = left.map_err(domain::Rejection::from_money)?;
        if left.is_zero() {
            return Ok(self.log.last_position());
        }
        let refund = RefundToGive {
            merchant,
            out_refund_no: format!("reverse-{order}"),
            of: RefundOf::Order(out_trade_no.to_owned()),
            amount: left,
            reason: String::new(),
        };
        Ok(self.refund(caller, refund).await?.position)
    }
}
