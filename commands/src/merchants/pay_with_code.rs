//! An operator reads the code that a payer shows.

use domain::{
    HoldId, OrderId, Rejection, WalletEvent,
    hold::{Payer, Purpose},
    wallet::{Payment, Placement},
};
use eventlog::Position;

use super::NewOrder;
use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Creates an order and pays it with the code that a payer shows, whose wallet is looked up by the code's hash. Where
    /// a PIN is needed the payer has to confirm, by [`Commands::pay_order`]. Tells the order and the last position.
    ///
    /// # Errors
    /// [`Rejection::PayCodeInvalid`]; as [`Commands::create_order`] and [`Commands::pay_order`].
    pub async fn pay_with_code(
        &self,
        caller: &Caller,
        code: &str,
        order: NewOrder,
    ) -> Result<(OrderId, Position), CommandError> {
        let id = self.order_of(order.merchant, &order.out_trade_no);
        let committed = self.take_code(caller, code, id, order).await?;
        let mut position = committed.position;
        for (_, event) in &committed.events {
            if let WalletEvent::HoldPlaced(placed) = event {
                let payer = placed.entry.postings().iter().find_map(domain::accounts::paying_person);
                let terms = payer.and_then(|payer| placed.terms(Payer::Person(payer), committed.at));
                let terms = terms.ok_or_else(|| CommandError::Internal("no money was held for the order".into()))?;
                position = position.max(self.settle_order(id, &terms).await?);
                self.streams.orders.look(id, |state| state.check_paid_with(terms.hold)).await??;
            }
        }
        Ok((id, position))
    }

    async fn take_code(
        &self,
        caller: &Caller,
        code: &str,
        order: OrderId,
        new: NewOrder,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting(by, new.merchant).await?;
        let hash = self.secrets.pay_code_hash(code);
        let owner = self.accounts.pay_code(&hash).await?.ok_or(Rejection::PayCodeInvalid)?;
        let (merchant, amount) = (new.merchant, new.amount);
        self.create_order(&Caller::person(by), new).await?;
        let now = self.now();
        self.streams.orders.look(order, |state| state.payable(now).map(|_| ())).await??;
        let placement = Placement { hold: HoldId::new(), purpose: Purpose::Order { order, merchant }, amount };
        self.run_paying(&self.streams.wallets, owner, begun, |wallet, now| {
            let credited = self.accounts.credited(Payer::Person(owner), amount.currency());
            let payment = Payment { owner, credited, authorization: None, now, policy: &self.policy.money };
            wallet.pay_with_code(&payment, &placement, &hash)
        })
        .await
    }
}
