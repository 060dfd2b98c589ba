//! Groups that call each other.

use chrono::TimeDelta;
use domain::{
    CallId, ConversationId, DeviceId, UserId,
    call::CallMedia,
    conversation::{Content, Kind},
    group_call::{Departure, Gone, GroupInvitation},
};
use rand::{RngExt, seq::IndexedRandom};

use super::History;

impl History {
    /// A member calls a group, or something becomes of its call.
    pub(super) fn call_group(&mut self, me: UserId) {
        let Some(group) = self.groups.choose(&mut self.rng).copied() else { return };
        match self.started.get(&group).copied().filter(|(call, ..)| self.group_calls.state(*call).is_live()) {
            Some((call, ..)) => self.go_on_together(group, call, me),
            None => {
                self.show_last(group);
                self.start_together(group, me);
            }
        }
    }

    fn start_together(&mut self, conversation: ConversationId, me: UserId) {
        let number = self.started.get(&conversation).map_or(1, |(_, number, _)| number + 1);
        let Ok(group) = self.conversations.state(conversation).live_group_of(me).cloned() else { return };
        let members: Vec<UserId> = group.members.keys().copied().collect();
        let Ok(rung) = GroupInvitation::rung(me, &members, None, &self.policy.calls) else { return };
        let spared = rung.iter().copied().filter(|user| self.contacts.state(*user).blocks(me)).collect();
        let (media, device) = (CallMedia::Video, DeviceId(self.id()));
        let invitation = GroupInvitation { conversation, number, media, starter: me, device, rung, spared };
        let call = CallId::of(conversation, number);
        let events = self.group_calls.state(call).start(&invitation, &self.policy.calls, true).unwrap_or_default();
        self.group_calls.put(&self.writer, &mut self.rng, call, Some(me), &events);
        self.started.insert(conversation, (call, number, false));
    }

    fn go_on_together(&mut self, group: ConversationId, call: CallId, me: UserId) {
        let (state, now) = (self.group_calls.state(call), self.writer.now);
        let device = state.participant(me).map_or(DeviceId(self.id()), |one| one.device);
        let is_member = self.conversations.state(group).has_member(me);
        let (by, events) = match self.rng.random_range(0..8) {
            0..4 if is_member => (Some(me), state.join(me, device, &self.policy.calls, true)),
            4 if is_member => (Some(me), state.decline(me)),
            5..7 => (Some(me), state.leave(me, device, now)),
            _ => {
                let reason = if is_member { Departure::Lost } else { Departure::NoMember };
                let gone = Gone { user: me, reason, since: now - TimeDelta::seconds(1) };
                let gone = if self.rng.random() { vec![gone] } else { vec![] };
                (None, Ok(state.fall_due(&gone, now, &self.policy.calls)))
            }
        };
        self.group_calls.put(&self.writer, &mut self.rng, call, by, &events.unwrap_or_default());
        if self.rng.random_bool(0.75) {
            self.show_last(group);
        }
    }

    /// Shows the last call of a group, where it is over and not shown.
    fn show_last(&mut self, conversation: ConversationId) {
        let Some((call, number, false)) = self.started.get(&conversation).copied() else { return };
        let (Some(started), Some((outcome, seconds))) =
            (self.group_calls.state(call).started, self.group_calls.state(call).ended)
        else {
            return;
        };
        let state = self.conversations.state(conversation);
        let Kind::Group(group) = &state.kind else { return };
        let by = if group.members.contains_key(&started.starter) { started.starter } else { group.owner };
        let content = Content::Call { call, media: started.media, outcome, seconds, group: true };
        let shown = state.show(content).unwrap_or_default();
        self.conversations.put(&self.writer, &mut self.rng, conversation, Some(by), &shown);
        self.started.insert(conversation, (call, number, true));
    }
}
