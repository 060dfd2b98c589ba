//! Sticker packs: what was published, in order, also after opening the rows anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use chrono::TimeDelta;
use domain::{
    MediumId, StickerCollectionEvent, StickerPackEvent, StickerPackId, UserId,
    medium::Carried,
    sticker_collection::{StickerCollected, StickerMovedToFront, StickerRemoved},
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

#[test]
fn own_stickers_are_listed_from_the_front_and_also_after_opening_the_rows_anew() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (me, other) = (UserId::new(), UserId::new());
    let mine: [MediumId; 4] = std::array::from_fn(|_| MediumId::new());
    let collected = |medium: MediumId| {
        StickerCollectionEvent::from(StickerCollected {
            sticker: Carried { medium, facts: None },
            hash: medium.to_string(),
        })
    };
    let put = |user: UserId, event: StickerCollectionEvent| {
        writer.append(format!("sticker-collection-{user}"), Some(user), &[event]);
    };
    mine.into_iter().for_each(|medium| put(me, collected(medium)));
    put(other, collected(MediumId::new()));
    put(me, StickerMovedToFront { medium: mine[1] }.into());
    put(me, StickerRemoved { medium: mine[3] }.into());
    let folded = writer.fold::<StickersProjection>(dir.path()).view();
    let listed = |before, limit| -> Vec<_> {
        folded
            .collection(me, before, limit)
            .unwrap()
            .into_iter()
            .map(|found| (found.place, found.picture.medium))
            .collect()
    };
    let all = listed(None, 10);
    assert_eq!(all.iter().map(|(_, medium)| *medium).collect::<Vec<_>>(), [mine[1], mine[2], mine[0]]);
    assert_eq!([listed(None, 2), listed(Some(all[1].0), 2)].concat(), all);
    drop(folded);
    let opened = StickersProjection::open(dir.path()).unwrap().view();
    assert_eq!(opened.collection(me, None, 10).unwrap().len(), 3);
    assert_eq!(opened.collection(other, None, 10).unwrap().len(), 1);
}
