//! Taking events in.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CallEvent, CallId, ConversationEvent, ConversationId, DomainEvent, UserId,
    call::{CallEnded, CallInvited},
    conversation::Content,
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{CallRow, CallState, CallsView, rows::Tables};
use crate::{Fact, ProjectionError};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("call.") || event_type == "message.sent"
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    calls: BTreeMap<CallId, CallRow>,
    /// Calls that were open before the batch.
    were_open: BTreeSet<CallId>,
    numbers: BTreeMap<ConversationId, u64>,
}

impl Changes {
    /// Takes an event in.
    pub(super) fn take(&mut self, tables: &Tables, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Call(CallEvent::CallInvited(invited)) => {
                let caller = fact.actor().ok_or_else(|| fact.poison("nobody calls"))?;
                self.numbers.insert(invited.conversation, invited.number);
                self.calls.insert(invited.call, placed(fact, caller, invited));
                Ok(())
            }
            DomainEvent::Call(event) => {
                let call = fact.stream_id("call").map(CallId).ok_or_else(|| fact.poison("the stream names no call"))?;
                self.change(tables, fact, call, |row| progress(row, fact, event))
            }
            DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) => match sent.content {
                Content::Call { call, group: false, .. } => self.change(tables, fact, call, |row| row.shown = true),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn change(
        &mut self,
        tables: &Tables,
        fact: &Fact,
        call: CallId,
        change: impl FnOnce(&mut CallRow),
    ) -> Result<(), ProjectionError> {
        let mut row = match self.calls.remove(&call) {
            Some(row) => row,
            None => {
                let row = tables.call(call)?.ok_or_else(|| fact.poison("a call that was never placed"))?;
                if row.is_open() {
                    self.were_open.insert(call);
                }
                row
            }
        };
        change(&mut row);
        self.calls.insert(call, row);
        Ok(())
    }

    /// Puts the changes into a batch.
    pub(super) fn write(&self, tables: &Tables, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for (call, row) in &self.calls {
            tables.write(rows, row, self.were_open.contains(call))?;
        }
        self.numbers.iter().for_each(|(conversation, number)| tables.write_number(rows, *conversation, *number));
        Ok(())
    }

    /// Lets queries see them.
    pub(super) fn show(self, view: &CallsView) {
        let mut present = view.present.write();
        for (call, row) in self.calls {
            if row.is_open() {
                present.insert(call, row);
            } else {
                present.remove(&call);
            }
        }
    }
}

fn placed(fact: &Fact, caller: UserId, invited: &CallInvited) -> CallRow {
    CallRow {
        call: invited.call,
        conversation: invited.conversation,
        media: invited.media,
        caller,
        caller_device: invited.device,
        callee: invited.callee,
        callee_device: None,
        unheard: invited.unheard,
        state: CallState::Invited,
        position: fact.position().0,
        invited_at: fact.at(),
        accepted_at: None,
        connected_at: None,
        ended_at: None,
        outcome: None,
        seconds: 0,
        shown: false,
    }
}

fn progress(row: &mut CallRow, fact: &Fact, event: &CallEvent) {
    match event {
        CallEvent::CallInvited(_) | CallEvent::CallAttended(_) => {}
        CallEvent::CallRang(_) => row.state = CallState::Ringing,
        CallEvent::CallAccepted(accepted) => {
            row.state = CallState::Accepted;
            row.callee_device = Some(accepted.device);
            row.accepted_at = Some(fact.at());
        }
        CallEvent::CallConnected(_) => {
            row.state = CallState::Connected;
            row.connected_at = Some(fact.at());
        }
        CallEvent::CallEnded(CallEnded { outcome, seconds, .. }) => {
            row.state = CallState::Ended;
            row.ended_at = Some(fact.at());
            row.outcome = Some(*outcome);
            row.seconds = *seconds;
        }
    }
}
