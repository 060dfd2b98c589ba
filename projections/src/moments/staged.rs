//! Rows that a batch is about to write. What the batch reads, it reads as if they were written already.

use std::collections::BTreeMap;

use fjall::OwnedWriteBatch as WriteBatch;

use super::rows::{Table, Tables};
use crate::ProjectionError;

/// Rows on their way to the disk.
pub(super) struct Staged<'a> {
    tables: &'a Tables,
    /// The value of a row; none where it goes.
    rows: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl<'a> Staged<'a> {
    pub(super) fn over(tables: &'a Tables) -> Self {
        Self { tables, rows: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.rows.insert((table, key), Some(value));
    }

    pub(super) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.rows.insert((table, key), None);
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ProjectionError> {
        match self.rows.get(&(table, key.to_vec())) {
            Some(staged) => Ok(staged.clone()),
            None => Ok(self.tables.get(table, key)?.map(|value| value.to_vec())),
        }
    }

    /// The rows between two keys, the second excluded.
    pub(super) fn range(
        &self,
        table: Table,
        (from, to): (Vec<u8>, Vec<u8>),
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ProjectionError> {
        let mut found = BTreeMap::new();
        for row in self.tables.of(table)?.range(from.clone()..to.clone()) {
            let (key, value) = row.into_inner()?;
            found.insert(key.to_vec(), value.to_vec());
        }
        for ((_, key), staged) in self.rows.range((table, from)..(table, to)) {
            match staged {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        Ok(found)
    }

    pub(super) fn write(self, batch: &mut WriteBatch) -> Result<(), ProjectionError> {
        for ((table, key), value) in self.rows {
            let keyspace = self.tables.of(table)?;
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        Ok(())
    }
}
