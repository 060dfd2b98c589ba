//! What devices get that catch up.

use domain::{
    ContactsEvent, DeviceId, FriendshipEvent, FriendshipId, UserEvent, UserId,
    contacts::PersonBlocked,
    conversation::{
        Content, InvitationClosed, JoinRequestClosed, JoinRequested, JoinedVia, MemberInvited, MemberLeft,
        MembersJoined, NicknameSet, Outcome,
    },
    friendship::{
        FriendAccepted, FriendDeclined, FriendRemoved, FriendRequestExpired, FriendRequested, FriendRestored, Source,
    },
    inbox::{ConversationCleared, ConversationRead, MessageDeleted},
    user::{DeviceAdded, DeviceRevoked, PasswordChanged, Profile, ProfileChanged, UserRegistered},
};
use eventlog::Position;
use serde_json::json;

use super::{World, data, seqs, text, types, users};

impl World {
    fn between(&mut self, actor: UserId, other: UserId, event: impl Into<FriendshipEvent>) {
        let pair = FriendshipId::between(actor, other);
        self.happens::<FriendshipEvent>(format!("friendship-{pair}"), Some(actor), event);
    }

    fn account(&mut self, user: UserId, event: impl Into<UserEvent>) {
        self.happens::<UserEvent>(format!("user-{user}"), Some(user), event);
    }
}

#[test]
fn a_device_gets_what_it_missed_and_is_told_where_to_go_on() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    world.says(id, a, "one");
    let page = world.view().sync(b, Position::START, 500).unwrap();
    assert_eq!(types(&page.entries), ["conversation.opened", "message.sent"]);
    assert_eq!((page.next, page.more), (2, false));
    world.says(id, a, "two");
    let page = world.view().sync(b, Position(page.next), 500).unwrap();
    assert_eq!(page.entries.iter().map(text).collect::<Vec<_>>(), ["two"]);
    let page = world.view().sync(b, Position(page.next), 500).unwrap();
    assert_eq!((page.entries.len(), page.next, page.more), (0, 3, false));
    let ahead = world.view().sync(b, Position(77), 500).unwrap();
    assert_eq!((ahead.entries.len(), ahead.next), (0, 77));
}

#[test]
fn entries_of_many_conversations_come_in_the_order_of_the_log_page_by_page() {
    let [a, b, c, d] = users();
    let mut world = World::new();
    let (one, two, three) = (world.friends(a, b), world.friends(a, c), world.group("tea", &[d, a]));
    for id in [one, three, two, two, one, three, one] {
        world.says(id, a, "x");
    }
    let (mut after, mut positions) = (Position::START, vec![]);
    loop {
        let page = world.view().sync(a, after, 3).unwrap();
        positions.extend(page.entries.iter().map(|entry| entry.position));
        after = Position(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!(positions, (1..=10).collect::<Vec<u64>>());
}

#[test]
fn the_content_of_a_message_recalled_meanwhile_is_not_delivered() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let said = world.says(id, a, "oops");
    let pat = world.says_content(id, a, Content::Pat { target: b, suffix: String::new() });
    world.recalls(id, a, said, false);
    world.recalls(id, a, pat, true);
    let entries = world.everything(b);
    assert_eq!(types(&entries), ["conversation.opened", "message.sent", "message.recalled", "message.recalled"]);
    assert!(entries[1].recalled && data(&entries[1]).is_null());
    assert_eq!(data(&entries[2]), json!({ "seq": said }));
    assert_eq!(seqs(&entries), [None, Some(said), None, None]);
}

#[test]
fn what_a_person_deleted_or_cleared_is_not_delivered_again() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    for text in ["one", "two", "three"] {
        world.says(id, a, text);
    }
    world.inbox_event(b, ConversationCleared { conversation: id, seq: 1 });
    world.inbox_event(b, MessageDeleted { conversation: id, seq: 3 });
    let entries = world.everything(b);
    assert_eq!(entries.iter().filter_map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(types(&entries)[2..], ["conversation.cleared", "message.deleted"]);
    assert_eq!(entries[2].conversation, Some(id));
}

#[test]
fn read_marks_travel_to_ones_own_devices_only() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, a, "x");
    world.inbox_event(b, ConversationRead { conversation: id, seq, device: DeviceId::new() });
    assert_eq!(types(&world.everything(b)).last(), Some(&"conversation.read"));
    assert_eq!(types(&world.everything(a)), ["conversation.opened", "message.sent"]);
}

