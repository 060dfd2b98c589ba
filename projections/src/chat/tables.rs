//! The keyspaces of this read model and how they are read.

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

use domain::UserId;
use fjall::Keyspace;
use uuid::Uuid;

use super::{
    rows::{EventRow, Recall, Tail, deleted_key, place_of, recall_key, timeline_key},
    seat::Seat,
    state::{Conversation, Group, Head, Reader, Sort, State},
};
use crate::{
    ProjectionError,
    rows::{RowStore, id_at},
};

/// An event as it was read.
pub(super) type StoredEvent = EventRow<Tail>;

/// The keyspaces; `catalogue.rs` describes them.
#[derive(Clone)]
pub(super) struct Tables {
    pub(super) timeline: Keyspace,
    pub(super) recalls: Keyspace,
    pub(super) deleted: Keyspace,
    pub(super) personal: Keyspace,
    pub(super) conversations: Keyspace,
    pub(super) groups: Keyspace,
    pub(super) heads: Keyspace,
    pub(super) seats: Keyspace,
}

fn damaged(keyspace: &'static str) -> ProjectionError {
    ProjectionError::DamagedRow { keyspace }
}

impl Tables {
    /// Opens them.
    pub(super) fn open(store: &RowStore) -> Result<Self, ProjectionError> {
        Ok(Self {
            timeline: store.keyspace("timeline")?,
            recalls: store.keyspace("recalls")?,
            deleted: store.keyspace("deleted")?,
            personal: store.keyspace("personal")?,
            conversations: store.keyspace("conversations")?,
            groups: store.keyspace("groups")?,
            heads: store.keyspace("heads")?,
            seats: store.keyspace("seats")?,
        })
    }

    /// The event of that version.
    pub(super) fn event(&self, no: u32, version: u64) -> Result<StoredEvent, ProjectionError> {
        let row = self.timeline.get(timeline_key(no, version))?;
        row.and_then(|row| EventRow::decode(&row)).ok_or(damaged("timeline"))
    }

    /// The events of those versions, in order of version; from the end by `rev`.
    pub(super) fn events(
        &self,
        no: u32,
        versions: RangeInclusive<u64>,
    ) -> impl DoubleEndedIterator<Item = Result<StoredEvent, ProjectionError>> + use<> {
        let (from, to) = versions.into_inner();
        // An empty range is asked for where a page has nothing on one side; fjall takes ordered bounds only.
        let range = (from <= to).then(|| self.timeline.range(timeline_key(no, from)..=timeline_key(no, to)));
        range.into_iter().flatten().map(|guard| {
            let row = guard.value()?;
            EventRow::decode(&row).ok_or(damaged("timeline"))
        })
    }

    /// How a message was taken back, if it was.
    pub(super) fn recall(&self, no: u32, head: &Head, seq: u64) -> Result<Option<Recall>, ProjectionError> {
        if head.recalls == 0 {
            return Ok(None);
        }
        match self.recalls.get(recall_key(no, seq))? {
            None => Ok(None),
            Some(row) => Recall::decode(&row).map(Some).ok_or(damaged("recalls")),
        }
    }

    /// How many of the messages behind `seen`, up to `last`, were taken back without a trace.
    pub(super) fn vanished(&self, no: u32, head: &Head, seen: u64, last: u64) -> Result<u64, ProjectionError> {
        if head.recalls == 0 || seen >= last {
            return Ok(0);
        }
        let silent = self.recalls.range(recall_key(no, seen + 1)..=recall_key(no, last)).map(|guard| {
            let row = guard.value()?;
            Recall::decode(&row).map(|recall| u64::from(recall.silent)).ok_or(damaged("recalls"))
        });
        silent.sum()
    }

    /// Whether the reader deleted that message.
    pub(super) fn is_deleted(&self, reader: &Reader, seq: u64) -> Result<bool, ProjectionError> {
        Ok(reader.deletions && self.deleted.contains_key(deleted_key(reader.user, reader.no, seq))?)
    }

    /// The version of message `seq`, which must be one of 1 to the last.
    pub(super) fn version_of(&self, no: u32, head: &Head, seq: u64) -> Result<u64, ProjectionError> {
        // Every message has a version of its own, so no message has a version below its number, and as many
        // versions at least follow it as messages do.
        let latest = head.version.saturating_sub(head.seq.saturating_sub(seq));
        self.search(no, seq, latest, |(_, so_far)| so_far >= seq)
    }

