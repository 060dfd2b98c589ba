//! Stickers: the packs that were published, for everybody to choose from, and people's own.
//!
//! # Layout
//! - this file: the projection, and the packs.
//! - `collections`: people's own stickers.

mod collections;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{
    DomainEvent, StickerPackEvent, StickerPackId, UserId,
    sticker_pack::{Sticker, StickerPackPublished},
};
use eventlog::Position;
use fjall::Keyspace;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use collections::OwnSticker;

use self::collections::{Changes, Collections};
use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, id_at},
};

const PACKS: &str = "packs";

/// A published pack of stickers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StickerPackRow {
    /// The pack.
    pub pack: StickerPackId,
    /// Its title.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// What is in it.
    pub stickers: Vec<Sticker>,
    /// When it was published.
    pub published_at: DateTime<Utc>,
}

/// Stickers as queries see them. There are few enough packs to be held in memory.
pub struct StickersView {
    packs: RwLock<BTreeMap<StickerPackId, Arc<StickerPackRow>>>,
    collections: Collections,
}

impl StickersView {
    /// A pack.
    #[must_use]
    pub fn pack(&self, id: StickerPackId) -> Option<Arc<StickerPackRow>> {
        self.packs.read().get(&id).cloned()
    }

    /// All packs, those published first first.
    #[must_use]
    pub fn packs(&self) -> Vec<Arc<StickerPackRow>> {
        let mut packs: Vec<_> = self.packs.read().values().cloned().collect();
        packs.sort_by_key(|row| (row.published_at, row.pack));
        packs
    }

    /// Somebody's own stickers, those at the front first, behind the place `before`, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn collection(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OwnSticker>, ProjectionError> {
        self.collections.of(user, before, limit)
    }
}

/// Folds packs and people's own stickers.
pub struct StickersProjection {
    store: RowStore,
    rows: Keyspace,
    view: Arc<StickersView>,
}

impl Projection for StickersProjection {
    const NAME: &'static str = "stickers";
    const VERSION: u32 = 1;
    type View = StickersView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let rows = store.keyspace(PACKS)?;
        let mut packs = BTreeMap::new();
        for row in rows.iter() {
            let (key, value) = row.into_inner()?;
            let parsed = id_at(&key, 0).zip(serde_json::from_slice(&value).ok());
            let (id, row) = parsed.ok_or(ProjectionError::DamagedRow { keyspace: PACKS })?;
            packs.insert(StickerPackId(id), Arc::new(row));
        }
        let collections = Collections::open(&store)?;
        Ok(Self { store, rows, view: Arc::new(StickersView { packs: RwLock::new(packs), collections }) })
    }

    fn view(&self) -> Arc<StickersView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        let (mut published, mut changes) = (vec![], Changes::default());
        for fact in batch.iter().filter(|fact| fact.event_type().starts_with("sticker")) {
            match fact.decoded()? {
                DomainEvent::StickerPack(StickerPackEvent::StickerPackPublished(pack)) => {
                    let row = published_pack(fact, pack)?;
                    let json = serde_json::to_vec(&row).map_err(|error| fact.poison(error.to_string()))?;
                    rows.insert(&self.rows, *row.pack.0.as_bytes(), json);
                    published.push(row);
                }
                DomainEvent::StickerCollection(event) => self.view.collections.take(&mut changes, fact, event)?,
                _ => {}
            }
        }
        self.view.collections.write(&changes, &mut rows)?;
        self.store.commit(rows, last)?;
        if !published.is_empty() {
            self.view.packs.write().extend(published.into_iter().map(|row| (row.pack, Arc::new(row))));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}

fn published_pack(fact: &Fact, published: &StickerPackPublished) -> Result<StickerPackRow, ProjectionError> {
    let pack = fact.stream_id("sticker-pack").ok_or_else(|| fact.poison("the stream names no sticker pack"))?;
    Ok(StickerPackRow {
        pack: StickerPackId(pack),
        title: published.title.clone(),
        author: published.author.clone(),
        stickers: published.stickers.clone(),
        published_at: fact.at(),
    })
}
