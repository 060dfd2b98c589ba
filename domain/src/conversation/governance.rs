//! Deciders about how a group is run.

use chrono::{DateTime, Utc};

use super::{
    AdminAppointed, AdminDismissed, AllMuteSet, Conversation, ConversationEvent, Group, GroupDisbanded, GroupRenamed,
    InviteConfirmationSet, MemberMuted, MemberUnmuted, NicknameSet, OwnershipTransferred, membership::GROUP_NAME_CHARS,
    messages::check_group_voice,
};
use crate::{
    UserId,
    policy::Policy,
    rejection::{Rejection, check_line},
};

impl Conversation {
    /// `by` renames the group: anyone while it is small, owner and admins always. A new name is a word to all, so who
    /// is muted does not give one.
    ///
    /// # Errors
    /// [`Rejection::RenameNotAllowed`], [`Rejection::Muted`], [`Rejection::AllMuted`], a name that breaks its rule.
    pub fn rename(
        &self,
        by: UserId,
        name: String,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        if group.members.len() > policy.rename_freely_up_to && !group.is_admin(by) {
            return Err(Rejection::RenameNotAllowed);
        }
        check_group_voice(group, by, now)?;
        check_line("name", &name, GROUP_NAME_CHARS)?;
        Ok(if name == group.name { vec![] } else { vec![GroupRenamed { name }.into()] })
    }

    /// The owner ends the group.
    ///
    /// # Errors
    /// [`Rejection::OwnerOnly`].
    pub fn disband(&self, by: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        self.owned_by(by)?;
        Ok(vec![GroupDisbanded {}.into()])
    }

    /// The owner gives the group to another member.
    ///
    /// # Errors
    /// [`Rejection::OwnerOnly`], [`Rejection::MemberNotFound`], [`Rejection::NotYourself`].
    pub fn transfer(&self, by: UserId, to: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.owned_by(by)?;
        if by == to {
            return Err(Rejection::NotYourself);
        }
        check_member(group, to)?;
        Ok(vec![OwnershipTransferred { to }.into()])
    }

    /// The owner makes a member an admin.
    ///
    /// # Errors
    /// [`Rejection::OwnerOnly`], [`Rejection::MemberNotFound`], [`Rejection::TooManyAdmins`], [`Rejection::NotYourself`].
    pub fn appoint_admin(
        &self,
        by: UserId,
        admin: UserId,
        policy: &Policy,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.owned_by(by)?;
        if by == admin {
            return Err(Rejection::NotYourself);
        }
        check_member(group, admin)?;
        if group.admins.contains(&admin) {
            return Ok(vec![]);
        }
        if group.admins.len() >= policy.group_admins_max {
            return Err(Rejection::TooManyAdmins { max: policy.group_admins_max });
        }
        Ok(vec![AdminAppointed { admin }.into()])
    }

    /// The owner makes an admin a plain member again.
    ///
    /// # Errors
    /// [`Rejection::OwnerOnly`], [`Rejection::MemberNotFound`].
    pub fn dismiss_admin(&self, by: UserId, admin: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.owned_by(by)?;
        check_member(group, admin)?;
        let is_admin = group.admins.contains(&admin);
        Ok(if is_admin { vec![AdminDismissed { admin }.into()] } else { vec![] })
    }

    /// The owner or an admin decides whether members' invitations wait for them.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`].
    pub fn set_invite_confirmation(&self, by: UserId, on: bool) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.run_by(by)?;
        Ok(if group.invite_confirmation == on { vec![] } else { vec![InviteConfirmationSet { on }.into()] })
    }

    /// `by` takes another name in this group.
    ///
    /// # Errors
    /// Not a member, a name that breaks its rule.
    pub fn set_nickname(&self, by: UserId, nickname: String) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.live_group_of(by)?;
        check_line("nickname", &nickname, 30)?;
        let same = group.members.get(&by).is_some_and(|member| member.nickname == nickname);
        Ok(if same { vec![] } else { vec![NicknameSet { nickname }.into()] })
    }

    /// The owner or an admin silences a member.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`], [`Rejection::RankTooHigh`], [`Rejection::MemberNotFound`]; a time that is over.
    pub fn mute_member(
        &self,
        by: UserId,
        member: UserId,
        until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.run_by(by)?;
        check_member(group, member)?;
        if group.is_admin(member) {
            return Err(Rejection::RankTooHigh);
        }
        if until.is_some_and(|until| until <= now) {
            return Err(Rejection::InvalidField { field: "until", rule: "must lie ahead" });
        }
        Ok(vec![MemberMuted { member, until }.into()])
    }

    /// The owner or an admin lets a member speak again.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`], [`Rejection::MemberNotFound`].
    pub fn unmute_member(&self, by: UserId, member: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.run_by(by)?;
        check_member(group, member)?;
        let muted = group.members.get(&member).is_some_and(|member| member.muted.is_some());
        Ok(if muted { vec![MemberUnmuted { member }.into()] } else { vec![] })
    }

    /// The owner or an admin decides whether only they may speak.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`].
    pub fn set_all_mute(&self, by: UserId, on: bool) -> Result<Vec<ConversationEvent>, Rejection> {
        let group = self.run_by(by)?;
        Ok(if group.all_muted == on { vec![] } else { vec![AllMuteSet { on }.into()] })
    }

    fn owned_by(&self, user: UserId) -> Result<&Group, Rejection> {
        let group = self.live_group_of(user)?;
        if group.owner == user { Ok(group) } else { Err(Rejection::OwnerOnly) }
    }

    fn run_by(&self, user: UserId) -> Result<&Group, Rejection> {
        let group = self.live_group_of(user)?;
        if group.is_admin(user) { Ok(group) } else { Err(Rejection::AdminOnly) }
    }
}

