//! People: what each person sees of others, and what stays hidden.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use std::path::Path;

use chrono::TimeDelta;
use domain::{
    ConversationId, DeviceId, FriendshipEvent, FriendshipId, TagId, UserEvent, UserId,
    contacts::{ContactNoted, ContactsEvent, Notes, PersonBlocked, PersonUnblocked, TagDeleted, TagNamed},
    friendship::{
        FriendAccepted, FriendDeclined, FriendRemoved, FriendRequestExpired, FriendRequested, FriendRestored, Source,
    },
    user::{DeviceAdded, DeviceRevoked, Privacy, PrivacyChanged, Profile, ProfileChanged, UserRegistered, WhoMayAdd},
};
use projections::{
    Projection,
    people::{PeopleProjection, PeopleView, RequestDirection},
};
use support::Writer;

/// How long a declined request looks like one that waits.
const WINDOW: TimeDelta = TimeDelta::days(7);

struct World {
    writer: Writer,
    dir: tempfile::TempDir,
    projection: PeopleProjection,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let projection = PeopleProjection::open(dir.path()).unwrap();
        Self { writer: Writer::new(), dir, projection }
    }

    /// The view after everything that was written.
    fn view(&mut self) -> std::sync::Arc<PeopleView> {
        let facts = self.writer.facts(self.projection.checkpoint());
        if !facts.is_empty() {
            self.projection.apply(&facts).unwrap();
        }
        self.projection.view()
    }

    /// The view after closing and opening the rows.
    fn reopened(mut self) -> (Self, std::sync::Arc<PeopleView>) {
        self.view();
        drop(self.projection);
        let projection = PeopleProjection::open(self.dir.path()).unwrap();
        let view = projection.view();
        (Self { projection, ..self }, view)
    }

    fn register(&self, handle: &str, name: &str) -> UserId {
        let user = UserId::new();
        let profile = Profile::named(name);
        self.user(user, UserRegistered { handle: handle.into(), profile, password: "$argon2id$".into() });
        user
    }

    fn user(&self, user: UserId, event: impl Into<UserEvent>) {
        self.writer.append(format!("user-{user}"), Some(user), &[event.into()]);
    }

    fn tie(&self, by: UserId, other: UserId, event: impl Into<FriendshipEvent>) {
        self.writer.append(format!("friendship-{}", FriendshipId::between(by, other)), Some(by), &[event.into()]);
    }

    fn note(&self, user: UserId, event: impl Into<ContactsEvent>) {
        self.writer.append(format!("contacts-{user}"), Some(user), &[event.into()]);
    }

    fn ask(&self, from: UserId, to: UserId, dropped: bool) {
        self.tie(from, to, FriendRequested { to, greeting: "hello".into(), source: Source::Group, dropped });
    }

    fn befriend(&self, from: UserId, to: UserId) {
        self.ask(from, to, false);
        self.tie(to, from, FriendAccepted { from, chats_only_for: vec![] });
    }
}

fn seen(view: &PeopleView, user: UserId, world: &World) -> Vec<(UserId, RequestDirection)> {
    let rows = view.requests_of(user, world.writer.now, WINDOW).unwrap();
    rows.into_iter().map(|row| (row.user, row.direction)).collect()
}

#[test]
fn a_person_is_found_by_id_and_by_handle_whatever_its_case() {
    let mut world = World::new();
    let ann = world.register("ann", "Ann");
    let view = world.view();
    let found = |handle| view.search_handle(UserId::new(), handle).unwrap().map(|row| row.user);
    assert_eq!(["ANN", "", "bob"].map(found), [Some(ann), None, None]);
    let person = view.person(ann).unwrap().unwrap();
    assert_eq!(
        (person.handle.as_str(), person.profile, person.privacy),
        ("ann", Profile::named("Ann"), Privacy::default())
    );
    assert_eq!(person.registered_at, world.writer.now);
}

