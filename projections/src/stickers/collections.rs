//! People's own stickers, each under the position of the event that put it where it is: what came to the front last has
//! the highest.

use std::collections::HashMap;

use domain::{MediumId, StickerCollectionEvent, UserId, medium::Carried};
use fjall::{Keyspace, OwnedWriteBatch as WriteBatch};

use crate::{
    Fact, ProjectionError,
    rows::{RowStore, from_json, number, number_at, to_json},
};

const COLLECTIONS: &str = "collections";
const PLACES: &str = "places";

/// One of somebody's own stickers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSticker {
    /// Its place: what has a higher one stands before it.
    pub place: u64,
    /// The picture.
    pub picture: Carried,
}

/// The rows of collections.
#[derive(Clone)]
pub(super) struct Collections {
    /// The picture by owner and place.
    stickers: Keyspace,
    /// The place by owner and medium.
    places: Keyspace,
}

/// What a batch changes: each sticker with its place; none for those that are no more.
#[derive(Default)]
pub(super) struct Changes {
    stickers: HashMap<(UserId, MediumId), Option<OwnSticker>>,
}

impl Collections {
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self { stickers: store.keyspace(COLLECTIONS)?, places: store.keyspace(PLACES)? })
    }

    /// Somebody's stickers, those at the front first, behind a place, at most `limit`.
    pub(super) fn of(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OwnSticker>, ProjectionError> {
        let range = sticker_key(user, 0)..sticker_key(user, before.unwrap_or(u64::MAX));
        let sticker = |row: fjall::Guard| {
            let (key, value) = row.into_inner()?;
            let place = number_at(&key, 16).ok_or(ProjectionError::DamagedRow { keyspace: COLLECTIONS })?;
            Ok(OwnSticker { place, picture: from_json(COLLECTIONS, &value)? })
        };
        self.stickers.range(range).rev().take(limit).map(sticker).collect()
    }

    /// Takes an event in.
    pub(super) fn take(
        &self,
        changes: &mut Changes,
        fact: &Fact,
        event: &StickerCollectionEvent,
    ) -> Result<(), ProjectionError> {
        let user = fact.stream_id("sticker-collection").map(UserId);
        let user = user.ok_or_else(|| fact.poison("the stream names no person"))?;
        let place = fact.position().0;
        match event {
            StickerCollectionEvent::StickerCollected(collected) => {
                let picture = collected.sticker.clone();
                changes.stickers.insert((user, picture.medium), Some(OwnSticker { place, picture }));
            }
            StickerCollectionEvent::StickerMovedToFront(moved) => {
                let known = match changes.stickers.get(&(user, moved.medium)) {
                    Some(changed) => changed.clone(),
                    None => self.sticker(user, moved.medium)?,
                };
                if let Some(known) = known {
                    changes.stickers.insert((user, moved.medium), Some(OwnSticker { place, ..known }));
                }
            }
            StickerCollectionEvent::StickerRemoved(removed) => {
                changes.stickers.insert((user, removed.medium), None);
            }
        }
        Ok(())
    }

    /// Puts what changes into a batch of rows.
    pub(super) fn write(&self, changes: &Changes, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for ((user, medium), sticker) in &changes.stickers {
            let key = place_key(*user, *medium);
            if let Some(place) = self.place(&key)? {
                rows.remove(&self.stickers, sticker_key(*user, place));
            }
            match sticker {
                Some(OwnSticker { place, picture }) => {
                    rows.insert(&self.stickers, sticker_key(*user, *place), to_json(picture)?);
                    rows.insert(&self.places, key, place.to_be_bytes());
                }
                None => rows.remove(&self.places, key),
            }
        }
        Ok(())
    }

    fn sticker(&self, user: UserId, medium: MediumId) -> Result<Option<OwnSticker>, ProjectionError> {
        let Some(place) = self.place(&place_key(user, medium))? else { return Ok(None) };
        let picture = self.stickers.get(sticker_key(user, place))?;
        let picture = picture.ok_or(ProjectionError::DamagedRow { keyspace: COLLECTIONS })?;
        Ok(Some(OwnSticker { place, picture: from_json(COLLECTIONS, &picture)? }))
    }

    fn place(&self, key: &[u8]) -> Result<Option<u64>, ProjectionError> {
        let value = self.places.get(key)?;
        value.map(|value| number(&value).ok_or(ProjectionError::DamagedRow { keyspace: PLACES })).transpose()
    }
}

fn sticker_key(user: UserId, place: u64) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &place.to_be_bytes()].concat()
}

fn place_key(user: UserId, medium: MediumId) -> Vec<u8> {
    [user.0.into_bytes(), medium.0.into_bytes()].concat()
}
