//! Sticker packs: published once, then used by everybody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    StickerPackId,
    event::{Aggregate, EventMeta, event_family},
    rejection::{Rejection, check_filled, check_name},
};

/// One sticker of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sticker {
    /// Its name in the pack: 1 to 30 characters, unique there.
    pub name: String,
    /// What is drawn, as text (emoji): 1 to 100 characters.
    pub glyph: String,
}

/// A pack was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickerPackPublished {
    /// Its title.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// What is in it.
    pub stickers: Vec<Sticker>,
}

event_family! {
    /// Events of a `sticker-pack-` stream.
    StickerPackEvent {
        "sticker-pack.published" => StickerPackPublished,
    }
}

/// A pack of stickers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StickerPack {
    stickers: Vec<Sticker>,
}

impl StickerPack {
    const STICKERS_MAX: usize = 100;

    /// Publishes the pack.
    ///
    /// # Errors
    /// Fields that break their rules, [`Rejection::StickerPackExists`].
    pub fn publish(&self, pack: StickerPackPublished) -> Result<Vec<StickerPackEvent>, Rejection> {
        if !self.stickers.is_empty() {
            return Err(Rejection::StickerPackExists);
        }
        check_name("title", &pack.title, 50)?;
        check_name("author", &pack.author, 50)?;
        if pack.stickers.is_empty() || pack.stickers.len() > Self::STICKERS_MAX {
            return Err(Rejection::InvalidField { field: "stickers", rule: "a pack has 1 to 100 stickers" });
        }
        for (sticker, before) in pack.stickers.iter().zip(0..) {
            check_name("stickers.name", &sticker.name, 30)?;
            check_filled("stickers.glyph", &sticker.glyph, 100)?;
            if pack.stickers.iter().take(before).any(|other| other.name == sticker.name) {
                return Err(Rejection::InvalidField { field: "stickers.name", rule: "must be unique in the pack" });
            }
        }
        Ok(vec![pack.into()])
    }

    /// The sticker of that name.
    #[must_use]
    pub fn sticker(&self, name: &str) -> Option<&Sticker> {
        self.stickers.iter().find(|sticker| sticker.name == name)
    }
}

impl Aggregate for StickerPack {
    type Id = StickerPackId;
    type Event = StickerPackEvent;
    const CATEGORY: &'static str = "sticker-pack";

    fn evolve(&mut self, event: &StickerPackEvent, _meta: &EventMeta) {
        let StickerPackEvent::StickerPackPublished(published) = event;
        self.stickers.clone_from(&published.stickers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn pack(names: &[&str]) -> StickerPackPublished {
        let sticker = |name: &&str| Sticker { name: (*name).into(), glyph: "🍵".into() };
        StickerPackPublished {
            title: "Tea".into(),
            author: "House".into(),
            stickers: names.iter().map(sticker).collect(),
        }
    }

    #[test]
    fn a_pack_is_published_once() {
        let state = given::<StickerPack>(StickerPack::default().publish(pack(&["cup", "pot"])).unwrap());
        assert!(state.sticker("pot").is_some());
        assert!(state.sticker("jar").is_none());
        assert_eq!(state.publish(pack(&["cup"])), Err(Rejection::StickerPackExists));
    }

    #[test]
    fn an_empty_pack_or_a_double_name_is_refused() {
        assert!(StickerPack::default().publish(pack(&[])).is_err());
        assert!(StickerPack::default().publish(pack(&["cup", "cup"])).is_err());
    }
}