#[test]
fn profile_and_privacy_follow_their_last_change_also_within_one_batch() {
    let mut world = World::new();
    let ann = world.register("ann", "Ann");
    world.user(ann, ProfileChanged { profile: Profile::named("Anna") });
    let privacy = Privacy { findable: false, who_may_add: WhoMayAdd::Nobody };
    world.user(ann, PrivacyChanged { privacy });
    let person = world.view().person(ann).unwrap().unwrap();
    assert_eq!((person.profile.display_name.as_str(), person.privacy), ("Anna", privacy));
    world.user(ann, ProfileChanged { profile: Profile::named("Annie") });
    let person = world.view().person(ann).unwrap().unwrap();
    assert_eq!((person.profile.display_name.as_str(), person.privacy), ("Annie", privacy));
}

#[test]
fn devices_are_listed_oldest_first_and_go_when_revoked() {
    let mut world = World::new();
    let ann = world.register("ann", "Ann");
    let (phone, desk) = (DeviceId::new(), DeviceId::new());
    for (device, name) in [(desk, "desk"), (phone, "phone")] {
        world.user(ann, DeviceAdded { device, name: name.into(), token_hash: "00".into() });
        world.writer.pass(TimeDelta::seconds(1));
    }
    let names = |view: &PeopleView| view.devices(ann).unwrap().into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(&world.view()), ["desk", "phone"]);
    world.user(ann, DeviceRevoked { device: desk });
    assert_eq!(names(&world.view()), ["phone"]);
}

#[test]
fn an_accepted_request_makes_each_a_contact_of_the_other() {
    let mut world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.ask(ann, bob, false);
    let view = world.view();
    assert!(!view.holds(ann, bob) && view.request_waits(ann, bob) && !view.request_waits(bob, ann));
    assert_eq!(view.requests_waiting_for(bob), 1);
    assert_eq!(seen(&view, ann, &world), [(bob, RequestDirection::Outgoing)]);
    assert_eq!(seen(&view, bob, &world), [(ann, RequestDirection::Incoming)]);
    world.tie(bob, ann, FriendAccepted { from: ann, chats_only_for: vec![] });
    let view = world.view();
    assert!(view.is_mutual(ann, bob));
    assert_eq!((view.friend_count(ann), view.requests_waiting_for(bob)), (1, 0));
    assert_eq!(seen(&view, ann, &world), []);
    let contact = view.contact(ann, bob).unwrap().unwrap();
    assert_eq!((contact.handle.as_str(), contact.conversation), ("bob", ConversationId::direct(ann, bob)));
}

#[test]
fn a_removal_is_one_sided_and_the_notes_are_there_again_after_adding_back() {
    let mut world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.befriend(ann, bob);
    let notes = Notes { remark: "Bobby".into(), starred: true, ..Notes::default() };
    world.note(ann, ContactNoted { contact: bob, notes });
    world.tie(ann, bob, FriendRemoved { other: bob });
    let view = world.view();
    assert!(!view.holds(ann, bob) && view.holds(bob, ann) && !view.is_mutual(ann, bob));
    assert_eq!(view.contacts_of(ann).unwrap(), []);
    drop(view);
    world.tie(ann, bob, FriendRestored { other: bob });
    let (_world, view) = world.reopened();
    let contact = view.contact(ann, bob).unwrap().unwrap();
    assert_eq!((contact.remark.as_str(), contact.starred), ("Bobby", true));
}

#[test]
fn a_request_to_somebody_who_blocked_the_sender_is_seen_by_the_sender_only() {
    let world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.note(bob, PersonBlocked { person: ann });
    world.ask(ann, bob, true);
    let (mut world, view) = world.reopened();
    assert_eq!(seen(&view, ann, &world), [(bob, RequestDirection::Outgoing)]);
    assert_eq!(seen(&view, bob, &world), []);
    assert_eq!(view.requests_waiting_for(bob), 0);
    assert!(!view.request_waits(ann, bob));
    let pair = FriendshipId::between(ann, bob);
    let expired = FriendshipEvent::from(FriendRequestExpired { from: ann, to: bob });
    world.writer.append(format!("friendship-{pair}"), None, &[expired]);
    assert_eq!(seen(&world.view(), ann, &world), []);
}

