//! Articles of official accounts: what they say, which of them an account has published, how many read and like them.
//!
//! Who has read an article is not noted here: each reader's own stream counts them once, so a read is one number more.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{ArticleEvent, ArticleId, DomainEvent, OfficialAccountId, ReadingEvent, article::ArticleText};
use eventlog::Position;
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use serde::{Deserialize, Serialize};

use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, from_json, id_at, number_at, to_json},
};

const ARTICLES: &str = "articles";
const LISTS: &str = "lists";
const COUNTS: &str = "counts";

/// An article that was written and not withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleRow {
    /// Whose it is.
    pub account: OfficialAccountId,
    /// What it says.
    pub text: ArticleText,
    /// When it was last written.
    pub written_at: DateTime<Utc>,
    /// When it was published; none of a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// Where it was last written, or published: its place in the account's lists.
    place: u64,
}

/// How many read and like an article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many people have read it.
    pub reads: u64,
    /// How many like it.
    pub likes: u64,
}

/// An article in a list of its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place: lists go on before it.
    pub place: u64,
    /// Which.
    pub article: ArticleId,
    /// What it is.
    pub row: ArticleRow,
}

#[derive(Clone)]
struct Tables {
    articles: Keyspace,
    lists: Keyspace,
    counts: Keyspace,
}

impl Tables {
    fn row(&self, article: ArticleId) -> Result<Option<ArticleRow>, ProjectionError> {
        self.articles.get(article.0.as_bytes())?.map(|value| from_json(ARTICLES, &value)).transpose()
    }

    fn counts(&self, article: ArticleId) -> Result<Counts, ProjectionError> {
        let Some(value) = self.counts.get(article.0.as_bytes())? else { return Ok(Counts::default()) };
        let counts = number_at(&value, 0).zip(number_at(&value, 8)).map(|(reads, likes)| Counts { reads, likes });
        counts.ok_or(ProjectionError::DamagedRow { keyspace: COUNTS })
    }
}

/// What queries read.
pub struct ArticlesView {
    tables: Tables,
}

impl ArticlesView {
    /// An article, published or not; none where there is none, or no longer.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn article(&self, article: ArticleId) -> Result<Option<ArticleRow>, ProjectionError> {
        self.tables.row(article)
    }

    /// How many read and like an article.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn counts(&self, article: ArticleId) -> Result<Counts, ProjectionError> {
        self.tables.counts(article)
    }

    /// What an account has published, or its drafts, before a place, the latest first; at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn list(
        &self,
        account: OfficialAccountId,
        published: bool,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Listed>, ProjectionError> {
        let damaged = || ProjectionError::DamagedRow { keyspace: LISTS };
        let range = list_key(account, published, 0)..list_key(account, published, before);
        let mut listed = vec![];
        for row in self.tables.lists.range(range).rev().take(limit) {
            let (key, value) = row.into_inner()?;
            let place = number_at(&key, 17).ok_or_else(damaged)?;
            let article = ArticleId(id_at(&value, 0).ok_or_else(damaged)?);
            // Both are written in one batch; a reader in between sees the list of before and the row of after.
            listed.extend(self.tables.row(article)?.map(|row| Listed { place, article, row }));
        }
        Ok(listed)
    }
}

/// Folds them.
pub struct ArticlesProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<ArticlesView>,
}

/// What a batch changes.
#[derive(Default)]
struct Changes {
    /// Articles with their new rows; none for those that are no more.
    articles: HashMap<ArticleId, Option<ArticleRow>>,
    /// Which article stands at a place of a list; none where one stands there no longer.
    lists: BTreeMap<[u8; 25], Option<ArticleId>>,
    counts: HashMap<ArticleId, Counts>,
}

