//! Deciders about who is in a group.
//!
//! Small groups take friends of a member at once. Above [`Policy::invite_freely_up_to`] members the invited person has to
//! consent. Where the owner asked for it, members' invitations and join codes wait for the owner or an admin.

use super::{
    Conversation, ConversationEvent, Group, GroupCreated, GroupDisbanded, InvitationClosed, JoinRequestClosed,
    JoinRequested, JoinedVia, Kind, MemberInvited, MemberLeft, MembersJoined, MembersRemoved, Outcome,
};
use crate::{
    UserId,
    policy::Policy,
    rejection::{Rejection, check_line, check_text},
};

impl Conversation {
    /// `owner` founds a group with `others`. Beyond the number that joins freely, people are invited instead.
    ///
    /// # Errors
    /// A name that breaks its rule, fewer than two others, [`Rejection::GroupFull`].
    pub fn create_group(
        &self,
        owner: UserId,
        name: String,
        others: &[UserId],
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if !matches!(self.kind, Kind::None) {
            return Err(Rejection::AlreadyAMember);
        }
        check_line("name", &name, GROUP_NAME_CHARS)?;
        let mut members = vec![owner];
        for other in others {
            if !members.contains(other) {
                members.push(*other);
            }
        }
        if members.len() < 3 {
            return Err(Rejection::InvalidField { field: "members", rule: "a group starts with at least 2 others" });
        }
        if members.len() > policy.group_members_max {
            return Err(Rejection::GroupFull { max: policy.group_members_max });
        }
        let invited = members.split_off(members.len().min(policy.invite_freely_up_to));
        if invited.len() > policy.group_pending_max {
            return Err(Rejection::TooManyPending { max: policy.group_pending_max });
        }
        let mut events = vec![GroupCreated { name, members }.into()];
        events.extend(invited.into_iter().map(|user| ConversationEvent::from(MemberInvited { user, inviter: owner })));
        Ok(events)
    }

    /// `by` brings `users` in: at once, after their consent, or after the owner's, as the group's size and settings say.
    /// Those who are in or wait already are passed over.
    ///
    /// # Errors
    /// Not a member; [`Rejection::GroupFull`], [`Rejection::TooManyPending`], a reason that is too long.
    pub fn invite(
        &self,
        by: UserId,
        users: &[UserId],
        reason: &str,
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        check_text("reason", reason, REASON_CHARS)?;
        let mut new: Vec<UserId> = vec![];
        for user in users {
            if !group.members.contains_key(user) && !new.contains(user) {
                new.push(*user);
            }
        }
        if group.members.len() + new.len() > policy.group_members_max {
            return Err(Rejection::GroupFull { max: policy.group_members_max });
        }
        if group.invite_confirmation && !group.is_admin(by) {
            new.retain(|user| !group.requested.contains_key(user));
            check_room(group.requested.len() + new.len(), policy)?;
            let request = |user| {
                let via = JoinedVia::Invitation;
                JoinRequested { user, inviter: by, via, reason: reason.to_owned() }.into()
            };
            return Ok(new.into_iter().map(request).collect());
        }
        admit(group, by, new, policy)
    }

    /// `user` comes in with a join code that `inviter` had fetched. Whether the code is genuine is checked by the command.
    ///
    /// # Errors
    /// [`Rejection::JoinCodeInvalid`] where the group ended or the inviter left, [`Rejection::JoinByCodeClosed`],
    /// [`Rejection::AlreadyAMember`], [`Rejection::GroupFull`], [`Rejection::TooManyPending`].
    pub fn join_by_code(
        &self,
        user: UserId,
        inviter: UserId,
        reason: String,
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(inviter).map_err(|_| Rejection::JoinCodeInvalid)?;
        check_text("reason", &reason, REASON_CHARS)?;
        if group.members.contains_key(&user) {
            return Err(Rejection::AlreadyAMember);
        }
        if group.members.len() > policy.join_by_code_up_to {
            return Err(Rejection::JoinByCodeClosed { max: policy.join_by_code_up_to });
        }
        if group.members.len() >= policy.group_members_max {
            return Err(Rejection::GroupFull { max: policy.group_members_max });
        }
        let via = JoinedVia::Code;
        if !group.invite_confirmation {
            return Ok(vec![MembersJoined { members: vec![user], inviter, via }.into()]);
        }
        if group.requested.contains_key(&user) {
            return Ok(vec![]);
        }
        check_room(group.requested.len() + 1, policy)?;
        Ok(vec![JoinRequested { user, inviter, via, reason }.into()])
    }

