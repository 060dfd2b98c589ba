//! A person deletes a tag.

use domain::{ContactsEvent, TagId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Deletes a tag and takes it off everybody who had it.
    ///
    /// # Errors
    /// [`domain::Rejection::TagNotFound`].
    pub async fn delete_tag(&self, caller: &Caller, tag: TagId) -> Result<Committed<ContactsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.contacts, user, begun, |state, _| state.delete_tag(tag)).await
    }
}
