//! A person's own stickers: pictures of theirs, in an order of their choice.
//!
//! A sticker is a medium of its owner's, also where it was taken over from somebody's message: then the bytes are the same,
//! and kept once. So who has a sticker can send it, whatever becomes of whom it came from.

use serde::{Deserialize, Serialize};

use crate::{
    MediumId, UserId,
    event::{Aggregate, EventMeta, event_family},
    medium::Carried,
    policy::MediaPolicy,
    rejection::Rejection,
};

/// A picture became a sticker, the first of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickerCollected {
    /// The picture.
    pub sticker: Carried,
    /// BLAKE3 of its bytes, in hex: nobody has the same picture twice.
    pub hash: String,
}

/// A sticker came before all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickerMovedToFront {
    /// Which.
    pub medium: MediumId,
}

/// A sticker is one no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickerRemoved {
    /// Which.
    pub medium: MediumId,
}

event_family! {
    /// Events of a `sticker-collection-` stream.
    StickerCollectionEvent {
        "sticker.collected" => StickerCollected,
        "sticker.moved-to-front" => StickerMovedToFront,
        "sticker.removed" => StickerRemoved,
    }
}

/// One sticker of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    medium: MediumId,
    hash: String,
}

/// A person's own stickers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StickerCollection {
    /// What came to the front last stands last.
    stickers: Vec<Held>,
}

impl StickerCollection {
    /// Whether a medium is one of the stickers.
    #[must_use]
    pub fn has(&self, medium: MediumId) -> bool {
        self.stickers.iter().any(|held| held.medium == medium)
    }

    /// The sticker with those bytes.
    #[must_use]
    pub fn with_hash(&self, hash: &str) -> Option<MediumId> {
        self.stickers.iter().find(|held| held.hash == hash).map(|held| held.medium)
    }

    /// Checks that there is room for one more.
    ///
    /// # Errors
    /// [`Rejection::TooManyStickers`].
    pub fn check_room(&self, policy: &MediaPolicy) -> Result<(), Rejection> {
        let max = policy.stickers_max;
        if self.stickers.len() < max { Ok(()) } else { Err(Rejection::TooManyStickers { max }) }
    }

    /// Takes in a picture with the bytes of that hash. Where there is one with the same bytes, that one comes to the front
    /// instead.
    ///
    /// # Errors
    /// [`Rejection::TooManyStickers`].
    pub fn collect(
        &self,
        sticker: Carried,
        hash: &str,
        policy: &MediaPolicy,
    ) -> Result<Vec<StickerCollectionEvent>, Rejection> {
        if let Some(medium) = self.with_hash(hash) {
            return Ok(vec![StickerMovedToFront { medium }.into()]);
        }
        self.check_room(policy)?;
        Ok(vec![StickerCollected { sticker, hash: hash.to_owned() }.into()])
    }

    /// Puts a sticker before all others.
    ///
    /// # Errors
    /// [`Rejection::StickerNotFound`].
    pub fn move_to_front(&self, medium: MediumId) -> Result<Vec<StickerCollectionEvent>, Rejection> {
        if !self.has(medium) {
            return Err(Rejection::StickerNotFound);
        }
        let first = self.stickers.last().is_some_and(|held| held.medium == medium);
        Ok(if first { vec![] } else { vec![StickerMovedToFront { medium }.into()] })
    }

    /// Takes a sticker out.
    ///
    /// # Errors
    /// [`Rejection::StickerNotFound`].
    pub fn remove(&self, medium: MediumId) -> Result<Vec<StickerCollectionEvent>, Rejection> {
        if self.has(medium) { Ok(vec![StickerRemoved { medium }.into()]) } else { Err(Rejection::StickerNotFound) }
    }
}

impl Aggregate for StickerCollection {
    type Id = UserId;
    type Event = StickerCollectionEvent;
    const CATEGORY: &'static str = "sticker-collection";

    fn evolve(&mut self, event: &StickerCollectionEvent, _meta: &EventMeta) {
        match event {
            StickerCollectionEvent::StickerCollected(collected) => {
                let StickerCollected { sticker, hash } = collected.clone();
                self.stickers.push(Held { medium: sticker.medium, hash });
            }
            StickerCollectionEvent::StickerMovedToFront(moved) => {
                if let Some(at) = self.stickers.iter().position(|held| held.medium == moved.medium) {
                    let held = self.stickers.remove(at);
                    self.stickers.push(held);
                }
            }
            StickerCollectionEvent::StickerRemoved(removed) => {
                self.stickers.retain(|held| held.medium != removed.medium);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn sticker() -> Carried {
        Carried { medium: MediumId::new(), facts: None }
    }

    #[test]
    fn the_same_picture_is_collected_once_and_comes_to_the_front_again() {
        let (one, other, policy) = (sticker(), sticker(), MediaPolicy::default());
        let mut events = StickerCollection::default().collect(one.clone(), "a", &policy).unwrap();
        events.extend(given::<StickerCollection>(events.clone()).collect(other.clone(), "b", &policy).unwrap());
        let state = given::<StickerCollection>(events);
        assert_eq!(state.move_to_front(other.medium), Ok(vec![]));
        let moved = vec![StickerMovedToFront { medium: one.medium }.into()];
        assert_eq!(state.move_to_front(one.medium), Ok(moved.clone()));
        assert_eq!(state.collect(sticker(), "a", &policy), Ok(moved));
    }

    #[test]
    fn there_are_so_many_stickers_and_no_more_until_one_is_taken_out() {
        let (one, policy) = (sticker(), MediaPolicy { stickers_max: 1, ..MediaPolicy::default() });
        let collected = StickerCollection::default().collect(one.clone(), "a", &policy).unwrap();
        let full = given::<StickerCollection>(collected.clone());
        assert_eq!(full.collect(sticker(), "b", &policy), Err(Rejection::TooManyStickers { max: 1 }));
        assert!(full.collect(sticker(), "a", &policy).is_ok(), "it is there already");
        let removed = full.remove(one.medium).unwrap();
        let empty = given::<StickerCollection>([collected, removed].concat());
        assert!(empty.collect(sticker(), "b", &policy).is_ok());
        assert_eq!(empty.remove(one.medium), Err(Rejection::StickerNotFound));
        assert_eq!(empty.move_to_front(one.medium), Err(Rejection::StickerNotFound));
    }
}
