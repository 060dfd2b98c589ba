//! A person notes something about a contact.

use domain::{ContactsEvent, FriendshipId, Rejection, UserId, contacts::Notes};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Changes remark, star, chats-only or tags of a contact. `change` makes the new notes of the present ones.
    ///
    /// # Errors
    /// [`Rejection::NotAContact`], a remark that is too long, [`Rejection::TagNotFound`].
    pub async fn note_contact(
        &self,
        caller: &Caller,
        contact: UserId,
        change: impl Fn(Notes) -> Notes,
    ) -> Result<Committed<ContactsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let id = FriendshipId::between(user, contact);
        let (held, chats_only) = self
            .streams
            .friendships
            .look(id, |state| (state.held_by(user), state.began_as_chats_only_for(user)))
            .await?;
        if contact == user || !held {
            return Err(Rejection::NotAContact.into());
        }
        self.run(&self.streams.contacts, user, begun, |state, _| state.note(contact, chats_only, &change, &self.policy))
            .await
    }
}
