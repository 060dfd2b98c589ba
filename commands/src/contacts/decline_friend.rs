//! A person declines a friend request.

use domain::{FriendshipEvent, FriendshipId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Declines the request of `from`, who is not told.
    ///
    /// # Errors
    /// [`domain::Rejection::RequestNotFound`].
    pub async fn decline_friend(
        &self,
        caller: &Caller,
        from: UserId,
    ) -> Result<Committed<FriendshipEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let id = FriendshipId::between(by, from);
        self.run(&self.streams.friendships, id, begun, |state, _| state.decline(by, from)).await
    }
}
