//! A person brings a medium.

use domain::{MediumEvent, MediumId, medium::MediaUploaded};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes in a medium whose bytes are kept. Its id comes back too.
    ///
    /// # Errors
    /// [`domain::Rejection::QuotaReached`].
    pub async fn upload_medium(
        &self,
        caller: &Caller,
        medium: MediaUploaded,
    ) -> Result<(MediumId, Committed<MediumEvent>), CommandError> {
        let id = MediumId(caller.id_of_made());
        Ok((id, self.upload(caller, id, medium).await?))
    }

    async fn upload(
        &self,
        caller: &Caller,
        id: MediumId,
        medium: MediaUploaded,
    ) -> Result<Committed<MediumEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let used = self.media_use.bytes_of(by).await?;
        self.run(&self.media, id, begun, |state, _| state.upload(medium.clone(), used, &self.policy.media)).await
    }
}
