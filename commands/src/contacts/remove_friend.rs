//! A person removes a friend.

use domain::{FriendshipEvent, FriendshipId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Removes a friend from the caller's contacts. The other side keeps the caller and is not told.
    ///
    /// # Errors
    /// [`domain::Rejection::NotAContact`].
    pub async fn remove_friend(
        &self,
        caller: &Caller,
        other: UserId,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let id = FriendshipId::between(by, other);
        self.run(&self.streams.friendships, id, begun, |state, _| state.remove(by, other)).await
    }
}
