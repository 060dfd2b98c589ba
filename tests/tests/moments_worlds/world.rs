//! A random world, while people do things in it over HTTP, and the oracle that is told of all of it.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use domain::{
    CommentId, MediumId, PostId, TagId, UserId,
    contacts::Notes,
    moments::{
        circle::Settings,
        post::{Audience, People},
        visibility::Window,
    },
};
use image::ImageFormat;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use teahouse_tests::{
    Person, Reply, Server, Socket, befriend,
    media::encoded,
    people::{number_at, text_at},
};

use super::{
    look,
    oracle::{Deed, Numbers, Oracle, Post, Sees},
};

/// The numbers in the rules, as the server has them.
const NUMBERS: Numbers = Numbers { stranger_posts: 10, company: 100, own_deeds: 50 };
/// How long passes at a time: never so that something stands just at the edge of a window.
const PASSES: Duration = Duration::from_secs(25 * 3600);
/// People who do things, besides one who only announces the end.
const ACTORS: usize = 4;

/// Two people apart from everything. What one says to the other is pushed once all that happened before was.
pub struct Echo {
    caller: Person,
    post: String,
    socket: Socket,
}

impl Echo {
    pub fn of(server: &Server) -> Self {
        let [caller, hearer] = server.people(["caller", "hearer"]);
        let _ = befriend(&caller, &hearer);
        let post = hearer.publish("hello?");
        let socket = Socket::connect(&hearer, "");
        Self { caller, post, socket }
    }

    /// Waits until everything that has happened so far was pushed.
    fn wait(&mut self) {
        let position = number_at(&self.caller.comment(&self.post, "hello").done(), "position");
        assert_eq!(self.socket.message()["notice"]["position"], json!(position));
    }
}

struct Actor {
    person: Person,
    user: UserId,
    tags: [TagId; 2],
    socket: Socket,
    /// Positions of what is to be pushed to them.
    pushed: Vec<u64>,
}

/// A world.
pub struct World {
    seed: u64,
    actors: Vec<Actor>,
    oracle: Oracle,
    ever: Vec<PostId>,
    rng: StdRng,
    /// By how much the server's clock is ahead of the real time.
    pub ahead: Duration,
}

fn id_at(value: &Value, field: &str) -> uuid::Uuid {
    text_at(value, field).parse().unwrap()
}

fn position(reply: &Reply) -> u64 {
    number_at(&reply.done(), "position")
}

impl World {
    /// A world on a server whose clock is ahead by so much.
    pub fn begin(server: &Server, seed: u64, ahead: Duration) -> Self {
        let actor = |_| {
            let person = server.register("somebody");
            let tags = ["one", "other"].map(|name| {
                let made = person.post("/v1/tags", json!({ "name": name })).done();
                TagId(id_at(&made, "tag"))
            });
            let socket = Socket::connect(&person, "");
            Actor { user: UserId(person.id.parse().unwrap()), person, tags, socket, pushed: vec![] }
        };
        let actors: Vec<Actor> = (0..=ACTORS).map(actor).collect();
        let oracle = Oracle { numbers: NUMBERS, ..Oracle::default() };
        let rng = StdRng::seed_from_u64(seed);
        let mut world = Self { seed, actors, oracle, ever: vec![], rng, ahead };
        for one in 0..=ACTORS {
            for other in one + 1..=ACTORS {
                if other == ACTORS || world.rng.random_bool(0.7) {
                    world.befriend(one, other);
                }
            }
        }
        world
    }

    /// How much there is to see.
    pub fn seen(&self) -> usize {
        let now = self.now();
        self.actors.iter().map(|actor| self.oracle.timeline(actor.user, now).len()).sum()
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead
    }

    /// One more thing that happens.
    pub fn step(&mut self, server: &Server, echo: &mut Echo) {
        let (me, other) = (self.rng.random_range(0..ACTORS), self.rng.random_range(0..ACTORS));
        match self.rng.random_range(0..33) {
            0..2 if me != other => self.part_or_meet(me, other),
            2..4 if me != other => self.block_or_not(me, other),
            4..7 if me != other => self.note(me, other),
            7 => self.set(me),
            8..12 => self.publish(me, echo),
            12 => self.delete_post(me),
            13 => self.mark(me),
            14..20 => self.like_or_not(me, echo),
            20..27 => self.comment(me, echo),
            27..29 => self.delete_comment(me),
            31..33 => self.cover(me),
            29 if self.rng.random_bool(0.5) => {
                server.advance(PASSES);
                self.ahead += PASSES;
            }
            _ => {}
        }
    }

