//! Media: how much everybody has brought, whose bytes are still needed, and what nothing has named for long.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{
    ArticleEvent, BroadcastsEvent, CircleEvent, ConversationEvent, DomainEvent, MediumEvent, MediumId, MediumKind,
    PostEvent, StickerCollectionEvent, UserEvent, UserId, medium::Carried,
};
use eventlog::Position;
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, from_json, id_at, number, number_at, to_json},
};

const MEDIA: &str = "media";
const USAGE: &str = "usage";
const UNNAMED: &str = "unnamed";
const BLOBS: &str = "blobs";
const PICTURES: &str = "pictures";

/// A medium that was brought and not discarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MediumRow {
    owner: UserId,
    bytes: u64,
    hash: String,
    /// Since when nothing names it, in microseconds; none once something does.
    unnamed_since: Option<i64>,
}

/// What is held in memory.
#[derive(Default)]
struct Held {
    usage: HashMap<UserId, u64>,
    /// What nothing has named yet, what was brought or kept first first.
    unnamed: BTreeSet<(i64, MediumId)>,
}

/// Media as queries see them.
pub struct MediaView {
    held: RwLock<Held>,
    blobs: Keyspace,
    pictures: Keyspace,
}

impl MediaView {
    /// How many bytes somebody has brought, without what was discarded.
    #[must_use]
    pub fn bytes_of(&self, user: UserId) -> u64 {
        self.held.read().usage.get(&user).copied().unwrap_or_default()
    }

    /// Up to `limit` media that were brought, or kept for a while longer, before a time, and that nothing has named since.
    #[must_use]
    pub fn unnamed_before(&self, time: DateTime<Utc>, limit: usize) -> Vec<MediumId> {
        let (held, before) = (self.held.read(), time.timestamp_micros());
        held.unnamed.iter().take_while(|(since, _)| *since < before).map(|(_, medium)| *medium).take(limit).collect()
    }

    /// Whether any medium has those bytes.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn is_blob_of_any(&self, hash: &str) -> Result<bool, ProjectionError> {
        match self.blobs.prefix(hash).next() {
            None => Ok(false),
            Some(row) => Ok(row.key().map(|_| true)?),
        }
    }

    /// A picture with those bytes that somebody has brought or taken over, if there is one.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn picture_of(&self, owner: UserId, hash: &str) -> Result<Option<MediumId>, ProjectionError> {
        let prefix = [owner.0.as_bytes(), hash.as_bytes()].concat();
        let Some(row) = self.pictures.prefix(&prefix).next() else { return Ok(None) };
        let medium = id_at(&row.key()?, prefix.len()).ok_or(ProjectionError::DamagedRow { keyspace: PICTURES })?;
        Ok(Some(MediumId(medium)))
    }
}

/// Folds media.
pub struct MediaProjection {
    store: RowStore,
    media: Keyspace,
    usage: Keyspace,
    unnamed: Keyspace,
    view: Arc<MediaView>,
}

/// What a batch changes.
#[derive(Default)]
struct Changes {
    /// Media with their new rows; none for those that are no more.
    media: HashMap<MediumId, Option<MediumRow>>,
    usage: HashMap<UserId, i128>,
    /// Whether each is on the list of what nothing names: the last word of the batch.
    unnamed: HashMap<(i64, MediumId), bool>,
    /// Whether each medium has these bytes.
    blobs: HashMap<(String, MediumId), bool>,
    /// Whether each medium is a picture of that person with these bytes.
    pictures: HashMap<(UserId, String, MediumId), bool>,
}

impl MediaProjection {
    fn row(&self, changes: &Changes, medium: MediumId) -> Result<Option<MediumRow>, ProjectionError> {
        if let Some(changed) = changes.media.get(&medium) {
            return Ok(changed.clone());
        }
        let value = self.media.get(medium.0.as_bytes())?;
        value.map(|value| from_json(MEDIA, &value)).transpose()
    }

