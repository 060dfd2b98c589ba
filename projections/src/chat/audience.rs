//! Whom an event is pushed to, and as what: the same as those people would get by catching up.

use std::sync::Arc;

use domain::{ConversationEvent, ConversationId, DomainEvent, UserId};

use super::{
    ChatView, Entry,
    kind::{Kind, Showing},
    members,
    personal::{event_row, personal},
    render::plain_entry,
    state::State,
};
use crate::{Fact, ProjectionError};

/// Whose devices an event is pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To everyone who is in the conversation now, as [`ChatView::members`] says.
    Members(ConversationId),
    /// To these.
    Users(Arc<[UserId]>),
    /// To nobody.
    Nobody,
}

impl ChatView {
    /// Whose devices get the event, which must be one of the batch that this view took in last.
    ///
    /// # Errors
    /// When the event can't be read.
    pub fn audience(&self, fact: &Fact) -> Result<Audience, ProjectionError> {
        let Some(kind) = Kind::named(fact.event_type()) else { return Ok(Audience::Nobody) };
        let state = self.state.read();
        match kind.showing() {
            Showing::Personal => Ok(match personal(fact)? {
                Some(personal) => Audience::Users(personal.people.into()),
                None => Audience::Nobody,
            }),
            Showing::Waiting => {
                let concerned = state.concerned.get(&fact.position().0).filter(|people| !people.is_empty());
                Ok(concerned.map_or(Audience::Nobody, |people| Audience::Users(Arc::clone(people))))
            }
            _ => Ok(fact
                .stream_id("conversation")
                .and_then(|id| members_at(&state, ConversationId(id), fact.record.version()))
                .unwrap_or(Audience::Nobody)),
        }
    }

    /// As [`Self::audience`], for an event that this view may not have taken in yet; it must have taken in every earlier
    /// one that is not a message or somebody's own. None where the event has to be waited for: it changes who is in a
    /// conversation, or that has changed since.
    ///
    /// # Errors
    /// When the event can't be read.
    pub fn audience_ahead(&self, fact: &Fact) -> Result<Option<Audience>, ProjectionError> {
        let Some(kind) = Kind::named(fact.event_type()) else { return Ok(Some(Audience::Nobody)) };
        match kind.showing() {
            Showing::Personal => self.audience(fact).map(Some),
            Showing::Message => {
                let Some(id) = fact.stream_id("conversation").map(ConversationId) else { return Ok(None) };
                let state = self.state.read();
                let Some((_, conversation)) = state.find(id) else { return Ok(None) };
                let changed = conversation.group().map_or(0, |group| group.members_changed);
                // Taken while the state is held: who comes a moment later must not get what was said before.
                let members = || Audience::Users(members(conversation).as_slice().into());
                Ok((changed < fact.record.version()).then(members))
            }
            _ => Ok(None),
        }
    }

    /// The event as its audience gets it, the same for all of them; none where nobody gets it.
    ///
    /// # Errors
    /// When the event or rows can't be read.
    pub fn push_entry(&self, fact: &Fact) -> Result<Option<Entry>, ProjectionError> {
        let Some(kind) = Kind::named(fact.event_type()) else { return Ok(None) };
        if kind.showing() == Showing::Personal {
            return Ok(personal(fact)?.map(|personal| plain_entry(&personal.row, personal.row.conversation)));
        }
        let Some(id) = fact.stream_id("conversation").map(ConversationId) else { return Ok(None) };
        let mut row = event_row(fact, kind, None, fact.record.payload().into());
        let DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) = fact.decoded()? else {
            return Ok(Some(plain_entry(&row, Some(id))));
        };
        row.seq = sent.seq;
        let entry = plain_entry(&row, Some(id));
        let found = self.state.read().find(id).map(|(no, conversation)| (no, conversation.head));
        let Some((no, head)) = found else { return Ok(None) };
        Ok(match self.tables.recall(no, &head, sent.seq)? {
            None => Some(entry),
            Some(recall) if recall.silent => None,
            Some(_) => Some(Entry { data: None, recalled: true, ..entry }),
        })
    }
}

/// Who was in the conversation when the event of that version happened; whom it took out counts as well.
fn members_at(state: &State, id: ConversationId, version: u64) -> Option<Audience> {
    let (no, conversation) = state.find(id)?;
    let members = members(conversation);
    if conversation.group().is_none_or(|group| group.members_changed < version) {
        return Some(Audience::Members(id));
    }
    let departed = state.departed.get(&no).into_iter().flatten();
    let was_there =
        |user: &&UserId| state.seat(**user, no).is_some_and(|seat| seat.stays().any(|stay| stay.has_version(version)));
    let mut people: Vec<UserId> = members.iter().chain(departed).filter(was_there).copied().collect();
    people.sort_unstable();
    people.dedup();
    Some(Audience::Users(people.into()))
}
