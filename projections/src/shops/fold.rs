//! Taking events in.

use std::collections::{BTreeSet, HashMap};

use domain::{
    DomainEvent, MerchantEvent, MerchantId, OrderEvent, OrderId, PaymentId, UserId, WalletEvent, hold::Purpose,
    merchant::MerchantRegistered, order::OrderCreated, wallet::HoldPlaced,
};
use fjall::OwnedWriteBatch as WriteBatch;
use ledger::Money;

use super::{MerchantRow, OrderRow, OrderState, Part, RefundRow, ShopsView, rows::Tables};
use crate::{Fact, ProjectionError, wallet::CardRow};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("merchant.")
        || event_type.starts_with("order.")
        || event_type.starts_with("wallet.pay-code-")
        || event_type == "wallet.hold-placed"
}

/// Takes in a code that a payer shows.
pub(super) fn take_code(
    view: &ShopsView,
    tables: &Tables,
    fact: &Fact,
    rows: &mut WriteBatch,
) -> Result<(), ProjectionError> {
    let DomainEvent::Wallet(WalletEvent::PayCodeIssued(issued)) = fact.decoded()? else { return Ok(()) };
    let owner = fact.stream_id("wallet").map(UserId);
    let owner = owner.ok_or_else(|| fact.poison("the stream names no wallet"))?;
    view.codes.write().take(tables, rows, (&issued.code, owner, issued.expires_at), fact.at())
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    merchants: HashMap<MerchantId, MerchantRow>,
    orders: HashMap<OrderId, OrderRow>,
    /// Those of them that were created in this batch.
    created: Vec<OrderId>,
    refunds: HashMap<PaymentId, (MerchantId, RefundRow)>,
    /// Parts that people have now, or have no longer.
    parts: HashMap<(UserId, MerchantId), Option<Part>>,
}

