//! Official accounts: what people see of them, who acts for them, who follows them, what they heard and have to answer,
//! what their webhooks are told, and the figures of their days.
//!
//! Following is two rows, whatever the number of followers: one by which the account finds the person, one by which the
//! person finds the account. How many follow an account is one number, written once a batch.
//!
//! What an account has to answer is decided as the event is taken in, by how the account is set up at that time: of what
//! nobody answers nothing is noted. So it is with what webhooks are told: what is noted of that stays, so that they can
//! be told again.

mod days;
mod fold;
mod hooks;
mod rows;
mod view;

use std::{path::Path, sync::Arc};

pub use days::DayRow;
pub use hooks::HookRow;
pub use rows::{AccountRow, FollowedRow, FollowerRow, HeardRow, OpenRow, SettingsRow};
pub use view::OfficialView;

use eventlog::Position;

use self::rows::Tables;
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds them.
pub struct OfficialProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<OfficialView>,
}

impl Projection for OfficialProjection {
    const NAME: &'static str = "official";
    const VERSION: u32 = 4;
    type View = OfficialView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(OfficialView::open(tables.clone())?);
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<OfficialView> {
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
            changes.take(&self.view, &self.tables, fact)?;
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