    /// The version of the first event behind a position; one more than `last` where there is none up to `last`.
    pub(super) fn first_after(&self, no: u32, last: u64, position: u64) -> Result<u64, ProjectionError> {
        // Readers are mostly close to the end: look there first, in doubling steps.
        let mut high = last + 1;
        let mut step = 1;
        let mut low = 1;
        while high > low {
            let probe = high.saturating_sub(step).max(low);
            if self.place(no, probe)?.0 <= position {
                low = probe + 1;
                break;
            }
            (high, step) = (probe, step * 2);
        }
        self.search(no, low, high, |(at, _)| at > position)
    }

    /// The lowest version from `low` on whose place holds; `high` where none below it does.
    fn search(
        &self,
        no: u32,
        mut low: u64,
        mut high: u64,
        holds: impl Fn((u64, u64)) -> bool,
    ) -> Result<u64, ProjectionError> {
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.place(no, middle)?) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    fn place(&self, no: u32, version: u64) -> Result<(u64, u64), ProjectionError> {
        let row = self.timeline.get(timeline_key(no, version))?;
        row.and_then(|row| place_of(&row)).ok_or(damaged("timeline"))
    }

    /// Everything that is held in memory, as the rows say.
    pub(super) fn load(&self, checkpoint: u64) -> Result<State, ProjectionError> {
        let mut state = State { checkpoint, ..State::default() };
        // Three walks in step: every conversation has a head, and the groups among them a row of their own.
        let (mut heads, mut groups) = (self.heads.iter(), self.groups.iter());
        for (guard, no) in self.conversations.iter().zip(0_u32..) {
            let row = row_of(Some(guard), no, "conversations")?;
            let (id, sort) = Conversation::decode(&row).ok_or(damaged("conversations"))?;
            let row = row_of(heads.next(), no, "heads")?;
            let head = Head::decode(&row).ok_or(damaged("heads"))?;
            let sort = match sort {
                Some(sort) => sort,
                None => Sort::Group(Arc::new(decode_group(&row_of(groups.next(), no, "groups")?, &head)?)),
            };
            let conversation = Conversation { id, head, sort };
            state.numbers.insert(id, no);
            for user in conversation.group().iter().flat_map(|group| &group.invited).map(|waiting| waiting.user) {
                state.people.entry(user).or_default().invitations.push(no);
            }
            state.conversations.push(conversation);
        }
        let mut members: HashMap<u32, Vec<(u64, u32, UserId)>> = HashMap::new();
        for guard in self.seats.iter() {
            let (key, row) = guard.into_inner()?;
            let (user, no) = seat_place(&key).ok_or(damaged("seats"))?;
            let seat = Seat::decode(&row).ok_or(damaged("seats"))?;
            if let Some(part) = seat.part.as_ref().filter(|_| seat.stay.is_open()) {
                members.entry(no).or_default().push((seat.stay.from, part.rank, user));
            }
            state.people.entry(user).or_default().seats.insert(no, seat);
        }
        for (no, mut members) in members {
            members.sort_unstable();
            let at = usize::try_from(no).map_err(|_| damaged("seats"))?;
            let conversation = state.conversations.get_mut(at).ok_or(damaged("seats"))?;
            if let Sort::Group(group) = &mut conversation.sort {
                let group = Arc::make_mut(group);
                group.members = Arc::new(members.into_iter().map(|(.., user)| user).collect());
            }
        }
        Ok(state)
    }
}

/// The value of a row that must be the one of that conversation.
fn row_of(guard: Option<fjall::Guard>, no: u32, keyspace: &'static str) -> Result<fjall::Slice, ProjectionError> {
    let (key, row) = guard.ok_or(damaged(keyspace))?.into_inner()?;
    if *key == no.to_be_bytes() { Ok(row) } else { Err(damaged(keyspace)) }
}

fn decode_group(row: &[u8], head: &Head) -> Result<Group, ProjectionError> {
    let group: Group = serde_json::from_slice(row).map_err(|_| damaged("groups"))?;
    // Whoever came or went did so at the last event at the latest.
    Ok(Group { members_changed: head.version, ..group })
}

fn seat_place(key: &[u8]) -> Option<(UserId, u32)> {
    let user = UserId(id_at(key, 0)?);
    let no = key.get(size_of::<Uuid>()..)?.first_chunk().copied().map(u32::from_be_bytes)?;
    Some((user, no))
}
