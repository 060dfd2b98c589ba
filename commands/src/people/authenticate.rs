//! Who presents this token?

use domain::{DeviceId, UserId};

use crate::{CommandError, Commands, Secrets, Token};

/// A person at a device, proved by a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The person.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
}

impl Commands {
    /// The person and device that a token belongs to.
    ///
    /// # Errors
    /// [`CommandError::NotLoggedIn`] for a token that is malformed, forged or revoked.
    pub async fn authenticate(&self, token: &str) -> Result<Session, CommandError> {
        // First of all: a token that anybody could have made up reads nothing, and leaves nothing in the cache.
        let Token { user, device } = self.secrets.open_token(token).ok_or(CommandError::NotLoggedIn)?;
        // A token that another node gave a moment ago may not have been heard of here.
        let logged_in = self.streams.users.look_twice(user, |user| {
            let device = user.device(device);
            device.is_some_and(|device| Secrets::token_has_hash(token, &device.token_hash))
        });
        if logged_in.await? { Ok(Session { user, device }) } else { Err(CommandError::NotLoggedIn) }
    }
}
