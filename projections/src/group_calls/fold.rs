//! Taking events in.

use std::collections::BTreeMap;

use domain::{
    CallId, ConversationEvent, ConversationId, DomainEvent, GroupCallEvent, UserId,
    conversation::Content,
    group_call::{CallWay, GroupCallStarted},
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    GroupCallRow, PresentRow,
    rows::{Open, Tables},
};
use crate::{Fact, ProjectionError};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("group-call.") || matches!(event_type, "message.sent" | "group.disbanded")
}

/// What a batch changes. Only calls change that there is still something to do about, and they are in memory.
pub(super) struct Changes<'a> {
    open: &'a Open,
    calls: BTreeMap<CallId, GroupCallRow>,
    numbers: BTreeMap<ConversationId, u64>,
}

impl<'a> Changes<'a> {
    /// None yet.
    pub(super) fn on(open: &'a Open) -> Self {
        Self { open, calls: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::GroupCall(GroupCallEvent::GroupCallStarted(started)) => {
                let starter = fact.actor().ok_or_else(|| fact.poison("nobody calls"))?;
                self.numbers.insert(started.conversation, started.number);
                self.calls.insert(started.call, begun(fact, starter, started));
                Ok(())
            }
            DomainEvent::GroupCall(event) => {
                let call =
                    fact.stream_id("group-call").map(CallId).ok_or_else(|| fact.poison("the stream names no call"))?;
                self.change(fact, call, |row| progress(row, fact, event))
            }
            DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) => match sent.content {
                Content::Call { call, group: true, .. } => self.change(fact, call, |row| row.shown = true),
                _ => Ok(()),
            },
            DomainEvent::Conversation(ConversationEvent::GroupDisbanded(_)) => {
                let group = fact.stream_id("conversation").map(ConversationId);
                self.group_is_over(group.ok_or_else(|| fact.poison("the stream names no group"))?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn change(
        &mut self,
        fact: &Fact,
        call: CallId,
        change: impl FnOnce(&mut GroupCallRow),
    ) -> Result<(), ProjectionError> {
        let row = self.calls.remove(&call).or_else(|| self.open.get(&call).cloned());
        let mut row = row.ok_or_else(|| fact.poison("a call that was never started, or that is done with"))?;
        change(&mut row);
        self.calls.insert(call, row);
        Ok(())
    }

    fn group_is_over(&mut self, group: ConversationId) {
        for (call, row) in self.open {
            if row.conversation == group && !self.calls.contains_key(call) {
                self.calls.insert(*call, row.clone());
            }
        }
        self.calls.values_mut().filter(|row| row.conversation == group).for_each(|row| row.group_over = true);
    }

    /// Puts the changes into a batch; gives the calls that changed.
    pub(super) fn finish(
        self,
        tables: &Tables,
        rows: &mut WriteBatch,
    ) -> Result<BTreeMap<CallId, GroupCallRow>, ProjectionError> {
        for (call, row) in &self.calls {
            tables.write(rows, row, self.open.contains_key(call))?;
        }
        self.numbers.iter().for_each(|(conversation, number)| tables.write_number(rows, *conversation, *number));
        Ok(self.calls)
    }
}

fn begun(fact: &Fact, starter: UserId, started: &GroupCallStarted) -> GroupCallRow {
    GroupCallRow {
        call: started.call,
        conversation: started.conversation,
        media: started.media,
        starter,
        position: fact.position().0,
        started_at: fact.at(),
        present: vec![PresentRow { user: starter, device: started.device, since: fact.at(), place: 0 }],
        way: CallWay::default(),
        ringing: started.rung.clone(),
        ended_at: None,
        outcome: None,
        seconds: 0,
        shown: false,
        group_over: false,
    }
}

fn progress(row: &mut GroupCallRow, fact: &Fact, event: &GroupCallEvent) {
    let actor = fact.actor();
    match event {
        GroupCallEvent::GroupCallStarted(_) => {}
        GroupCallEvent::GroupCallJoined(joined) => {
            row.ringing.retain(|user| Some(*user) != actor);
            let present = |user| PresentRow { user, device: joined.device, since: fact.at(), place: joined.place };
            row.present.extend(actor.map(present));
            row.way = joined.way;
        }
        GroupCallEvent::GroupCallDeclined(_) => row.ringing.retain(|user| Some(*user) != actor),
        GroupCallEvent::GroupCallUnanswered(unanswered) => {
            row.ringing.retain(|user| !unanswered.people.contains(user));
        }
        GroupCallEvent::GroupCallLeft(left) => row.present.retain(|present| present.user != left.user),
        GroupCallEvent::GroupCallEnded(ended) => {
            row.present.clear();
            row.ringing.clear();
            row.ended_at = Some(fact.at());
            row.outcome = Some(ended.outcome);
            row.seconds = ended.seconds;
        }
    }
}