#[test]
fn a_declined_request_looks_pending_to_its_sender_for_as_long_as_one_that_waits() {
    let world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.ask(ann, bob, false);
    world.tie(bob, ann, FriendDeclined { from: ann });
    let (mut world, view) = world.reopened();
    assert_eq!(seen(&view, ann, &world), [(bob, RequestDirection::Outgoing)]);
    assert_eq!((seen(&view, bob, &world), view.requests_waiting_for(bob)), (vec![], 0));
    world.writer.pass(WINDOW - TimeDelta::seconds(1));
    assert_eq!(seen(&view, ann, &world).len(), 1);
    world.writer.pass(TimeDelta::seconds(1));
    assert_eq!(seen(&view, ann, &world), []);
    world.ask(ann, bob, false);
    assert_eq!(world.view().requests_waiting_for(bob), 1, "asking again is a new request");
}

#[test]
fn a_request_the_other_way_replaces_the_first() {
    let mut world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.ask(ann, bob, false);
    world.ask(bob, ann, false);
    let view = world.view();
    assert_eq!(seen(&view, ann, &world), [(bob, RequestDirection::Incoming)]);
    assert_eq!(view.requests_waiting_for(bob), 0);
}

#[test]
fn a_friend_beyond_the_limit_begins_as_chats_only_until_the_notes_say_otherwise() {
    let world = World::new();
    let (ann, bob) = (world.register("ann", "Ann"), world.register("bob", "Bob"));
    world.ask(ann, bob, false);
    world.tie(bob, ann, FriendAccepted { from: ann, chats_only_for: vec![bob] });
    let (mut world, view) = world.reopened();
    assert!(view.contact(bob, ann).unwrap().unwrap().chats_only && view.notes_on(bob, ann).chats_only);
    assert!(!view.contact(ann, bob).unwrap().unwrap().chats_only);
    assert_eq!(view.friend_count(bob), 1);
    world.note(bob, ContactNoted { contact: ann, notes: Notes { starred: true, ..Notes::default() } });
    let view = world.view();
    assert!(!view.contact(bob, ann).unwrap().unwrap().chats_only);
}

#[test]
fn contacts_come_starred_first_then_by_the_name_shown() {
    let mut world = World::new();
    let me = world.register("me_myself", "Me");
    let others = ["Zoe", "bob", "Ann", "Yan"].map(|name| world.register(&name.to_lowercase(), name));
    others.iter().for_each(|other| world.befriend(me, *other));
    world.note(me, ContactNoted { contact: others[0], notes: Notes { remark: "aaa".into(), ..Notes::default() } });
    world.note(me, ContactNoted { contact: others[3], notes: Notes { starred: true, ..Notes::default() } });
    let rows = world.view().contacts_of(me).unwrap();
    assert_eq!(rows.iter().map(|row| row.shown_name()).collect::<Vec<_>>(), ["Yan", "aaa", "Ann", "bob"]);
}

#[test]
fn contacts_are_searched_by_remark_name_and_handle() {
    let mut world = World::new();
    let me = world.register("me_myself", "Me");
    let (tea, cup) = (world.register("tea_lover", "Ann"), world.register("cup_1", "Bob"));
    let stranger = world.register("tea_hater", "Teetotaller");
    world.befriend(me, tea);
    world.befriend(me, cup);
    world.note(me, ContactNoted { contact: cup, notes: Notes { remark: "茶友".into(), ..Notes::default() } });
    let view = world.view();
    let found =
        |text: &str| view.search_contacts(me, text, 10).unwrap().into_iter().map(|row| row.user).collect::<Vec<_>>();
    assert_eq!(found("TEA"), [tea]);
    assert_eq!(found("ann"), [tea]);
    assert_eq!(found("茶"), [cup]);
    assert!(!found("").contains(&stranger));
    assert_eq!(view.search_contacts(me, "", 1).unwrap().len(), 1);
}

