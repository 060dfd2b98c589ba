//! The oracle's judgement of Moments: in random worlds everybody finds exactly what the rules let them see, in every
//! place where a post can come up; as the log grows, at a later time, and after a rebuild.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]
#![allow(unreachable_pub, reason = "the parts of one test")]

mod oracle;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PostId, UserId};
use eventlog::Position;
use oracle::{Found, Numbers, Oracle};
use projections::{
    Projection,
    moments::{Bounds, MomentsProjection, PostShown, Posts, Tiding, Viewer},
    people::PeopleProjection,
};
use support::Writer;
use world::World;

/// Worlds of each of the two tests: they run side by side.
const WORLDS: u64 = 1_050;
const STEPS: usize = 45;

/// The numbers in the rules: small enough for these worlds to come to them.
const NUMBERS: Numbers = Numbers { stranger_posts: 2, company: 6, own_deeds: 4 };

/// How far one look goes.
const BOUNDS: Bounds = Bounds {
    stranger_posts: NUMBERS.stranger_posts,
    passed_over: 1_000,
    company: NUMBERS.company,
    own_deeds: NUMBERS.own_deeds,
};

/// Both read models.
struct Models {
    moments: MomentsProjection,
    people: PeopleProjection,
}

impl Models {
    fn open(dir: &Path) -> Self {
        let (moments, people) = (dir.join("moments"), dir.join("people"));
        std::fs::create_dir_all(&moments).unwrap();
        std::fs::create_dir_all(&people).unwrap();
        Self { moments: MomentsProjection::open(&moments).unwrap(), people: PeopleProjection::open(&people).unwrap() }
    }

    /// Takes events in, and gives what is pushed of them.
    fn take(&mut self, facts: &[Arc<projections::Fact>]) -> Vec<Tiding> {
        if facts.is_empty() {
            return vec![];
        }
        self.moments.apply(facts).unwrap();
        self.people.apply(facts).unwrap();
        self.moments.view().fresh_tidings()
    }
}

fn found(post: &PostShown) -> Found {
    assert!(!post.more_likes && !post.more_comments, "a world is too small for that");
    assert_eq!(post.audience.is_some(), post.remind.is_some());
    let likes = post.likes.iter().map(|like| like.position).collect();
    let comments = post.comments.iter().map(|comment| comment.position).collect();
    (post.post, post.bare, post.reminds_me, post.audience.is_some(), likes, comments)
}

/// A world that is done, for looking at it again.
struct Done {
    seed: u64,
    oracle: Oracle,
    people: Vec<UserId>,
    ever: Vec<PostId>,
    now: DateTime<Utc>,
}

impl Done {
    fn of(seed: u64, world: &World<'_>, now: DateTime<Utc>) -> Self {
        let (oracle, people, ever) = (world.oracle.clone(), world.people.clone(), world.ever.clone());
        Self { seed, oracle, people, ever, now }
    }

    /// Compares what everybody sees, and what is pushed to them of what has just happened, with what the oracle says;
    /// how much there was to see.
    fn judge(&self, models: &Models, tidings: &[Tiding]) -> usize {
        self.people.iter().map(|user| self.judge_pages(models, *user) + self.judge_rest(models, *user, tidings)).sum()
    }

    /// Timeline and albums, in pages that go past few hidden posts.
    fn judge_pages(&self, models: &Models, user: UserId) -> usize {
        let Self { seed, oracle, now, .. } = self;
        let (moments, people) = (models.moments.view(), models.people.view());
        let viewer = moments.seen_by(user, &people, *now, Bounds { passed_over: 3, ..BOUNDS });
        let timeline = in_pages(2, |before, limit| viewer.timeline(before, limit));
        assert_eq!(timeline, oracle.timeline(user, *now), "the timeline in world {seed}");
        let mut seen = timeline.len();
        for author in &self.people {
            let expected = oracle.album(user, *author, *now);
            // A stranger is shown the latest of what one page goes past, and nowhere to go on.
            if expected.iter().any(|(_, bare, ..)| *bare) {
                continue;
            }
            let album = in_pages(3, |before, limit| viewer.album(*author, before, limit));
            assert_eq!(album, expected, "an album in world {seed}");
            seen += album.len();
        }
        seen
    }

