//! Calls of groups: those that are not over, with who is in them, and what became of past ones.
//!
//! # Layout
//! - `view`: what queries and the process manager ask.
//! - `fold`: taking events in; `rows`: how calls are laid out on disk.

mod fold;
mod rows;
mod view;

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::Position;

pub use rows::{GroupCallRow, PresentRow};
pub use view::GroupCallsView;

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds calls of groups.
pub struct GroupCallsProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<GroupCallsView>,
}

impl Projection for GroupCallsProjection {
    const NAME: &'static str = "group_calls";
    const VERSION: u32 = 2;
    // Who is engaged is looked up without waiting.
    const LEISURE: Duration = Self::PACE;
    type View = GroupCallsView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(GroupCallsView::new(tables.clone(), tables.open_calls()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<GroupCallsView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        let changes = {
            // Shared with readers; only this thread ever writes.
            let open = self.view.open.read();
            let mut changes = fold::Changes::on(&open);
            for fact in batch.iter().filter(|fact| fold::matters(fact.event_type())) {
                changes.take(fact)?;
            }
            changes.finish(&self.tables, &mut rows)?
        };
        self.store.commit(rows, last)?;
        self.view.show(changes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