#[test]
fn who_is_not_findable_is_found_only_by_those_who_have_them() {
    let mut world = World::new();
    let (ann, bob, eve) = (world.register("ann", "Ann"), world.register("bob", "Bob"), world.register("eve", "Eve"));
    world.befriend(ann, bob);
    let view = world.view();
    assert_eq!(view.search_handle(eve, "Bob").unwrap().unwrap().user, bob);
    assert!(view.search_handle(eve, "bo").unwrap().is_none(), "never by a part");
    world.user(bob, PrivacyChanged { privacy: Privacy { findable: false, ..Privacy::default() } });
    let view = world.view();
    assert!(view.search_handle(eve, "bob").unwrap().is_none());
    let found = view.search_handle(ann, "bob").unwrap().unwrap();
    assert!(found.contact && !found.blocked);
    assert!(view.search_handle(bob, "bob").unwrap().is_some());
}

#[test]
fn tags_count_the_contacts_that_have_them_and_a_deleted_one_is_gone_from_all() {
    let mut world = World::new();
    let me = world.register("me_myself", "Me");
    let others = ["ann", "bob"].map(|name| world.register(name, name));
    let (work, tea) = (TagId::new(), TagId::new());
    world.note(me, TagNamed { tag: work, name: "work".into() });
    world.note(me, TagNamed { tag: tea, name: "tea".into() });
    for other in others {
        world.befriend(me, other);
        world.note(me, ContactNoted { contact: other, notes: Notes { tags: [work, tea].into(), ..Notes::default() } });
    }
    world.tie(me, others[1], FriendRemoved { other: others[1] });
    let tags = |view: &PeopleView| view.tags_of(me).into_iter().map(|row| (row.name, row.count)).collect::<Vec<_>>();
    assert_eq!(tags(&world.view()), [("tea".to_owned(), 1), ("work".to_owned(), 1)]);
    world.note(me, TagDeleted { tag: work });
    let (_world, view) = world.reopened();
    assert_eq!(tags(&view), [("tea".to_owned(), 1)]);
    assert_eq!(view.contact(me, others[0]).unwrap().unwrap().tags, [tea]);
}

#[test]
fn blocked_people_are_listed_until_unblocked() {
    let mut world = World::new();
    let (ann, bob, eve) = (world.register("ann", "Ann"), world.register("bob", "Bob"), world.register("eve", "Eve"));
    world.note(ann, PersonBlocked { person: bob });
    world.writer.pass(TimeDelta::seconds(1));
    world.note(ann, PersonBlocked { person: eve });
    let (mut world, view) = world.reopened();
    assert!(view.blocks(ann, bob) && !view.blocks(bob, ann));
    let listed = |view: &PeopleView| view.blocked_by(ann).unwrap().into_iter().map(|row| row.user).collect::<Vec<_>>();
    assert_eq!(listed(&view), [eve, bob]);
    world.note(ann, PersonUnblocked { person: eve });
    assert_eq!(listed(&world.view()), [bob]);
}

#[test]
fn an_unreadable_event_of_a_person_is_poison_and_one_of_a_stranger_is_not() {
    let mut world = World::new();
    world.writer.odd("order-1", "order.paid");
    world.view();
    let at = world.writer.odd(&format!("user-{}", UserId::new()), "user.teleported");
    let facts = world.writer.facts(world.projection.checkpoint());
    let stopped = world.projection.apply(&facts).unwrap_err();
    assert!(matches!(stopped, projections::ProjectionError::Poison { position, .. } if position == at));
    // Nothing of the batch is on disk.
    drop(world.projection);
    let reopened = PeopleProjection::open(Path::new(world.dir.path())).unwrap();
    assert!(reopened.checkpoint() < at);
}
