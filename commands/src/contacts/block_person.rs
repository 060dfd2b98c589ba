//! A person blocks another.

use domain::{ContactsEvent, FriendshipId, Rejection, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Blocks a person: their messages are turned away, their friend requests never arrive. They are not told.
    ///
    /// # Errors
    /// [`Rejection::NotYourself`], [`Rejection::PersonNotFound`] for who is unknown to the caller,
    /// [`Rejection::TooManyBlocked`].
    pub async fn block_person(
        &self,
        caller: &Caller,
        person: UserId,
    ) -> Result<Committed<ContactsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        if user == person {
            return Err(Rejection::NotYourself.into());
        }
        if !self.knows_of(user, person).await? {
            return Err(Rejection::PersonNotFound.into());
        }
        self.run(&self.contacts, user, begun, |state, _| state.block(person, &self.policy)).await
    }

    /// Whether `user` may know that `person` exists: they can be found, are or were in touch, or share a group.
    pub(crate) async fn knows_of(&self, user: UserId, person: UserId) -> Result<bool, CommandError> {
        let findable = self.users.look(person, |state| state.is_registered() && state.privacy.findable).await?;
        if findable {
            return Ok(true);
        }
        let id = FriendshipId::between(user, person);
        let in_touch = self.friendships.look(id, |state| {
            let heard = state.request.is_some_and(|request| request.from == person && !request.dropped);
            state.held_by(user) || heard
        });
        Ok(in_touch.await? || self.relations.share_group(user, person).await?)
    }
}
