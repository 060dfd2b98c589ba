//! Random worlds: people who become friends and fall out, tag, block and post, and the oracle that is told of all of it.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CircleEvent, CommentId, ContactsEvent, FriendshipEvent, FriendshipId, MediumId, PostEvent, PostId, TagId, UserId,
    contacts::{ContactNoted, Notes, PersonBlocked, PersonUnblocked, TagDeleted, TagNamed},
    friendship::{FriendAccepted, FriendRemoved, FriendRestored},
    medium::Carried,
    moments::{
        circle::{MomentsCoverChanged, MomentsSettingsChanged, NoticesRead, Settings, TimelineViewed},
        post::{
            Audience, CommentAdded, CommentDeleted, Draft, LikeTakenBack, People, PostDeleted, PostLiked,
            PostPublished, ReplyTo,
        },
        visibility::Window,
    },
};
use eventlog::Position;
use projections::Fact;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    oracle::{Deed, Numbers, Oracle, Post, Sees},
    support::{Writer, epoch},
};

/// A world, while it is being made.
pub struct World<'a> {
    pub oracle: Oracle,
    pub people: Vec<UserId>,
    /// Every post that ever was.
    pub ever: Vec<PostId>,
    writer: &'a mut Writer,
    tags: Vec<TagId>,
    rng: StdRng,
}

impl<'a> World<'a> {
    /// Some people, many of whom are friends.
    pub fn begin(writer: &'a mut Writer, seed: u64, numbers: Numbers) -> Self {
        writer.now = epoch();
        let mut rng = StdRng::seed_from_u64(seed);
        let people: Vec<UserId> = (0..rng.random_range(3..=5)).map(|_| UserId::new()).collect();
        let tags = vec![TagId::new(), TagId::new()];
        let mut world =
            Self { oracle: Oracle { numbers, ..Oracle::default() }, people, ever: vec![], writer, tags, rng };
        for one in 0..world.people.len() {
            for other in one + 1..world.people.len() {
                if world.rng.random_bool(0.7) {
                    world.befriend(world.people[one], world.people[other]);
                }
            }
        }
        world
    }

    /// The time in this world.
    pub fn now(&self) -> DateTime<Utc> {
        self.writer.now
    }

    /// What has happened after a position.
    pub fn facts(&self, after: Position) -> Vec<Arc<Fact>> {
        self.writer.facts(after)
    }

    fn person(&mut self) -> UserId {
        *self.people.choose(&mut self.rng).unwrap()
    }

    /// One more thing that happens.
    pub fn step(&mut self) {
        let hours = match self.rng.random_range(0..20) {
            0 => 24 * 31,
            1 => 24 * 100,
            2..5 => 30,
            _ => 1,
        };
        self.writer.pass(TimeDelta::hours(self.rng.random_range(0..=hours)));
        let (me, other) = (self.person(), self.person());
        match self.rng.random_range(0..32) {
            0..2 if me != other => self.part_or_meet(me, other),
            2..4 if me != other => self.block_or_not(me, other),
            4..7 if me != other => self.note(me, other),
            7 => self.delete_tag(me),
            8..10 => self.set(me),
            30..32 => self.cover(me),
            10..14 => self.publish(me),
            14 => self.delete_post(),
            15 => self.mark(me),
            16..21 => self.like_or_not(me),
            21..28 => self.comment(me),
            _ => self.delete_comment(),
        }
    }

    fn tie(&mut self, by: UserId, other: UserId, event: impl Into<FriendshipEvent>) {
        self.writer.append(format!("friendship-{}", FriendshipId::between(by, other)), Some(by), &[event.into()]);
    }

    fn contacts(&mut self, by: UserId, event: impl Into<ContactsEvent>) {
        self.writer.append(format!("contacts-{by}"), Some(by), &[event.into()]);
    }

    fn circle(&mut self, by: UserId, event: impl Into<CircleEvent>) {
        self.writer.append(format!("moments-{by}"), Some(by), &[event.into()]);
    }

