//! Notices: what somebody is told of, as long as they may see it.

use domain::moments::visibility::Sight;
use eventlog::Position;

use super::{
    Badge, NoticeKind, NoticeShown, Notices, Viewer,
    rows::{Deed, Pointer, Table, What, person_key},
};
use crate::{ProjectionError, rows::number_at};

/// Unread notices are counted up to this many: more than anybody wants to know, and all that a badge has room for.
const UNREAD_COUNTED: usize = 99;

impl Viewer<'_> {
    /// Their notices that they may see now, the latest first, before a position, at most `limit`.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn notices(&self, before: Option<u64>, limit: usize) -> Result<Notices, ProjectionError> {
        let read = self.moments.circle(self.user).notices_read;
        let mut notices = vec![];
        let more = self.each_notice(0, before.unwrap_or(u64::MAX), |notice| {
            let room = notices.len() < limit;
            if room {
                notices.push(notice);
            }
            room
        })?;
        Ok(Notices { notices, more, read })
    }

    /// What a client shows before anybody looks.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn badge(&self) -> Result<Badge, ProjectionError> {
        let read = self.moments.circle(self.user).notices_read;
        let mut unread = 0;
        self.each_notice(read.saturating_add(1), u64::MAX, |_| {
            unread += 1;
            unread < UNREAD_COUNTED
        })?;
        Ok(Badge { has_new: self.has_new()?, unread })
    }

    /// The notice at a position, if it is theirs and they may see it.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn notice(&self, position: Position) -> Result<Option<NoticeShown>, ProjectionError> {
        let value = self.moments.tables.get(Table::Notices, &person_key(self.user, position.0))?;
        let Some(value) = value else { return Ok(None) };
        let pointer = Pointer::read(&value).ok_or(Table::Notices.damaged())?;
        self.judged(position.0, pointer)
    }

    /// Shows their notices between two positions, the second excluded, to `take` from the last one back, until it wants
    /// no more. Whether it was stopped.
    fn each_notice(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(NoticeShown) -> bool,
    ) -> Result<bool, ProjectionError> {
        let range = person_key(self.user, from.min(to))..person_key(self.user, to);
        for row in self.moments.tables.of(Table::Notices)?.range(range).rev() {
            let (key, value) = row.into_inner()?;
            let parts = number_at(&key, 16).zip(Pointer::read(&value));
            let (position, pointer) = parts.ok_or(Table::Notices.damaged())?;
            if let Some(notice) = self.judged(position, pointer)?
                && !take(notice)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A notice, if they may see it now: the post in full, and what was done, which must still stand.
    fn judged(&self, position: u64, pointer: Pointer) -> Result<Option<NoticeShown>, ProjectionError> {
        let seen = self.seen(pointer.post)?.filter(|seen| seen.sight == Sight::Full);
        let Some(seen) = seen else { return Ok(None) };
        let (post, author) = (seen.row().post, seen.row().author);
        let shown = |kind, deed: Deed, about_me, comment| {
            let (user, at) = (deed.actor, deed.at);
            NoticeShown { position, kind, user, at, post, author, about_me, comment }
        };
        let kind = match pointer.what {
            What::Reminder => {
                let published = Deed { actor: author, at: seen.row().at, version: 0 };
                return Ok(Some(shown(NoticeKind::Reminder, published, true, None)));
            }
            What::Like => NoticeKind::Like,
            What::Comment => NoticeKind::Comment,
        };
        let Some((deed, comment)) = self.done(position, pointer)? else { return Ok(None) };
        let answered = comment.as_ref().and_then(|comment| comment.reply_to_author);
        let about_me = author == self.user || answered == Some(self.user);
        let only_about_me = self.moments.index.read().settings(self.user).only_about_me;
        if !self.sees_deed(author, deed.actor, answered) || !about_me && only_about_me {
            return Ok(None);
        }
        Ok(Some(shown(kind, deed, about_me, comment)))
    }
}
