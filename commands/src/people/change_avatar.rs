//! A person chooses the picture that others see of them.

use domain::{MediumId, MediumKind, UserEvent, user::Profile};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Puts a picture of the caller's own into their profile, or takes away what is there.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumNotFound`], [`domain::Rejection::MediumOfOtherKind`],
    /// [`domain::Rejection::MediumBroken`].
    pub async fn change_avatar(
        &self,
        caller: &Caller,
        picture: Option<MediumId>,
    ) -> Result<Committed<UserEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let avatar = match picture {
            Some(medium) => Some(self.name_medium(user, medium, &[MediumKind::Picture], &begun).await?),
            None => None,
        };
        let change =
            |state: &domain::User| state.change_profile(Profile { avatar: avatar.clone(), ..state.profile.clone() });
        self.run(&self.streams.users, user, begun, |state, _| change(state)).await
    }
}
