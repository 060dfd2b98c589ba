//! Ports: where bytes are kept, and what the read models know of media.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{MediumId, MediumKind, UserId, medium::MediaUploaded, policy::MediaPolicy};
use futures::stream::BoxStream;

use crate::CommandError;

/// Bytes as they are read.
pub type Chunks = BoxStream<'static, Result<Bytes, CommandError>>;

/// What somebody says of bytes that they are about to bring.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// Its name, where it is a file.
    pub name: String,
    /// How loud it is at equal distances, where it is a voice message.
    pub waveform: Vec<u8>,
    /// How many bytes there will be, where that is known.
    pub bytes: Option<u64>,
    /// The rules that hold.
    pub policy: MediaPolicy,
}

/// Where bytes are kept, each blob under the BLAKE3 of its bytes.
#[async_trait]
pub trait MediaStore: Send + Sync + 'static {
    /// A place for bytes on their way in.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumTooLarge`] where more are announced than may come; [`CommandError::Crowded`] where too
    /// much is on its way already.
    async fn receive(&self, claim: Claim) -> Result<Box<dyn Incoming>, CommandError>;

    /// Some of a blob's bytes; none where there is no such blob.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn read(&self, hash: &str, range: Range<u64>) -> Result<Option<Chunks>, CommandError>;

    /// A smaller form of a picture, made where there is none yet.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumBroken`] where the picture can't be read after all; [`CommandError::Crowded`],
    /// [`CommandError::MediaStore`].
    async fn smaller(&self, hash: &str, form: SmallerForm) -> Result<Smaller, CommandError>;

    /// Blobs of one of the 256 parts of the store that were last written before a time.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn blobs_before(&self, part: u8, time: DateTime<Utc>) -> Result<Vec<String>, CommandError>;

    /// Deletes a blob, and what was made of it, unless it was written since that time. Tells whether it did.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn delete_before(&self, hash: &str, time: DateTime<Utc>) -> Result<bool, CommandError>;

    /// The blur hash of a picture.
    ///
    /// # Errors
    /// As [`Self::smaller`].
    async fn blur_hash(&self, hash: &str) -> Result<String, CommandError>;
}

/// Bytes on their way in. Dropped before its end, it leaves nothing.
#[async_trait]
pub trait Incoming: Send {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumTooLarge`]; [`CommandError::MediaStore`].
    async fn write(&mut self, bytes: Bytes) -> Result<(), CommandError>;

    /// No more comes: looks at what it is.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumUnsupported`], [`domain::Rejection::MediumBroken`],
    /// [`domain::Rejection::MediumTooLarge`]; [`CommandError::MediaStore`].
    async fn finish(self: Box<Self>) -> Result<Box<dyn Arrived>, CommandError>;
}

/// Bytes that have come and were looked at, and are no blob yet. Dropped before they are kept, they leave nothing.
#[async_trait]
pub trait Arrived: Send {
    /// What they are.
    fn medium(&self) -> &MediaUploaded;

    /// Keeps them: when this returns they are on disk.
    ///
    /// # Errors
    /// [`CommandError::Crowded`], [`CommandError::MediaStore`].
    async fn keep(self: Box<Self>) -> Result<(), CommandError>;
}

/// How large a smaller form of a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmallerForm {
    /// For lists: at most 320 pixels a side.
    Thumbnail,
    /// For a screen: at most 1,280 pixels a side.
    Preview,
}

/// A smaller form of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smaller {
    /// Its MIME type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What the read models know of media. Every answer is at or after the last acknowledged event.
#[async_trait]
pub trait MediaUse: Send + Sync + 'static {
    /// How many bytes a person has brought, without what was discarded.
    async fn bytes_of(&self, user: UserId) -> Result<u64, CommandError>;
    /// Up to `limit` media that were brought or kept before a time, and that nothing has named since.
    async fn unnamed_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<MediumId>, CommandError>;
    /// A picture with those bytes that a person has brought or taken over, if there is one.
    async fn picture_of(&self, owner: UserId, hash: &str) -> Result<Option<MediumId>, CommandError>;
    /// Whether any medium has those bytes.
    async fn is_needed(&self, hash: &str) -> Result<bool, CommandError>;
}
