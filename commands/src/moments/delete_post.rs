//! A person deletes a post.

use domain::{PostEvent, PostId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Deletes one of the caller's own posts.
    ///
    /// # Errors
    /// [`domain::Rejection::PostNotFound`], [`domain::Rejection::NotTheAuthor`].
    pub async fn delete_post(&self, caller: &Caller, post: PostId) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let standing = self.standing(by, post).await?;
        self.run(&self.streams.posts, post, begun, |state, now| state.delete(by, standing.sight(state, now))).await
    }
}
