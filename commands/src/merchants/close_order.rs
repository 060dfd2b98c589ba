//! A merchant does not want an order paid any more.

use domain::{MerchantId, OrderEvent, OrderId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Closes an order that nobody has paid.
    ///
    /// # Errors
    /// [`domain::Rejection::NotAnOperator`], [`domain::Rejection::OrderNotFound`], [`domain::Rejection::OrderPaid`].
    pub async fn close_order(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        order: OrderId,
    ) -> Result<Committed<OrderEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting(by, merchant).await?;
        self.run(&self.streams.orders, order, begun, |state, _| state.close()).await
    }
}