impl ArticlesProjection {
    fn take(&self, changes: &mut Changes, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Article(event) => {
                let article = fact.stream_id("article").map(ArticleId);
                let article = article.ok_or_else(|| fact.poison("the stream names no article"))?;
                self.take_article(changes, fact, article, event)
            }
            DomainEvent::Reading(event) => self.take_reading(changes, event),
            _ => Ok(()),
        }
    }

    fn take_article(
        &self,
        changes: &mut Changes,
        fact: &Fact,
        article: ArticleId,
        event: &ArticleEvent,
    ) -> Result<(), ProjectionError> {
        let before = match changes.articles.get(&article) {
            Some(changed) => changed.clone(),
            None => self.tables.row(article)?,
        };
        if let Some(before) = &before {
            changes.lists.insert(list_key(before.account, before.published_at.is_some(), before.place), None);
        }
        let unwritten = || fact.poison("an article that was not written");
        let place = fact.position().0;
        let after = match event {
            ArticleEvent::ArticleWritten(written) => Some(ArticleRow {
                account: written.account,
                text: written.text.clone(),
                written_at: fact.at(),
                published_at: None,
                place,
            }),
            ArticleEvent::ArticlePublished(_) => {
                Some(ArticleRow { published_at: Some(fact.at()), place, ..before.ok_or_else(unwritten)? })
            }
            ArticleEvent::ArticleWithdrawn(_) => None,
        };
        if let Some(after) = &after {
            changes.lists.insert(list_key(after.account, after.published_at.is_some(), place), Some(article));
        }
        changes.articles.insert(article, after);
        Ok(())
    }

    fn take_reading(&self, changes: &mut Changes, event: &ReadingEvent) -> Result<(), ProjectionError> {
        let (ReadingEvent::ArticleRead(domain::reading::ArticleRead { article, .. })
        | ReadingEvent::ArticleLiked(domain::reading::ArticleLiked { article, .. })
        | ReadingEvent::ArticleLikeTakenBack(domain::reading::ArticleLikeTakenBack { article, .. })) = event;
        let before = match changes.counts.get(article) {
            Some(counts) => *counts,
            None => self.tables.counts(*article)?,
        };
        let after = match event {
            ReadingEvent::ArticleRead(_) => Counts { reads: before.reads + 1, ..before },
            ReadingEvent::ArticleLiked(_) => Counts { likes: before.likes + 1, ..before },
            ReadingEvent::ArticleLikeTakenBack(_) => Counts { likes: before.likes.saturating_sub(1), ..before },
        };
        changes.counts.insert(*article, after);
        Ok(())
    }

    fn write(&self, rows: &mut WriteBatch, changes: &Changes) -> Result<(), ProjectionError> {
        for (article, row) in &changes.articles {
            match row {
                Some(row) => rows.insert(&self.tables.articles, *article.0.as_bytes(), to_json(row)?),
                None => rows.remove(&self.tables.articles, *article.0.as_bytes()),
            }
        }
        for (key, article) in &changes.lists {
            match article {
                Some(article) => rows.insert(&self.tables.lists, *key, *article.0.as_bytes()),
                None => rows.remove(&self.tables.lists, *key),
            }
        }
        for (article, Counts { reads, likes }) in &changes.counts {
            let counts = [reads.to_be_bytes(), likes.to_be_bytes()].concat();
            rows.insert(&self.tables.counts, *article.0.as_bytes(), counts);
        }
        Ok(())
    }
}

/// Whether events of that type can change anything here.
fn matters(event_type: &str) -> bool {
    event_type.starts_with("article.")
}

fn list_key(account: OfficialAccountId, published: bool, place: u64) -> [u8; 25] {
    let mut key = [0; 25];
    let parts = account.0.into_bytes().into_iter().chain([u8::from(published)]).chain(place.to_be_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

impl Projection for ArticlesProjection {
    const NAME: &'static str = "articles";
    const VERSION: u32 = 1;
    type View = ArticlesView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables {
            articles: store.keyspace(ARTICLES)?,
            lists: store.keyspace(LISTS)?,
            counts: store.keyspace(COUNTS)?,
        };
        let view = Arc::new(ArticlesView { tables: tables.clone() });
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<ArticlesView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut changes = Changes::default();
        for fact in batch.iter().filter(|fact| matters(fact.event_type())) {
            self.take(&mut changes, fact)?;
        }
        let mut rows = self.store.batch();
        self.write(&mut rows, &changes)?;
        self.store.commit(rows, last)
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
