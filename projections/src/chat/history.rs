//! Pages of what was said, and single messages.

use std::ops::RangeInclusive;

use domain::{ConversationId, UserId};
use eventlog::Position;

use super::{ChatView, Entry, Reading, kind::Showing, render::Look, state::Reader, tables::StoredEvent};
use crate::ProjectionError;

/// Most entries of one page of history.
pub const HISTORY_LIMIT: usize = 100;

/// Where a page of history lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At the end.
    Latest,
    /// Before that message.
    Before(u64),
    /// Behind that message.
    After(u64),
    /// Around that message: half of the page before it, then the message and what follows.
    Around(u64),
    /// Before that place in the log: the position of a page's first entry gives the page before it, to the entry.
    BeforePosition(Position),
    /// Behind that place in the log: the position of a page's last entry gives the page after it, to the entry.
    AfterPosition(Position),
}

impl ChatView {
    /// A page of the conversation as `user` may see it, oldest first: messages, and notices between them; at most
    /// [`HISTORY_LIMIT`] entries. Only what happened while they were in it, without what they deleted or cleared; what
    /// was taken back is shown as that, or not at all where it went silently. None for strangers.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn history(
        &self,
        user: UserId,
        conversation: ConversationId,
        anchor: Anchor,
        limit: usize,
        reading: &Reading,
    ) -> Result<Option<Vec<Entry>>, ProjectionError> {
        let Some(reader) = self.state.read().reader(user, conversation) else { return Ok(None) };
        let limit = limit.clamp(1, HISTORY_LIMIT);
        let last = reader.head.version;
        let page = Page { view: self, reader: &reader, reading };
        let entries = match anchor {
            Anchor::Latest => page.backwards(last, limit)?,
            Anchor::Before(seq) => page.backwards(page.version_of(seq)?.saturating_sub(1), limit)?,
            Anchor::After(seq) => page.forwards(page.version_of(seq)? + 1, limit)?,
            Anchor::Around(seq) => page.around(page.version_of(seq)?, limit)?,
            Anchor::BeforePosition(position) => {
                let first = self.tables.first_after(reader.no, last, position.0.saturating_sub(1))?;
                page.backwards(first - 1, limit)?
            }
            Anchor::AfterPosition(position) => {
                page.forwards(self.tables.first_after(reader.no, last, position.0)?, limit)?
            }
        };
        Ok(Some(entries))
    }

    /// One message, if `user` may see it; shown as taken back where it was.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn message(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: u64,
        reading: &Reading,
    ) -> Result<Option<Entry>, ProjectionError> {
        let Some(reader) = self.state.read().reader(user, conversation) else { return Ok(None) };
        if !reader.may_see(seq) {
            return Ok(None);
        }
        let row = self.tables.event(reader.no, self.tables.version_of(reader.no, &reader.head, seq)?)?;
        let page = Page { view: self, reader: &reader, reading };
        page.entry(&row)
    }

    /// The last thing that the reader's history tells.
    pub(super) fn last_told(&self, reader: &Reader, reading: &Reading) -> Result<Option<Entry>, ProjectionError> {
        let page = Page { view: self, reader, reading };
        // Mostly it is the last thing that the conversation's history tells: one look.
        if reader.stays.iter().any(|stay| stay.has_version(reader.head.shown))
            && let Some(entry) = page.entry(&self.tables.event(reader.no, reader.head.shown)?)?
        {
            return Ok(Some(entry));
        }
        Ok(page.backwards(reader.head.version, 1)?.pop())
    }
}

struct Page<'a> {
    view: &'a ChatView,
    reader: &'a Reader,
    reading: &'a Reading,
}

impl Page<'_> {
    /// The version of a message, or of what would be before the first and behind the last.
    fn version_of(&self, seq: u64) -> Result<u64, ProjectionError> {
        let Reader { no, head, .. } = self.reader;
        match seq {
            0 => Ok(0),
            beyond if beyond > head.seq => Ok(head.version + 1),
            seq => self.view.tables.version_of(*no, head, seq),
        }
    }

    fn backwards(&self, last: u64, limit: usize) -> Result<Vec<Entry>, ProjectionError> {
        let mut entries = vec![];
        let first = self.first_kept()?;
        for versions in self.versions(first..=last).rev() {
            let rows = self.view.tables.events(self.reader.no, versions).rev();
            self.collect(rows, limit, &mut entries)?;
            if entries.len() == limit {
                break;
            }
        }
        entries.reverse();
        Ok(entries)
    }

    fn forwards(&self, first: u64, limit: usize) -> Result<Vec<Entry>, ProjectionError> {
        let mut entries = vec![];
        let first = first.max(self.first_kept()?);
        for versions in self.versions(first..=self.reader.head.version) {
            let rows = self.view.tables.events(self.reader.no, versions);
            self.collect(rows, limit, &mut entries)?;
            if entries.len() == limit {
                break;
            }
        }
        Ok(entries)
    }

    fn around(&self, version: u64, limit: usize) -> Result<Vec<Entry>, ProjectionError> {
        let mut entries = self.backwards(version.saturating_sub(1), limit / 2)?;
        entries.extend(self.forwards(version, limit - entries.len())?);
        Ok(entries)
    }

    /// The first version that clearing the history left: clearing must not make pages walk what was cleared.
    fn first_kept(&self) -> Result<u64, ProjectionError> {
        match self.reader.cleared {
            0 => Ok(1),
            seq => self.version_of(seq.min(self.reader.head.seq)).map(|version| version + 1),
        }
    }

    /// The parts of a range of versions that lie within the reader's stays.
    fn versions(&self, range: RangeInclusive<u64>) -> impl DoubleEndedIterator<Item = RangeInclusive<u64>> {
        let (first, last) = range.into_inner();
        let last = last.min(self.reader.head.version);
        let within = self.reader.stays.iter().map(move |stay| stay.from.max(first)..=stay.last_version(last));
        within.filter(|versions| !versions.is_empty())
    }

    fn collect(
        &self,
        rows: impl Iterator<Item = Result<StoredEvent, ProjectionError>>,
        limit: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ProjectionError> {
        for row in rows {
            if entries.len() == limit {
                break;
            }
            entries.extend(self.entry(&row?)?);
        }
        Ok(())
    }

    fn entry(&self, row: &StoredEvent) -> Result<Option<Entry>, ProjectionError> {
        let told = matches!(row.kind.showing(), Showing::Message | Showing::Notice);
        let look: Option<Look> = if told { self.view.tables.look(self.reader, row)? } else { None };
        look.map(|look| self.view.tables.told(self.reader, row, look, self.reading)).transpose()
    }
}
