//! Groups that are founded and run.

use chrono::TimeDelta;
use domain::{ConversationId, UserId};
use rand::{RngExt, seq::IndexedRandom};

use super::History;

impl History {
    pub(super) fn found_group(&mut self, me: UserId) {
        if self.groups.len() > 6 {
            return;
        }
        let id = ConversationId(self.id());
        let others: Vec<UserId> = (0..3).map(|_| self.person()).filter(|other| *other != me).collect();
        let name = self.word();
        let events = self.conversations.state(id).create_group(me, name, &others, &self.policy);
        self.converse(id, Some(me), events);
        self.groups.push(id);
    }

    pub(super) fn run_group(&mut self, me: UserId, other: UserId) {
        let Some(id) = self.groups.choose(&mut self.rng).copied() else { return };
        let (state, word, on, now) = (self.conversations.state(id), self.word(), self.rng.random(), self.writer.now);
        let (policy, until) = (&self.policy, Some(now + TimeDelta::minutes(5)));
        let events = match self.rng.random_range(0..24) {
            0..5 => state.invite(me, &[other], &word, policy),
            5..7 => state.join_by_code(me, other, word, policy),
            7..9 => state.answer_invitation(me, on, policy),
            9..11 => state.answer_join_request(me, other, on, policy),
            11 => state.leave(me),
            12..14 => state.remove_members(me, &[other]),
            14 => state.rename(me, word, policy, now),
            15 => state.transfer(me, other),
            16 => state.appoint_admin(me, other, policy),
            17 => state.dismiss_admin(me, other),
            18 => state.set_invite_confirmation(me, on),
            19 => state.set_nickname(me, word),
            20 => state.mute_member(me, other, until, now),
            21 => state.unmute_member(me, other),
            22 => state.set_all_mute(me, on),
            _ if self.rng.random_bool(0.1) => state.disband(me),
            _ => Ok(vec![]),
        };
        self.converse(id, Some(me), events);
    }
}