    fn user(&self, actor: usize) -> UserId {
        self.actors[actor].user
    }

    fn person(&self, actor: usize) -> &Person {
        &self.actors[actor].person
    }

    fn befriend(&mut self, one: usize, other: usize) {
        let _ = befriend(self.person(one), self.person(other));
        let (one, other) = (self.user(one), self.user(other));
        self.oracle.holds.extend([(one, other), (other, one)]);
    }

    fn part_or_meet(&mut self, me: usize, other: usize) {
        let (mine, theirs) = (self.user(me), self.user(other));
        let holds = |one, other| self.oracle.holds.contains(&(one, other));
        if holds(mine, theirs) {
            self.person(me).delete(&format!("/v1/contacts/{theirs}")).done();
            self.oracle.holds.remove(&(mine, theirs));
        } else if self.oracle.blocks.contains(&(mine, theirs)) || self.oracle.blocks.contains(&(theirs, mine)) {
            // Who is blocked can't be befriended.
        } else if holds(theirs, mine) {
            self.person(me).ask(self.person(other)).done();
            self.oracle.holds.insert((mine, theirs));
        } else {
            self.befriend(me, other);
        }
    }

    fn block_or_not(&mut self, me: usize, other: usize) {
        let pair = (self.user(me), self.user(other));
        let path = format!("/v1/blocks/{}", pair.1);
        if self.oracle.blocks.remove(&pair) {
            self.person(me).delete(&path).done();
        } else {
            self.person(me).put(&path, json!({})).done();
            self.oracle.blocks.insert(pair);
        }
    }

    fn note(&mut self, me: usize, other: usize) {
        let pair = (self.user(me), self.user(other));
        if !self.oracle.holds.contains(&pair) {
            return;
        }
        let notes = Notes {
            tags: self.some_tags(me),
            chats_only: self.rng.random_bool(0.15),
            hides_own_moments: self.rng.random_bool(0.15),
            skips_their_moments: self.rng.random_bool(0.15),
            ..Notes::default()
        };
        let change = json!({
            "tags": notes.tags,
            "chats_only": notes.chats_only,
            "hides_own_moments": notes.hides_own_moments,
            "skips_their_moments": notes.skips_their_moments,
        });
        self.person(me).patch(&format!("/v1/contacts/{}", pair.1), change).done();
        self.oracle.notes.insert(pair, notes);
    }

    fn some_tags(&mut self, of: usize) -> BTreeSet<TagId> {
        let tags = self.actors[of].tags;
        tags.into_iter().filter(|_| self.rng.random_bool(0.4)).collect()
    }

    fn some_people(&mut self) -> BTreeSet<UserId> {
        let people: Vec<UserId> = self.actors.iter().map(|actor| actor.user).collect();
        people.into_iter().filter(|_| self.rng.random_bool(0.3)).collect()
    }

    fn set(&mut self, me: usize) {
        let windows = [Window::ThreeDays, Window::Month, Window::HalfYear, Window::All];
        let window = *windows.choose(&mut self.rng).unwrap();
        let (open_to_strangers, only_about_me) = (self.rng.random(), self.rng.random_bool(0.3));
        let settings = Settings { window, open_to_strangers, only_about_me };
        self.person(me).patch("/v1/moments/settings", json!(settings)).done();
        self.oracle.settings.insert(self.user(me), settings);
    }

    fn cover(&mut self, me: usize) {
        let Actor { person, user, .. } = &self.actors[me];
        if self.oracle.covers.remove(user).is_some() {
            person.delete("/v1/moments/cover").done();
        } else {
            let picture = person.medium("picture", &encoded(2, 2, ImageFormat::Png));
            person.put("/v1/moments/cover", json!({ "medium": picture })).done();
            self.oracle.covers.insert(*user, MediumId(picture.parse().unwrap()));
        }
    }

