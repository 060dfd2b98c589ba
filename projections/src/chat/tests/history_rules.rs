//! What the pages of a conversation show.

use domain::{
    DeviceId,
    conversation::{
        AdminAppointed, AllMuteSet, Content, GroupRenamed, JoinedVia, MemberLeft, MembersJoined, NicknameSet,
    },
    inbox::{ConversationCleared, ConversationRead, MessageDeleted},
};
use eventlog::Position;

use super::{World, data, seqs, text, types, users};
use crate::chat::{Anchor, entry::Entry};

fn texts(entries: &[Entry]) -> Vec<serde_json::Value> {
    entries.iter().map(text).collect()
}

#[test]
fn notices_stand_between_the_messages_and_quiet_events_do_not() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    world.says(id, a, "one");
    world.talk(id, b, NicknameSet { nickname: "bee".into() });
    world.talk(id, a, AdminAppointed { admin: b });
    world.talk(id, a, MembersJoined { members: vec![c], inviter: b, via: JoinedVia::Code });
    world.says(id, c, "two");
    world.talk(id, a, AllMuteSet { on: true });
    let expected = [
        "group.created",
        "message.sent",
        "group.admin-appointed",
        "group.members-joined",
        "message.sent",
        "group.all-mute-set",
    ];
    assert_eq!(types(&world.history(a, id)), expected);
}

#[test]
fn a_stranger_gets_no_page_and_no_message() {
    let [a, b, stranger] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, a, "x");
    let (view, reading) = (world.view(), world.reading());
    assert!(view.history(stranger, id, Anchor::Latest, 10, &reading).unwrap().is_none());
    assert!(view.message(stranger, id, seq, &reading).unwrap().is_none());
    assert!(view.message(a, id, seq + 1, &reading).unwrap().is_none());
    assert!(view.message(a, id, 0, &reading).unwrap().is_none());
    assert_eq!(text(&view.message(b, id, seq, &reading).unwrap().unwrap()), "x");
}

#[test]
fn who_joins_sees_nothing_from_before_and_who_leaves_nothing_from_after() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a]);
    let join = || MembersJoined { members: vec![b], inviter: a, via: JoinedVia::Invitation };
    world.says(id, a, "before");
    world.talk(id, a, join());
    world.says(id, a, "during");
    world.talk(id, b, MemberLeft { successor: None });
    world.says(id, a, "away");
    world.talk(id, a, join());
    world.says(id, a, "again");
    let expected =
        ["group.members-joined", "message.sent", "group.member-left", "group.members-joined", "message.sent"];
    let history = world.history(b, id);
    assert_eq!(types(&history), expected);
    assert_eq!(seqs(&history), [None, Some(2), None, None, Some(4)]);
    let seen = |seq| world.view().message(b, id, seq, &world.reading()).unwrap().is_some();
    assert_eq!([1, 2, 3, 4].map(seen), [false, true, false, true]);
}

#[test]
fn deleted_and_cleared_messages_are_gone_for_that_person_only() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    for text in ["one", "two", "three", "four"] {
        world.says(id, a, text);
    }
    world.inbox_event(b, MessageDeleted { conversation: id, seq: 3 });
    assert_eq!(texts(&world.history(b, id)), ["one", "two", "four"]);
    world.inbox_event(b, ConversationCleared { conversation: id, seq: 2 });
    assert_eq!(texts(&world.history(b, id)), ["four"]);
    assert_eq!(texts(&world.history(a, id)), ["one", "two", "three", "four"]);
    assert!(world.view().message(b, id, 1, &world.reading()).unwrap().is_none());
}

#[test]
fn clearing_takes_the_notices_up_to_then_and_keeps_later_ones() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let seq = world.says(id, a, "one");
    world.talk(id, a, GroupRenamed { name: "green".into() });
    world.inbox_event(b, ConversationCleared { conversation: id, seq });
    world.talk(id, a, GroupRenamed { name: "black".into() });
    let history = world.history(b, id);
    assert_eq!(types(&history), ["group.renamed"]);
    assert_eq!(data(&history[0])["name"], "black");
}

