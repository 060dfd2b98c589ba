//! A person deletes a comment.

use domain::{CommentId, PostEvent, PostId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Deletes one of the caller's own comments, or any on the caller's own post.
    ///
    /// # Errors
    /// [`domain::Rejection::PostNotFound`], [`domain::Rejection::CommentNotFound`],
    /// [`domain::Rejection::NotTheAuthor`].
    pub async fn delete_comment(
        &self,
        caller: &Caller,
        post: PostId,
        comment: CommentId,
    ) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let standing = self.standing(by, post).await?;
        let sees = self.sees_comment(by, post, comment).await?;
        self.run(&self.streams.posts, post, begun, |state, now| {
            state.delete_comment(by, comment, standing.sight(state, now), |_| sees)
        })
        .await
    }
}