    fn mark(&mut self, me: usize) {
        let Some(position) = self.oracle.posts.choose(&mut self.rng).map(|post| post.position) else { return };
        let user = self.user(me);
        let viewed = self.rng.random();
        let path = if viewed { "/v1/moments/viewed" } else { "/v1/moments/notices/read" };
        self.person(me).put(path, json!({ "position": position })).done();
        let marks = if viewed { &mut self.oracle.viewed } else { &mut self.oracle.notices_read };
        let mark = marks.entry(user).or_default();
        *mark = position.max(*mark);
    }

    fn publish(&mut self, me: usize, echo: &mut Echo) {
        let list = People { people: self.some_people(), tags: self.some_tags(me) };
        let audience = match self.rng.random_range(0..8) {
            _ if list == People::default() => Audience::Friends,
            0 => Audience::OnlyMe,
            1..3 => Audience::Share(list),
            3..5 => Audience::Hide(list),
            _ => Audience::Friends,
        };
        let remind = if self.rng.random_bool(0.4) { self.some_people() } else { BTreeSet::new() };
        self.publish_to(me, audience, remind, echo);
    }

    fn publish_to(&mut self, me: usize, audience: Audience, remind: BTreeSet<UserId>, echo: &mut Echo) -> u64 {
        let draft = json!({ "text": "tea", "audience": audience, "remind": remind });
        let made = self.person(me).post("/v1/moments/posts", draft).done();
        let (id, position) = (PostId(id_at(&made, "post")), number_at(&made, "position"));
        let (author, at) = (self.user(me), text_at(&made, "at").parse().unwrap());
        self.oracle.posts.push(Post { id, position, author, at, audience, remind, version: 1, deeds: vec![] });
        self.ever.push(id);
        self.expect_pushes(position, echo);
        position
    }

    /// Notes to whom something has to be pushed, and waits until it was.
    fn expect_pushes(&mut self, position: u64, echo: &mut Echo) {
        let now = self.now();
        for actor in &mut self.actors {
            if self.oracle.notices(actor.user, now).iter().any(|(notice, _)| *notice == position) {
                actor.pushed.push(position);
            }
        }
        echo.wait();
    }

    /// A post, most often one that they see whole, and how much of it they see.
    fn post_for(&mut self, me: usize) -> Option<(usize, Sees)> {
        let (now, user, anything) = (self.now(), self.user(me), self.rng.random_bool(0.2));
        let sees = self.oracle.posts.iter().map(|post| self.oracle.sees(user, post, now)).enumerate();
        let open: Vec<_> = sees.filter(|(_, sees)| anything || *sees == Sees::All).collect();
        open.choose(&mut self.rng).copied()
    }

    /// Whether something about a post was done, as it had to be where `me` sees the post.
    #[track_caller]
    fn is_done(&self, reply: &Reply, sees: Sees) -> bool {
        if sees == Sees::All {
            reply.done();
        } else {
            reply.refused(404, "post-not-found");
        }
        sees == Sees::All
    }

    fn delete_post(&mut self, me: usize) {
        let Some((at, sees)) = self.post_for(me) else { return };
        let (id, author) = (self.oracle.posts[at].id, self.oracle.posts[at].author);
        let reply = self.person(me).unpublish(&id.to_string());
        if sees == Sees::All && author != self.user(me) {
            reply.refused(403, "not-the-author");
        } else if self.is_done(&reply, sees) {
            self.oracle.posts.remove(at);
        }
    }

    fn like_or_not(&mut self, me: usize, echo: &mut Echo) {
        let Some((at, sees)) = self.post_for(me) else { return };
        let (id, actor) = (self.oracle.posts[at].id.to_string(), self.user(me));
        let own = |deed: &Deed| deed.actor == actor && deed.comment.is_none();
        let liked = self.oracle.posts[at].deeds.iter().any(own);
        let reply = if liked { self.person(me).unlike(&id) } else { self.person(me).like(&id) };
        if !self.is_done(&reply, sees) {
            return;
        }
        if liked {
            self.oracle.posts[at].version += 1;
            self.oracle.posts[at].deeds.retain(|deed| !own(deed));
        } else {
            self.did(at, Deed { position: position(&reply), actor, comment: None, answered: None, version: 0 }, echo);
        }
    }

