//! A person pays an order.

use domain::{HoldId, OrderId, Rejection, WalletEvent, hold::Payer, hold::Purpose, wallet::Placement};
use eventlog::Position;
use uuid::Uuid;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// An order that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderPayment {
    /// The payment: where the money was held between the two legs.
    pub hold: HoldId,
    /// Position of the last event that this request added to the log.
    pub position: Position,
}

impl Commands {
    /// Pays an order, in two legs: the money leaves the wallet, then the order's stream decides. Whoever comes second has
    /// the money back at once. A crash between the two is made good by [`Commands::run_settlements`].
    ///
    /// # Errors
    /// [`Rejection::OrderPaid`], [`Rejection::OrderClosed`], [`Rejection::OrderCodeExpired`],
    /// [`Rejection::NotAuthorized`], [`Rejection::LimitReached`], [`Rejection::InsufficientFunds`].
    pub async fn pay_order(
        &self,
        caller: &Caller,
        order: OrderId,
        authorization: Uuid,
    ) -> Result<OrderPayment, CommandError> {
        let user = caller.user()?;
        let placed = self.place_for_order(caller, order, authorization).await?;
        let terms = placed.events.iter().find_map(|(_, event)| match event {
            WalletEvent::HoldPlaced(event) => event.terms(Payer::Person(user), placed.at),
            _ => None,
        });
        let terms = terms.ok_or_else(|| CommandError::Internal("no money was held for the order".into()))?;
        let settled = self.settle_order(order, &terms).await?;
        self.streams.orders.look(order, |state| state.check_paid_with(terms.hold)).await??;
        Ok(OrderPayment { hold: terms.hold, position: settled.max(placed.position) })
    }

    /// The first leg.
    pub async fn place_for_order(
        &self,
        caller: &Caller,
        order: OrderId,
        authorization: Uuid,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (owner, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        let now = self.now();
        let payable =
            self.streams.orders.look(order, |state| state.payable(now).map(|terms| (terms.merchant, terms.amount)));
        let (merchant, amount) = payable.await??;
        self.streams.merchants.look(merchant, |state| state.check_open()).await?.map_err(|refused| match refused {
            Rejection::MerchantNotFound => Rejection::OrderNotFound,
            other => other,
        })?;
        let placement = Placement { hold: HoldId::new(), purpose: Purpose::Order { order, merchant }, amount };
        self.place_hold(owner, Some((authorization, device)), begun, placement).await
    }
}
