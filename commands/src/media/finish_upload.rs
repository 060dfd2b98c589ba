//! A medium that was brought in parts has come.

use domain::{MediumEvent, MediumId, Rejection, RejectionKind, UserId, medium::MediaUploaded};
use futures::StreamExt;

use super::{Claim, Upload};
use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes in a medium all of whose parts have come. Where it was taken in before there is no event, and nothing to do:
    /// [`Commands::medium`] has it.
    ///
    /// # Errors
    /// [`Rejection::UploadNotFound`], [`Rejection::UploadIncomplete`]; [`Rejection::ChecksumMismatch`],
    /// [`Rejection::MediumUnsupported`], [`Rejection::MediumBroken`] and [`Rejection::MediumTooLarge`], after which what has
    /// come is deleted; [`Rejection::QuotaReached`].
    pub async fn finish_upload(
        &self,
        caller: &Caller,
        medium: MediumId,
    ) -> Result<Committed<MediumEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let taken = self.medium(medium).await?.is_some_and(|uploaded| uploaded.owner == by);
        let new = if taken { None } else { Some(self.taken_in(by, medium).await?) };
        let used = self.media_use.bytes_of(by).await?;
        let policy = &self.policy.media;
        let upload = |state: &domain::Medium, _| match &new {
            Some(new) => state.upload(new.clone(), used, policy),
            None => Ok(vec![]),
        };
        let committed = self.run(&self.media, medium, begun, upload).await?;
        if let Err(error) = self.uploads.delete(medium).await {
            tracing::warn!(%error, "the parts of a medium that is kept stay until they expire");
        }
        Ok(committed)
    }

    /// Puts the parts together, and keeps what they are.
    async fn taken_in(&self, by: UserId, medium: MediumId) -> Result<MediaUploaded, CommandError> {
        let Upload { announced, offset, .. } = self.upload_of(by, medium)?;
        if offset < announced.bytes {
            return Err(Rejection::UploadIncomplete { offset, bytes: announced.bytes }.into());
        }
        if !self.uploads.is_as_told(medium).await? {
            self.uploads.delete(medium).await?;
            return Err(Rejection::ChecksumMismatch.into());
        }
        let claim = Claim {
            kind: announced.kind,
            name: announced.name,
            waveform: announced.waveform,
            bytes: Some(announced.bytes),
            policy: self.policy.media.clone(),
        };
        let mut incoming = self.store.receive(claim).await?;
        let mut parts = self.uploads.read(medium).await?;
        while let Some(bytes) = parts.next().await {
            incoming.write(bytes?).await?;
        }
        let finished = incoming.finish().await;
        // It will never be taken: there is no use in keeping it for another try.
        if matches!(&finished, Err(CommandError::Rejected(rejection)) if rejection.kind() == RejectionKind::Invalid) {
            self.uploads.delete(medium).await?;
        }
        finished
    }
}
