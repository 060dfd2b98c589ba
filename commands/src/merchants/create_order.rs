//! A merchant's operator creates an order.

use chrono::{DateTime, Utc};
use domain::{MerchantId, OrderEvent, OrderId, order::OrderDraft};
use ledger::Money;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Whom.
    pub merchant: MerchantId,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// When it ends; none for the longest there may be.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Commands {
    /// Creates an order. The same asked for again, with a key or without, is the same order.
    ///
    /// # Errors
    /// [`domain::Rejection::NotAnOperator`], [`domain::Rejection::MerchantClosed`],
    /// [`domain::Rejection::OrderDiffers`], fields that break their rules.
    pub async fn create_order(
        &self,
        caller: &Caller,
        order: NewOrder,
    ) -> Result<(OrderId, Committed<OrderEvent>), CommandError> {
        let by = caller.user()?;
        let id = self.order_of(order.merchant, &order.out_trade_no);
        self.create(caller, by, id, order).await.map(|committed| (id, committed))
    }

    async fn create(
        &self,
        caller: &Caller,
        by: domain::UserId,
        id: OrderId,
        order: NewOrder,
    ) -> Result<Committed<OrderEvent>, CommandError> {
        let begun = begin!(self, caller);
        let NewOrder { merchant, out_trade_no, amount, description, expires_at } = order;
        self.check_acting(by, merchant).await?;
        self.streams.merchants.look(merchant, |state| state.check_open()).await??;
        let draft = OrderDraft { merchant, out_trade_no, amount, description, expires_at };
        self.run(&self.streams.orders, id, begun, |state, now| state.create(&draft, now, &self.policy.money)).await
    }
}
