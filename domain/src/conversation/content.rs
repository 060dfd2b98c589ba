//! What a message says.

use chrono::{DateTime, Utc};
use ledger::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    CallId, HoldId, MediumId, StickerPackId, UserId,
    article::ArticleCard,
    call::{CallMedia, CallOutcome},
    hold::PacketKind,
    medium::{Carried, MediumKind},
    policy::Policy,
    rejection::{Rejection, check_filled, check_text, check_web_address},
};

/// What a message says. `kind` names the variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Content {
    /// Words.
    Text {
        /// The words, at most 12 KiB.
        text: String,
    },
    /// A sticker of a published pack.
    Sticker {
        /// The pack.
        pack: StickerPackId,
        /// The sticker's name in the pack.
        sticker: String,
    },
    /// A sticker of the sender's own: a picture out of their collection.
    PictureSticker(Carried),
    /// A picture.
    Picture(Carried),
    /// Something spoken.
    Voice(Carried),
    /// A video.
    Video(Carried),
    /// A file.
    File(Carried),
    /// An article of an official account.
    Article(ArticleCard),
    /// A place.
    Location {
        /// Degrees north, -90 to 90.
        latitude: f64,
        /// Degrees east, -180 to 180.
        longitude: f64,
        /// What the place is called.
        title: String,
        /// Its address.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        address: String,
    },
    /// A person's card.
    ContactCard {
        /// Whose.
        user: UserId,
    },
    /// A link.
    Link {
        /// An `http` or `https` address.
        url: String,
        /// What it is.
        title: String,
        /// More about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
    },
    /// Several messages forwarded as one. Made by forwarding only.
    Merged {
        /// What the bundle is called.
        title: String,
        /// The messages in it.
        items: Vec<MergedItem>,
    },
    /// The group's announcement; counts as a mention of everyone. Made by announcing only.
    Announcement {
        /// The words.
        text: String,
    },
    /// A pat. Made by patting only.
    Pat {
        /// Who was patted.
        target: UserId,
        /// The target's own suffix at that time.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        suffix: String,
    },
    /// Money sent to a friend. Made by sending money only; how it stands is asked for by its id.
    Transfer {
        /// The transfer.
        transfer: HoldId,
        /// Who is to accept it.
        to: UserId,
        /// How much.
        amount: Money,
        /// The payer's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A red packet. Made by sending one only; what is in it shows when it is opened.
    RedPacket {
        /// The red packet.
        red_packet: HoldId,
        /// How it is divided.
        packet: PacketKind,
        /// The payer's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        greeting: String,
    },
    /// A call that is over. Made by the server only, in the name of who called.
    Call {
        /// The call.
        call: CallId,
        /// Voice or video.
        media: CallMedia,
        /// How it ended.
        outcome: CallOutcome,
        /// For how long they talked, in seconds.
        seconds: u64,
        /// It was the call of a group.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        group: bool,
    },
}

/// One message in a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MergedItem {
    /// The display name of who had sent it.
    pub sender: String,
    /// When it had been sent.
    pub sent_at: DateTime<Utc>,
    /// What it said.
    #[schema(no_recursion)]
    pub content: Content,
}

/// The sort of a content, for filters and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// Words.
    Text,
    /// A sticker.
    Sticker,
    /// A place.
    Location,
    /// A person's card.
    ContactCard,
    /// A link.
    Link,
    /// Several messages as one.
    Merged,
    /// An announcement.
    Announcement,
    /// A pat.
    Pat,
    /// Money sent to a friend.
    Transfer,
    /// A red packet.
    RedPacket,
    /// A call that is over.
    Call,
    /// A picture.
    Picture,
    /// Something spoken.
    Voice,
    /// A video.
    Video,
    /// A file.
    File,
    /// A sticker that is a picture.
    PictureSticker,
    /// An article of an official account.
    Article,
}

impl ContentKind {
    /// Every kind there is.
    pub const ALL: [ContentKind; 17] = [
        Self::Text,
        Self::Sticker,
        Self::Location,
        Self::ContactCard,
        Self::Link,
        Self::Merged,
        Self::Announcement,
        Self::Pat,
        Self::Transfer,
        Self::RedPacket,
        Self::Call,
        Self::Picture,
        Self::Voice,
        Self::Video,
        Self::File,
        Self::PictureSticker,
        Self::Article,
    ];

    /// The name used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::ContactCard => "contact_card",
            Self::Link => "link",
            Self::Merged => "merged",
            Self::Announcement => "announcement",
            Self::Pat => "pat",
            Self::Transfer => "transfer",
            Self::RedPacket => "red_packet",
            Self::Call => "call",
            Self::Picture => "picture",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
            Self::PictureSticker => "picture_sticker",
            Self::Article => "article",
        }
    }
}

