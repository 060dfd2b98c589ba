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

use super::{
    Flow, HoldRow, Line, LineKind, TopUpRow, WalletRow,
    book::Book,
    rows::{Tables, line_key},
};
use crate::ProjectionError;

/// What queries read.
pub struct WalletView {
    tables: Tables,
    pub(super) book: RwLock<Book>,
}

/// Which lines of a statement are wanted.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Only lines of that kind.
    pub kind: Option<LineKind>,
    /// Only lines with that counterparty's id, or biller's name.
    pub counterparty: Option<String>,
    /// Not before that time.
    pub from: Option<DateTime<Utc>>,
    /// Before that time.
    pub to: Option<DateTime<Utc>>,
    /// At least so much came in or went out.
    pub at_least: Option<Money>,
    /// At most so much came in or went out.
    pub at_most: Option<Money>,
}

impl LineFilter {
    fn takes(&self, line: &Line) -> bool {
        let size = line.amount.minor().abs();
        self.kind.is_none_or(|kind| line.kind == kind)
            && self.from.is_none_or(|from| line.at >= from)
            && self.to.is_none_or(|to| line.at < to)
            && self.at_least.is_none_or(|least| size >= least.minor())
            && self.at_most.is_none_or(|most| size <= most.minor())
            && self.counterparty.as_ref().is_none_or(|wanted| {
                line.counterparty.as_ref().is_some_and(|party| party.id().eq_ignore_ascii_case(wanted))
            })
    }
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
        let ids = (owner, HoldId(Uuid::nil()))..=(owner, HoldId(Uuid::max()));
        let rows = book.by_payer.range(ids).filter_map(|(_, id)| book.holds.get(id));
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

    /// A page of a statement, the latest line first: lines before a position, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn statement(
        &self,
        owner: Payer,
        before: Option<u64>,
        filter: &LineFilter,
        limit: usize,
    ) -> Result<Vec<Line>, ProjectionError> {
        let range = line_key(owner, 0)..line_key(owner, before.unwrap_or(u64::MAX));
        let mut lines = vec![];
        for row in self.tables.lines.range(range).rev() {
            let (_, value) = row.into_inner()?;
            let line: Line = Tables::line(&value)?;
            // Lines are in the order of the log, whose times hardly ever go back: well before the time there is nothing more.
            if filter.from.is_some_and(|from| line.at + chrono::TimeDelta::days(1) < from) {
                break;
            }
            if filter.takes(&line) {
                lines.push(line);
            }
            if lines.len() >= limit {
                break;
            }
        }
        Ok(lines)
    }

    /// One line of a statement: the receipt of what it is about.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn line(&self, owner: Payer, position: u64) -> Result<Option<Line>, ProjectionError> {
        self.tables.lines.get(line_key(owner, position))?.map(|value| Tables::line(&value)).transpose()
    }
}
