//! What is said of posts: likes and comments, and what somebody did themselves.

use domain::{PostId, moments::visibility::Sight};

use super::{
    CommentShown, Comments, InteractionShown, Interactions, LikeShown, Likes, Viewer,
    page::Page,
    rows::{Deed, Pointer, Said, Table, deed_key},
    viewer::Seen,
};
use crate::{ProjectionError, rows::number_at};

impl Viewer<'_> {
    /// Likes of a post that they see, behind a position, at most `limit`. None where they see nothing of the post.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn likes(&self, post: PostId, after: u64, limit: usize) -> Result<Option<Likes>, ProjectionError> {
        self.find(post)?.map(|seen| self.likes_of(&seen, after, limit)).transpose()
    }

    /// Comments on a post that they see, behind a position, at most `limit`. None where they see nothing of the post.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn comments(&self, post: PostId, after: u64, limit: usize) -> Result<Option<Comments>, ProjectionError> {
        self.find(post)?.map(|seen| self.comments_of(&seen, after, limit)).transpose()
    }

    pub(super) fn likes_of(&self, seen: &Seen, after: u64, limit: usize) -> Result<Likes, ProjectionError> {
        let mut likes = vec![];
        let mut take = |position: u64, deed: Deed| {
            if !self.sees_deed(seen.row().author, deed.actor, None) {
                return true;
            }
            let room = likes.len() < limit;
            if room {
                likes.push(LikeShown { position, user: deed.actor, at: deed.at });
            }
            room
        };
        let first = &seen.digest.likes;
        let more = seen.sight == Sight::Full
            && (first.behind(after).any(|(position, deed, ())| !take(*position, *deed))
                || match first.goes_on_behind(after) {
                    None => false,
                    Some(after) => self.walk(seen, Table::Likes, after, |at, deed, _| Some(take(at, deed)))?,
                });
        Ok(Likes { likes, more })
    }

    pub(super) fn comments_of(&self, seen: &Seen, after: u64, limit: usize) -> Result<Comments, ProjectionError> {
        let mut comments = vec![];
        let mut take = |position: u64, deed: Deed, said: &Said| {
            if !self.sees_deed(seen.row().author, deed.actor, said.reply_to.map(|reply| reply.author)) {
                return true;
            }
            let room = comments.len() < limit;
            if room {
                comments.push(comment_shown(position, deed, said.clone()));
            }
            room
        };
        let first = &seen.digest.comments;
        let more = seen.sight == Sight::Full
            && (first.behind(after).any(|(position, deed, said)| !take(*position, *deed, said))
                || match first.goes_on_behind(after) {
                    None => false,
                    Some(after) => self.walk(seen, Table::Comments, after, |at, deed, value| {
                        Some(take(at, deed, &Said::read(value)?))
                    })?,
                });
        Ok(Comments { comments, more })
    }

    /// Shows what was done below a post to `take`, which says whether it wants to go on; none for a damaged row. Whether
    /// it was stopped.
    fn walk(
        &self,
        seen: &Seen,
        table: Table,
        after: u64,
        mut take: impl FnMut(u64, Deed, &[u8]) -> Option<bool>,
    ) -> Result<bool, ProjectionError> {
        let range = deed_key(seen.position, after.saturating_add(1))..deed_key(seen.position, u64::MAX);
        for row in self.moments.tables.of(table)?.range(range) {
            let (key, value) = row.into_inner()?;
            let parts = number_at(&key, 8).zip(Deed::read(&value));
            let (position, deed) = parts.ok_or(table.damaged())?;
            if !take(position, deed, &value).ok_or(table.damaged())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What they did below posts that they see in full, the latest first, before a position, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn interactions(&self, before: Option<u64>, limit: usize) -> Result<Interactions, ProjectionError> {
        let mut page = Page::new(limit, self.bounds.passed_over);
        for own in self.moments.tables.own_before(self.user, before.unwrap_or(u64::MAX))? {
            let (position, own) = own?;
            if !page.take(position, self.interaction(position, own.pointer)?) {
                break;
            }
        }
        let (interactions, next) = page.done();
        Ok(Interactions { interactions, more: next.is_some(), next })
    }

    fn interaction(&self, position: u64, pointer: Pointer) -> Result<Option<InteractionShown>, ProjectionError> {
        let seen = self.seen(pointer.post)?.filter(|seen| seen.sight == Sight::Full);
        let Some(seen) = seen else { return Ok(None) };
        let Some((deed, comment)) = self.done(position, pointer)? else { return Ok(None) };
        Ok(Some(InteractionShown { position, post: seen.row().post, author: seen.row().author, at: deed.at, comment }))
    }

    /// What was done at a position, unless it was undone; a comment with what it says.
    pub(super) fn done(
        &self,
        position: u64,
        pointer: Pointer,
    ) -> Result<Option<(Deed, Option<CommentShown>)>, ProjectionError> {
        let Some(table) = pointer.table() else { return Ok(None) };
        let Some((deed, value)) = self.moments.tables.deed(table, pointer.post, position)? else { return Ok(None) };
        if table == Table::Likes {
            return Ok(Some((deed, None)));
        }
        let said = Said::read(&value).ok_or(table.damaged())?;
        Ok(Some((deed, Some(comment_shown(position, deed, said)))))
    }
}

fn comment_shown(position: u64, deed: Deed, said: Said) -> CommentShown {
    CommentShown {
        comment: said.comment,
        position,
        author: deed.actor,
        at: deed.at,
        text: said.text,
        reply_to: said.reply_to.map(|reply| reply.comment),
        reply_to_author: said.reply_to.map(|reply| reply.author),
    }
}