    fn take(&self, changes: &mut Changes, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Medium(event) => {
                let medium = fact.stream_id("media").map(MediumId);
                let medium = medium.ok_or_else(|| fact.poison("the stream names no medium"))?;
                self.take_medium(changes, fact, medium, event)
            }
            DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) => {
                sent.content.media().into_iter().try_for_each(|(_, medium)| self.named(changes, medium))
            }
            DomainEvent::Post(PostEvent::PostPublished(published)) => {
                published.draft.media().try_for_each(|(_, medium)| self.named(changes, medium))
            }
            DomainEvent::Circle(CircleEvent::MomentsCoverChanged(changed)) => {
                self.shown(changes, changed.cover.as_ref())
            }
            DomainEvent::StickerCollection(StickerCollectionEvent::StickerCollected(collected)) => {
                self.named(changes, collected.sticker.medium)
            }
            DomainEvent::User(UserEvent::ProfileChanged(changed)) => {
                self.shown(changes, changed.profile.avatar.as_ref())
            }
            DomainEvent::Article(ArticleEvent::ArticleWritten(written)) => {
                written.text.media().try_for_each(|medium| self.named(changes, medium))
            }
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastSent(sent)) => {
                sent.media().try_for_each(|medium| self.named(changes, medium))
            }
            _ => Ok(()),
        }
    }

    fn take_medium(
        &self,
        changes: &mut Changes,
        fact: &Fact,
        medium: MediumId,
        event: &MediumEvent,
    ) -> Result<(), ProjectionError> {
        let at = fact.at().timestamp_micros();
        match event {
            MediumEvent::MediaUploaded(uploaded) => {
                let owner = fact.actor().ok_or_else(|| fact.poison("nobody brought it"))?;
                let (bytes, hash) = (uploaded.facts.bytes, uploaded.hash.clone());
                *changes.usage.entry(owner).or_default() += i128::from(bytes);
                changes.unnamed.insert((at, medium), true);
                changes.blobs.insert((hash.clone(), medium), true);
                if uploaded.kind == MediumKind::Picture {
                    changes.pictures.insert((owner, hash.clone(), medium), true);
                }
                changes.media.insert(medium, Some(MediumRow { owner, bytes, hash, unnamed_since: Some(at) }));
            }
            MediumEvent::MediaKept(_) => {
                if let Some(row) = self.row(changes, medium)?
                    && let Some(since) = row.unnamed_since
                {
                    changes.unnamed.insert((since, medium), false);
                    changes.unnamed.insert((at, medium), true);
                    changes.media.insert(medium, Some(MediumRow { unnamed_since: Some(at), ..row }));
                }
            }
            MediumEvent::MediaDiscarded(_) => {
                if let Some(row) = self.row(changes, medium)? {
                    *changes.usage.entry(row.owner).or_default() -= i128::from(row.bytes);
                    if let Some(since) = row.unnamed_since {
                        changes.unnamed.insert((since, medium), false);
                    }
                    changes.pictures.insert((row.owner, row.hash.clone(), medium), false);
                    changes.blobs.insert((row.hash, medium), false);
                    changes.media.insert(medium, None);
                }
            }
        }
        Ok(())
    }

    fn shown(&self, changes: &mut Changes, carried: Option<&Carried>) -> Result<(), ProjectionError> {
        carried.map_or(Ok(()), |carried| self.named(changes, carried.medium))
    }

    fn named(&self, changes: &mut Changes, medium: MediumId) -> Result<(), ProjectionError> {
        if let Some(row) = self.row(changes, medium)?
            && let Some(since) = row.unnamed_since
        {
            changes.unnamed.insert((since, medium), false);
            changes.media.insert(medium, Some(MediumRow { unnamed_since: None, ..row }));
        }
        Ok(())
    }

    fn write(&self, rows: &mut WriteBatch, changes: &Changes) -> Result<HashMap<UserId, u64>, ProjectionError> {
        for (medium, row) in &changes.media {
            match row {
                Some(row) => rows.insert(&self.media, *medium.0.as_bytes(), to_json(row)?),
                None => rows.remove(&self.media, *medium.0.as_bytes()),
            }
        }
        for ((since, medium), is_there) in &changes.unnamed {
            let key = unnamed_key(*since, *medium);
            if *is_there { rows.insert(&self.unnamed, key, []) } else { rows.remove(&self.unnamed, key) }
        }
        for ((hash, medium), is_there) in &changes.blobs {
            let key = [hash.as_bytes(), medium.0.as_bytes()].concat();
            if *is_there { rows.insert(&self.view.blobs, key, []) } else { rows.remove(&self.view.blobs, key) }
        }
        for ((owner, hash, medium), is_there) in &changes.pictures {
            let key = [owner.0.as_bytes(), hash.as_bytes(), medium.0.as_bytes()].concat();
            if *is_there { rows.insert(&self.view.pictures, key, []) } else { rows.remove(&self.view.pictures, key) }
        }
        let mut usage = HashMap::new();
        for (user, change) in &changes.usage {
            let sum = i128::from(self.view.bytes_of(*user)) + change;
            let sum = u64::try_from(sum).unwrap_or_default();
            rows.insert(&self.usage, *user.0.as_bytes(), sum.to_be_bytes());
            usage.insert(*user, sum);
        }
        Ok(usage)
    }
}

fn matters(event_type: &str) -> bool {
    let names = [
        "message.sent",
        "post.published",
        "article.written",
        "broadcast.sent",
        "moments.cover-changed",
        "profile.changed",
        "sticker.collected",
    ];
    names.contains(&event_type) || event_type.starts_with("media.")
}

fn unnamed_key(since: i64, medium: MediumId) -> Vec<u8> {
    [since.to_be_bytes().as_slice(), medium.0.as_bytes()].concat()
}

impl Projection for MediaProjection {
    const NAME: &'static str = "media";
    const VERSION: u32 = 2;
    type View = MediaView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let [media, usage, unnamed, blobs, pictures] =
            [MEDIA, USAGE, UNNAMED, BLOBS, PICTURES].map(|name| store.keyspace(name));
        let (media, usage, unnamed, blobs, pictures) = (media?, usage?, unnamed?, blobs?, pictures?);
        let mut held = Held::default();
        for row in usage.iter() {
            let (key, value) = row.into_inner()?;
            let (user, bytes) =
                id_at(&key, 0).zip(number(&value)).ok_or(ProjectionError::DamagedRow { keyspace: USAGE })?;
            held.usage.insert(UserId(user), bytes);
        }
        for row in unnamed.iter() {
            let key = row.key()?;
            let (since, medium) =
                number_at(&key, 0).zip(id_at(&key, 8)).ok_or(ProjectionError::DamagedRow { keyspace: UNNAMED })?;
            held.unnamed.insert((since.cast_signed(), MediumId(medium)));
        }
        let view = Arc::new(MediaView { held: RwLock::new(held), blobs, pictures });
        Ok(Self { store, media, usage, unnamed, view })
    }

    fn view(&self) -> Arc<MediaView> {
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
        let usage = self.write(&mut rows, &changes)?;
        self.store.commit(rows, last)?;
        if !changes.unnamed.is_empty() || !usage.is_empty() {
            let mut held = self.view.held.write();
            held.usage.extend(usage);
            for (item, is_there) in changes.unnamed {
                if is_there {
                    held.unnamed.insert(item)
                } else {
                    held.unnamed.remove(&item)
                };
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
