//! Lists of money on its way, as those see it whom it concerns.

use chrono::{DateTime, Utc};
use domain::{
    HoldId, PaymentId, UserId,
    hold::{HoldKind, Payer},
};
use uuid::Uuid;

use super::{HoldRow, TopUpRow, WalletView};
use crate::ProjectionError;

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of who has sent it.
    Sent(Payer),
    /// Of the one person who is to get it.
    Received(UserId),
}

/// The place of a hold in a list: when it was sent, and its id.
pub type HoldPlace = (DateTime<Utc>, HoldId);

impl WalletView {
    /// Money of a kind that is on its way from or to somebody, the latest first: what stands behind a place, at most
    /// `limit`.
    #[must_use]
    pub fn pending(&self, side: Side, kind: HoldKind, behind: Option<HoldPlace>, limit: usize) -> Vec<HoldRow> {
        let first = (DateTime::<Utc>::MIN_UTC, HoldId(Uuid::nil()));
        let end = behind.unwrap_or((DateTime::<Utc>::MAX_UTC, HoldId(Uuid::max())));
        let book = self.book.read();
        let open = |id: &HoldId| book.holds.get(id).filter(|row| row.terms.purpose.kind() == kind).cloned();
        match side {
            Side::Sent(payer) => {
                let range = book.by_payer.range((payer, first.0, first.1)..(payer, end.0, end.1)).rev();
                range.filter_map(|(.., id)| open(id)).take(limit).collect()
            }
            Side::Received(user) => {
                let range = book.by_payee.range((user, first.0, first.1)..(user, end.0, end.1)).rev();
                range.filter_map(|(.., id)| open(id)).take(limit).collect()
            }
        }
    }

    /// Somebody's top-ups that the bank has not settled, as many as one may have.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn pending_top_ups(&self, user: UserId) -> Result<Vec<(PaymentId, TopUpRow)>, ProjectionError> {
        let range = (user, PaymentId(Uuid::nil()))..=(user, PaymentId(Uuid::max()));
        let ids: Vec<PaymentId> = self.book.read().top_ups_of.range(range).map(|(_, id)| *id).collect();
        let row = |id: PaymentId| Ok(self.top_up(id)?.map(|row| (id, row)));
        ids.into_iter().filter_map(|id| row(id).transpose()).collect()
    }
}
