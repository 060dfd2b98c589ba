//! Random histories: people who do whatever they may, decided by the domain itself.

mod calls;
mod group_calls;
mod groups;
mod media;
mod official_accounts;

use std::{collections::HashMap, hash::Hash};

use chrono::TimeDelta;
use domain::{
    Aggregate, Article, ArticleId, Broadcasts, Call, CallId, Circle, CommentId, Contacts, Conversation, ConversationId,
    DeviceId, EventMeta, FollowerNotes, FollowerTags, Friendship, FriendshipId, GroupCall, Inbox, Medium, MediumId,
    OfficialAccount, OfficialAccountId, Policy, Post, PostId, Reading, Rejection, StickerCollection, StickerPack,
    StickerPackId, Subscriptions, TagId, User, UserId, Webhook,
    contacts::Notes,
    conversation::{
        Content, Kind,
        messages::{Draft, SentBy},
    },
    friendship::{FriendRequested, Source},
    medium::Carried,
    moments::{circle::Settings, post::Draft as PostDraft, visibility::Sight},
    sticker_pack::{Sticker, StickerPackPublished},
    user::{DeviceAdded, Privacy, Profile, UserRegistered, WhoMayAdd},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use super::Writer;

/// The state of streams of one kind, with their versions.
struct Streams<A: Aggregate> {
    states: HashMap<A::Id, (A, u64)>,
}

impl<A: Aggregate> Streams<A>
where
    A::Id: Hash,
{
    fn new() -> Self {
        Self { states: HashMap::new() }
    }

    fn state(&self, id: A::Id) -> A {
        self.states.get(&id).map(|(state, _)| state.clone()).unwrap_or_default()
    }

    /// Writes events and takes them into the state. Every third command comes with a key.
    fn put(&mut self, writer: &Writer, rng: &mut StdRng, id: A::Id, actor: Option<UserId>, events: &[A::Event]) {
        if events.is_empty() {
            return;
        }
        let fingerprint = rng.random_bool(0.3).then(|| rng.random());
        writer.command(format!("{}-{id}", A::CATEGORY), actor, events, Uuid::from_u128(rng.random()), fingerprint);
        let (state, version) = self.states.entry(id).or_default();
        for event in events {
            *version += 1;
            state.evolve(event, &EventMeta { actor, at: writer.now, version: *version });
        }
    }
}

/// A history that grows.
pub struct History {
    pub writer: Writer,
    pub people: Vec<UserId>,
    pub groups: Vec<ConversationId>,
    rng: StdRng,
    policy: Policy,
    users: Streams<User>,
    friendships: Streams<Friendship>,
    contacts: Streams<Contacts>,
    conversations: Streams<Conversation>,
    inboxes: Streams<Inbox>,
    packs: Vec<StickerPackId>,
    tags: Vec<(UserId, TagId)>,
    sent: Vec<(ConversationId, SentBy)>,
    posts: Streams<Post>,
    published: Vec<(PostId, UserId)>,
    said: Vec<(PostId, CommentId)>,
    circles: Streams<Circle>,
    accounts: Streams<OfficialAccount>,
    registered: Vec<(OfficialAccountId, UserId)>,
    subscriptions: Streams<Subscriptions>,
    webhooks: Streams<Webhook>,
    articles: Streams<Article>,
    written: Vec<(ArticleId, OfficialAccountId)>,
    readings: Streams<Reading>,
    broadcasts: Streams<Broadcasts>,
    follower_tags: Streams<FollowerTags>,
    follower_notes: Streams<FollowerNotes>,
    calls: Streams<Call>,
    /// The last calls of pairs of friends, with their numbers.
    placed: Vec<(CallId, u64, UserId, UserId)>,
    group_calls: Streams<GroupCall>,
    /// The last calls of groups, with whether their group shows that they are over.
    started: HashMap<ConversationId, (CallId, u64, bool)>,
    media: Streams<Medium>,
    brought: Vec<(UserId, MediumId)>,
    collections: Streams<StickerCollection>,
}

impl History {
    /// Some registered people, and nothing else yet.
    pub fn new(seed: u64, people: usize) -> Self {
        let mut history = Self {
            writer: Writer::new(),
            people: vec![],
            groups: vec![],
            rng: StdRng::seed_from_u64(seed),
            // Small enough that the rules for large groups are met.
            policy: Policy { invite_freely_up_to: 4, full_friends_max: 3, ..Policy::default() },
            users: Streams::new(),
            friendships: Streams::new(),
            contacts: Streams::new(),
            conversations: Streams::new(),
            inboxes: Streams::new(),
            packs: vec![],
            tags: vec![],
            sent: vec![],
            posts: Streams::new(),
            published: vec![],
            said: vec![],
            circles: Streams::new(),
            accounts: Streams::new(),
            registered: vec![],
            subscriptions: Streams::new(),
            webhooks: Streams::new(),
            articles: Streams::new(),
            written: vec![],
            readings: Streams::new(),
            broadcasts: Streams::new(),
            follower_tags: Streams::new(),
            follower_notes: Streams::new(),
            calls: Streams::new(),
            placed: vec![],
            group_calls: Streams::new(),
            started: HashMap::new(),
            media: Streams::new(),
            brought: vec![],
            collections: Streams::new(),
        };
        (0..people).for_each(|number| history.register(number));
        (0..3).for_each(|_| history.publish_stickers());
        history
    }

    /// One more thing that somebody tries to do; refused ones leave no trace.
    pub fn step(&mut self) {
        let seconds = if self.rng.random_bool(0.02) { 20 * 3600 } else { self.rng.random_range(0..40) };
        self.writer.pass(TimeDelta::microseconds(seconds * 1_000_000 + self.rng.random_range(0..1_000_000)));
        let (me, other) = (self.person(), self.person());
        match self.rng.random_range(0..49) {
            0..8 => self.talk(me),
            8 => self.recall(),
            9..12 => self.note(me, other),
            12..14 => self.look(me),
            14 => self.found_group(me),
            15..18 => self.run_group(me, other),
            18 => self.change_person(me),
            19..24 => self.show(me, other),
            24..26 => self.follow(me, other),
            26..29 => self.call(),
            // Often, since it takes two who ask and accept, and much else is done by friends only.
            29..35 => self.befriend(me, other),
            35..37 => self.bring(me),
            37..39 => self.collect(me),
            39..42 => self.publish(me),
            42..45 => self.broadcast(me),
            45..48 => self.call_group(me),
            _ => self.expire(me, other),
        }
    }

    /// An id that the seed decides, so that a history can be had again.
    fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.random())
    }

    fn person(&mut self) -> UserId {
        *self.people.choose(&mut self.rng).unwrap()
    }

    fn word(&mut self) -> String {
        let words = ["tea", "龙井茶", "hello there", "早上好，喝茶吗", "ok", "see https://example.org/茶"];
        (*words.choose(&mut self.rng).unwrap()).to_owned()
    }

    fn register(&mut self, number: usize) {
        let user = UserId(self.id());
        let (handle, profile) = (format!("person_{number}"), Profile::named(format!("Person {number}")));
        let registered = UserRegistered { handle, profile, password: "$argon2id$".into() };
        let device = DeviceAdded { device: DeviceId(self.id()), name: "phone".into(), token_hash: "00".into() };
        let events = User::default().register(registered, device).unwrap();
        self.users.put(&self.writer, &mut self.rng, user, Some(user), &events);
        self.people.push(user);
    }

    fn publish_stickers(&mut self) {
        let sticker = |name: &str| Sticker { name: name.into(), glyph: "🍵".into() };
        let stickers = vec![sticker("cup"), sticker("pot")];
        let pack = StickerPackPublished { title: "Tea".into(), author: "House".into(), stickers };
        let events = StickerPack::default().publish(pack).unwrap();
        let id = StickerPackId(self.id());
        Streams::<StickerPack>::new().put(&self.writer, &mut self.rng, id, None, &events);
        self.packs.push(id);
    }

    fn change_person(&mut self, me: UserId) {
        let (user, word) = (self.users.state(me), self.word());
        let events = match self.rng.random_range(0..5) {
            0 => {
                let avatar = self.own_picture(me);
                user.change_profile(Profile { about: word, avatar, ..Profile::named("Somebody") })
            }
            1 => Ok(user.change_privacy(Privacy {
                findable: self.rng.random(),
                who_may_add: if self.rng.random() { WhoMayAdd::Anyone } else { WhoMayAdd::GroupMembers },
            })),
            2 => Ok(user.change_password("$argon2id$2".into(), user.devices[0].id)),
            3 if user.devices.len() > 1 => user.revoke_device(user.devices[1].id),
            _ => {
                let device = DeviceAdded { device: DeviceId(self.id()), name: word, token_hash: "01".into() };
                user.add_device(device, &self.policy)
            }
        };
        self.users.put(&self.writer, &mut self.rng, me, Some(me), &events.unwrap_or_default());
    }

    fn befriend(&mut self, me: UserId, other: UserId) {
        let pair = FriendshipId::between(me, other);
        let state = self.friendships.state(pair);
        let greeting = self.word();
        let events = match self.rng.random_range(0..6) {
            0..2 => {
                let dropped = self.contacts.state(other).blocks(me);
                state.ask(me, FriendRequested { to: other, greeting, source: Source::Search, dropped })
            }
            2..4 => {
                let only = if self.rng.random_bool(0.2) { vec![me] } else { vec![] };
                state.accept(me, other, only)
            }
            4 => state.decline(me, other),
            _ => state.remove(me, other),
        };
        let events = if me == other { vec![] } else { events.unwrap_or_default() };
        self.friendships.put(&self.writer, &mut self.rng, pair, Some(me), &events);
        if self.friendships.state(pair).is_mutual() {
            let id = ConversationId::direct(me, other);
            let opened = self.conversations.state(id).open(pair);
            self.conversations.put(&self.writer, &mut self.rng, id, Some(me), &opened);
        }
    }

    fn note(&mut self, me: UserId, other: UserId) {
        let (state, word) = (self.contacts.state(me), self.word());
        let mine: Vec<TagId> = self.tags.iter().filter(|(user, _)| *user == me).map(|(_, tag)| *tag).collect();
        let fresh = TagId(self.id());
        let tag = mine.choose(&mut self.rng).copied().unwrap_or(fresh);
        let events = match self.rng.random_range(0..6) {
            0 => {
                self.tags.push((me, tag));
                state.name_tag(tag, word.chars().take(10).collect(), &self.policy)
            }
            1 => state.delete_tag(tag),
            2 => state.block(other, &self.policy),
            3 => Ok(state.unblock(other)),
            _ => {
                let tags = if state.has_tag(tag) { [tag].into() } else { [].into() };
                let notes = Notes {
                    remark: word,
                    starred: self.rng.random(),
                    chats_only: self.rng.random(),
                    tags,
                    ..Notes::default()
                };
                let friendship = self.friendships.state(FriendshipId::between(me, other));
                let began = friendship.began_as_chats_only_for(me);
                state.note(other, began, |_| notes.clone(), &self.policy)
            }
        };
        self.contacts.put(&self.writer, &mut self.rng, me, Some(me), &events.unwrap_or_default());
    }

    /// A conversation that somebody is in.
    fn conversation_of(&mut self, me: UserId) -> Option<ConversationId> {
        let all = self.conversations.states.iter();
        let mut mine: Vec<ConversationId> =
            all.filter(|(_, (state, _))| state.has_member(me)).map(|(id, _)| *id).collect();
        mine.sort_unstable();
        mine.choose(&mut self.rng).copied()
    }

    fn talk(&mut self, me: UserId) {
        let Some(id) = self.conversation_of(me) else { return };
        let (state, text, now) = (self.conversations.state(id), self.word(), self.writer.now);
        let target = self.person();
        let events = match self.rng.random_range(0..12) {
            0 => state.pat(me, target, text, &self.policy, now),
            1 => state.announce(me, text, &self.policy, now),
            2 => {
                let (pack, sticker) = (self.packs[0], "cup".to_owned());
                state.send(me, Draft::of(Content::Sticker { pack, sticker }), &self.policy, now)
            }
            3 => {
                let reply_to = Some(self.rng.random_range(1..=state.seq.max(1)));
                let mentions = if state.has_member(target) && target != me { vec![target] } else { vec![] };
                let draft = Draft { reply_to, mentions, ..Draft::of(Content::Text { text }) };
                state.send(me, draft, &self.policy, now)
            }
            4 => {
                let picture = self.own_picture(me).unwrap_or(Carried { medium: MediumId(Uuid::nil()), facts: None });
                state.send(me, Draft::of(Content::Picture(picture)), &self.policy, now)
            }
            _ => state.send(me, Draft::of(Content::Text { text }), &self.policy, now),
        };
        let kind = events.iter().flatten().find_map(|event| match event {
            domain::ConversationEvent::MessageSent(sent) => Some(sent.content.kind()),
            _ => None,
        });
        self.converse(id, Some(me), events);
        let seq = self.conversations.state(id).seq;
        if let Some(kind) = kind.filter(|_| seq > state.seq) {
            self.sent.push((id, SentBy { seq, sender: me, at: now, kind }));
        }
    }

    fn recall(&mut self) {
        let from = self.sent.len().saturating_sub(5);
        let Some((id, message)) = self.sent[from..].choose(&mut self.rng).copied() else { return };
        let events = self.conversations.state(id).recall(message.sender, message, &self.policy, self.writer.now);
        self.converse(id, Some(message.sender), events);
    }

    fn converse(
        &mut self,
        id: ConversationId,
        actor: Option<UserId>,
        events: Result<Vec<domain::ConversationEvent>, Rejection>,
    ) {
        self.conversations.put(&self.writer, &mut self.rng, id, actor, &events.unwrap_or_default());
    }

    fn look(&mut self, me: UserId) {
        let Some(conversation) = self.conversation_of(me) else { return };
        let (state, last) = (self.inboxes.state(me), self.conversations.state(conversation).seq);
        let seq = self.rng.random_range(0..=last);
        let device = self.users.state(me).devices[0].id;
        let on = self.rng.random();
        let events = match self.rng.random_range(0..9) {
            0 => state.pin(conversation, on),
            1 => state.mute(conversation, on),
            2 => state.hide(conversation, last),
            3 => state.clear(conversation, seq),
            4 if seq > 0 => state.delete(conversation, seq),
            _ => state.read(conversation, seq, device),
        };
        self.inboxes.put(&self.writer, &mut self.rng, me, Some(me), &events);
    }

    /// Somebody does something in Moments. Who sees what is no concern of rows.
    fn show(&mut self, me: UserId, other: UserId) {
        let (word, fresh, now) = (self.word(), self.id(), self.writer.last().0);
        let (post, author) = self.published.choose(&mut self.rng).copied().unwrap_or((PostId(fresh), me));
        let state = self.posts.state(post);
        let events = match self.rng.random_range(0..12) {
            0..2 => {
                let draft = PostDraft { text: word, remind: [other].into(), ..PostDraft::default() };
                self.published.push((PostId(fresh), me));
                let events = Post::default().publish(draft, |_| true, &self.policy).unwrap();
                return self.posts.put(&self.writer, &mut self.rng, PostId(fresh), Some(me), &events);
            }
            2 => {
                let circle = self.circles.state(me);
                let own = self.own_picture(me);
                let events = match self.rng.random_range(0..4) {
                    0 => circle.view(now),
                    1 => circle.read_notices(now),
                    2 => circle.change_cover(own),
                    _ => circle.change(|settings| Settings { only_about_me: !settings.only_about_me, ..settings }),
                };
                return self.circles.put(&self.writer, &mut self.rng, me, Some(me), &events);
            }
            3 if self.rng.random_bool(0.2) => {
                let events = state.delete(author, Sight::Full).unwrap_or_default();
                return self.posts.put(&self.writer, &mut self.rng, post, Some(author), &events);
            }
            3..6 => state.like(me, Sight::Full),
            6 => state.take_like_back(me, Sight::Full),
            7..10 => {
                self.said.push((post, CommentId(fresh)));
                state.add_comment(CommentId(fresh), word, None, Sight::Full, |_| true, &self.policy)
            }
            _ => {
                let Some((post, said)) = self.said.choose(&mut self.rng).copied() else { return };
                let state = self.posts.state(post);
                let events = if self.rng.random_bool(0.3) {
                    let by = state.comment(said).map_or(me, |comment| comment.author);
                    state.delete_comment(by, said, Sight::Full, |_| true)
                } else {
                    self.said.push((post, CommentId(fresh)));
                    state.add_comment(CommentId(fresh), word, Some(said), Sight::Full, |_| true, &self.policy)
                };
                return self.posts.put(&self.writer, &mut self.rng, post, Some(me), &events.unwrap_or_default());
            }
        };
        self.posts.put(&self.writer, &mut self.rng, post, Some(me), &events.unwrap_or_default());
    }

    /// What waits between the two, or for one of them in a group, has waited long enough.
    fn expire(&mut self, me: UserId, other: UserId) {
        let pair = FriendshipId::between(me, other);
        let state = self.friendships.state(pair);
        let events = state.request.map(|open| state.expire_request(pair, open.version)).unwrap_or_default();
        self.friendships.put(&self.writer, &mut self.rng, pair, None, &events);
        let Some(id) = self.groups.choose(&mut self.rng).copied() else { return };
        let state = self.conversations.state(id);
        if let Kind::Group(group) = &state.kind {
            let pending = group.invited.get(&me).or(group.requested.get(&me));
            let events = pending.map(|pending| state.expire_pending(me, pending.version)).unwrap_or_default();
            self.converse(id, None, Ok(events));
        }
    }

    /// Everything that waits by the domain's own reckoning: friend requests, invitations, requests to join.
    pub fn waiting(&self) -> Vec<(projections::deadlines::Wait, u64)> {
        use projections::deadlines::Wait;
        let asked = self.friendships.states.iter().filter_map(|(pair, (state, _))| {
            state.request.map(|request| (Wait::FriendRequest(*pair), request.version))
        });
        let mut waiting: Vec<(Wait, u64)> = asked.collect();
        for (id, (state, _)) in &self.conversations.states {
            if let Kind::Group(group) = &state.kind {
                let invited =
                    group.invited.iter().map(|(user, pending)| (Wait::Invitation(*id, *user), pending.version));
                let requested =
                    group.requested.iter().map(|(user, pending)| (Wait::JoinRequest(*id, *user), pending.version));
                waiting.extend(invited.chain(requested));
            }
        }
        waiting.sort_unstable();
        waiting
    }

    /// Whether one person has another among the contacts, by the domain's own reckoning.
    pub fn holds(&self, holder: UserId, other: UserId) -> bool {
        self.friendships.state(FriendshipId::between(holder, other)).held_by(holder)
    }

    /// Whether one person blocks another, by the domain's own reckoning.
    pub fn blocks(&self, user: UserId, person: UserId) -> bool {
        self.contacts.state(user).blocks(person)
    }

    /// What a person noted about another, by the domain's own reckoning.
    pub fn notes_on(&self, user: UserId, contact: UserId) -> Notes {
        let began = self.friendships.state(FriendshipId::between(user, contact)).began_as_chats_only_for(user);
        self.contacts.state(user).notes_on(contact, began)
    }
}
