//! A person takes a new password.

use domain::{Rejection, UserEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Changes the password and logs every other device out.
    ///
    /// # Errors
    /// [`Rejection::BadCredentials`] for a wrong old password, a new one that breaks its rule, [`CommandError::Busy`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: String,
        new: String,
    ) -> Result<Committed<UserEvent>, CommandError> {
        let (user, device) = (caller.user()?, caller.device.ok_or(CommandError::NotLoggedIn)?);
        let begun = begin!(self, caller);
        let verifier = self.streams.users.look(user, |user| user.password.clone()).await?;
        if !self.passwords.verify(old, Some(verifier.clone())).await? {
            return Err(Rejection::BadCredentials.into());
        }
        let password = self.passwords.hash(new).await?;
        self.run(&self.streams.users, user, begun, |state, _| {
            // Changed by another device since it was checked: the old password is the old one no longer.
            if state.password != verifier {
                return Err(Rejection::BadCredentials);
            }
            Ok(state.change_password(password.clone(), device))
        })
        .await
    }
}