    /// `user` consents to an invitation, or does not.
    ///
    /// # Errors
    /// [`Rejection::NothingPending`], [`Rejection::GroupFull`], [`Rejection::GroupDisbanded`].
    pub fn answer_invitation(
        &self,
        user: UserId,
        consents: bool,
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.group().map_err(|_| Rejection::NothingPending)?;
        let pending = group.invited.get(&user).ok_or(Rejection::NothingPending)?;
        if !consents {
            return Ok(vec![InvitationClosed { user, outcome: Outcome::Refused }.into()]);
        }
        if group.members.len() >= policy.group_members_max {
            return Err(Rejection::GroupFull { max: policy.group_members_max });
        }
        let via = JoinedVia::Invitation;
        Ok(vec![MembersJoined { members: vec![user], inviter: pending.inviter, via }.into()])
    }

    /// The owner or an admin lets `user` in, or does not.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`], [`Rejection::NothingPending`], [`Rejection::GroupFull`].
    pub fn answer_join_request(
        &self,
        by: UserId,
        user: UserId,
        admits: bool,
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        if !group.is_admin(by) {
            return Err(Rejection::AdminOnly);
        }
        let pending = group.requested.get(&user).ok_or(Rejection::NothingPending)?;
        if !admits {
            return Ok(vec![JoinRequestClosed { user, outcome: Outcome::Refused }.into()]);
        }
        if group.members.len() >= policy.group_members_max {
            return Err(Rejection::GroupFull { max: policy.group_members_max });
        }
        match pending.via {
            // Who used a code asked to come in and need not be asked again.
            JoinedVia::Code => {
                let via = JoinedVia::Code;
                Ok(vec![MembersJoined { members: vec![user], inviter: pending.inviter, via }.into()])
            }
            JoinedVia::Invitation => admit(group, pending.inviter, vec![user], policy),
        }
    }

    /// What the event of `version` began, for `user`, has waited long enough.
    #[must_use]
    pub fn expire_pending(&self, user: UserId, version: u64) -> Vec<ConversationEvent> {
        let Kind::Group(group) = &self.kind else { return vec![] };
        let outcome = Outcome::Expired;
        if group.invited.get(&user).is_some_and(|pending| pending.version == version) {
            return vec![InvitationClosed { user, outcome }.into()];
        }
        if group.requested.get(&user).is_some_and(|pending| pending.version == version) {
            return vec![JoinRequestClosed { user, outcome }.into()];
        }
        vec![]
    }

    /// `by` leaves. An owner's successor is the admin appointed first, else who joined first; the last one ends the group.
    ///
    /// # Errors
    /// Not a member.
    pub fn leave(&self, by: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        if group.members.len() == 1 {
            return Ok(vec![GroupDisbanded {}.into()]);
        }
        let successor = (group.owner == by).then(|| successor_of(group)).flatten();
        Ok(vec![MemberLeft { successor }.into()])
    }

    /// `by` removes members: the owner anyone else, admins anyone but owner and admins.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`], [`Rejection::RankTooHigh`], [`Rejection::MemberNotFound`], [`Rejection::NotYourself`].
    pub fn remove_members(&self, by: UserId, users: &[UserId]) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        if !group.is_admin(by) {
            return Err(Rejection::AdminOnly);
        }
        let mut members: Vec<UserId> = vec![];
        for user in users {
            if *user == by {
                return Err(Rejection::NotYourself);
            }
            if !group.members.contains_key(user) {
                return Err(Rejection::MemberNotFound);
            }
            if group.owner != by && group.is_admin(*user) {
                return Err(Rejection::RankTooHigh);
            }
            if !members.contains(user) {
                members.push(*user);
            }
        }
        if members.is_empty() {
            return Err(Rejection::InvalidField { field: "users", rule: "must not be empty" });
        }
        Ok(vec![MembersRemoved { members }.into()])
    }
}

/// Longest name of a group, in characters.
pub(super) const GROUP_NAME_CHARS: usize = 30;
/// Longest reason given with an invitation or a request to join, in characters.
const REASON_CHARS: usize = 100;