    fn below(&mut self, post: PostId, by: UserId, event: impl Into<PostEvent>) -> u64 {
        if let Some(post) = self.oracle.posts.iter_mut().find(|known| known.id == post) {
            post.version += 1;
        }
        self.writer.append(format!("post-{post}"), Some(by), &[event.into()]).0
    }

    fn befriend(&mut self, one: UserId, other: UserId) {
        let chats_only_for = if self.rng.random_bool(0.1) { vec![one] } else { vec![] };
        for (holder, held) in [(one, other), (other, one)] {
            self.oracle.holds.insert((holder, held));
            self.oracle.began_as_chats_only.remove(&(holder, held));
            if chats_only_for.contains(&holder) {
                self.oracle.began_as_chats_only.insert((holder, held));
            }
        }
        self.tie(other, one, FriendAccepted { from: one, chats_only_for });
    }

    fn part_or_meet(&mut self, me: UserId, other: UserId) {
        if self.oracle.holds.contains(&(me, other)) {
            self.oracle.holds.remove(&(me, other));
            self.tie(me, other, FriendRemoved { other });
        } else if self.oracle.holds.contains(&(other, me)) {
            self.oracle.holds.insert((me, other));
            self.tie(me, other, FriendRestored { other });
        } else {
            self.befriend(me, other);
        }
    }

    fn block_or_not(&mut self, me: UserId, person: UserId) {
        if self.oracle.blocks.remove(&(me, person)) {
            self.contacts(me, PersonUnblocked { person });
        } else {
            self.oracle.blocks.insert((me, person));
            self.contacts(me, PersonBlocked { person });
        }
    }

    fn note(&mut self, me: UserId, contact: UserId) {
        let tags: BTreeSet<TagId> = self.tags.iter().copied().filter(|_| self.rng.random_bool(0.4)).collect();
        let notes = Notes {
            tags,
            chats_only: self.rng.random_bool(0.15),
            hides_own_moments: self.rng.random_bool(0.15),
            skips_their_moments: self.rng.random_bool(0.15),
            ..Notes::default()
        };
        self.oracle.notes.insert((me, contact), notes.clone());
        self.contacts(me, ContactNoted { contact, notes });
    }

    fn delete_tag(&mut self, me: UserId) {
        let tag = *self.tags.choose(&mut self.rng).unwrap();
        self.contacts(me, TagNamed { tag, name: "some".into() });
        self.contacts(me, TagDeleted { tag });
        let mine = self.oracle.notes.iter_mut().filter(|((user, _), _)| *user == me);
        mine.for_each(|(_, notes)| notes.tags.retain(|other| *other != tag));
    }

    fn set(&mut self, me: UserId) {
        let window = *[Window::ThreeDays, Window::Month, Window::HalfYear, Window::All].choose(&mut self.rng).unwrap();
        let (open_to_strangers, only_about_me) = (self.rng.random(), self.rng.random_bool(0.3));
        let settings = Settings { window, open_to_strangers, only_about_me };
        self.oracle.settings.insert(me, settings);
        self.circle(me, MomentsSettingsChanged { settings });
    }

    fn cover(&mut self, me: UserId) {
        let medium = MediumId::new();
        if self.rng.random_bool(0.8) {
            self.oracle.covers.insert(me, medium);
            self.circle(me, MomentsCoverChanged { cover: Some(Carried { medium, facts: None }) });
        } else {
            self.oracle.covers.remove(&me);
            self.circle(me, MomentsCoverChanged { cover: None });
        }
    }

    fn mark(&mut self, me: UserId) {
        let position = self.writer.last().0 - self.rng.random_range(0..20);
        let oracle = &mut self.oracle;
        let (marks, event): (_, CircleEvent) = if self.rng.random() {
            (&mut oracle.viewed, TimelineViewed { position }.into())
        } else {
            (&mut oracle.notices_read, NoticesRead { position }.into())
        };
        let mark = marks.entry(me).or_default();
        *mark = position.max(*mark);
        self.circle(me, event);
    }

