//! A person publishes a post.

use std::collections::BTreeSet;

use domain::{PostEvent, PostId, TagId, moments::post::Draft};

use super::id_of_made;
use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Publishes a post. Its id comes back too. It costs the same however many may see it: who does is judged when they
    /// look.
    ///
    /// # Errors
    /// Fields that break their rules, [`domain::Rejection::TagNotFound`].
    pub async fn publish_post(
        &self,
        caller: &Caller,
        draft: Draft,
    ) -> Result<(PostId, Committed<PostEvent>), CommandError> {
        let id = PostId(id_of_made(caller));
        Ok((id, self.publish(caller, id, draft).await?))
    }

    async fn publish(&self, caller: &Caller, id: PostId, draft: Draft) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let named = draft.audience.named().map(|named| &named.tags);
        let own: BTreeSet<TagId> = match named.filter(|tags| !tags.is_empty()) {
            None => BTreeSet::new(),
            Some(tags) => {
                let own =
                    |contacts: &domain::Contacts| tags.iter().copied().filter(|tag| contacts.has_tag(*tag)).collect();
                self.contacts.look(by, own).await?
            }
        };
        let has_tag = |tag| own.contains(&tag);
        self.run(&self.posts, id, begun, |state, _| state.publish(draft.clone(), has_tag, &self.policy)).await
    }
}