    /// Tells the oracle of the last thing that happened to a post.
    fn did(&mut self, at: usize, deed: Deed, echo: &mut Echo) {
        let post = &mut self.oracle.posts[at];
        post.version += 1;
        let (version, position) = (post.version, deed.position);
        post.deeds.push(Deed { version, ..deed });
        self.expect_pushes(position, echo);
    }

    fn comment(&mut self, me: usize, echo: &mut Echo) {
        let Some((at, sees)) = self.post_for(me) else { return };
        let (actor, post) = (self.user(me), &self.oracle.posts[at]);
        let comments: Vec<&Deed> = post.deeds.iter().filter(|deed| deed.comment.is_some()).collect();
        let answers = comments.choose(&mut self.rng).copied().filter(|_| self.rng.random_bool(0.6)).cloned();
        let hidden = answers.as_ref().is_some_and(|deed| !self.oracle.sees_deed(actor, post, deed));
        let id = post.id.to_string();
        let reply = match answers.as_ref().and_then(|deed| deed.comment) {
            Some(comment) => self.person(me).answer(&id, &comment.to_string(), "indeed"),
            None => self.person(me).comment(&id, "good"),
        };
        if sees == Sees::All && hidden {
            reply.refused(404, "comment-not-found");
        } else if self.is_done(&reply, sees) {
            let comment = Some(CommentId(id_at(&reply.done(), "comment")));
            let (position, answered) = (position(&reply), answers.map(|deed| deed.actor));
            self.did(at, Deed { position, actor, comment, answered, version: 0 }, echo);
        }
    }

    fn delete_comment(&mut self, me: usize) {
        let Some((at, sees)) = self.post_for(me) else { return };
        let (user, post) = (self.user(me), &self.oracle.posts[at]);
        let comments: Vec<&Deed> = post.deeds.iter().filter(|deed| deed.comment.is_some()).collect();
        let Some(deed) = comments.choose(&mut self.rng).copied().cloned() else { return };
        let comment = deed.comment.unwrap();
        let reply = self.person(me).uncomment(&post.id.to_string(), &comment.to_string());
        if sees == Sees::All && !self.oracle.sees_deed(user, post, &deed) {
            reply.refused(404, "comment-not-found");
        } else if sees == Sees::All && ![post.author, deed.actor].contains(&user) {
            reply.refused(403, "not-the-author");
        } else if self.is_done(&reply, sees) {
            let post = &mut self.oracle.posts[at];
            post.version += 1;
            post.deeds.retain(|other| other.comment != Some(comment));
        }
    }

    /// Ends what happens here, and compares what was pushed to everybody with what the oracle says.
    pub fn judge_pushes(&mut self, echo: &mut Echo) {
        let everybody: BTreeSet<UserId> = self.actors.iter().map(|actor| actor.user).collect();
        let last = self.publish_to(ACTORS, Audience::Friends, everybody, echo);
        for (number, actor) in self.actors.iter_mut().take(ACTORS).enumerate() {
            let mut pushed = vec![];
            while pushed.last() != Some(&last) {
                let message = actor.socket.message();
                assert_eq!(message["type"], json!("moments-notice"));
                pushed.push(number_at(&message["notice"], "position"));
            }
            assert_eq!(pushed, actor.pushed, "what is pushed to {number} in world {}", self.seed);
        }
    }

    /// Compares what everybody finds with what the oracle says.
    pub fn judge(&self, when: &str) {
        for (number, Actor { person, user, .. }) in self.actors.iter().enumerate() {
            let (now, of) = (self.now(), format!("of {number} in world {} {when}", self.seed));
            assert_eq!(look::timeline(person), self.oracle.timeline(*user, now), "the timeline {of}");
            for author in &self.actors {
                let album = look::album(person, &author.person.id);
                assert_eq!(album, self.oracle.album(*user, author.user, now), "an album {of}");
                let cover = look::cover(person, &author.person.id);
                assert_eq!(cover, self.oracle.cover(*user, author.user), "a cover {of}");
            }
            for post in &self.ever {
                assert_eq!(look::post(person, *post), self.oracle.post(*user, *post, now), "a post {of}");
            }
            assert_eq!(look::interactions(person), self.oracle.interactions(*user, now), "own deeds {of}");
            assert_eq!(look::notices(person), self.oracle.notices(*user, now), "the notices {of}");
            assert_eq!(look::badge(person), self.oracle.badge(*user, now), "what is new {of}");
        }
    }
}
