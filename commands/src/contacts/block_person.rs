//! A person blocks another.

use domain::{ContactsEvent, FriendshipId, Rejection, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Blocks a person: their messages are turned away, their friend requests never arrive, and one that waits is
    /// declined. They are not told. Also people who hide can be blocked: an id can't be guessed, so who has it has met
    /// them, and who pesters others must not get around being blocked by hiding.
    ///
    /// # Errors
    /// [`Rejection::NotYourself`], [`Rejection::PersonNotFound`], [`Rejection::TooManyBlocked`].
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
        if !self.streams.users.look(person, domain::User::is_registered).await? {
            return Err(Rejection::PersonNotFound.into());
        }
        // Refused before anything is done.
        self.streams.contacts.look(user, |state| state.block(person, &self.policy)).await??;
        let pair = FriendshipId::between(user, person);
        self.run_step(
            &self.streams.friendships,
            pair,
            &begun,
            "decline",
            |state, _| Ok(state.close_request_of(person)),
        )
        .await?;
        self.run(&self.streams.contacts, user, begun, |state, _| state.block(person, &self.policy)).await
    }

    /// Whether `user` may know that `person` exists: they can be found, are or were in touch, or share a group.
    pub(crate) async fn knows_of(&self, user: UserId, person: UserId) -> Result<bool, CommandError> {
        let findable = self.streams.users.look(person, |state| state.is_registered() && state.privacy.findable).await?;
        if findable {
            return Ok(true);
        }
        let id = FriendshipId::between(user, person);
        let in_touch = self.streams.friendships.look(id, |state| {
            let heard = state.request.is_some_and(|request| request.from == person && !request.dropped);
            state.held_by(user) || heard
        });
        Ok(in_touch.await? || self.relations.share_group(user, person).await?)
    }
}