    fn publish(&mut self, author: UserId) {
        let some = |rng: &mut StdRng, people: &[UserId]| -> BTreeSet<UserId> {
            people.iter().copied().filter(|_| rng.random_bool(0.3)).collect()
        };
        let list = People {
            people: some(&mut self.rng, &self.people),
            tags: self.tags.iter().copied().filter(|_| self.rng.random_bool(0.4)).collect(),
        };
        let audience = match self.rng.random_range(0..8) {
            0 => Audience::OnlyMe,
            1..3 => Audience::Share(list),
            3..5 => Audience::Hide(list),
            _ => Audience::Friends,
        };
        let remind = if self.rng.random_bool(0.4) { some(&mut self.rng, &self.people) } else { BTreeSet::new() };
        let (id, at) = (PostId::new(), self.writer.now);
        let draft =
            Draft { text: "tea".into(), audience: audience.clone(), remind: remind.clone(), ..Draft::default() };
        let position = self.below(id, author, PostPublished { draft });
        self.oracle.posts.push(Post { id, position, author, at, audience, remind, version: 0, deeds: vec![] });
        self.ever.push(id);
    }

    /// A post, most often one that they see whole.
    fn post_for(&mut self, me: UserId) -> Option<usize> {
        let (now, rng) = (self.writer.now, &mut self.rng);
        let anything = rng.random_bool(0.1);
        let posts = self.oracle.posts.iter().enumerate();
        let open = posts.filter(|(_, post)| anything || self.oracle.sees(me, post, now) == Sees::All);
        open.map(|(at, _)| at).collect::<Vec<_>>().choose(rng).copied()
    }

    fn delete_post(&mut self) {
        if self.oracle.posts.is_empty() {
            return;
        }
        let post = self.oracle.posts.remove(self.rng.random_range(0..self.oracle.posts.len()));
        self.below(post.id, post.author, PostDeleted {});
    }

    fn like_or_not(&mut self, actor: UserId) {
        let Some(at) = self.post_for(actor) else { return };
        let id = self.oracle.posts[at].id;
        let own = |deed: &Deed| deed.actor == actor && deed.comment.is_none();
        if self.oracle.posts[at].deeds.iter().any(own) {
            self.below(id, actor, LikeTakenBack {});
            self.oracle.posts[at].deeds.retain(|deed| !own(deed));
            return;
        }
        let position = self.below(id, actor, PostLiked {});
        self.did(at, Deed { position, actor, comment: None, answered: None, version: 0 });
    }

    fn comment(&mut self, actor: UserId) {
        let Some(at) = self.post_for(actor) else { return };
        let id = self.oracle.posts[at].id;
        let comments: Vec<Deed> =
            self.oracle.posts[at].deeds.iter().filter(|deed| deed.comment.is_some()).cloned().collect();
        let answers = comments.choose(&mut self.rng).filter(|_| self.rng.random_bool(0.6));
        let reply_to = answers.and_then(|deed| Some(ReplyTo { comment: deed.comment?, author: deed.actor }));
        let (comment, answered) = (CommentId::new(), reply_to.map(|reply| reply.author));
        let position = self.below(id, actor, CommentAdded { comment, text: "good".into(), reply_to });
        self.did(at, Deed { position, actor, comment: Some(comment), answered, version: 0 });
    }

    /// Tells the oracle of the last thing that happened to a post.
    fn did(&mut self, at: usize, deed: Deed) {
        let post = &mut self.oracle.posts[at];
        post.deeds.push(Deed { version: post.version, ..deed });
    }

    fn delete_comment(&mut self) {
        if self.oracle.posts.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.oracle.posts.len());
        let post = &mut self.oracle.posts[at];
        let comments: Vec<CommentId> = post.deeds.iter().filter_map(|deed| deed.comment).collect();
        let Some(comment) = comments.choose(&mut self.rng).copied() else { return };
        post.deeds.retain(|deed| deed.comment != Some(comment));
        let (id, author) = (post.id, post.author);
        self.below(id, author, CommentDeleted { comment });
    }
}
