//! A person says something about a post.

use domain::{CommentId, PostEvent, PostId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Says something about a post that the caller sees in full, or about a comment that they see. The id of the new
    /// comment comes back too.
    ///
    /// # Errors
    /// [`domain::Rejection::PostNotFound`], [`domain::Rejection::CommentNotFound`],
    /// [`domain::Rejection::TooManyComments`], a text that breaks its rules.
    pub async fn add_comment(
        &self,
        caller: &Caller,
        post: PostId,
        text: String,
        reply_to: Option<CommentId>,
    ) -> Result<(CommentId, Committed<PostEvent>), CommandError> {
        let id = CommentId(caller.id_of_made());
        Ok((id, self.comment(caller, post, id, text, reply_to).await?))
    }

    async fn comment(
        &self,
        caller: &Caller,
        post: PostId,
        id: CommentId,
        text: String,
        reply_to: Option<CommentId>,
    ) -> Result<Committed<PostEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let standing = self.standing(by, post).await?;
        let sees = match reply_to {
            Some(answered) => self.sees_comment(by, post, answered).await?,
            None => false,
        };
        self.run(&self.streams.posts, post, begun, |state, now| {
            let sight = standing.sight(state, now);
            state.add_comment(id, text.clone(), reply_to, sight, |_| sees, &self.policy)
        })
        .await
    }
}
