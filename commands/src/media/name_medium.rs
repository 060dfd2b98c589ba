//! A person names a medium of their own, in a message or elsewhere.

use domain::{
    MediumId, MediumKind, Rejection, UserId,
    conversation::Content,
    medium::{Carried, MediumFacts},
};

use crate::{CommandError, Commands, engine::Begun};

impl Commands {
    /// Puts in what the medium shows that a content is, where it is one. When this returns the medium is durable, and is
    /// not discarded before what names it has had all the time it needs.
    ///
    /// # Errors
    /// [`Rejection::MediumNotFound`], [`Rejection::MediumOfOtherKind`]; [`Rejection::MediumBroken`] for a picture that
    /// can't be read after all.
    pub(crate) async fn with_facts(
        &self,
        by: UserId,
        content: Content,
        begun: &Begun,
    ) -> Result<Content, CommandError> {
        let Some((kind, carried)) = content.carried() else { return Ok(content) };
        let carried = self.name_medium(by, carried.medium, &[kind], begun).await?;
        Ok(content.carrying(carried))
    }

    /// Makes sure that `by` may name a medium, of one of these kinds, and gives it as it is named.
    ///
    /// # Errors
    /// As [`Self::with_facts`].
    pub(crate) async fn name_medium(
        &self,
        by: UserId,
        medium: MediumId,
        kinds: &[MediumKind],
        begun: &Begun,
    ) -> Result<Carried, CommandError> {
        let step = format!("name medium {medium}");
        let policy = &self.policy.media;
        self.run_step(&self.streams.media, medium, begun, &step, |state, now| state.name(by, kinds, policy, now))
            .await?;
        let uploaded = self.medium(medium).await?.ok_or(Rejection::MediumNotFound)?;
        let blur_hash = match uploaded.kind {
            MediumKind::Picture => Some(self.store.blur_hash(&uploaded.hash).await?),
            _ => None,
        };
        Ok(Carried { medium, facts: Some(Box::new(MediumFacts { blur_hash, ..uploaded.facts })) })
    }
}
