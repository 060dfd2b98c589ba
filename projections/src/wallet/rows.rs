//! The rows on disk.

use domain::{HoldId, MerchantId, PaymentId, UserId, hold::Payer};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};

use super::book::{Book, Flow, HoldRow, TopUpRow, WalletRow};
use crate::{
    ProjectionError,
    rows::{RowStore, from_json, id_at, to_json},
};

const WALLETS: &str = "wallets";
const BALANCES: &str = "balances";
const LINES: &str = "lines";
const HOLDS: &str = "holds";
const OPEN: &str = "open";
const TOP_UPS: &str = "top-ups";
const OPEN_TOP_UPS: &str = "open-top-ups";

#[derive(Clone)]
pub(super) struct Tables {
    wallets: Keyspace,
    balances: Keyspace,
    pub(super) lines: Keyspace,
    holds: Keyspace,
    open: Keyspace,
    top_ups: Keyspace,
    open_top_ups: Keyspace,
}

impl Tables {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            wallets: store.keyspace(WALLETS)?,
            balances: store.keyspace(BALANCES)?,
            lines: store.keyspace(LINES)?,
            holds: store.keyspace(HOLDS)?,
            open: store.keyspace(OPEN)?,
            top_ups: store.keyspace(TOP_UPS)?,
            open_top_ups: store.keyspace(OPEN_TOP_UPS)?,
        })
    }

    /// What is kept in memory, as the rows have it.
    pub(super) fn load(&self) -> Result<Book, ProjectionError> {
        let mut book = Book::default();
        for row in self.balances.iter() {
            let (key, value) = row.into_inner()?;
            let owner = owner_of(&key).ok_or(ProjectionError::DamagedRow { keyspace: BALANCES })?;
            book.flows.insert(owner, from_json::<Flow>(BALANCES, &value)?);
        }
        for row in self.open.iter() {
            let (key, _) = row.into_inner()?;
            let id = id_at(&key, 0).map(HoldId).ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            let row = self.hold(id)?.ok_or(ProjectionError::DamagedRow { keyspace: HOLDS })?;
            book.keep(row);
        }
        for row in self.open_top_ups.iter() {
            let (key, value) = row.into_inner()?;
            let ids = id_at(&key, 0).zip(id_at(&value, 0));
            let (payment, user) = ids.ok_or(ProjectionError::DamagedRow { keyspace: OPEN_TOP_UPS })?;
            book.keep_top_up(PaymentId(payment), UserId(user));
        }
        Ok(book)
    }

    /// Writes what a batch has touched.
    pub(super) fn write(&self, book: &mut Book, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        let touched = std::mem::take(&mut book.touched);
        for owner in touched.flows {
            if let Some(flow) = book.flows.get(&owner) {
                rows.insert(&self.balances, owner_key(owner), to_json(flow)?);
            }
        }
        for id in touched.holds {
            let key = *id.0.as_bytes();
            if let Some(row) = touched.over.get(&id) {
                rows.insert(&self.holds, key, to_json(row)?);
                rows.remove(&self.open, key);
            } else if let Some(row) = book.holds.get(&id) {
                rows.insert(&self.holds, key, to_json(row)?);
                rows.insert(&self.open, key, []);
            }
        }
        for (user, row) in &touched.wallets {
            rows.insert(&self.wallets, *user.0.as_bytes(), to_json(row)?);
        }
        touched.top_ups.iter().try_for_each(|(id, row)| self.write_top_up(*id, row, rows))
    }

    fn write_top_up(&self, id: PaymentId, row: &TopUpRow, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        let key = *id.0.as_bytes();
        rows.insert(&self.top_ups, key, to_json(row)?);
        if row.state == super::TopUpState::Pending {
            rows.insert(&self.open_top_ups, key, *row.user.0.as_bytes());
        } else {
            rows.remove(&self.open_top_ups, key);
        }
        Ok(())
    }

    pub(super) fn wallet(&self, user: UserId) -> Result<Option<WalletRow>, ProjectionError> {
        self.wallets.get(user.0.as_bytes())?.map(|value| from_json(WALLETS, &value)).transpose()
    }

    pub(super) fn hold(&self, id: HoldId) -> Result<Option<HoldRow>, ProjectionError> {
        self.holds.get(id.0.as_bytes())?.map(|value| from_json(HOLDS, &value)).transpose()
    }

    pub(super) fn top_up(&self, id: PaymentId) -> Result<Option<TopUpRow>, ProjectionError> {
        self.top_ups.get(id.0.as_bytes())?.map(|value| from_json(TOP_UPS, &value)).transpose()
    }

    pub(super) fn line<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T, ProjectionError> {
        from_json(LINES, value)
    }
}

/// The key of an owner: what it is, then its id.
pub(super) fn owner_key(owner: Payer) -> [u8; 17] {
    let (code, id) = match owner {
        Payer::Person(user) => (0, user.0),
        Payer::Merchant(merchant) => (1, merchant.0),
    };
    let mut key = [code; 17];
    key.iter_mut().skip(1).zip(id.into_bytes()).for_each(|(to, from)| *to = from);
    key
}

/// The key of a line.
pub(super) fn line_key(owner: Payer, position: u64) -> [u8; 25] {
    let mut key = [0; 25];
    let parts = owner_key(owner).into_iter().chain(position.to_be_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

fn owner_of(key: &[u8]) -> Option<Payer> {
    let id = id_at(key, 1)?;
    match key.first()? {
        0 => Some(Payer::Person(UserId(id))),
        1 => Some(Payer::Merchant(MerchantId(id))),
        _ => None,
    }
}
