//! Calls: those that are not over, and what anybody's past ones were.
//!
//! # Layout
//! - `view`: what queries and the process manager ask.
//! - `fold`: taking events in; `rows`: how calls are laid out on disk.

mod fold;
mod rows;
mod view;

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::Position;

pub use rows::{CallRow, CallState};
pub use view::CallsView;

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds calls.
pub struct CallsProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<CallsView>,
}

impl Projection for CallsProjection {
    const NAME: &'static str = "calls";
    const VERSION: u32 = 1;
    // Who is engaged is looked up without waiting.
    const LEISURE: Duration = Self::PACE;
    type View = CallsView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(CallsView::new(tables.clone(), tables.present()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<CallsView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        let mut changes = fold::Changes::default();
        for fact in batch.iter().filter(|fact| fold::matters(fact.event_type())) {
            changes.take(&self.tables, fact)?;
        }
        changes.write(&self.tables, &mut rows)?;
        self.store.commit(rows, last)?;
        changes.show(&self.view);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
