//! Sticker packs: what was published, in order, also after opening the rows anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use chrono::TimeDelta;
use domain::{
    StickerPackEvent, StickerPackId,
    sticker_pack::{Sticker, StickerPackPublished},
};
use projections::{Projection, stickers::StickersProjection};
use support::{Writer, epoch};

fn publish(writer: &Writer, pack: StickerPackId, title: &str) {
    let stickers = vec![Sticker { name: "cup".into(), glyph: "🍵".into() }];
    let published = StickerPackPublished { title: title.into(), author: "House".into(), stickers };
    writer.append(format!("sticker-pack-{pack}"), None, &[StickerPackEvent::from(published)]);
}

#[test]
fn packs_are_listed_in_the_order_in_which_they_were_published() {
    let (mut writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (late, early) = (StickerPackId::new(), StickerPackId::new());
    publish(&writer, early, "Tea");
    writer.pass(TimeDelta::hours(1));
    publish(&writer, late, "Cakes");
    let folded = writer.fold::<StickersProjection>(dir.path()).view();
    let titles: Vec<String> = folded.packs().iter().map(|row| row.title.clone()).collect();
    assert_eq!(titles, ["Tea", "Cakes"]);
    assert_eq!(folded.pack(early).unwrap().published_at, epoch());
    assert_eq!(folded.pack(early).unwrap().stickers[0].glyph, "🍵");
    assert!(folded.pack(StickerPackId::new()).is_none());
}

#[test]
fn packs_are_there_after_opening_the_rows_anew() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    publish(&writer, StickerPackId::new(), "Tea");
    let folded = writer.fold::<StickersProjection>(dir.path()).view().packs();
    assert_eq!(folded.len(), 1);
    assert_eq!(StickersProjection::open(dir.path()).unwrap().view().packs(), folded);
}
