//! Moments: posts, what is said of them, and who is told of it.
//!
//! Nothing here knows who is what to whom: rows stand for what happened, and who sees them is judged whenever somebody
//! looks, with the people read model as it is then. So an unfriending, a tag or a block takes effect at once and nothing
//! is rewritten.
//!
//! # Layout
//! - this file: the projection; `fold`: what each event changes; `staged`: a batch that reads what it has written.
//! - `rows`: the rows on disk; `index`: what is held in memory of each author and person; `digest`: the posts that people
//!   look at.
//! - [`view`]: what is asked without asking who looks; [`viewer`]: somebody who looks, and what of a post they see.
//! - the questions: `timeline` (timeline and albums), `talk` (likes, comments, one's own), `notices`, with `company`: what
//!   others do where one did something; `page`: a page while it is being filled; [`answers`]: what they are answered with.
//! - [`tidings`]: what has just happened, for those who are connected.

pub mod answers;
mod company;
mod digest;
mod fold;
mod index;
mod notices;
mod page;
mod rows;
mod staged;
mod talk;
pub mod tidings;
mod timeline;
pub mod view;
pub mod viewer;

use std::{path::Path, sync::Arc};

use eventlog::Position;

pub use answers::{
    Badge, CommentShown, Comments, InteractionShown, Interactions, LikeShown, Likes, NoticeKind, NoticeShown, Notices,
    PostShown, Posts,
};
pub use tidings::Tiding;
pub use view::MomentsView;
pub use viewer::{Bounds, Viewer};

use self::{rows::Tables, staged::Staged};
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// Folds Moments.
pub struct MomentsProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<MomentsView>,
}

impl Projection for MomentsProjection {
    const NAME: &'static str = "moments";
    const VERSION: u32 = 2;
    type View = MomentsView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(MomentsView::new(tables.clone(), tables.load()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<MomentsView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut changes = fold::Changes::over(Staged::over(&self.tables));
        for fact in batch.iter().filter(|fact| fold::matters(fact.event_type())) {
            changes.take(fact)?;
        }
        let mut rows = self.store.batch();
        let news = changes.write(&mut rows)?;
        self.store.commit(rows, last)?;
        self.view.show(news);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