#[test]
fn only_what_happened_while_they_were_in_reaches_members() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a]);
    world.says(id, a, "before");
    world.talk(id, a, MembersJoined { members: vec![b], inviter: a, via: JoinedVia::Invitation });
    world.talk(id, a, NicknameSet { nickname: "boss".into() });
    world.talk(id, b, MemberLeft { successor: None });
    world.says(id, a, "after");
    assert_eq!(types(&world.everything(b)), ["group.members-joined", "group.nickname-set", "group.member-left"]);
}

#[test]
fn a_friend_request_reaches_both_unless_the_receiver_blocked_the_sender() {
    let [a, b, c] = users();
    let mut world = World::new();
    let request = |to, dropped| FriendRequested { to, greeting: "hi".into(), source: Source::Search, dropped };
    world.between(a, b, request(b, false));
    world.between(a, c, request(c, true));
    let sent = world.everything(a);
    assert_eq!(types(&sent), ["friend.requested", "friend.requested"]);
    assert_eq!(data(&sent[0]), json!({ "to": b, "greeting": "hi", "source": "search" }));
    assert_eq!(data(&sent[1]), json!({ "to": c, "greeting": "hi", "source": "search" }));
    assert_eq!(types(&world.everything(b)), ["friend.requested"]);
    assert!(world.everything(c).is_empty());
}

#[test]
fn who_declines_removes_or_adds_back_does_so_unseen() {
    let [a, b] = users();
    let mut world = World::new();
    let request = FriendRequested { to: b, greeting: String::new(), source: Source::Search, dropped: false };
    world.between(a, b, request);
    world.between(b, a, FriendDeclined { from: a });
    world.between(b, a, FriendAccepted { from: a, chats_only_for: vec![b] });
    world.between(a, b, FriendRemoved { other: b });
    world.between(a, b, FriendRestored { other: b });
    world.between(a, b, FriendRequestExpired { from: a, to: b });
    let asked = world.everything(a);
    assert_eq!(types(&asked), ["friend.requested", "friend.accepted", "friend.removed", "friend.restored"]);
    assert_eq!(data(&asked[1]), json!({ "from": a }));
    assert_eq!(types(&world.everything(b)), ["friend.requested", "friend.declined", "friend.accepted"]);
}

#[test]
fn changes_of_an_account_reach_its_own_devices_without_secrets() {
    let [a, b] = users();
    let mut world = World::new();
    let device = DeviceId::new();
    let profile = Profile::named("Ann");
    let registered = UserRegistered { handle: "ann".into(), profile: profile.clone(), password: "$argon2id$s".into() };
    world.account(a, registered);
    world.account(a, DeviceAdded { device, name: "phone".into(), token_hash: "5ec7e7".into() });
    world.account(a, PasswordChanged { password: "$argon2id$t".into() });
    world.account(a, ProfileChanged { profile });
    world.account(a, DeviceRevoked { device });
    world.happens::<ContactsEvent>(format!("contacts-{a}"), Some(a), PersonBlocked { person: b });
    let entries = world.everything(a);
    assert_eq!(types(&entries), ["device.added", "profile.changed", "device.revoked", "person.blocked"]);
    assert_eq!(data(&entries[0]), json!({ "device": device, "name": "phone" }));
    assert!(world.everything(b).is_empty());
}

#[test]
fn invitations_and_requests_to_join_reach_only_those_concerned() {
    let [owner, admin, member, guest, other] = users();
    let mut world = World::new();
    let id = world.group("tea", &[owner, admin, member]);
    world.talk(id, owner, domain::conversation::AdminAppointed { admin });
    let start = world.view().sync(owner, Position::START, 500).unwrap().next;
    world.talk(id, member, MemberInvited { user: guest, inviter: member });
    world.talk(id, guest, InvitationClosed { user: guest, outcome: Outcome::Refused });
    let request = |via| JoinRequested { user: other, inviter: member, via, reason: "please".into() };
    world.talk(id, other, request(JoinedVia::Code));
    world.talk(id, owner, JoinRequestClosed { user: other, outcome: Outcome::Refused });
    world.talk(id, member, request(JoinedVia::Invitation));
    let missed = |user| types(&world.view().sync(user, Position(start), 500).unwrap().entries);
    let (invited, closed) = ("group.member-invited", "group.invitation-closed");
    let (requested, refused) = ("group.join-requested", "group.join-request-closed");
    assert_eq!(missed(guest), [invited, closed]);
    assert_eq!(missed(member), [invited, closed, requested, refused, requested]);
    assert_eq!(missed(owner), [requested, refused, requested]);
    assert_eq!(missed(admin), missed(owner));
    assert_eq!(missed(other), [requested, refused]);
}
