//! Who presents this token?

use domain::{DeviceId, UserId};

use crate::{CommandError, Commands, Secrets};

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
        let claimed = Secrets::parse_token(token).ok_or(CommandError::NotLoggedIn)?;
        // A token that another node gave a moment ago may not have been heard of here.
        let genuine = self.users.look_twice(claimed.user, |user| {
            let device = user.device(claimed.device);
            device.is_some_and(|device| Secrets::token_has_hash(token, &device.token_hash))
        });
        if genuine.await? {
            Ok(Session { user: claimed.user, device: claimed.device })
        } else {
            Err(CommandError::NotLoggedIn)
        }
    }
}
