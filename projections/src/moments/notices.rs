//! Notices: what somebody is told of, as long as they may see it.

use domain::moments::visibility::Sight;

use super::{
    Badge, NoticeKind, NoticeShown, Notices, Tiding, Viewer,
    page::Page,
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
        let mut page = Page::new(limit, self.bounds.passed_over);
        self.each_notice(0, before.unwrap_or(u64::MAX), |position, notice| page.take(position, notice))?;
        let (notices, next) = page.done();
        Ok(Notices { notices, more: next.is_some(), next, read })
    }

    /// What a client shows before anybody looks.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn badge(&self) -> Result<Badge, ProjectionError> {
        let read = self.moments.circle(self.user).notices_read;
        let mut unread = Page::new(UNREAD_COUNTED, self.bounds.passed_over);
        self.each_notice(read.saturating_add(1), u64::MAX, |position, notice| unread.take(position, notice))?;
        Ok(Badge { has_new: self.has_new()?, unread: unread.done().0.len() })
    }

    /// What has happened, if they are to be told of it and may see it.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn notice(&self, tiding: &Tiding) -> Result<Option<NoticeShown>, ProjectionError> {
        let Tiding { position, pointer, actor, version, about } = tiding;
        let is_told = |viewer: &Self| match pointer.what {
            _ if about.contains(&viewer.user) => Ok(true),
            What::Reminder => Ok(false),
            What::Like | What::Comment => viewer.is_company(pointer.post, *version),
        };
        if *actor == self.user || !is_told(self)? {
            return Ok(None);
        }
        self.judged(*position, *pointer)
    }

    /// Shows what they may be told of that stands between two positions, the second excluded, to `take`, from the last
    /// one back, until it wants no more; with a notice where they may see it.
    fn each_notice(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(u64, Option<NoticeShown>) -> bool,
    ) -> Result<(), ProjectionError> {
        let mut company = if self.only_about_me() { vec![] } else { self.company(from, to)? };
        let range = person_key(self.user, from.min(to))..person_key(self.user, to);
        let mut about_me = self.moments.tables.of(Table::Notices)?.range(range).rev().map(|row| {
            let (key, value) = row.into_inner()?;
            number_at(&key, 16).zip(Pointer::read(&value)).ok_or(Table::Notices.damaged())
        });
        let mut head = about_me.next().transpose()?;
        loop {
            // What is found both ways is about the viewer.
            let next = match (head, company.last().map(|(other, _)| *other)) {
                (Some((position, _)), Some(other)) if other > position => company.pop(),
                (None, _) => company.pop(),
                (Some((position, _)), _) => {
                    company.pop_if(|(other, _)| *other == position);
                    std::mem::replace(&mut head, about_me.next().transpose()?)
                }
            };
            let Some((position, pointer)) = next else { return Ok(()) };
            if !take(position, self.judged(position, pointer)?) {
                return Ok(());
            }
        }
    }

    fn only_about_me(&self) -> bool {
        self.moments.index.read().settings(self.user).only_about_me
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
        if !self.sees_deed(author, deed.actor, answered) || !about_me && self.only_about_me() {
            return Ok(None);
        }
        Ok(Some(shown(kind, deed, about_me, comment)))
    }
}
