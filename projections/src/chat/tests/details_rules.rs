//! What a conversation's details, invitations and readers show.

use chrono::TimeDelta;
use domain::{
    ConversationId, DeviceId, UserId,
    conversation::{
        AdminAppointed, AllMuteSet, Content, GroupRenamed, InviteConfirmationSet, JoinRequested, JoinedVia,
        MemberInvited, MemberLeft, MemberMuted, MembersJoined, MembersRemoved, NicknameSet, OwnershipTransferred,
    },
    inbox::{ConversationMuted, ConversationRead},
};

use super::{World, users};
use crate::chat::{ConversationDetails, details::Readers};

impl World {
    fn details(&self, user: UserId, id: ConversationId) -> ConversationDetails {
        self.view().details(user, id, &self.reading()).unwrap().unwrap()
    }
}

#[test]
fn a_stranger_learns_nothing_of_a_conversation() {
    let [a, b, stranger] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let look = |id| world.view().details(stranger, id, &world.reading()).unwrap().is_none();
    assert!(look(id) && look(ConversationId::new()));
}

#[test]
fn a_group_shows_who_runs_it_and_how() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    world.talk(id, a, AdminAppointed { admin: b });
    world.talk(id, a, AdminAppointed { admin: c });
    world.talk(id, a, OwnershipTransferred { to: c });
    world.talk(id, c, GroupRenamed { name: "green tea".into() });
    world.talk(id, c, AllMuteSet { on: true });
    world.talk(id, c, InviteConfirmationSet { on: true });
    world.inbox_event(a, ConversationMuted { conversation: id, on: true });
    let details = world.details(a, id);
    assert_eq!((details.owner, details.admins), (Some(c), vec![b]));
    assert_eq!(details.name.as_deref(), Some("green tea"));
    assert!(details.all_muted && details.invite_confirmation && details.settings.muted && !details.ended);
    assert!(!world.details(b, id).settings.muted);
}

#[test]
fn members_have_a_nickname_a_time_of_joining_and_a_mute_that_ends() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let founded = world.now;
    world.passes(60);
    world.talk(id, a, MembersJoined { members: vec![c], inviter: a, via: JoinedVia::Code });
    world.talk(id, c, NicknameSet { nickname: "sea".into() });
    let until = Some(world.now + TimeDelta::seconds(10));
    world.talk(id, a, MemberMuted { member: b, until });
    world.talk(id, a, MemberMuted { member: c, until: None });
    let members = world.details(a, id).members;
    assert_eq!(members.iter().map(|member| member.id).collect::<Vec<_>>(), [a, b, c]);
    assert_eq!((members[0].joined_at, members[2].joined_at), (Some(founded), Some(world.now)));
    assert_eq!((members[1].muted, members[1].muted_until), (true, until));
    assert_eq!((members[2].muted, members[2].muted_until, members[2].nickname.as_str()), (true, None, "sea"));
    world.passes(10);
    let members = world.details(a, id).members;
    assert_eq!((members[1].muted, members[1].muted_until), (false, None));
    assert!(members[2].muted);
}

#[test]
fn the_announcement_is_the_last_one_that_was_not_taken_back() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    assert!(world.details(b, id).announcement.is_none());
    let seq = world.says_content(id, a, Content::Announcement { text: "closed on Monday".into() });
    let announcement = world.details(b, id).announcement.unwrap();
    assert_eq!((announcement.text.as_str(), announcement.by, announcement.seq), ("closed on Monday", Some(a), seq));
    world.recalls(id, a, seq, false);
    assert!(world.details(b, id).announcement.is_none());
}

#[test]
fn only_owner_and_admins_see_who_asks_to_be_let_in() {
    let [a, b, c, guest] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    world.talk(id, a, AdminAppointed { admin: b });
    let request = JoinRequested { user: guest, inviter: c, via: JoinedVia::Code, reason: "thirsty".into() };
    world.talk(id, guest, request);
    for user in [a, b] {
        let requests = world.details(user, id).requests;
        assert_eq!((requests[0].user, requests[0].reason.as_str()), (guest, "thirsty"));
    }
    assert!(world.details(c, id).requests.is_empty());
    world.talk(id, a, MembersJoined { members: vec![guest], inviter: c, via: JoinedVia::Code });
    assert!(world.details(a, id).requests.is_empty());
}

#[test]
fn an_invitation_shows_to_both_sides_until_it_is_answered_also_after_a_restart() {
    let [a, b, guest] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    world.talk(id, b, MemberInvited { user: guest, inviter: b });
    let mut world = world.reopened();
    let invitations = world.view().invitations_of(guest);
    assert_eq!((invitations[0].conversation, invitations[0].inviter, invitations[0].members), (id, b, 2));
    assert_eq!(invitations[0].name, "tea");
    assert_eq!(world.details(b, id).invitations[0].user, guest);
    assert!(world.details(a, id).invitations.is_empty());
    world.talk(id, guest, MembersJoined { members: vec![guest], inviter: b, via: JoinedVia::Invitation });
    assert!(world.view().invitations_of(guest).is_empty());
    assert!(world.details(b, id).invitations.is_empty());
}

#[test]
fn who_left_sees_neither_people_nor_later_names() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    world.talk(id, c, NicknameSet { nickname: "sea".into() });
    world.talk(id, a, MembersRemoved { members: vec![c] });
    world.talk(id, a, GroupRenamed { name: "secret".into() });
    world.says_content(id, a, Content::Announcement { text: "secret".into() });
    let details = world.details(c, id);
    assert!(details.ended && details.members.is_empty() && details.announcement.is_none());
    assert_eq!((details.name.as_deref(), details.owner, details.last_seq), (Some("tea"), None, 0));
    world.talk(id, a, MembersJoined { members: vec![c], inviter: a, via: JoinedVia::Invitation });
    let details = world.details(a, id);
    assert_eq!(details.members[2].nickname, "");
    assert_eq!(world.details(c, id).name.as_deref(), Some("secret"));
}

#[test]
fn readers_are_told_in_small_groups_only() {
    let [a, b, c, d] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c, d]);
    let seq = world.says(id, a, "x");
    world.inbox_event(b, ConversationRead { conversation: id, seq, device: DeviceId::new() });
    world.says(id, c, "answered without a read mark");
    world.talk(id, d, MemberLeft { successor: None });
    let readers = |world: &World, user, max| world.view().readers(user, id, seq, max, &world.reading()).unwrap();
    assert_eq!(readers(&world, a, 50), Some(Readers::By(vec![b, c])));
    assert_eq!(readers(&world, a, 2), Some(Readers::TooManyMembers));
    assert_eq!(readers(&world, UserId::new(), 50), None);
    world.recalls(id, a, seq, false);
    assert_eq!(readers(&world, a, 50), None);
}

#[test]
fn in_a_direct_conversation_the_peer_has_read_or_not() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, a, "x");
    let readers = |world: &World| world.view().readers(a, id, seq, 0, &world.reading()).unwrap();
    assert_eq!(readers(&world), Some(Readers::By(vec![])));
    world.inbox_event(b, ConversationRead { conversation: id, seq, device: DeviceId::new() });
    assert_eq!(readers(&world), Some(Readers::By(vec![b])));
}
