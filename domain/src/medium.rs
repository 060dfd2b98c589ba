//! A medium: bytes that somebody brought, to be named by messages and posts.
//!
//! The bytes themselves are kept elsewhere, under their hash; the stream says whose they are and what they show. A medium
//! that nothing names for a while is discarded. So that this can't meet a message that is just about to name it, whoever
//! names it makes sure that it was brought, or kept, not long ago, and discarding waits for twice that time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    MediumId, UserId,
    event::{Aggregate, EventMeta, event_family},
    policy::MediaPolicy,
    rejection::Rejection,
};

/// What sort of thing a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediumKind {
    /// A picture: JPEG, PNG, WebP or GIF.
    Picture,
    /// Something spoken: Ogg with Opus, AMR, or MPEG-4 with sound only.
    Voice,
    /// A video: MP4 or WebM.
    Video,
    /// Anything.
    File,
}

impl MediumKind {
    /// The name used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
        }
    }

    /// Most bytes that one of the kind may have.
    #[must_use]
    pub fn bytes_max(self, policy: &MediaPolicy) -> u64 {
        match self {
            Self::Picture => policy.picture_bytes,
            Self::Voice => policy.voice_bytes,
            Self::Video => policy.video_bytes,
            Self::File => policy.file_bytes,
        }
    }
}

/// What a medium shows, as far as it says so itself. All of it was found by the server in the bytes, but for the name and
/// the waveform, which whoever brought it told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediumFacts {
    /// Its MIME type, such as `image/jpeg`.
    pub content_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// A file's name, see [`file_name`]; empty for other kinds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Width of a picture or video as it is shown, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of a picture or video as it is shown, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A few colours of a picture, to be shown until it is there: see <https://blurha.sh>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blur_hash: Option<String>,
    /// How long a voice message or video lasts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How loud a voice message is, at up to 64 places in equal distances: 0 to 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u8>,
}

/// The name of a file out of what was told as such: the last part of a path, whoever wrote it. No name leads out of the
/// folder into which somebody saves it.
#[must_use]
pub fn file_name(told: &str) -> &str {
    told.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A medium as a message or a post names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Which.
    pub medium: MediumId,
    /// What it shows. The server puts it in; whatever a client sends is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<MediumFacts>>,
}

/// Somebody brought a medium; its bytes are kept. The actor owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaUploaded {
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// BLAKE3 of its bytes, in hex: the name under which they are kept.
    pub hash: String,
    /// What it shows.
    pub facts: MediumFacts,
}

/// The owner is about to name the medium, a while after it was brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaKept {}

/// The medium was named by nothing for long, and is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaDiscarded {}

event_family! {
    /// Events of a `media-` stream.
    MediumEvent {
        "media.uploaded" => MediaUploaded,
        "media.kept" => MediaKept,
        "media.discarded" => MediaDiscarded,
    }
}

/// What is known of a medium that was brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// Whose it is.
    pub owner: UserId,
    /// When it was brought.
    pub at: DateTime<Utc>,
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// BLAKE3 of its bytes, in hex.
    pub hash: String,
    /// What it shows.
    pub facts: MediumFacts,
}

/// A medium.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Medium {
    uploaded: Option<Uploaded>,
    kept_at: DateTime<Utc>,
    discarded: bool,
}

impl Medium {
    /// What was brought; none where nothing ever was, or it was discarded.
    #[must_use]
    pub fn uploaded(&self) -> Option<&Uploaded> {
        self.uploaded.as_ref()
    }

    /// Takes it in, of an owner who has `used` bytes already. What was brought under this id before is not brought again:
    /// it is a late repetition.
    ///
    /// # Errors
    /// [`Rejection::QuotaReached`].
    pub fn upload(&self, new: MediaUploaded, used: u64, policy: &MediaPolicy) -> Result<Vec<MediumEvent>, Rejection> {
        if self.uploaded.is_some() || self.discarded {
            return Ok(vec![]);
        }
        if used.saturating_add(new.facts.bytes) > policy.quota_bytes {
            return Err(Rejection::QuotaReached { bytes: policy.quota_bytes });
        }
        Ok(vec![new.into()])
    }

