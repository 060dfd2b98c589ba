//! Shops: merchants, whose they are and who acts for them; orders and how they stand.

mod fold;
mod list;
mod rows;
mod view;

use std::{path::Path, sync::Arc};

pub use list::{ListFilter, ListPage, ListPlace};
pub use rows::{MerchantRow, OrderRow, OrderState, Part, RefundRow};
pub use view::ShopsView;

use eventlog::Position;

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds it.
pub struct ShopsProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<ShopsView>,
}

impl Projection for ShopsProjection {
    const NAME: &'static str = "shops";
    const VERSION: u32 = 4;
    type View = ShopsView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(ShopsView::new(tables.clone(), tables.load()?, tables.load_codes()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<ShopsView> {
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
            fold::take_code(&self.view, &self.tables, fact, &mut rows)?;
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