impl Content {
    /// Most bundles within bundles.
    const MERGED_DEPTH_MAX: usize = 3;
    /// Largest bundle as JSON, in bytes: leaves room for the rest of the event below 64 KiB.
    const MERGED_BYTES_MAX: usize = 60 * 1024;

    /// Longest note on money, in characters.
    pub const MONEY_WORDS_CHARS: usize = 60;

    /// Whether it shows money on its way, which is neither recalled nor passed on.
    #[must_use]
    pub fn is_money(&self) -> bool {
        matches!(self, Self::Transfer { .. } | Self::RedPacket { .. })
    }

    /// The sort of it.
    #[must_use]
    pub fn kind(&self) -> ContentKind {
        match self {
            Self::Text { .. } => ContentKind::Text,
            Self::Sticker { .. } => ContentKind::Sticker,
            Self::Location { .. } => ContentKind::Location,
            Self::ContactCard { .. } => ContentKind::ContactCard,
            Self::Link { .. } => ContentKind::Link,
            Self::Merged { .. } => ContentKind::Merged,
            Self::Announcement { .. } => ContentKind::Announcement,
            Self::Pat { .. } => ContentKind::Pat,
            Self::Transfer { .. } => ContentKind::Transfer,
            Self::RedPacket { .. } => ContentKind::RedPacket,
            Self::Call { .. } => ContentKind::Call,
            Self::Picture(_) => ContentKind::Picture,
            Self::Voice(_) => ContentKind::Voice,
            Self::Video(_) => ContentKind::Video,
            Self::File(_) => ContentKind::File,
            Self::PictureSticker(_) => ContentKind::PictureSticker,
            Self::Article(_) => ContentKind::Article,
        }
    }

    /// The medium that it is, as which kind.
    #[must_use]
    pub fn carried(&self) -> Option<(MediumKind, &Carried)> {
        match self {
            Self::Picture(carried) | Self::PictureSticker(carried) => Some((MediumKind::Picture, carried)),
            Self::Voice(carried) => Some((MediumKind::Voice, carried)),
            Self::Video(carried) => Some((MediumKind::Video, carried)),
            Self::File(carried) => Some((MediumKind::File, carried)),
            _ => None,
        }
    }

    /// The same, carrying what is given in place of the medium that it is; unchanged where it is none.
    #[must_use]
    pub fn carrying(self, carried: Carried) -> Self {
        match self {
            Self::Picture(_) => Self::Picture(carried),
            Self::PictureSticker(_) => Self::PictureSticker(carried),
            Self::Voice(_) => Self::Voice(carried),
            Self::Video(_) => Self::Video(carried),
            Self::File(_) => Self::File(carried),
            other => other,
        }
    }

    /// Every medium that it names, as which kind; those in bundles too.
    #[must_use]
    pub fn media(&self) -> Vec<(MediumKind, MediumId)> {
        match self {
            Self::Merged { items, .. } => items.iter().flat_map(|item| item.content.media()).collect(),
            other => other.carried().map(|(kind, carried)| (kind, carried.medium)).into_iter().collect(),
        }
    }

