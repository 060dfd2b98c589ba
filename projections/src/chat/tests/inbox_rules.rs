//! What a person's list of conversations shows.

use domain::{
    DeviceId,
    conversation::{Content, GroupDisbanded, GroupRenamed, JoinedVia, MemberLeft, MembersJoined, MembersRemoved},
    inbox::{
        ConversationCleared, ConversationHidden, ConversationMuted, ConversationPinned, ConversationRead,
        MessageDeleted,
    },
};

use super::{World, data, text, users};
use crate::chat::{ConversationKind, badge};

fn ids(world: &World, user: domain::UserId) -> Vec<domain::ConversationId> {
    world.list(user).iter().map(|row| row.id).collect()
}

#[test]
fn a_direct_conversation_without_a_message_is_absent() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    assert!(world.list(a).is_empty());
    world.says(id, a, "tea?");
    let row = world.row(b, id);
    assert_eq!((row.kind, row.peer, row.name), (ConversationKind::Direct, Some(a), None));
    assert_eq!((row.unread, row.members), (1, 2));
    assert_eq!(text(&row.last.unwrap()), "tea?");
}

#[test]
fn a_new_group_is_on_the_list_with_the_notice_of_its_founding() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let row = world.row(b, id);
    assert_eq!((row.kind, row.name.as_deref(), row.unread), (ConversationKind::Group, Some("tea"), 0));
    assert_eq!(row.picture, [a, b]);
    assert_eq!(row.last.unwrap().event_type, "group.created");
}

#[test]
fn unread_counts_from_the_furthest_device_and_never_from_ones_own_messages() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    for _ in 0..5 {
        world.says(id, a, "x");
    }
    assert_eq!((world.row(b, id).unread, world.row(a, id).unread), (5, 0));
    world.inbox_event(b, ConversationRead { conversation: id, seq: 3, device: DeviceId::new() });
    world.inbox_event(b, ConversationRead { conversation: id, seq: 1, device: DeviceId::new() });
    assert_eq!((world.row(b, id).unread, world.row(b, id).read_seq), (2, 3));
    world.says(id, b, "y");
    assert_eq!((world.row(b, id).unread, world.row(a, id).unread), (0, 1));
}

#[test]
fn a_new_member_starts_with_nothing_unread() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    world.says(id, a, "before");
    world.talk(id, a, MembersJoined { members: vec![c], inviter: a, via: JoinedVia::Invitation });
    assert_eq!(world.row(c, id).unread, 0);
    world.says(id, a, "after");
    assert_eq!((world.row(c, id).unread, world.row(b, id).unread), (1, 2));
}

#[test]
fn a_mention_shows_until_it_is_read_or_taken_back() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    let seq = world.mentions(id, a, &[b], false);
    assert!(world.row(b, id).mentioned && !world.row(c, id).mentioned);
    world.inbox_event(b, ConversationRead { conversation: id, seq, device: DeviceId::new() });
    assert!(!world.row(b, id).mentioned);
    let all = world.mentions(id, a, &[], true);
    let named = world.mentions(id, a, &[b], false);
    assert!(world.row(b, id).mentioned && world.row(c, id).mentioned && !world.row(a, id).mentioned);
    world.recalls(id, a, all, false);
    assert!(world.row(b, id).mentioned && !world.row(c, id).mentioned);
    world.recalls(id, a, named, false);
    assert!(!world.row(b, id).mentioned);
}

#[test]
fn pinned_conversations_come_first_then_the_latest() {
    let [a, b, c, d] = users();
    let mut world = World::new();
    let (one, two, three) = (world.friends(a, b), world.friends(a, c), world.friends(a, d));
    for id in [one, two, three] {
        world.says(id, a, "x");
    }
    assert_eq!(ids(&world, a), [three, two, one]);
    world.says(two, c, "y");
    world.inbox_event(a, ConversationPinned { conversation: one, on: true });
    assert_eq!(ids(&world, a), [one, two, three]);
    world.inbox_event(a, ConversationPinned { conversation: one, on: false });
    assert_eq!(ids(&world, a), [two, three, one]);
}

#[test]
fn the_badge_leaves_muted_and_hidden_conversations_out() {
    let [a, b, c, d] = users();
    let mut world = World::new();
    let (one, two, three) = (world.friends(a, b), world.friends(a, c), world.friends(a, d));
    for (id, user) in [(one, b), (two, c), (three, d)] {
        world.says(id, user, "x");
        world.says(id, user, "y");
    }
    assert_eq!(badge(&world.list(a)), 6);
    world.inbox_event(a, ConversationMuted { conversation: one, on: true });
    world.inbox_event(a, ConversationHidden { conversation: two, seq: 2 });
    assert_eq!(badge(&world.list(a)), 2);
    assert!(world.row(a, one).muted);
}

