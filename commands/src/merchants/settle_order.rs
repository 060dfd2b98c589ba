//! An order decides on a payment, or its time ends.

use domain::{OrderId, hold::Terms};
use eventlog::Position;

use crate::{Caller, CommandError, Commands, engine::Begun};

impl Commands {
    /// Has the order decide on money that is held for it: the second leg. Nothing happens where that is done already.
    ///
    /// # Errors
    /// Whatever keeps the decision from being made.
    pub(crate) async fn settle_order(&self, order: OrderId, terms: &Terms) -> Result<Position, CommandError> {
        let begun = Begun::unkeyed(&Caller::SERVER);
        Ok(self.run(&self.streams.orders, order, begun, |state, _| state.settle(terms)).await?.position)
    }

    /// Closes an order whose time is over.
    ///
    /// # Errors
    /// Whatever keeps that from being written.
    pub(crate) async fn expire_order(&self, order: OrderId) -> Result<(), CommandError> {
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.streams.orders, order, begun, |state, now| Ok(state.expire(now))).await?;
        Ok(())
    }
}
