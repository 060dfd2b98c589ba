//! Broadcasts of official accounts, and what the accounts note of their followers.
//!
//! A broadcast is one row, however many it is for. Whether a follower is shown one is judged when they look, from since when
//! they follow the account, which tags they had by then, and how many of that month they were shown before it.

mod fold;
mod rows;
mod view;

use std::{path::Path, sync::Arc};

use eventlog::Position;

pub use rows::{NotesRow, SentRow, TagRow};
pub use view::{BroadcastsView, Follower, Shown};

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds them.
pub struct BroadcastsProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<BroadcastsView>,
}

impl Projection for BroadcastsProjection {
    const NAME: &'static str = "broadcasts";
    const VERSION: u32 = 1;
    type View = BroadcastsView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(BroadcastsView::open(tables.clone())?);
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<BroadcastsView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut changes = fold::Changes::default();
        for fact in batch.iter().filter(|fact| fold::matters(fact.event_type())) {
            changes.take(&self.view, &self.tables, fact)?;
        }
        let mut rows = self.store.batch();
        changes.write(&self.tables, &mut rows)?;
        self.store.commit(rows, last)?;
        changes.show(&self.view);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
