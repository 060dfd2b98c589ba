//! A device logs in.

use domain::{DeviceId, Handle, Rejection, UserEvent, UserId, user::DeviceAdded};

use crate::{Caller, CommandError, Commands, Committed, Secrets, Token, engine::begin};

/// What it takes to log in.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// The handle.
    pub handle: String,
    /// The password.
    pub password: String,
    /// What the device is called.
    pub device_name: String,
}

impl Commands {
    /// Logs a device in; the actor is the person. An unknown handle takes as long and answers the same as a wrong password.
    ///
    /// # Errors
    /// [`Rejection::BadCredentials`], [`CommandError::Busy`].
    pub async fn log_in(&self, caller: &Caller, command: LogIn) -> Result<Committed<UserEvent>, CommandError> {
        let user = self.user_of_handle(&command.handle).await?;
        let verifier = match user {
            Some(user) => Some(self.streams.users.look(user, |user| user.password.clone()).await?),
            None => None,
        };
        // Checked also for a repeated request: who repeats it must know the password too.
        if !self.passwords.verify(command.password, verifier.clone()).await? {
            return Err(Rejection::BadCredentials.into());
        }
        let (user, verifier) = user.zip(verifier).ok_or(Rejection::BadCredentials)?;
        self.add_device(caller, user, &verifier, command.device_name).await
    }

    async fn add_device(
        &self,
        caller: &Caller,
        user: UserId,
        proved: &str,
        name: String,
    ) -> Result<Committed<UserEvent>, CommandError> {
        let begun = begin!(self, caller).acting_as(user);
        let device = DeviceId::new();
        let token_hash = Secrets::token_hash(&self.secrets.token(Token { user, device }));
        let added = DeviceAdded { device, name, token_hash };
        self.run(&self.streams.users, user, begun, |state, _| {
            // Changed since it was checked, and all devices but one logged out: the old password lets nobody back in.
            if state.password != proved {
                return Err(Rejection::BadCredentials);
            }
            state.add_device(added.clone(), &self.policy)
        })
        .await
    }

    /// The registered person with that handle.
    async fn user_of_handle(&self, handle: &str) -> Result<Option<UserId>, CommandError> {
        let Ok(handle) = Handle::parse(handle) else { return Ok(None) };
        let Some((user, _)) = self.streams.handles.look(handle, |claim| claim.holder).await? else { return Ok(None) };
        let registered = self.streams.users.look(user, domain::User::is_registered).await?;
        Ok(registered.then_some(user))
    }
}
