//! A person makes a tag, or names one anew.

use domain::{ContactsEvent, Rejection, TagId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Makes a tag (`tag` is none) or gives an existing one another name.
    ///
    /// # Errors
    /// [`Rejection::TagNotFound`], [`Rejection::TagNameTaken`], [`Rejection::TooManyTags`], a name that breaks its rule.
    pub async fn name_tag(
        &self,
        caller: &Caller,
        tag: Option<TagId>,
        name: String,
    ) -> Result<Committed<ContactsEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        let new = TagId::new();
        self.run(&self.streams.contacts, user, begun, |state, _| match tag {
            Some(tag) if !state.has_tag(tag) => Err(Rejection::TagNotFound),
            _ => state.name_tag(tag.unwrap_or(new), name.clone(), &self.policy),
        })
        .await
    }
}
