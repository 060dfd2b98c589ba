//! The sticker pack that every server has.

use commands::{Caller, CommandError, Commands};
use domain::{
    Rejection, StickerPackId,
    sticker_pack::{Sticker, StickerPackPublished},
};
use uuid::Uuid;

use crate::error::Error;

/// The id of the pack: the same on every server.
pub(crate) const SAMPLE_PACK: StickerPackId = StickerPackId(Uuid::from_u128(0x0193_0000_0000_7000_8000_7465_6168_6f75));

const STICKERS: [(&str, &str); 8] = [
    ("cup", "🍵"),
    ("pot", "🫖"),
    ("leaf", "🍃"),
    ("steam", "♨️"),
    ("cheers", "🍵🤝🍵"),
    ("mooncake", "🥮"),
    ("bubble", "🧋"),
    ("closed", "🫖💤"),
];

/// Publishes the sample pack, unless it is there.
///
/// # Errors
/// When the log takes nothing.
pub(crate) async fn publish_sample_pack(commands: &Commands) -> Result<(), Error> {
    let sticker = |(name, glyph): &(&str, &str)| Sticker { name: (*name).to_owned(), glyph: (*glyph).to_owned() };
    let pack = StickerPackPublished {
        title: "Tea time".to_owned(),
        author: "Teahouse".to_owned(),
        stickers: STICKERS.iter().map(sticker).collect(),
    };
    match commands.publish_sticker_pack(&Caller::SERVER, SAMPLE_PACK, pack).await {
        Ok(_) | Err(CommandError::Rejected(Rejection::StickerPackExists)) => Ok(()),
        Err(error) => Err(Error::failed("the sample sticker pack", error)),
    }
}
