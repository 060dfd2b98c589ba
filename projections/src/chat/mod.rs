//! Conversations as people see them: the inbox, the history, what devices missed, groups' details.
//!
//! # Layout
//! - this file: the projection and its view; who is in which conversation.
//! - [`entry`]: the shape in which everything that happened reaches clients.
//! - [`inbox`]: every conversation of a person in one call.
//! - [`details`]: one conversation's people, rules and settings; invitations; who has read.
//! - [`history`]: pages of what was said; single messages.
//! - [`sync`]: what a device missed.
//! - [`audience`]: whom an event is pushed to, and as what.
//! - `fold`, `membership`, `personal`: from events to changes. `state`, `seat`: what is held in memory.
//! - `tables`, `rows`, `bytes`, `kind`: what is on disk. `render`: from rows to entries.
//!
//! A message is one row in `timeline`, whatever the group's size, plus where its conversation stands and how far its
//! sender got: small rows, written once a batch. Unread counts, visibility and what a device missed are worked out when
//! asked for.

pub mod audience;
mod bytes;
pub mod details;
pub mod entry;
mod fold;
pub mod history;
pub mod inbox;
mod kind;
mod membership;
mod personal;
mod render;
mod rows;
mod seat;
mod state;
pub mod sync;
mod tables;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

pub use audience::Audience;
pub use details::{Announcement, ConversationDetails, InvitationRow, MemberRow, OwnSettings, Readers, WaitingRow};
use domain::{ConversationId, UserId};
pub use entry::{Entry, Quoted};
use eventlog::Position;
pub use history::Anchor;
pub use inbox::{ConversationKind, ConversationRow, badge};
use parking_lot::RwLock;
pub use render::Reading;
pub use sync::SyncPage;

use self::{
    fold::Fold,
    state::{Conversation, Sort, State},
    tables::Tables,
};
use crate::{Fact, Projection, ProjectionError, rows::RowStore};

/// The projection: owns the rows.
pub struct ChatProjection {
    store: RowStore,
    view: Arc<ChatView>,
}

/// What queries read. Every query sees the state after some whole batch.
pub struct ChatView {
    tables: Tables,
    state: RwLock<State>,
}

impl Projection for ChatProjection {
    const NAME: &'static str = "chat";
    const VERSION: u32 = 4;
    type View = ChatView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let state = tables.load(store.checkpoint().0)?;
        Ok(Self { store, view: Arc::new(ChatView { tables, state: RwLock::new(state) }) })
    }

    fn view(&self) -> Arc<ChatView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(checkpoint) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        let changes = {
            // Shared with readers; only this thread ever writes.
            let state = self.view.state.read();
            let mut fold = Fold::on(&state);
            for fact in batch {
                fold.take(fact)?;
            }
            fold.finish(&mut rows, &self.view.tables, checkpoint.0)?
        };
        self.store.commit(rows, checkpoint)?;
        self.view.state.write().merge(changes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}

/// The messages of one conversation that a person may see, in numbers: from the first to the last of each span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePart {
    /// The conversation.
    pub conversation: ConversationId,
    /// Spans of message numbers, both ends included, oldest first. Single messages within may have been deleted.
    pub spans: Vec<(u64, u64)>,
}

impl ChatView {
    /// Whether somebody is in a conversation now.
    #[must_use]
    pub fn is_member(&self, user: UserId, conversation: ConversationId) -> bool {
        let state = self.state.read();
        state.seated(user, conversation).is_some_and(|(.., seat)| seat.stay.is_open())
    }

    /// Whether somebody is or ever was in a conversation: only they learn that it exists.
    #[must_use]
    pub fn knows(&self, user: UserId, conversation: ConversationId) -> bool {
        self.state.read().seated(user, conversation).is_some()
    }

    /// Everyone who is in a conversation now, who came first first; empty where there is no such conversation.
    #[must_use]
    pub fn members(&self, conversation: ConversationId) -> Arc<Vec<UserId>> {
        let state = self.state.read();
        state.find(conversation).map(|(_, conversation)| members(conversation)).unwrap_or_default()
    }

    /// The other person of a direct conversation that `user` is in.
    #[must_use]
    pub fn peer_of(&self, user: UserId, conversation: ConversationId) -> Option<UserId> {
        self.state.read().find(conversation)?.1.peer_of(user)
    }

    /// Whether two people are in one group now.
    #[must_use]
    pub fn share_group(&self, one: UserId, other: UserId) -> bool {
        let state = self.state.read();
        let (Some(mine), Some(theirs)) = (state.people.get(&one), state.people.get(&other)) else { return false };
        let (few, many) = if mine.seats.len() < theirs.seats.len() { (mine, theirs) } else { (theirs, mine) };
        let in_group = |seat: &seat::Seat| seat.part.is_some() && seat.stay.is_open();
        few.seats.iter().any(|(no, seat)| in_group(seat) && many.seats.get(no).is_some_and(in_group))
    }

    /// The number of a conversation's last message; zero where nothing was said.
    #[must_use]
    pub fn last_seq(&self, conversation: ConversationId) -> u64 {
        self.state.read().find(conversation).map_or(0, |(_, conversation)| conversation.head.seq)
    }

    /// The conversations that a person is or was in, with the messages of each that they may see.
    #[must_use]
    pub fn conversations_of(&self, user: UserId) -> Vec<VisiblePart> {
        let state = self.state.read();
        let seats = state.people.get(&user).into_iter().flat_map(|person| &person.seats);
        let parts = seats.filter_map(|(no, seat)| {
            let conversation = state.conversation(*no)?;
            let span = |stay: seat::Stay| (stay.seq_before.max(seat.cleared) + 1, stay.last_seq(conversation.head.seq));
            let spans: Vec<_> = seat.stays().map(span).filter(|(first, last)| first <= last).collect();
            (!spans.is_empty()).then_some(VisiblePart { conversation: conversation.id, spans })
        });
        parts.collect()
    }
}

fn members(conversation: &Conversation) -> Arc<Vec<UserId>> {
    match &conversation.sort {
        Sort::Direct(pair) => Arc::new(pair.to_vec()),
        Sort::Group(group) => Arc::clone(&group.members),
        Sort::Official(pair) => Arc::new(vec![pair.account.party(), pair.follower]),
    }
}
