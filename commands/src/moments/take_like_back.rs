//! A person likes a post no longer.

use domain::{PostEvent, PostId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes the caller's like back.
    ///
    /// # Errors
    /// [`domain::Rejection::PostNotFound`].
    pub async fn take_like_back(&self, caller: &Caller, post: PostId) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let standing = self.standing(by, post).await?;
        self.run(&self.streams.posts, post, begun, |state, now| state.take_like_back(by, standing.sight(state, now)))
            .await
    }
}
