//! A person begins to bring a medium in parts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MediumEvent, MediumId, MediumKind, Rejection, UserId, medium::file_name};

use super::{Announced, Part, Upload};
use crate::{Caller, CommandError, Commands, engine::Beginning};

/// A medium that is to be brought in parts.
#[derive(Clone, Debug)]
pub struct BeginUpload {
    /// What sort of thing it is.
    pub kind: MediumKind,
    /// Its name, where it is a file.
    pub name: String,
    /// How loud it is at equal distances, where it is a voice message.
    pub waveform: Vec<u8>,
    /// How many bytes there will be.
    pub bytes: u64,
    /// SHA-256 of all of them, in hex.
    pub sha256: Option<String>,
}

/// A medium that is brought in parts.
#[derive(Clone, Debug)]
pub struct BegunUpload {
    /// The medium that it is to be.
    pub medium: MediumId,
    /// How many bytes have come.
    pub offset: u64,
    /// Until when it has to be finished; none where it is.
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<Upload> for BegunUpload {
    fn from(upload: Upload) -> Self {
        Self { medium: upload.medium, offset: upload.offset, expires_at: Some(upload.announced.expires_at) }
    }
}

impl Commands {
    /// Begins to take in a medium in parts. Nothing is written into the log before all of it has come, but for the caller's
    /// key, if there is one. Begun again with that key it is as far as it has come; finished meanwhile, it is all there.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::MediumTooLarge`], [`Rejection::MediumBroken`] for one of no bytes,
    /// [`Rejection::QuotaReached`], [`Rejection::TooManyUploads`]; [`Rejection::UploadNotFound`] where it was begun with that
    /// key, and has ended or expired since.
    pub async fn begin_upload(&self, caller: &Caller, command: BeginUpload) -> Result<BegunUpload, CommandError> {
        let (owner, medium) = (caller.user()?, MediumId(caller.id_of_made()));
        let begun = match self.begin::<MediumEvent>(caller).await? {
            Beginning::New(begun) => begun,
            Beginning::Repeated(_) => return self.begun_before(owner, medium, command.bytes).await,
        };
        let announced = self.announced(owner, command)?;
        // From now on it counts as what is on its way, and once it has begun as that.
        let room = match self.uploads.upload(medium) {
            Some(_) => None,
            None => Some(self.quota.room(owner, announced.bytes).await?),
        };
        let upload = self.uploads.begin(medium, announced, &self.policy.media).await?;
        drop(room);
        self.run(&self.streams.media, medium, begun, |_, _| Ok(vec![])).await?;
        Ok(upload.into())
    }

    /// What has become of one that was begun with the same key.
    async fn begun_before(&self, owner: UserId, medium: MediumId, bytes: u64) -> Result<BegunUpload, CommandError> {
        match self.upload_of(owner, medium) {
            Ok(upload) => Ok(upload.into()),
            Err(_) if self.medium(medium).await?.is_some() => {
                Ok(BegunUpload { medium, offset: bytes, expires_at: None })
            }
            Err(gone) => Err(gone.into()),
        }
    }

    fn announced(&self, owner: UserId, command: BeginUpload) -> Result<Announced, Rejection> {
        let BeginUpload { kind, name, waveform, bytes, sha256 } = command;
        let policy = &self.policy.media;
        let max = kind.bytes_max(policy);
        if bytes > max {
            return Err(Rejection::MediumTooLarge { max, unit: "bytes" });
        }
        if bytes == 0 {
            return Err(Rejection::MediumBroken { what: "there is nothing in it" });
        }
        let sha256 = sha256.map(|hash| hash.to_ascii_lowercase());
        if sha256.as_ref().is_some_and(|hash| hash.len() != 64 || !hash.bytes().all(|sign| sign.is_ascii_hexdigit())) {
            return Err(Rejection::InvalidField { field: "sha256", rule: "has 64 hexadecimal digits" });
        }
        let expires_at = self.now() + TimeDelta::seconds(policy.upload_seconds);
        let name = file_name(&name).to_owned();
        Ok(Announced { owner, kind, name, waveform, bytes, sha256, expires_at })
    }

    /// How far a medium that `user` brings in parts has come.
    ///
    /// # Errors
    /// [`Rejection::UploadNotFound`] where there is none, it is somebody else's, or its time is over.
    pub fn upload_of(&self, user: UserId, medium: MediumId) -> Result<Upload, Rejection> {
        let upload = self.uploads.upload(medium);
        let theirs = upload.filter(|upload| upload.announced.owner == user && upload.announced.expires_at > self.now());
        theirs.ok_or(Rejection::UploadNotFound)
    }

    /// What `user` brings in parts at present.
    #[must_use]
    pub fn uploads_of(&self, user: UserId) -> Vec<Upload> {
        let mut uploads = self.uploads.uploads_of(user);
        uploads.retain(|upload| upload.announced.expires_at > self.now());
        uploads
    }

    /// Takes a part of a medium, see [`super::UploadStore::part`].
    ///
    /// # Errors
    /// As there; [`Rejection::UploadNotFound`] also where the medium is not that person's.
    pub async fn part_of_upload(
        &self,
        user: UserId,
        medium: MediumId,
        offset: u64,
        sealed: bool,
    ) -> Result<Box<dyn Part>, CommandError> {
        self.upload_of(user, medium)?;
        self.uploads.part(medium, offset, sealed).await
    }

    /// Ends the bringing of a medium in parts: what has come is deleted.
    ///
    /// # Errors
    /// [`Rejection::UploadNotFound`], [`Rejection::UploadBusy`] while it is being finished; [`CommandError::MediaStore`].
    pub async fn cancel_upload(&self, user: UserId, medium: MediumId) -> Result<(), CommandError> {
        self.upload_of(user, medium)?;
        let _held = self.uploads.hold(medium)?;
        self.uploads.delete(medium).await
    }
}