    /// `by` is about to name it, as a medium of one of these kinds.
    ///
    /// # Errors
    /// [`Rejection::MediumNotFound`] where it is not theirs, [`Rejection::MediumOfOtherKind`].
    pub fn name(
        &self,
        by: UserId,
        kinds: &[MediumKind],
        policy: &MediaPolicy,
        now: DateTime<Utc>,
    ) -> Result<Vec<MediumEvent>, Rejection> {
        let uploaded = self.uploaded().filter(|uploaded| uploaded.owner == by).ok_or(Rejection::MediumNotFound)?;
        if !kinds.contains(&uploaded.kind) {
            return Err(Rejection::MediumOfOtherKind { kind: uploaded.kind.as_str() });
        }
        let fresh = now - self.kept_at <= TimeDelta::seconds(policy.unnamed_seconds / 2);
        Ok(if fresh { vec![] } else { vec![MediaKept {}.into()] })
    }

    /// Ends it, where nothing has named it for long. Whether anything has, the caller knows.
    #[must_use]
    pub fn discard(&self, policy: &MediaPolicy, now: DateTime<Utc>) -> Vec<MediumEvent> {
        let waits = self.uploaded.is_some();
        let long_ago = now - self.kept_at > TimeDelta::seconds(policy.unnamed_seconds);
        if waits && long_ago { vec![MediaDiscarded {}.into()] } else { vec![] }
    }
}

impl Aggregate for Medium {
    type Id = MediumId;
    type Event = MediumEvent;
    const CATEGORY: &'static str = "media";

    fn evolve(&mut self, event: &MediumEvent, meta: &EventMeta) {
        match event {
            MediumEvent::MediaUploaded(uploaded) => {
                let MediaUploaded { kind, hash, facts } = uploaded.clone();
                self.uploaded = meta.actor.map(|owner| Uploaded { owner, at: meta.at, kind, hash, facts });
                self.kept_at = meta.at;
            }
            MediumEvent::MediaKept(_) => self.kept_at = meta.at,
            MediumEvent::MediaDiscarded(_) => *self = Self { discarded: true, ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given_by;

    fn picture(bytes: u64) -> MediaUploaded {
        let facts = MediumFacts { content_type: "image/png".into(), bytes, ..MediumFacts::default() };
        MediaUploaded { kind: MediumKind::Picture, hash: "00".into(), facts }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn what_is_brought_counts_against_the_quota() {
        let policy = MediaPolicy { quota_bytes: 100, ..MediaPolicy::default() };
        let upload = |bytes, used| Medium::default().upload(picture(bytes), used, &policy);
        assert!(upload(40, 60).is_ok());
        assert_eq!(upload(41, 60), Err(Rejection::QuotaReached { bytes: 100 }));
    }

    #[test]
    fn a_file_s_name_is_the_last_part_of_a_path() {
        for told in ["plan.pdf", "../../etc/plan.pdf", "C:\\tea\\plan.pdf", "/plan.pdf"] {
            assert_eq!(file_name(told), "plan.pdf");
        }
        assert_eq!((file_name("etc/"), file_name("")), ("", ""));
    }

    #[test]
    fn only_its_owner_names_it_and_only_as_what_it_is() {
        let (owner, policy) = (UserId::new(), MediaPolicy::default());
        let state = given_by::<Medium>(vec![(owner, picture(1).into())]);
        let name = |by, kind| state.name(by, &[kind], &policy, at(1));
        assert_eq!(name(owner, MediumKind::Picture), Ok(vec![]));
        assert_eq!(name(UserId::new(), MediumKind::Picture), Err(Rejection::MediumNotFound));
        assert_eq!(name(owner, MediumKind::Voice), Err(Rejection::MediumOfOtherKind { kind: "picture" }));
    }

    #[test]
    fn what_is_about_to_be_named_is_not_discarded() {
        let (owner, policy) = (UserId::new(), MediaPolicy { unnamed_seconds: 100, ..MediaPolicy::default() });
        let state = given_by::<Medium>(vec![(owner, picture(1).into())]);
        let name = |seconds| state.name(owner, &[MediumKind::Picture], &policy, at(seconds)).unwrap();
        assert_eq!((name(50).len(), name(51).len()), (0, 1));
        assert_eq!((state.discard(&policy, at(100)).len(), state.discard(&policy, at(101)).len()), (0, 1));
        let gone = given_by::<Medium>(vec![(owner, picture(1).into()), (owner, MediaDiscarded {}.into())]);
        let refused = gone.name(owner, &[MediumKind::Picture], &policy, at(1));
        assert_eq!(refused, Err(Rejection::MediumNotFound));
        assert_eq!(gone.upload(picture(1), 0, &policy), Ok(vec![]));
        assert_eq!(gone.discard(&policy, at(1_000)), vec![]);
    }
}