/// Lets people in who were brought by `inviter`: freely while the group is small, after their consent above that.
fn admit(
    group: &Group,
    inviter: UserId,
    mut users: Vec<UserId>,
    policy: &Policy,
) -> Result<Vec<ConversationEvent>, Rejection> {
    let freely = policy.invite_freely_up_to.saturating_sub(group.members.len()).min(users.len());
    let invited = users.split_off(freely);
    let mut events: Vec<ConversationEvent> = vec![];
    if !users.is_empty() {
        events.push(MembersJoined { members: users, inviter, via: JoinedVia::Invitation }.into());
    }
    let asked = invited.into_iter().filter(|user| !group.invited.contains_key(user));
    let before = events.len();
    events.extend(asked.map(|user| ConversationEvent::from(MemberInvited { user, inviter })));
    check_room(group.invited.len() + events.len() - before, policy)?;
    Ok(events)
}

fn check_room(waiting: usize, policy: &Policy) -> Result<(), Rejection> {
    if waiting > policy.group_pending_max {
        return Err(Rejection::TooManyPending { max: policy.group_pending_max });
    }
    Ok(())
}

fn successor_of(group: &Group) -> Option<UserId> {
    let eldest = || {
        let others = group.members.iter().filter(|(user, _)| **user != group.owner);
        others.min_by_key(|(_, member)| member.joined).map(|(user, _)| *user)
    };
    group.admins.first().copied().or_else(eldest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        EventMeta,
        conversation::{AdminAppointed, InviteConfirmationSet},
        event::Aggregate,
        testing::given_by,
    };

    fn people(count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::new()).collect()
    }

    fn group(members: &[UserId], further: Vec<(UserId, ConversationEvent)>) -> Conversation {
        let created = GroupCreated { name: String::new(), members: members.to_vec() };
        let mut events = vec![(members[0], created.into())];
        events.extend(further);
        given_by(events)
    }

    #[test]
    fn a_group_starts_with_at_least_three_and_at_most_500() {
        let policy = Policy { group_pending_max: 500, ..Policy::default() };
        let [owner, others] = [people(1), people(500)];
        let create =
            |count: usize| Conversation::default().create_group(owner[0], String::new(), &others[..count], &policy);
        assert!(create(1).is_err());
        assert_eq!(create(2).unwrap().len(), 1);
        assert!(create(499).is_ok());
        assert_eq!(create(500), Err(Rejection::GroupFull { max: 500 }));
    }

    #[test]
    fn above_forty_members_the_invited_person_must_consent() {
        let policy = Policy::default();
        let members = people(39);
        let new = people(3);
        let state = group(&members, vec![]);
        let events = state.invite(members[1], &new, "", &policy).unwrap();
        let joined = MembersJoined { members: vec![new[0]], inviter: members[1], via: JoinedVia::Invitation };
        let invited = |user| MemberInvited { user, inviter: members[1] };
        assert_eq!(events, vec![joined.into(), invited(new[1]).into(), invited(new[2]).into()]);
        let state = group(&members, events.into_iter().map(|event| (members[1], event)).collect());
        let consented = state.answer_invitation(new[1], true, &policy).unwrap();
        assert!(matches!(&consented[0], ConversationEvent::MembersJoined(j) if j.members == [new[1]]));
        let refused = state.answer_invitation(new[2], false, &policy).unwrap();
        assert_eq!(refused, vec![InvitationClosed { user: new[2], outcome: Outcome::Refused }.into()]);
        assert_eq!(state.answer_invitation(new[0], true, &policy), Err(Rejection::NothingPending));
    }

    #[test]
    fn with_invite_confirmation_members_invitations_wait_and_the_owners_do_not() {
        let policy = Policy::default();
        let (members, new) = (people(3), people(1));
        let state = group(&members, vec![(members[0], InviteConfirmationSet { on: true }.into())]);
        let by_owner = state.invite(members[0], &new, "", &policy).unwrap();
        assert!(matches!(by_owner[0], ConversationEvent::MembersJoined(_)));
        let by_member = state.invite(members[1], &new, "a friend", &policy).unwrap();
        assert!(matches!(by_member[0], ConversationEvent::JoinRequested(_)));
        let on = (members[0], InviteConfirmationSet { on: true }.into());
        let state = group(&members, vec![on, (members[1], by_member[0].clone())]);
        let admit = |by| state.answer_join_request(by, new[0], true, &policy);
        assert_eq!(admit(members[1]), Err(Rejection::AdminOnly));
        assert!(matches!(admit(members[0]).unwrap()[0], ConversationEvent::MembersJoined(_)));
    }

    #[test]
    fn a_code_stops_working_in_large_groups_and_when_its_owner_left() {
        let policy = Policy { join_by_code_up_to: 3, ..Policy::default() };
        let (members, user) = (people(4), UserId::new());
        let large = group(&members, vec![]);
        let join = |state: &Conversation, by| state.join_by_code(user, by, String::new(), &policy);
        assert_eq!(join(&large, members[1]), Err(Rejection::JoinByCodeClosed { max: 3 }));
        let left = group(&members, vec![(members[3], MemberLeft { successor: None }.into())]);
        assert_eq!(join(&left, members[3]), Err(Rejection::JoinCodeInvalid));
        assert!(matches!(join(&left, members[1]).unwrap()[0], ConversationEvent::MembersJoined(_)));
    }

    #[test]
    fn when_the_owner_leaves_the_first_admin_succeeds_else_the_eldest_member() {
        let members = people(3);
        let leave = |state: &Conversation| state.leave(members[0]).unwrap();
        let eldest = MemberLeft { successor: Some(members[1]) };
        assert_eq!(leave(&group(&members, vec![])), vec![eldest.into()]);
        let admin = AdminAppointed { admin: members[2] };
        let first_admin = MemberLeft { successor: Some(members[2]) };
        assert_eq!(leave(&group(&members, vec![(members[0], admin.into())])), vec![first_admin.into()]);
        assert_eq!(leave(&group(&members[..1], vec![])), vec![GroupDisbanded {}.into()]);
    }

    #[test]
    fn an_admin_removes_members_but_neither_owner_nor_admins() {
        let members = people(4);
        let appointed = |admin| (members[0], AdminAppointed { admin }.into());
        let state = group(&members, vec![appointed(members[1]), appointed(members[2])]);
        assert!(state.remove_members(members[1], &[members[3]]).is_ok());
        assert_eq!(state.remove_members(members[1], &[members[2]]), Err(Rejection::RankTooHigh));
        assert_eq!(state.remove_members(members[1], &[members[0]]), Err(Rejection::RankTooHigh));
        assert_eq!(state.remove_members(members[3], &[members[1]]), Err(Rejection::AdminOnly));
        assert!(state.remove_members(members[0], &[members[1], members[2]]).is_ok());
        assert_eq!(state.remove_members(members[0], &[members[0]]), Err(Rejection::NotYourself));
    }

    #[test]
    fn only_the_wait_that_began_then_expires() {
        let policy = Policy { invite_freely_up_to: 0, ..Policy::default() };
        let (members, new) = (people(3), people(1));
        let invited = group(&members, vec![]).invite(members[0], &new, "", &policy).unwrap();
        let state = group(&members, vec![(members[0], invited[0].clone())]);
        assert_eq!(state.expire_pending(new[0], 1), vec![]);
        let expired = InvitationClosed { user: new[0], outcome: Outcome::Expired };
        assert_eq!(state.expire_pending(new[0], 2), vec![expired.into()]);
    }

    proptest! {
        /// Whatever people try, a living group has an owner among its members, at most 3 admins and at most the
        /// allowed number of members, and nobody is in and waiting at once.
        #[test]
        fn a_group_stays_sound_under_any_attempts(steps in prop::collection::vec((0u8..9, 0usize..8, 0usize..8), 1..120)) {
            let policy = Policy { group_members_max: 6, invite_freely_up_to: 4, ..Policy::default() };
            let people = people(8);
            let mut state = group(&people[..3], vec![]);
            for (what, by, whom) in steps {
                let (by, whom) = (people[by], people[whom]);
                let decided = match what {
                    0 => state.invite(by, &[whom], "", &policy),
                    1 => state.join_by_code(by, whom, String::new(), &policy),
                    2 => state.answer_invitation(by, true, &policy),
                    3 => state.answer_join_request(by, whom, true, &policy),
                    4 => state.leave(by),
                    5 => state.remove_members(by, &[whom]),
                    6 => state.appoint_admin(by, whom, &policy),
                    7 => state.transfer(by, whom),
                    _ => state.set_invite_confirmation(by, whom > by),
                };
                for event in decided.unwrap_or_default() {
                    let meta = EventMeta { actor: Some(by), at: chrono::DateTime::UNIX_EPOCH, version: state.version + 1 };
                    state.evolve(&event, &meta);
                }
                let group = state.group().unwrap();
                if group.disbanded {
                    break;
                }
                prop_assert!(group.members.contains_key(&group.owner));
                prop_assert!(!group.admins.contains(&group.owner));
                prop_assert!(group.admins.iter().all(|admin| group.members.contains_key(admin)));
                prop_assert!(group.admins.len() <= 3 && group.members.len() <= 6);
                let waiting = group.invited.keys().chain(group.requested.keys());
                prop_assert!(waiting.into_iter().all(|user| !group.members.contains_key(user)));
            }
        }
    }
}
