//! What a device missed: everything that its person may see behind a position, in the order of the log.
//!
//! Nothing is copied per member when something is said. The page is merged when asked for, out of the conversations that
//! something happened in since, and the personal feed.

use std::{cmp::Reverse, collections::BinaryHeap, collections::VecDeque, ops::RangeInclusive};

use domain::UserId;
use eventlog::Position;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ChatView, Entry,
    render::plain_entry,
    rows::{EventRow, personal_key},
    state::Reader,
    tables::{StoredEvent, Tables},
};
use crate::ProjectionError;

/// Most entries of one page.
pub const SYNC_LIMIT: usize = 500;
/// How many rows a page may look at for each entry it could hold: what is not to be seen must not make it endless.
const ROWS_PER_ENTRY: usize = 20;
/// How many rows of a conversation are fetched at first; then twice as many each time.
const FIRST_FETCH: u64 = 8;
/// Most rows fetched at once.
const FETCH_MAX: u64 = 512;

/// A page of what a device missed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SyncPage {
    /// What happened, in the order of the log.
    pub entries: Vec<Entry>,
    /// Where to go on: the position to ask for next.
    pub next: u64,
    /// Whether there is more to fetch right away.
    pub more: bool,
}

impl ChatView {
    /// What `user` may see of what happened behind `after`; at most `limit` entries, and no more than [`SYNC_LIMIT`].
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn sync(&self, user: UserId, after: Position, limit: usize) -> Result<SyncPage, ProjectionError> {
        let limit = limit.clamp(1, SYNC_LIMIT);
        let (upto, readers) = self.active_since(user, after.0);
        let mut feeds = Vec::with_capacity(readers.len() + 1);
        feeds.push(Feed::personal(&self.tables, user, after.0, upto));
        for reader in readers {
            feeds.push(Feed::conversation(&self.tables, reader, after.0)?);
        }
        let mut merged = Merge::of(feeds, &self.tables)?;
        let mut page = SyncPage { entries: vec![], next: upto.max(after.0), more: false };
        let mut rows_left = limit * ROWS_PER_ENTRY;
        let mut reached = after.0;
        while let Some(next) = merged.next_position() {
            if page.entries.len() == limit || rows_left == 0 {
                (page.next, page.more) = (reached, true);
                break;
            }
            if let Some(entry) = merged.take(&self.tables)? {
                page.entries.push(entry);
            }
            reached = next;
            rows_left -= 1;
        }
        Ok(page)
    }

    /// The checkpoint, and readers of the conversations in which something happened behind a position; of one moment.
    fn active_since(&self, user: UserId, after: u64) -> (u64, Vec<Reader>) {
        let state = self.state.read();
        let seats = state.people.get(&user).into_iter().flat_map(|person| &person.seats);
        let readers = seats.filter_map(|(no, seat)| {
            let conversation = state.conversation(*no).filter(|conversation| conversation.head.position > after)?;
            Some(Reader::of(user, *no, conversation, seat))
        });
        (state.checkpoint, readers.collect())
    }
}

/// Where rows come from.
enum Source {
    /// A conversation: what is still to be read of the reader's stays, the next first.
    Conversation { reader: Reader, versions: VecDeque<RangeInclusive<u64>>, fetch: u64 },
    /// The personal feed, which is only fetched as far as it is needed.
    Personal(Box<dyn Iterator<Item = Result<StoredEvent, ProjectionError>>>),
}

struct Feed {
    source: Source,
    fetched: VecDeque<StoredEvent>,
}

impl Feed {
    fn personal(tables: &Tables, user: UserId, after: u64, upto: u64) -> Self {
        let first = personal_key(user, after.saturating_add(1));
        let range = (after < upto).then(|| tables.personal.range(first..=personal_key(user, upto)));
        let rows = range.into_iter().flatten().map(|guard| {
            let row = guard.value()?;
            EventRow::decode(&row).ok_or(ProjectionError::DamagedRow { keyspace: "personal" })
        });
        Self { source: Source::Personal(Box::new(rows)), fetched: VecDeque::new() }
    }

    fn conversation(tables: &Tables, reader: Reader, after: u64) -> Result<Self, ProjectionError> {
        // A stay that ended long ago costs one look: its end is not behind the position.
        let last = reader.stays.last().map_or(0, |stay| stay.last_version(reader.head.version));
        let first = tables.first_after(reader.no, last, after)?;
        let stays = reader.stays.iter();
        let versions = stays.map(|stay| stay.from.max(first)..=stay.last_version(reader.head.version));
        let versions = versions.filter(|versions| !versions.is_empty()).collect();
        Ok(Self { source: Source::Conversation { reader, versions, fetch: FIRST_FETCH }, fetched: VecDeque::new() })
    }

    /// Sees to it that the next row is there, if there is one, and gives its position.
    fn peek(&mut self, tables: &Tables) -> Result<Option<u64>, ProjectionError> {
        while self.fetched.is_empty() {
            match &mut self.source {
                Source::Personal(rows) => match rows.next() {
                    Some(row) => self.fetched.push_back(row?),
                    None => break,
                },
                Source::Conversation { reader, versions, fetch } => {
                    let Some(range) = versions.pop_front() else { break };
                    let (first, last) = range.into_inner();
                    let until = last.min(first.saturating_add(*fetch - 1));
                    if until < last {
                        versions.push_front(until + 1..=last);
                    }
                    *fetch = (*fetch * 2).min(FETCH_MAX);
                    self.fetched = tables.events(reader.no, first..=until).collect::<Result<_, _>>()?;
                }
            }
        }
        Ok(self.fetched.front().map(|row| row.position))
    }

    /// The next row as an entry, if the reader gets to see it.
    fn take(&mut self, tables: &Tables) -> Result<Option<Entry>, ProjectionError> {
        let Some(row) = self.fetched.pop_front() else { return Ok(None) };
        Ok(match &self.source {
            Source::Personal(_) => Some(plain_entry(&row, row.conversation)),
            Source::Conversation { reader, .. } => {
                tables.look(reader, &row)?.map(|look| tables.entry(reader, &row, look))
            }
        })
    }
}

/// Feeds, the one with the lowest next position on top.
struct Merge {
    feeds: Vec<Feed>,
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Merge {
    fn of(mut feeds: Vec<Feed>, tables: &Tables) -> Result<Self, ProjectionError> {
        let mut order = BinaryHeap::with_capacity(feeds.len());
        for (feed, at) in feeds.iter_mut().zip(0..) {
            order.extend(feed.peek(tables)?.map(|position| Reverse((position, at))));
        }
        Ok(Self { feeds, order })
    }

    fn next_position(&self) -> Option<u64> {
        self.order.peek().map(|Reverse((position, _))| *position)
    }

    fn take(&mut self, tables: &Tables) -> Result<Option<Entry>, ProjectionError> {
        let Some(Reverse((_, at))) = self.order.pop() else { return Ok(None) };
        let Some(feed) = self.feeds.get_mut(at) else { return Ok(None) };
        let entry = feed.take(tables)?;
        self.order.extend(feed.peek(tables)?.map(|position| Reverse((position, at))));
        Ok(entry)
    }
}
