//! Port: media that are brought in parts, over as many connections as it takes.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{MediumId, MediumKind, Rejection, UserId, policy::MediaPolicy};
use serde::{Deserialize, Serialize};

use super::Chunks;
use crate::CommandError;

/// What somebody says of a medium that they are about to bring in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Whose it is.
    pub owner: UserId,
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// Its name, where it is a file.
    pub name: String,
    /// How loud it is at equal distances, where it is a voice message.
    pub waveform: Vec<u8>,
    /// How many bytes there will be.
    pub bytes: u64,
    /// SHA-256 of all of them, in hex, where it was told.
    pub sha256: Option<String>,
    /// Until when it has to be finished.
    pub expires_at: DateTime<Utc>,
}

/// A medium of which some may have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The medium that it is to be.
    pub medium: MediumId,
    /// What was said of it.
    pub announced: Announced,
    /// How many bytes have come, and are on disk.
    pub offset: u64,
}

/// Keeps what has come of media that are brought in parts, also when the server ends in between.
#[async_trait]
pub trait UploadStore: Send + Sync + 'static {
    /// A place for the parts of a medium, for whose bytes there is room. Begun again with the same id it stays as it is.
    ///
    /// # Errors
    /// [`domain::Rejection::TooManyUploads`]; fields that break their rules; [`domain::Rejection::UploadBusy`],
    /// [`CommandError::MediaStore`].
    async fn begin(&self, medium: MediumId, announced: Announced, policy: &MediaPolicy)
    -> Result<Upload, CommandError>;

    /// How far one has come; none where there is none.
    fn upload(&self, medium: MediumId) -> Option<Upload>;

    /// Those of one person, in the order of their ids.
    fn uploads_of(&self, owner: UserId) -> Vec<Upload>;

    /// Takes a part whose bytes come behind the first `offset`. What comes is kept bit by bit, or, where it is `sealed`,
    /// only as a whole.
    ///
    /// # Errors
    /// [`domain::Rejection::UploadNotFound`], [`domain::Rejection::OffsetMismatch`], [`domain::Rejection::UploadBusy`] while
    /// another part comes; [`CommandError::Crowded`], [`CommandError::MediaStore`].
    async fn part(&self, medium: MediumId, offset: u64, sealed: bool) -> Result<Box<dyn Part>, CommandError>;

    /// Whether all bytes have the checksum that was told, where one was.
    ///
    /// # Errors
    /// [`domain::Rejection::UploadNotFound`], [`CommandError::MediaStore`].
    async fn is_as_told(&self, medium: MediumId) -> Result<bool, CommandError>;

    /// What has come.
    ///
    /// # Errors
    /// [`domain::Rejection::UploadNotFound`], [`CommandError::MediaStore`].
    async fn read(&self, medium: MediumId) -> Result<Chunks, CommandError>;

    /// Has nobody else finish, change or end one, until this is dropped.
    ///
    /// # Errors
    /// [`domain::Rejection::UploadNotFound`]; [`domain::Rejection::UploadBusy`] where somebody has it already.
    fn hold(&self, medium: MediumId) -> Result<Box<dyn Send>, Rejection>;

    /// Deletes what has come, if anything has.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn delete(&self, medium: MediumId) -> Result<(), CommandError>;

    /// Deletes everything that had to be finished by a time; how many there were.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<usize, CommandError>;
}

/// A part on its way in. Dropped before its end, it leaves what was kept of it bit by bit.
#[async_trait]
pub trait Part: Send {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumTooLarge`] for more than were announced; [`CommandError::MediaStore`].
    async fn write(&mut self, bytes: Bytes) -> Result<(), CommandError>;

    /// Keeps what has come: when this returns it is on disk. Gives the offset of the next part.
    ///
    /// # Errors
    /// [`CommandError::MediaStore`].
    async fn keep(self: Box<Self>) -> Result<u64, CommandError>;
}
