//! Whom events are pushed to: exactly those who get them by catching up, as the same entries.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    ConversationEvent, ConversationId, UserId,
    conversation::{GroupDisbanded, JoinedVia, MemberInvited, MemberLeft, MembersJoined, MembersRemoved},
    inbox::ConversationPinned,
};
use eventlog::Position;

use super::{World, blank, users};
use crate::{Fact, Projection, chat::Audience};

fn people(world: &World, fact: &Fact) -> Vec<UserId> {
    people_of(world, world.view().audience(fact).unwrap())
}

fn people_of(world: &World, audience: Audience) -> Vec<UserId> {
    match audience {
        Audience::Members(id) => world.view().members(id).to_vec(),
        Audience::Users(users) => users.to_vec(),
        Audience::Nobody => vec![],
    }
}

/// Takes in what was appended as one batch, and compares what is pushed with what each person gets by catching up.
fn push_agrees_with_sync(world: &mut World, everybody: &[UserId]) {
    let before = world.chat.checkpoint();
    let facts = world.facts_after(before);
    let ahead = facts.iter().map_while(|fact| world.view().audience_ahead(fact).unwrap());
    let ahead: Vec<_> = ahead.map(|audience| people_of(world, audience)).collect();
    world.chat.apply(&facts).unwrap();
    for (fact, mut early) in facts.iter().zip(ahead) {
        let mut known = people(world, fact);
        early.sort_unstable();
        known.sort_unstable();
        assert_eq!(early, known, "{}", fact.event_type());
    }
    for user in everybody {
        let mine = |fact: &&Arc<Fact>| people(world, fact).contains(user);
        let pushed = facts.iter().filter(mine).filter_map(|fact| world.view().push_entry(fact).unwrap());
        let pushed: Vec<_> = pushed.map(|entry| serde_json::to_value(entry).unwrap()).collect();
        let synced = world.view().sync(*user, before, 500).unwrap().entries;
        let synced: Vec<_> = synced.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect();
        assert_eq!(pushed, synced);
    }
}

fn append(world: &mut World, id: ConversationId, actor: UserId, event: impl Into<ConversationEvent>) {
    world.appended::<ConversationEvent>(format!("conversation-{id}"), Some(actor), event.into());
}

fn message(world: &mut World, id: ConversationId, actor: UserId) {
    let seq = world.next_seq(id);
    append(world, id, actor, domain::conversation::MessageSent { seq, ..blank() });
}

#[test]
fn an_ordinary_message_goes_to_the_members_without_listing_them() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let before = Position(world.chat.checkpoint().0);
    world.says(id, a, "x");
    let fact = &world.facts_after(before)[0];
    assert_eq!(world.view().audience(fact).unwrap(), Audience::Members(id));
}

#[test]
fn a_message_is_pushed_before_the_view_has_it_unless_who_is_in_the_group_has_changed_since() {
    let [a, b, c] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let before = world.chat.checkpoint();
    message(&mut world, id, a);
    let early = &world.facts_after(before)[0];
    let Some(Audience::Users(people)) = world.view().audience_ahead(early).unwrap() else { panic!("not told") };
    assert_eq!(people.iter().collect::<BTreeSet<_>>(), [&a, &b].into());
    let joined = MembersJoined { members: vec![c], via: JoinedVia::Invitation, inviter: a };
    append(&mut world, id, c, joined);
    let facts = world.facts_after(before);
    assert_eq!(world.view().audience_ahead(&facts[1]).unwrap(), None, "it changes who is in the group");
    world.chat.apply(&facts).unwrap();
    assert_eq!(world.view().audience_ahead(&facts[0]).unwrap(), None, "who came later must not get it");
    let unknown = ConversationId::direct(a, c);
    message(&mut world, unknown, a);
    let fact = world.facts_after(world.chat.checkpoint()).pop().unwrap();
    assert_eq!(world.view().audience_ahead(&fact).unwrap(), None, "its conversation is not known yet");
}

#[test]
fn what_is_pushed_is_what_catching_up_would_give_even_when_people_come_and_go_in_one_batch() {
    let [a, b, c, d, guest] = users();
    let everybody = [a, b, c, d, guest];
    let mut world = World::new();
    let id = world.group("tea", &[a, b, c]);
    message(&mut world, id, a);
    append(&mut world, id, a, MembersRemoved { members: vec![c] });
    message(&mut world, id, a);
    append(&mut world, id, a, MembersJoined { members: vec![d], inviter: a, via: JoinedVia::Invitation });
    append(&mut world, id, a, MemberInvited { user: guest, inviter: a });
    message(&mut world, id, d);
    append(&mut world, id, b, MemberLeft { successor: None });
    append(&mut world, id, d, domain::conversation::MessageRecalled { seq: 3, silent: false });
    push_agrees_with_sync(&mut world, &everybody);
    message(&mut world, id, a);
    append(&mut world, id, a, GroupDisbanded {});
    push_agrees_with_sync(&mut world, &everybody);
}

#[test]
fn the_audience_of_a_departure_includes_who_departs() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.group("tea", &[a, b]);
    let before = world.chat.checkpoint();
    world.talk(id, b, MemberLeft { successor: None });
    let fact = &world.facts_after(before)[0];
    let told: BTreeSet<_> = people(&world, fact).into_iter().collect();
    assert_eq!(told, [a, b].into());
}

#[test]
fn personal_events_are_pushed_to_their_own_person() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let before = world.chat.checkpoint();
    world.inbox_event(a, ConversationPinned { conversation: id, on: true });
    let fact = &world.facts_after(before)[0];
    assert_eq!(people(&world, fact), [a]);
    assert_eq!(world.view().push_entry(fact).unwrap().unwrap().conversation, Some(id));
}
