//! Use cases about stickers: packs for everybody, and one's own.

mod collect_sticker;
mod move_sticker_to_front;
mod publish_sticker_pack;
mod remove_sticker;

pub use collect_sticker::StickerSource;
