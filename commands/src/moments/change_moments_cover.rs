//! A person chooses the picture above their Moments.

use domain::{CircleEvent, MediumId, MediumKind};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Puts a picture of the caller's own above their Moments, or takes away what is there.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumNotFound`], [`domain::Rejection::MediumOfOtherKind`],
    /// [`domain::Rejection::MediumBroken`].
    pub async fn change_moments_cover(
        &self,
        caller: &Caller,
        picture: Option<MediumId>,
    ) -> Result<Committed<CircleEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let cover = match picture {
            Some(medium) => Some(self.name_medium(user, medium, &[MediumKind::Picture], &begun).await?),
            None => None,
        };
        self.run(&self.streams.circles, user, begun, |state, _| Ok(state.change_cover(cover.clone()))).await
    }
}
