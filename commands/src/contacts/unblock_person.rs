//! A person lifts a block.

use domain::{ContactsEvent, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Lifts the block of a person, if there is one.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn unblock_person(
        &self,
        caller: &Caller,
        person: UserId,
    ) -> Result<Committed<ContactsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.contacts, user, begun, |state, _| Ok(state.unblock(person))).await
    }
}