#[test]
fn a_recalled_message_is_shown_as_recalled_and_a_recalled_pat_not_at_all() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let said = world.says(id, a, "oops");
    let pat = world.says_content(id, a, Content::Pat { target: b, suffix: String::new() });
    world.recalls(id, a, said, false);
    world.recalls(id, a, pat, true);
    let history = world.history(b, id);
    assert_eq!(seqs(&history), [Some(said)]);
    assert!(history[0].recalled && data(&history[0]).is_null());
    assert_eq!(history[0].actor, Some(a));
    assert!(world.view().message(b, id, pat, &world.reading()).unwrap().is_none());
}

#[test]
fn the_sender_may_edit_a_recalled_text_again_for_five_minutes() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let said = world.says(id, a, "oops");
    let card = world.says_content(id, a, Content::ContactCard { user: b });
    world.recalls(id, a, said, false);
    world.recalls(id, a, card, false);
    let offered = |world: &World, user| -> Vec<Option<String>> {
        world.history(user, id).into_iter().map(|entry| entry.re_edit).collect()
    };
    world.passes(299);
    assert_eq!(offered(&world, a), [Some("oops".to_owned()), None]);
    assert_eq!(offered(&world, b), [None, None]);
    world.passes(1);
    assert_eq!(offered(&world, a), [None, None]);
}

#[test]
fn a_reply_quotes_what_its_reader_may_see_now() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let first = world.says(id, a, "first");
    world.talk(id, a, MembersJoined { members: vec![c], inviter: a, via: JoinedVia::Invitation });
    world.replies(id, b, "re", first);
    let quoted = |world: &World, user| world.history(user, id).pop().unwrap().quoted.unwrap();
    let seen = quoted(&world, b);
    assert_eq!((seen.seq, seen.sender, seen.recalled), (first, Some(a), false));
    assert_eq!(seen.content.unwrap().get(), r#"{"kind":"text","text":"first"}"#);
    let unseen = quoted(&world, c);
    assert_eq!((unseen.sender, unseen.recalled, unseen.content.is_none()), (None, false, true));
    world.recalls(id, a, first, false);
    let recalled = quoted(&world, b);
    assert_eq!((recalled.sender, recalled.recalled, recalled.content.is_none()), (Some(a), true, true));
    assert!(!quoted(&world, c).recalled);
}

#[test]
fn pages_before_after_and_around_a_message_join_up() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    for number in 1..=9 {
        world.says(id, a, &number.to_string());
    }
    let numbers = |anchor, limit| seqs(&world.page(b, id, anchor, limit)).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(numbers(Anchor::Latest, 3), [7, 8, 9]);
    assert_eq!(numbers(Anchor::Before(7), 3), [4, 5, 6]);
    assert_eq!(numbers(Anchor::After(2), 3), [3, 4, 5]);
    assert_eq!(numbers(Anchor::Around(5), 4), [3, 4, 5, 6]);
    assert_eq!(numbers(Anchor::Around(1), 4), [1, 2, 3, 4]);
    assert_eq!(numbers(Anchor::Before(100), 2), [8, 9]);
    assert_eq!(numbers(Anchor::Before(1), 2), [0; 0]);
    assert_eq!(numbers(Anchor::After(9), 2), [0; 0]);
    assert_eq!(numbers(Anchor::After(0), 2), [1, 2]);
    assert_eq!(numbers(Anchor::BeforePosition(Position(4)), 5), [1, 2]);
    assert_eq!(numbers(Anchor::AfterPosition(Position(8)), 5), [8, 9]);
    assert_eq!(numbers(Anchor::AfterPosition(Position(99)), 5), [0; 0]);
}

#[test]
fn a_page_has_at_most_a_hundred_entries() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    for _ in 0..120 {
        world.says(id, a, "x");
    }
    assert_eq!(world.page(b, id, Anchor::Latest, 1_000).len(), 100);
}

#[test]
fn reading_marks_leave_the_history_as_it_is() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let seq = world.says(id, a, "x");
    let before = serde_json::to_value(world.history(b, id)).unwrap();
    world.inbox_event(b, ConversationRead { conversation: id, seq, device: DeviceId::new() });
    assert_eq!(serde_json::to_value(world.history(b, id)).unwrap(), before);
}
