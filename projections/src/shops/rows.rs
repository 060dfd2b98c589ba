//! The rows on disk.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{HoldId, MerchantId, OrderId, PaymentId, UserId};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use ledger::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::list_key;
use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, to_json},
    wallet::CardRow,
};

const MERCHANTS: &str = "merchants";
const PARTS: &str = "parts";
const ORDERS: &str = "orders";
const OPEN: &str = "open";
const CODES: &str = "pay-codes";
const REFUNDS: &str = "refunds";
const ORDERS_BY_TIME: &str = "orders-by-time";
const REFUNDS_BY_TIME: &str = "refunds-by-time";

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantRow {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: UserId,
    /// Who may act for it besides the owner.
    pub operators: BTreeSet<UserId>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// The cards that its money may go to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<CardRow>,
}

/// Somebody's part in a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which merchant.
    pub merchant: MerchantId,
    /// Whether it is theirs, rather than that they act for it.
    pub owns: bool,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderState {
    /// Nobody has paid.
    #[serde(rename = "NOTPAY")]
    NotPay,
    /// The payer has shown a code, and has to confirm.
    #[serde(rename = "USERPAYING")]
    UserPaying,
    /// Somebody has.
    Success,
    /// It can't be paid any more.
    Closed,
    /// It was paid, and at least some of that was given back.
    Refund,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Until when its code can be paid.
    pub code_until: DateTime<Utc>,
    /// When it is closed unless it was paid.
    pub closes_at: DateTime<Utc>,
    /// How it stands.
    pub state: OrderState,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<UserId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<DateTime<Utc>>,
    /// The payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<HoldId>,
    /// Whether a code that a payer showed was read for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_code: bool,
    /// What was given back.
    pub refunded: Money,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRow {
    /// The merchant's number of it.
    pub out_refund_no: String,
    /// What had been paid: an order, or a payment to the static code.
    pub paid: Uuid,
    /// Who had paid.
    pub payer: UserId,
    /// How much was given back.
    pub amount: Money,
    /// The merchant's words.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl OrderRow {
    /// Whether it can still be paid.
    #[must_use]
    pub fn is_unpaid(&self) -> bool {
        matches!(self.state, OrderState::NotPay | OrderState::UserPaying)
    }
}

/// Orders that nobody has paid, by when they are closed.
pub(super) type OpenOrders = BTreeSet<(DateTime<Utc>, OrderId)>;

/// Codes that payers show, by their hashes, until a while after their time.
#[derive(Default)]
pub(super) struct Codes {
    pub(super) owners: HashMap<String, (UserId, DateTime<Utc>)>,
    ends: BTreeSet<(DateTime<Utc>, String)>,
}

impl Codes {
    fn insert(&mut self, hash: String, owner: UserId, end: DateTime<Utc>) {
        self.ends.insert((end, hash.clone()));
        self.owners.insert(hash, (owner, end));
    }

    /// Takes a code in, and its row; those whose time was over by then go.
    pub(super) fn take(
        &mut self,
        tables: &Tables,
        rows: &mut WriteBatch,
        (hash, owner, end): (&str, UserId, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<(), ProjectionError> {
        while let Some((old_end, old)) = self.ends.first().cloned().filter(|(old_end, _)| *old_end <= now) {
            rows.remove(&tables.codes, old.as_str());
            self.owners.remove(&old);
            self.ends.remove(&(old_end, old));
        }
        rows.insert(&tables.codes, hash, to_json(&(owner, end))?);
        self.insert(hash.to_owned(), owner, end);
        Ok(())
    }
}

#[derive(Clone)]
pub(super) struct Tables {
    codes: Keyspace,
    refunds: Keyspace,
    merchants: Keyspace,
    pub(super) parts: Keyspace,
    orders: Keyspace,
    open: Keyspace,
    pub(super) orders_by_time: Keyspace,
    pub(super) refunds_by_time: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            codes: store.keyspace(CODES)?,
            refunds: store.keyspace(REFUNDS)?,
            merchants: store.keyspace(MERCHANTS)?,
            parts: store.keyspace(PARTS)?,
            orders: store.keyspace(ORDERS)?,
            open: store.keyspace(OPEN)?,
            orders_by_time: store.keyspace(ORDERS_BY_TIME)?,
            refunds_by_time: store.keyspace(REFUNDS_BY_TIME)?,
        })
    }

    pub(super) fn load(&self) -> Result<OpenOrders, ProjectionError> {
        let mut open = OpenOrders::new();
        for row in self.open.iter() {
            let (key, _) = row.into_inner()?;
            let order = id_at(&key, 0).map(OrderId).ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            let row = self.order(order)?.ok_or(ProjectionError::DamagedRow { keyspace: ORDERS })?;
            open.insert((row.closes_at, order));
        }
        Ok(open)
    }

    pub(super) fn load_codes(&self) -> Result<Codes, ProjectionError> {
        let mut codes = Codes::default();
        for row in self.codes.iter() {
            let (key, value) = row.into_inner()?;
            let hash = std::str::from_utf8(&key).map_err(|_| ProjectionError::DamagedRow { keyspace: CODES })?;
            let (owner, end): (UserId, DateTime<Utc>) = from_json(CODES, &value)?;
            codes.insert(hash.to_owned(), owner, end);
        }
        Ok(codes)
    }

    pub(super) fn merchant(&self, id: MerchantId) -> Result<Option<MerchantRow>, ProjectionError> {
        self.merchants.get(id.0.as_bytes())?.map(|value| from_json(MERCHANTS, &value)).transpose()
    }

    pub(super) fn order(&self, id: OrderId) -> Result<Option<OrderRow>, ProjectionError> {
        self.orders.get(id.0.as_bytes())?.map(|value| from_json(ORDERS, &value)).transpose()
    }

    pub(super) fn refund(&self, id: PaymentId) -> Result<Option<RefundRow>, ProjectionError> {
        self.refunds.get(id.0.as_bytes())?.map(|value| from_json(REFUNDS, &value)).transpose()
    }

    pub(super) fn write_refund(
        &self,
        id: PaymentId,
        (merchant, row): &(MerchantId, RefundRow),
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.refunds, *id.0.as_bytes(), to_json(row)?);
        let place = (row.at.timestamp_micros(), id.0);
        rows.insert(&self.refunds_by_time, list_key(*merchant, place), []);
        Ok(())
    }

    /// Puts an order that was created into the list of its merchant.
    pub(super) fn list_order(&self, id: OrderId, row: &OrderRow, rows: &mut WriteBatch) {
        let place = (row.created_at.timestamp_micros(), id.0);
        rows.insert(&self.orders_by_time, list_key(row.merchant, place), []);
    }

    pub(super) fn write_merchant(
        &self,
        id: MerchantId,
        row: &MerchantRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        rows.insert(&self.merchants, *id.0.as_bytes(), to_json(row)?);
        Ok(())
    }

    pub(super) fn write_part(&self, user: UserId, part: Part, there: bool, rows: &mut WriteBatch) {
        let key = part_key(user, part.merchant);
        if there {
            rows.insert(&self.parts, key, [u8::from(part.owns)]);
        } else {
            rows.remove(&self.parts, key);
        }
    }

    pub(super) fn write_order(
        &self,
        id: OrderId,
        row: &OrderRow,
        rows: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        let key = *id.0.as_bytes();
        rows.insert(&self.orders, key, to_json(row)?);
        if row.is_unpaid() {
            rows.insert(&self.open, key, []);
        } else {
            rows.remove(&self.open, key);
        }
        Ok(())
    }

    /// The merchants that somebody has a part in.
    pub(super) fn parts_of(&self, user: UserId) -> Result<Vec<Part>, ProjectionError> {
        let mut parts = vec![];
        for row in self.parts.prefix(user.0.as_bytes()) {
            let (key, value) = row.into_inner()?;
            let merchant = id_at(&key, 16).map(MerchantId).ok_or(ProjectionError::DamagedRow { keyspace: PARTS })?;
            parts.push(Part { merchant, owns: value.first() == Some(&1) });
        }
        Ok(parts)
    }
}

fn part_key(user: UserId, merchant: MerchantId) -> [u8; 32] {
    let mut key = [0; 32];
    let parts = user.0.into_bytes().into_iter().chain(merchant.0.into_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}