fn check_member(group: &Group, user: UserId) -> Result<(), Rejection> {
    if group.members.contains_key(&user) { Ok(()) } else { Err(Rejection::MemberNotFound) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        conversation::{GroupCreated, JoinedVia, MemberLeft, MembersJoined},
        testing::given_by,
    };

    fn people(count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::new()).collect()
    }

    fn group(members: &[UserId], further: Vec<ConversationEvent>) -> Conversation {
        let created = GroupCreated { name: "tea".into(), members: members.to_vec() };
        let mut events = vec![(members[0], created.into())];
        events.extend(further.into_iter().map(|event| (members[0], event)));
        given_by(events)
    }

    #[test]
    fn above_a_hundred_members_only_owner_and_admins_rename() {
        let (small, large) = (people(100), people(101));
        let policy = Policy::default();
        let rename =
            |members: &[UserId], by: usize| group(members, vec![]).rename(members[by], "x".into(), &policy, Utc::now());
        assert!(rename(&small, 50).is_ok());
        assert_eq!(rename(&large, 50), Err(Rejection::RenameNotAllowed));
        assert!(rename(&large, 0).is_ok());
    }

    #[test]
    fn at_most_three_admins_and_only_the_owner_names_them() {
        let members = people(6);
        let appointed = members[1..4].iter().map(|admin| AdminAppointed { admin: *admin }.into()).collect();
        let state = group(&members, appointed);
        let appoint = |by: usize, admin: usize| state.appoint_admin(members[by], members[admin], &Policy::default());
        assert_eq!(appoint(0, 4), Err(Rejection::TooManyAdmins { max: 3 }));
        assert_eq!(appoint(0, 1), Ok(vec![]));
        assert_eq!(appoint(1, 4), Err(Rejection::OwnerOnly));
        assert_eq!(appoint(0, 0), Err(Rejection::NotYourself));
        assert_eq!(state.dismiss_admin(members[0], members[1]).unwrap().len(), 1);
    }

    #[test]
    fn an_admin_may_neither_disband_nor_transfer() {
        let members = people(3);
        let state = group(&members, vec![AdminAppointed { admin: members[1] }.into()]);
        assert_eq!(state.disband(members[1]), Err(Rejection::OwnerOnly));
        assert_eq!(state.transfer(members[1], members[2]), Err(Rejection::OwnerOnly));
        assert!(state.transfer(members[0], members[2]).is_ok());
        assert_eq!(state.transfer(members[0], members[0]), Err(Rejection::NotYourself));
    }

    #[test]
    fn nothing_can_be_done_in_a_disbanded_group() {
        let members = people(3);
        let state = group(&members, vec![GroupDisbanded {}.into()]);
        assert_eq!(
            state.rename(members[0], "x".into(), &Policy::default(), Utc::now()),
            Err(Rejection::GroupDisbanded)
        );
        assert_eq!(state.leave(members[1]), Err(Rejection::GroupDisbanded));
    }

    #[test]
    fn owner_and_admins_can_not_be_muted_and_a_past_end_is_refused() {
        let members = people(3);
        let now = Utc::now();
        let state = group(&members, vec![AdminAppointed { admin: members[1] }.into()]);
        let mute = |member: usize, until| state.mute_member(members[0], members[member], until, now);
        assert_eq!(mute(1, None), Err(Rejection::RankTooHigh));
        assert!(mute(2, Some(now - TimeDelta::seconds(1))).is_err());
        assert!(mute(2, Some(now + TimeDelta::seconds(1))).is_ok());
        assert_eq!(state.mute_member(members[2], members[0], None, now), Err(Rejection::AdminOnly));
        assert_eq!(state.unmute_member(members[0], members[2]), Ok(vec![]));
    }

    #[test]
    fn who_is_muted_stays_muted_after_leaving_and_does_not_rename() {
        let (members, now) = (people(3), Utc::now());
        let until = Some(now + TimeDelta::seconds(10));
        let muted = (members[0], MemberMuted { member: members[2], until }.into());
        let left = (members[2], MemberLeft { successor: None }.into());
        let back = MembersJoined { members: vec![members[2]], inviter: members[1], via: JoinedVia::Code };
        let created = GroupCreated { name: "tea".into(), members: members.clone() };
        let state: Conversation = given_by(vec![(members[0], created.into()), muted, left, (members[2], back.into())]);
        let rename = |now| state.rename(members[2], "x".into(), &Policy::default(), now);
        assert_eq!(rename(now), Err(Rejection::Muted { until }));
        assert!(rename(now + TimeDelta::seconds(10)).is_ok());
        assert_eq!(state.unmute_member(members[0], members[2]).unwrap().len(), 1);
    }

    #[test]
    fn a_stranger_to_the_group_may_do_nothing() {
        let (members, stranger) = (people(3), UserId::new());
        let state = group(&members, vec![]);
        assert_eq!(state.rename(stranger, "x".into(), &Policy::default(), Utc::now()), Err(Rejection::NotAMember));
        assert_eq!(state.set_nickname(stranger, "x".into()), Err(Rejection::NotAMember));
        assert_eq!(state.set_all_mute(stranger, true), Err(Rejection::NotAMember));
    }
}
