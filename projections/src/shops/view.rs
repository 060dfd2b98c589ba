//! What queries read.

use chrono::{DateTime, Utc};
use domain::{MerchantId, OrderId, PaymentId, UserId};
use parking_lot::RwLock;

use super::{
    MerchantRow, OrderRow, Part, RefundRow,
    rows::{Codes, OpenOrders, Tables},
};
use crate::ProjectionError;

/// What queries read.
pub struct ShopsView {
    pub(super) tables: Tables,
    pub(super) open: RwLock<OpenOrders>,
    pub(super) codes: RwLock<Codes>,
}

impl ShopsView {
    pub(super) fn new(tables: Tables, open: OpenOrders, codes: Codes) -> Self {
        Self { tables, open: RwLock::new(open), codes: RwLock::new(codes) }
    }

    /// A merchant.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn merchant(&self, id: MerchantId) -> Result<Option<MerchantRow>, ProjectionError> {
        self.tables.merchant(id)
    }

    /// The merchants that somebody owns or acts for, in the order of their ids.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn parts_of(&self, user: UserId) -> Result<Vec<Part>, ProjectionError> {
        self.tables.parts_of(user)
    }

    /// An order.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn order(&self, id: OrderId) -> Result<Option<OrderRow>, ProjectionError> {
        self.tables.order(id)
    }

    /// A refund.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn refund(&self, id: PaymentId) -> Result<Option<RefundRow>, ProjectionError> {
        self.tables.refund(id)
    }

    /// Whose code has that hash, used or not; none where it is long over.
    #[must_use]
    pub fn pay_code(&self, hash: &str) -> Option<UserId> {
        self.codes.read().owners.get(hash).map(|(owner, _)| *owner)
    }

    /// Orders that nobody has paid and whose time is over by then, the earliest first.
    #[must_use]
    pub fn orders_due(&self, by: DateTime<Utc>, limit: usize) -> Vec<OrderId> {
        self.open.read().iter().take_while(|(end, _)| *end <= by).take(limit).map(|(_, order)| *order).collect()
    }
}