    /// The words in it that a search should find; empty where there are none.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Text { text } | Self::Announcement { text } => text.clone(),
            Self::Location { title, address, .. } => format!("{title} {address}"),
            Self::Link { title, description, .. } => format!("{title} {description}"),
            Self::Merged { title, items } => {
                let words = items.iter().map(|item| item.content.words());
                std::iter::once(title.clone()).chain(words).collect::<Vec<_>>().join(" ")
            }
            Self::Transfer { note: words, .. } | Self::RedPacket { greeting: words, .. } => words.clone(),
            Self::File(carried) => carried.facts.as_ref().map(|facts| facts.name.clone()).unwrap_or_default(),
            Self::Picture(_) | Self::PictureSticker(_) | Self::Voice(_) | Self::Video(_) => String::new(),
            Self::Article(card) => {
                card.front.as_ref().map(|front| format!("{} {}", front.title, front.digest)).unwrap_or_default()
            }
            Self::Sticker { .. } | Self::ContactCard { .. } | Self::Pat { .. } | Self::Call { .. } => String::new(),
        }
    }

    /// Checks what somebody wants to send as a message of their own.
    ///
    /// # Errors
    /// [`Rejection::ContentNotAllowed`] for kinds that other commands make; fields that break their rules.
    pub fn check_sent(&self, policy: &Policy) -> Result<(), Rejection> {
        match self {
            Self::Merged { .. }
            | Self::Announcement { .. }
            | Self::Pat { .. }
            | Self::Transfer { .. }
            | Self::RedPacket { .. }
            | Self::Call { .. } => Err(Rejection::ContentNotAllowed),
            _ => self.check(policy),
        }
    }

    /// Checks the fields of any content.
    ///
    /// # Errors
    /// Fields that break their rules.
    pub fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        match self {
            Self::Text { text } => {
                check_bytes("text", text, policy.message_bytes)?;
                check_filled("text", text, policy.message_bytes)
            }
            Self::Announcement { text } => check_filled("text", text, policy.announcement_chars),
            Self::Sticker { sticker, .. } => check_filled("sticker", sticker, 30),
            Self::Location { latitude, longitude, title, address } => {
                if !(-90.0..=90.0).contains(latitude) || !(-180.0..=180.0).contains(longitude) {
                    return Err(Rejection::InvalidField { field: "location", rule: "is not on this planet" });
                }
                check_filled("title", title, 100)?;
                check_text("address", address, 200)
            }
            Self::Link { url, title, description } => {
                check_bytes("url", url, 2_000)?;
                check_web_address("url", url, 2_000)?;
                check_filled("title", title, 100)?;
                check_text("description", description, 500)
            }
            Self::Merged { .. } => self.check_merged(),
            Self::Transfer { note: words, .. } | Self::RedPacket { greeting: words, .. } => {
                check_text("note", words, Self::MONEY_WORDS_CHARS)
            }
            Self::ContactCard { .. } | Self::Pat { .. } | Self::Call { .. } => Ok(()),
            // What a medium or an article may be was decided when it was brought.
            Self::Picture(_)
            | Self::PictureSticker(_)
            | Self::Voice(_)
            | Self::Video(_)
            | Self::File(_)
            | Self::Article(_) => Ok(()),
        }
    }

    fn check_merged(&self) -> Result<(), Rejection> {
        if self.depth() > Self::MERGED_DEPTH_MAX {
            return Err(Rejection::InvalidField { field: "items", rule: "bundles within bundles go 3 deep at most" });
        }
        let too_long = Rejection::TooLong { field: "items", max: Self::MERGED_BYTES_MAX, unit: "bytes" };
        let json = serde_json::to_vec(self).map_err(|_| too_long.clone())?;
        if json.len() > Self::MERGED_BYTES_MAX { Err(too_long) } else { Ok(()) }
    }

    fn depth(&self) -> usize {
        match self {
            Self::Merged { items, .. } => 1 + items.iter().map(|item| item.content.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

fn check_bytes(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.len() > max { Err(Rejection::TooLong { field, max, unit: "bytes" }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: impl Into<String>) -> Content {
        Content::Text { text: text.into() }
    }

    #[test]
    fn a_text_is_neither_empty_nor_larger_than_12_kib() {
        let policy = Policy::default();
        assert!(text("hello").check_sent(&policy).is_ok());
        assert!(text(" \n").check_sent(&policy).is_err());
        assert!(text("x".repeat(12 * 1024)).check_sent(&policy).is_ok());
        assert!(text("x".repeat(12 * 1024 + 1)).check_sent(&policy).is_err());
        assert!(text("a\u{0}b").check_sent(&policy).is_err());
    }

    #[test]
    fn only_web_links_are_taken() {
        let link = |url: &str| Content::Link { url: url.into(), title: "t".into(), description: String::new() };
        for good in ["https://example.org/a", "Http://example.org", "HTTPS://EXAMPLE.ORG/?a://b"] {
            assert!(link(good).check_sent(&Policy::default()).is_ok(), "{good}");
        }
        for bad in ["://x", "javascript:alert(1)", "https://", "http://a b", "ftp://x", ""] {
            assert!(link(bad).check_sent(&Policy::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_must_be_on_the_planet() {
        let place =
            |latitude| Content::Location { latitude, longitude: 0.0, title: "t".into(), address: String::new() };
        assert!(place(90.0).check_sent(&Policy::default()).is_ok());
        assert!(place(90.1).check_sent(&Policy::default()).is_err());
        assert!(place(f64::NAN).check_sent(&Policy::default()).is_err());
    }

    #[test]
    fn nobody_sends_an_announcement_a_pat_or_a_bundle_as_a_plain_message() {
        let pat = Content::Pat { target: UserId::new(), suffix: String::new() };
        let merged = Content::Merged { title: "t".into(), items: vec![] };
        for content in [pat, merged, Content::Announcement { text: "x".into() }] {
            assert_eq!(content.check_sent(&Policy::default()), Err(Rejection::ContentNotAllowed));
        }
    }

    #[test]
    fn a_bundle_is_bounded_in_depth_and_size() {
        let wrap = |content| Content::Merged {
            title: "t".into(),
            items: vec![MergedItem { sender: "s".into(), sent_at: DateTime::<Utc>::UNIX_EPOCH, content }],
        };
        let three = wrap(wrap(wrap(text("x"))));
        assert!(three.check(&Policy::default()).is_ok());
        assert!(wrap(three).check(&Policy::default()).is_err());
        assert!(wrap(text("x".repeat(61 * 1024))).check(&Policy::default()).is_err());
    }

    #[test]
    fn a_kind_is_named_as_its_content_is_in_json() {
        let json = serde_json::to_value(text("x")).unwrap();
        assert_eq!(json["kind"], ContentKind::Text.as_str());
    }
}
