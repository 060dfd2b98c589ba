//! A medium that was brought in parts has come.

use domain::{MediumEvent, MediumId, Rejection, RejectionKind};
use futures::StreamExt;

use super::{Arrived, Claim, Upload};
use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes in a medium all of whose parts have come. Where it was taken in before there is no event, and nothing to do:
    /// [`Commands::medium`] has it.
    ///
    /// # Errors
    /// [`Rejection::UploadNotFound`], [`Rejection::UploadBusy`], [`Rejection::UploadIncomplete`]; [`Rejection::ChecksumMismatch`],
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
        // Nobody ends it meanwhile.
        let mut held = None;
        let committed = if taken {
            self.run(&self.streams.media, medium, begun, |_, _| Ok(vec![])).await?
        } else {
            let upload = self.upload_of(by, medium)?;
            held = Some(self.uploads.hold(medium)?);
            let arrived = self.put_together(upload).await?;
            self.keep_medium(by, medium, begun, arrived).await?
        };
        if let Err(error) = self.uploads.delete(medium).await {
            tracing::warn!(%error, "the parts of a medium that is kept stay until they expire");
        }
        drop(held);
        Ok(committed)
    }

    /// Puts the parts together, and looks at what they are.
    async fn put_together(&self, upload: Upload) -> Result<Box<dyn Arrived>, CommandError> {
        let Upload { medium, announced, offset } = upload;
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