    fn judge_rest(&self, models: &Models, user: UserId, tidings: &[Tiding]) -> usize {
        let Self { seed, oracle, now, .. } = self;
        let (moments, people) = (models.moments.view(), models.people.view());
        let viewer = moments.seen_by(user, &people, *now, BOUNDS);
        for author in &self.people {
            let album = in_pages(3, |before, limit| viewer.album(*author, before, limit));
            assert_eq!(album, oracle.album(user, *author, *now), "an album in world {seed}");
            let cover = viewer.cover(*author).map(|cover| cover.medium);
            assert_eq!(cover, oracle.cover(user, *author), "a cover in world {seed}");
        }
        for post in &self.ever {
            self.judge_post(&viewer, user, *post);
        }
        let interactions = viewer.interactions(None, 100).unwrap().interactions;
        let interactions: Vec<u64> = interactions.iter().map(|done| done.position).collect();
        assert_eq!(interactions, oracle.interactions(user, *now), "what was done in world {seed}");
        let notices = viewer.notices(None, 100).unwrap().notices;
        let shown: Vec<(u64, bool)> = notices.iter().map(|notice| (notice.position, notice.about_me)).collect();
        assert_eq!(shown, oracle.notices(user, *now), "the notices in world {seed}");
        let pushed: Vec<u64> = tidings
            .iter()
            .filter(|tiding| moments.told_of(tiding).unwrap().contains(&user))
            .filter_map(|tiding| viewer.notice(tiding).unwrap())
            .inspect(|pushed| assert!(notices.contains(pushed), "a push in world {seed}"))
            .map(|pushed| pushed.position)
            .collect();
        let fresh: BTreeSet<u64> = tidings.iter().map(|tiding| tiding.position().0).collect();
        let fresh: Vec<u64> = shown.iter().rev().map(|(at, _)| *at).filter(|at| fresh.contains(at)).collect();
        assert_eq!(pushed, fresh, "what is pushed in world {seed}");
        let badge = viewer.badge().unwrap();
        assert_eq!((badge.has_new, badge.unread), oracle.badge(user, *now), "what is new in world {seed}");
        shown.len()
    }

    fn judge_post(&self, viewer: &Viewer<'_>, user: UserId, id: PostId) {
        let seed = self.seed;
        let expected = self.oracle.post(user, id, self.now);
        let post = viewer.post(id).unwrap();
        assert_eq!(post.as_ref().map(found), expected, "a post in world {seed}");
        let likes = viewer.likes(id, 0, 1_000).unwrap();
        assert_eq!(likes.map(|page| page.likes), post.as_ref().map(|post| post.likes.clone()), "likes in world {seed}");
        let comments = viewer.comments(id, 0, 1_000).unwrap().map(|page| page.comments);
        assert_eq!(comments, post.map(|post| post.comments), "comments in world {seed}");
        for (at, comment) in comments.iter().flatten().enumerate() {
            let answered = comments.iter().flatten().position(|other| Some(other.comment) == comment.reply_to);
            assert!(answered.is_none_or(|answered| answered < at), "an answer before its question in world {seed}");
        }
    }
}

/// A whole list, page by page.
fn in_pages(
    limit: usize,
    page: impl Fn(Option<u64>, usize) -> Result<Posts, projections::ProjectionError>,
) -> Vec<Found> {
    let (mut all, mut before) = (vec![], None);
    loop {
        let page = page(before, limit).unwrap();
        assert_eq!(page.more, page.next.is_some());
        all.extend(page.posts.iter().map(found));
        before = page.next;
        if before.is_none() {
            return all;
        }
    }
}

fn worlds(seeds: std::ops::Range<u64>) {
    eprintln!("worlds {seeds:?}");
    let (dir, anew) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut writer, mut models) = (Writer::new(), Models::open(dir.path()));
    let (mut kept, mut seen) = (vec![], 0);
    for seed in seeds.clone() {
        let begun = writer.last();
        let mut world = World::begin(&mut writer, seed, NUMBERS);
        (0..STEPS).for_each(|_| world.step());
        let done = |world: &World<'_>, later: i64| Done::of(seed, world, world.now() + TimeDelta::days(later));
        // Every sixth world is also looked at in the middle of things.
        let halfway = seed % 6 == 0;
        if halfway {
            let tidings = models.take(&world.facts(begun));
            seen += done(&world, 0).judge(&models, &tidings);
            (0..STEPS).for_each(|_| world.step());
        }
        let done = done(&world, [0, 0, 2, 40][usize::try_from(seed % 4).unwrap()]);
        let from = models.moments.checkpoint().max(begun);
        let tidings = models.take(&world.facts(from));
        seen += done.judge(&models, &tidings);
        if seed % 8 == 0 {
            kept.push(done);
        }
    }
    drop(models);
    let mut rebuilt = Models::open(anew.path());
    for facts in writer.facts(Position::START).chunks(10_000) {
        rebuilt.take(facts);
    }
    for done in &kept {
        assert!(done.judge(&rebuilt, &[]) > 0 || done.oracle.posts.is_empty(), "world {} after a rebuild", done.seed);
    }
    let worlds = usize::try_from(seeds.end - seeds.start).unwrap();
    assert!(seen > 20 * worlds, "there is something to see: {seen} in {worlds} worlds");
}

#[test]
fn everybody_finds_what_the_oracle_says_in_the_first_half_of_all_worlds() {
    worlds(0..WORLDS);
}

#[test]
fn everybody_finds_what_the_oracle_says_in_the_second_half_of_all_worlds() {
    worlds(WORLDS..2 * WORLDS);
}
