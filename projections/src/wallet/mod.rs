//! Money: what came into and went out of everybody's account, their statements, and what is on its way.
//!
//! - [`Flow`]: the two sums of one account; what an owner has is their difference.
//! - [`Line`]: one line of a statement, with the balance after it. A line's number is its position in the log.
//! - [`HoldRow`], [`TopUpRow`]: how money on its way stands; open ones are in memory, with the times when they fall due.

mod book;
mod fold;
mod line;
mod pending;
mod rows;
mod statement;
mod view;

use std::{path::Path, sync::Arc};

pub use book::{CardRow, Flow, HoldRow, TopUpRow, TopUpState, WalletRow};
pub use line::{Counterparty, Line, LineKind};
pub use pending::{HoldPlace, Side};
pub use statement::{LineFilter, LinePage};
pub use view::{OpenTopUp, WalletView};

use eventlog::Position;

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds it.
pub struct WalletProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<WalletView>,
}

impl Projection for WalletProjection {
    const NAME: &'static str = "wallet";
    const VERSION: u32 = 1;
    // Whoever was paid wants to pay on.
    const PACE: std::time::Duration = std::time::Duration::from_millis(2);
    type View = WalletView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(WalletView::new(tables.clone(), tables.load()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<WalletView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        {
            let mut book = self.view.book.write();
            for fact in batch.iter().filter(|fact| fold::matters(fact.event_type())) {
                fold::take(&mut book, &self.tables, fact, &mut rows)?;
            }
            self.tables.write(&mut book, &mut rows)?;
        }
        self.store.commit(rows, last)
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
