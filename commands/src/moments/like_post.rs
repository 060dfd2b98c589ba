//! A person likes a post.

use domain::{PostEvent, PostId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Likes a post that the caller sees in full.
    ///
    /// # Errors
    /// [`domain::Rejection::PostNotFound`].
    pub async fn like_post(&self, caller: &Caller, post: PostId) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let standing = self.standing(by, post).await?;
        self.run(&self.streams.posts, post, begun, |state, now| state.like(by, standing.sight(state, now))).await
    }
}