impl Changes {
    /// Takes an event in.
    pub(super) fn take(&mut self, tables: &Tables, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Merchant(event) => self.take_merchant(tables, fact, event),
            DomainEvent::Order(event) => self.take_order(tables, fact, event),
            DomainEvent::Wallet(WalletEvent::PayCodePresented(presented)) => {
                if let Some(mut row) = self.order(tables, presented.order)?.filter(OrderRow::is_unpaid) {
                    (row.state, row.by_code) = (OrderState::UserPaying, true);
                    self.orders.insert(presented.order, row);
                }
                Ok(())
            }
            DomainEvent::Wallet(WalletEvent::HoldPlaced(HoldPlaced {
                pay_code: Some(_),
                purpose: Purpose::Order { order, .. },
                ..
            })) => {
                if let Some(mut row) = self.order(tables, *order)?.filter(OrderRow::is_unpaid) {
                    row.by_code = true;
                    self.orders.insert(*order, row);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_merchant(&mut self, tables: &Tables, fact: &Fact, event: &MerchantEvent) -> Result<(), ProjectionError> {
        let id = fact.stream_id("merchant").map(MerchantId);
        let id = id.ok_or_else(|| fact.poison("the stream names no merchant"))?;
        match event {
            MerchantEvent::MerchantRegistered(MerchantRegistered { name, owner, .. }) => {
                let (name, owner, registered_at) = (name.clone(), *owner, fact.at());
                let operators = BTreeSet::new();
                let row = MerchantRow { name, owner, operators, registered_at, closed_at: None, cards: vec![] };
                self.merchants.insert(id, row);
                self.parts.insert((owner, id), Some(Part { merchant: id, owns: true }));
                Ok(())
            }
            MerchantEvent::OperatorAdded(added) => {
                self.parts.insert((added.user, id), Some(Part { merchant: id, owns: false }));
                self.change_merchant(tables, fact, id, |row| {
                    row.operators.insert(added.user);
                })
            }
            MerchantEvent::OperatorRemoved(removed) => {
                self.parts.insert((removed.user, id), None);
                self.change_merchant(tables, fact, id, |row| {
                    row.operators.remove(&removed.user);
                })
            }
            MerchantEvent::MerchantClosed(_) => {
                self.change_merchant(tables, fact, id, |row| row.closed_at = Some(fact.at()))
            }
            MerchantEvent::Refunded(refunded) => {
                let row = RefundRow {
                    out_refund_no: refunded.out_refund_no.clone(),
                    paid: refunded.paid,
                    payer: refunded.payer,
                    amount: refunded.amount,
                    reason: refunded.reason.clone(),
                    at: fact.at(),
                };
                self.refunds.insert(refunded.refund, (id, row));
                // What was paid may also be a payment to the static code, which is no order.
                let order = OrderId(refunded.paid);
                let Some(mut row) = self.order(tables, order)? else { return Ok(()) };
                let sum = row.refunded.checked_add(refunded.amount);
                row.refunded = sum.map_err(|error| fact.poison(error.to_string()))?;
                row.state = OrderState::Refund;
                self.orders.insert(order, row);
                Ok(())
            }
            MerchantEvent::CardLinked(linked) => {
                self.change_merchant(tables, fact, id, |row| row.cards.push(CardRow::of(linked, fact.at())))
            }
            MerchantEvent::CardUnlinked(unlinked) => {
                self.change_merchant(tables, fact, id, |row| row.cards.retain(|card| card.id != unlinked.card))
            }
            MerchantEvent::WithdrawalPlaced(_) => Ok(()),
        }
    }

    fn take_order(&mut self, tables: &Tables, fact: &Fact, event: &OrderEvent) -> Result<(), ProjectionError> {
        let id = fact.stream_id("order").map(OrderId).ok_or_else(|| fact.poison("the stream names no order"))?;
        if let OrderEvent::OrderCreated(created) = event {
            self.orders.insert(id, created_row(fact, created));
            self.created.push(id);
            return Ok(());
        }
        let Some(mut row) = self.order(tables, id)? else {
            // Money for an order that never was goes back, and that is all there is to it.
            return Ok(());
        };
        match event {
            OrderEvent::OrderCreated(_) | OrderEvent::PaymentReturned(_) => {}
            OrderEvent::CodeRenewed(renewed) => row.code_until = renewed.code_until,
            OrderEvent::OrderPaid(paid) => {
                row.state = OrderState::Success;
                (row.payer, row.paid_at, row.payment) = (Some(paid.payer), Some(fact.at()), Some(paid.hold));
            }
            OrderEvent::OrderClosed(_) => row.state = OrderState::Closed,
        }
        self.orders.insert(id, row);
        Ok(())
    }

    fn order(&self, tables: &Tables, id: OrderId) -> Result<Option<OrderRow>, ProjectionError> {
        match self.orders.get(&id) {
            Some(row) => Ok(Some(row.clone())),
            None => tables.order(id),
        }
    }

    fn change_merchant(
        &mut self,
        tables: &Tables,
        fact: &Fact,
        id: MerchantId,
        change: impl FnOnce(&mut MerchantRow),
    ) -> Result<(), ProjectionError> {
        let row = match self.merchants.get(&id) {
            Some(row) => Some(row.clone()),
            None => tables.merchant(id)?,
        };
        let mut row = row.ok_or_else(|| fact.poison("a change of a merchant that was not registered"))?;
        change(&mut row);
        self.merchants.insert(id, row);
        Ok(())
    }

    /// Puts the changes into a batch of rows.
    pub(super) fn write(&self, tables: &Tables, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for (id, row) in &self.merchants {
            tables.write_merchant(*id, row, rows)?;
        }
        for ((user, merchant), part) in &self.parts {
            let gone = Part { merchant: *merchant, owns: false };
            tables.write_part(*user, part.unwrap_or(gone), part.is_some(), rows);
        }
        for (id, row) in &self.refunds {
            tables.write_refund(*id, row, rows)?;
        }
        for (id, row) in self.created.iter().filter_map(|id| Some((id, self.orders.get(id)?))) {
            tables.list_order(*id, row, rows);
        }
        self.orders.iter().try_for_each(|(id, row)| tables.write_order(*id, row, rows))
    }

    /// Shows the changes in what is held in memory.
    pub(super) fn show(self, view: &ShopsView) {
        if self.orders.is_empty() {
            return;
        }
        let mut open = view.open.write();
        for (id, row) in self.orders {
            if row.is_unpaid() {
                open.insert((row.closes_at, id));
            } else {
                open.remove(&(row.closes_at, id));
            }
        }
    }
}

fn created_row(fact: &Fact, created: &OrderCreated) -> OrderRow {
    let OrderCreated { merchant, out_trade_no, amount, description, code_until, closes_at, .. } = created.clone();
    OrderRow {
        merchant,
        out_trade_no,
        amount,
        description,
        created_at: fact.at(),
        code_until,
        closes_at,
        state: OrderState::NotPay,
        payer: None,
        paid_at: None,
        payment: None,
        by_code: false,
        refunded: Money::zero(amount.currency()),
    }
}