#[test]
fn what_was_taken_back_without_a_trace_is_not_unread() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let pat = |world: &mut World| world.says_content(id, b, Content::Pat { target: a, suffix: String::new() });
    let (first, said, last) = (pat(&mut world), world.says(id, b, "x"), pat(&mut world));
    assert_eq!(world.row(a, id).unread, 3);
    world.recalls(id, b, last, true);
    assert_eq!(world.row(a, id).unread, 2);
    // Of this one a tip remains, which is to be seen.
    world.recalls(id, b, said, false);
    assert_eq!((world.row(a, id).unread, badge(&world.list(a))), (2, 2));
    world.inbox_event(a, ConversationRead { conversation: id, seq: said, device: DeviceId::new() });
    assert_eq!((world.row(a, id).unread, badge(&world.list(a))), (0, 0));
    world.recalls(id, b, first, true);
    assert_eq!(world.row(a, id).unread, 0);
}

#[test]
fn a_hidden_conversation_comes_back_with_the_next_message() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, b, "x");
    world.inbox_event(a, ConversationHidden { conversation: id, seq });
    assert!(ids(&world, a).is_empty());
    assert_eq!(ids(&world, b), [id]);
    world.says(id, b, "y");
    assert_eq!(ids(&world, a), [id]);
}

#[test]
fn the_last_entry_is_the_last_one_that_this_person_may_see() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    world.says(id, a, "one");
    let two = world.says(id, a, "two");
    world.inbox_event(b, MessageDeleted { conversation: id, seq: two });
    assert_eq!(text(&world.row(b, id).last.unwrap()), "one");
    assert_eq!(text(&world.row(a, id).last.unwrap()), "two");
    let pat = world.says_content(id, a, Content::Pat { target: b, suffix: String::new() });
    world.recalls(id, a, pat, true);
    assert_eq!(text(&world.row(a, id).last.unwrap()), "two");
    world.recalls(id, a, two, false);
    let last = world.row(a, id).last.unwrap();
    assert!(last.recalled && data(&last).is_null());
}

#[test]
fn a_cleared_conversation_stays_on_the_list_without_a_last_entry() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, b, "x");
    world.inbox_event(a, ConversationCleared { conversation: id, seq });
    let row = world.row(a, id);
    assert!(row.last.is_none());
    assert_eq!((row.unread, row.position), (0, 2));
    world.says(id, b, "y");
    assert_eq!(text(&world.row(a, id).last.unwrap()), "y");
}

#[test]
fn who_left_keeps_the_conversation_as_it_was_until_they_hide_it() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    world.says(id, a, "x");
    world.talk(id, b, MemberLeft { successor: None });
    world.says(id, a, "y");
    world.talk(id, a, GroupRenamed { name: "secret".into() });
    let row = world.row(b, id);
    assert!(row.ended && row.picture.is_empty());
    assert_eq!((row.name.as_deref(), row.members, row.last_seq, row.unread), (Some("tea"), 0, 1, 1));
    assert_eq!(row.last.unwrap().event_type, "group.member-left");
    world.inbox_event(b, ConversationHidden { conversation: id, seq: 1 });
    world.says(id, a, "z");
    assert!(world.list(b).is_empty());
}

#[test]
fn removal_and_disbanding_end_a_conversation() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    world.talk(id, a, MembersRemoved { members: vec![c] });
    assert!(world.row(c, id).ended && !world.row(b, id).ended);
    world.talk(id, a, GroupDisbanded {});
    assert!(world.row(a, id).ended && world.row(b, id).ended);
    assert_eq!(world.row(b, id).last.unwrap().event_type, "group.disbanded");
    assert_eq!(world.row(c, id).last.unwrap().event_type, "group.members-removed");
}

#[test]
fn the_list_is_the_same_after_a_restart() {
    let [a, b, c] = users();
    let mut world = World::new();
    let (direct, group) = (world.friends(a, b), world.group("tea", &[b, a, c]));
    world.says(direct, b, "x");
    world.mentions(group, c, &[a], false);
    world.inbox_event(a, ConversationPinned { conversation: direct, on: true });
    world.talk(group, c, MemberLeft { successor: None });
    let before = [a, b, c].map(|user| serde_json::to_value(world.list(user)).unwrap());
    let world = world.reopened();
    let after = [a, b, c].map(|user| serde_json::to_value(world.list(user)).unwrap());
    assert_eq!(before, after);
    assert_eq!(*world.view().members(group), [b, a]);
}
