//! People who call each other.

use chrono::TimeDelta;
use domain::{
    CallId, ConversationId, DeviceId, FriendshipId, UserId,
    call::{CallMedia, Invitation, Phase},
    conversation::{Content, messages::Draft},
};
use rand::{RngExt, seq::IndexedRandom};

use super::History;

impl History {
    /// Somebody calls, or something becomes of a call.
    pub(super) fn call(&mut self) {
        let last = self.placed.choose(&mut self.rng).copied();
        match last.filter(|(call, ..)| self.calls.state(*call).is_live()) {
            Some((call, _, caller, callee)) => self.go_on(call, caller, callee),
            None => {
                let (people, mutual) = (&self.people, |pair| self.friendships.state(pair).is_mutual());
                let pairs = people.iter().flat_map(|one| people.iter().map(move |other| (*one, *other)));
                let friends: Vec<_> =
                    pairs.filter(|(one, other)| mutual(FriendshipId::between(*one, *other))).collect();
                if let Some((caller, callee)) = friends.choose(&mut self.rng).copied() {
                    self.place(caller, callee);
                }
            }
        }
    }

    fn place(&mut self, caller: UserId, callee: UserId) {
        let conversation = ConversationId::direct(caller, callee);
        let of_both = |(call, number): &(CallId, u64)| CallId::of(conversation, *number) == *call;
        let before = self.placed.iter().map(|(call, number, ..)| (*call, *number)).filter(of_both).count();
        let number = before as u64 + 1;
        let invitation = Invitation {
            conversation,
            number,
            media: CallMedia::Voice,
            caller,
            device: DeviceId(self.id()),
            callee,
            unheard: self.contacts.state(callee).blocks(caller),
            busy: self.rng.random_bool(0.2),
        };
        let call = CallId::of(conversation, number);
        let events = self.calls.state(call).invite(&invitation).unwrap_or_default();
        self.calls.put(&self.writer, &mut self.rng, call, Some(caller), &events);
        self.placed.push((call, number, caller, callee));
        self.show_call(call);
    }

    fn go_on(&mut self, call: CallId, caller: UserId, callee: UserId) {
        let (state, now) = (self.calls.state(call), self.writer.now);
        let device = state.devices().map_or(DeviceId(self.id()), |[(_, device), _]| device);
        let (by, events) = match self.rng.random_range(0..8) {
            0 => (Some(callee), state.ring(callee)),
            1..3 => (Some(callee), state.accept(callee, device)),
            3 => (Some(callee), state.decline(callee)),
            4 => (Some(caller), state.cancel(caller)),
            5 => (Some(caller), state.connect(caller, device)),
            6 => (Some(caller), state.hang_up(caller, device, now)),
            _ => (None, Ok(state.lose(now - TimeDelta::seconds(1)))),
        };
        let events = match events {
            Ok(events) if !events.is_empty() => events,
            _ => state.fall_due(now, &self.policy.calls),
        };
        self.calls.put(&self.writer, &mut self.rng, call, by, &events);
        self.show_call(call);
    }

    /// Most calls that are over are shown at once; one in four never is.
    fn show_call(&mut self, call: CallId) {
        let state = self.calls.state(call);
        let (Some(placed), Phase::Ended { outcome, seconds }) = (state.placed, state.phase) else { return };
        if placed.unheard || self.rng.random_bool(0.25) {
            return;
        }
        let draft = Draft::of(Content::Call { call, media: placed.media, outcome, seconds, group: false });
        let said =
            self.conversations.state(placed.conversation).say(placed.caller, draft, &self.policy, self.writer.now);
        let said = said.unwrap_or_default();
        self.conversations.put(&self.writer, &mut self.rng, placed.conversation, Some(placed.caller), &said);
    }
}
