//! Every conversation of a person in one call.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{ConversationId, OfficialAccountId, UserId, official::AccountSort};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ChatView, Entry, Reading, members,
    seat::Seat,
    state::{Conversation, Reader, Sort, State},
};
use crate::ProjectionError;

/// How many members a group's picture is made of.
const PICTURE_MEMBERS: usize = 9;

/// Of two people, of a group, or with an official account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// Of two people.
    Direct,
    /// Of a group.
    Group,
    /// With an official account.
    Official,
}

/// One conversation in a person's list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversationRow {
    /// The conversation.
    pub id: ConversationId,
    /// Of two people, of a group, or with an official account.
    pub kind: ConversationKind,
    /// The other person of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<UserId>,
    /// The official account that it is with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OfficialAccountId>,
    /// The group's name; empty where it has none. Who is no longer in it sees the name it had then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For a group: up to nine members, who came first first, to make a picture or a name of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub picture: Vec<UserId>,
    /// How many are in it now; zero once this person is not.
    pub members: usize,
    /// The last thing in this person's history of it; absent where it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Entry>,
    /// The number of the last message.
    pub last_seq: u64,
    /// The last message that needs no more looking at: shown on a device, or before one's own.
    pub read_seq: u64,
    /// How many messages are unread.
    pub unread: u64,
    /// Whether an unread message calls on this person, by name or with everybody.
    pub mentioned: bool,
    /// Whether it does not notify.
    pub muted: bool,
    /// Whether it is kept at the top.
    pub pinned: bool,
    /// Whether this person is no longer in it: left, removed, or the group was disbanded.
    pub ended: bool,
    /// Place in the log of the last activity; decides the order.
    pub position: u64,
    /// When that was.
    pub at: DateTime<Utc>,
}

impl ChatView {
    /// Every conversation that is on a person's list, but for those with subscription accounts: pinned ones first, then by last activity, the latest first.
    /// Hidden ones are absent until something is said; direct ones without a message as well.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn inbox(&self, user: UserId, reading: &Reading) -> Result<Vec<ConversationRow>, ProjectionError> {
        self.rows_of(user, reading, |conversation| !is_folded(conversation))
    }

    /// Every conversation with a subscription account that is on a person's list, in the order of [`Self::inbox`]: what the
    /// list folds into one row.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn folded(&self, user: UserId, reading: &Reading) -> Result<Vec<ConversationRow>, ProjectionError> {
        self.rows_of(user, reading, is_folded)
    }

    fn rows_of(
        &self,
        user: UserId,
        reading: &Reading,
        wanted: impl Fn(&Conversation) -> bool,
    ) -> Result<Vec<ConversationRow>, ProjectionError> {
        let known: Vec<(Reader, ConversationRow)> = {
            let state = self.state.read();
            let listed = listed(&state, user).filter(|(_, conversation, _)| wanted(conversation));
            let known = listed.map(|(no, conversation, seat)| {
                (Reader::of(user, no, conversation, seat), known_row(user, conversation, seat))
            });
            known.collect()
        };
        let mut rows = known
            .into_iter()
            .map(|(reader, row)| self.complete_row(&reader, row, reading))
            .collect::<Result<Vec<_>, ProjectionError>>()?;
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.pinned, row.position)));
        Ok(rows)
    }

    /// Adds to a row what is on disk: the last activity, and what of the unread there is nothing left of.
    fn complete_row(
        &self,
        reader: &Reader,
        row: ConversationRow,
        reading: &Reading,
    ) -> Result<ConversationRow, ProjectionError> {
        let last = self.last_told(reader, reading)?;
        let (position, at) = match &last {
            Some(entry) => (entry.position, entry.at),
            // All of it was cleared: it stays where it was.
            None => {
                let end = reader.stays.last().map_or(1, |stay| stay.last_version(reader.head.version));
                let event = self.tables.event(reader.no, end)?;
                (event.position, event.at())
            }
        };
        let vanished = self.tables.vanished(reader.no, &reader.head, row.read_seq, row.last_seq)?;
        Ok(ConversationRow { last, unread: row.unread.saturating_sub(vanished), position, at, ..row })
    }
}

/// Whether a list folds it into one row with others.
fn is_folded(conversation: &Conversation) -> bool {
    conversation.official().is_some_and(|pair| pair.sort == AccountSort::Subscription)
}

/// The number on the badge: unread messages of all conversations on a list that are not muted. What subscription accounts
/// send makes no noise: they are not on the list.
#[must_use]
pub fn badge(list: &[ConversationRow]) -> u64 {
    list.iter().filter(|row| !row.muted).map(|row| row.unread).sum()
}

/// The conversations on a person's list.
fn listed(state: &State, user: UserId) -> impl Iterator<Item = (u32, &Conversation, &Seat)> {
    let seats = state.people.get(&user).into_iter().flat_map(|person| &person.seats);
    seats.filter_map(|(no, seat)| {
        let conversation = state.conversation(*no)?;
        let seq = conversation.head.seq;
        let is_empty = seq == 0 && !matches!(conversation.sort, Sort::Group(_));
        (!is_empty && !seat.is_hidden(seq)).then_some((*no, conversation, seat))
    })
}

/// The row as far as memory knows it.
fn known_row(user: UserId, conversation: &Conversation, seat: &Seat) -> ConversationRow {
    let head = &conversation.head;
    let (last_seq, seen) = (seat.stay.last_seq(head.seq), seat.seen());
    let calls = [seat.mention, head.mention_all];
    let ended = !seat.stay.is_open();
    let members = if ended { Arc::default() } else { members(conversation) };
    ConversationRow {
        id: conversation.id,
        kind: conversation.kind(),
        peer: conversation.peer_of(user),
        account: conversation.official().map(|pair| pair.account),
        name: group_name(conversation, seat),
        picture: conversation.group().iter().flat_map(|_| members.iter().take(PICTURE_MEMBERS)).copied().collect(),
        members: members.len(),
        last: None,
        last_seq,
        read_seq: seen.min(last_seq),
        unread: seat.unread(head.seq),
        mentioned: calls.iter().any(|call| seen < *call && *call <= last_seq),
        muted: seat.is_muted(),
        pinned: seat.pinned,
        ended,
        position: 0,
        at: DateTime::UNIX_EPOCH,
    }
}

/// The group's name as somebody in that seat knows it.
pub(super) fn group_name(conversation: &Conversation, seat: &Seat) -> Option<String> {
    let group = conversation.group()?;
    match &seat.part {
        Some(part) if !seat.stay.is_open() => Some(part.name_at_end.clone()),
        _ => Some(group.name.clone()),
    }
}
