//! What queries read.

use std::ops::Bound;

use chrono::{DateTime, Utc};
use domain::{
    HoldId, PaymentId, UserId,
    hold::{Payer, Settler},
};
use ledger::{Currency, Money};
use parking_lot::RwLock;
use uuid::Uuid;

use super::{Flow, HoldRow, TopUpRow, WalletRow, book::Book, rows::Tables};
use crate::ProjectionError;

/// What queries read.
pub struct WalletView {
    pub(super) tables: Tables,
    pub(super) book: RwLock<Book>,
}

/// A top-up that the bank has not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTopUp {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub id: PaymentId,
}

impl WalletView {
    pub(super) fn new(tables: Tables, book: Book) -> Self {
        Self { tables, book: RwLock::new(book) }
    }

    /// Somebody's wallet; none that is not open.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn wallet(&self, user: UserId) -> Result<Option<WalletRow>, ProjectionError> {
        self.tables.wallet(user)
    }

    /// All that ever came into an account.
    #[must_use]
    pub fn credited(&self, owner: Payer, currency: Currency) -> Money {
        self.book.read().flows.get(&owner).map_or(Money::zero(currency), |flow| flow.credited.of(currency))
    }

    /// Both sums of an account.
    #[must_use]
    pub fn flow(&self, owner: Payer) -> Flow {
        self.book.read().flows.get(&owner).cloned().unwrap_or_default()
    }

    /// A hold, over or not.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn hold(&self, id: HoldId) -> Result<Option<HoldRow>, ProjectionError> {
        let open = self.book.read().holds.get(&id).cloned();
        match open {
            Some(row) => Ok(Some(row)),
            None => self.tables.hold(id),
        }
    }

    /// What of somebody's money is on its way, in a currency.
    #[must_use]
    pub fn held(&self, owner: Payer, currency: Currency) -> Money {
        let book = self.book.read();
        let ids = book.by_payer.range((owner, DateTime::<Utc>::MIN_UTC, HoldId(Uuid::nil()))..);
        let ids = ids.take_while(|(payer, ..)| *payer == owner);
        let rows = ids.filter_map(|(.., id)| book.holds.get(id));
        rows.filter(|row| row.terms.amount.currency() == currency)
            .fold(Money::zero(currency), |sum, row| sum.checked_add(row.left()).unwrap_or(sum))
    }

    /// A top-up.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn top_up(&self, id: PaymentId) -> Result<Option<TopUpRow>, ProjectionError> {
        self.tables.top_up(id)
    }

    /// Holds that the clock has to look at by a time, the earliest first.
    #[must_use]
    pub fn due(&self, by: DateTime<Utc>, limit: usize) -> Vec<HoldId> {
        self.book.read().due.iter().take_while(|(due, _)| *due <= by).take(limit).map(|(_, id)| *id).collect()
    }

    /// Open holds that their conversation does not show yet.
    #[must_use]
    pub fn unshown(&self, limit: usize) -> Vec<HoldId> {
        self.book.read().unshown.iter().take(limit).copied().collect()
    }

    /// Holds that somebody outside has not settled, in the order of their ids, behind one of them.
    #[must_use]
    pub fn unsettled_holds(&self, settler: Settler, after: Option<HoldId>, limit: usize) -> Vec<HoldId> {
        let first = after.map_or(Bound::Included((settler, HoldId(Uuid::nil()))), |id| Bound::Excluded((settler, id)));
        let range = (first, Bound::Included((settler, HoldId(Uuid::max()))));
        self.book.read().outside.range(range).take(limit).map(|(_, id)| *id).collect()
    }

    /// Top-ups that the bank has not settled, in the order of their ids, behind one of them.
    #[must_use]
    pub fn open_top_ups(&self, after: Option<PaymentId>, limit: usize) -> Vec<OpenTopUp> {
        let range = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let book = self.book.read();
        book.top_ups.range(range).take(limit).map(|(id, user)| OpenTopUp { user: *user, id: *id }).collect()
    }
}
