//! Moments: the timeline and its pages, what is held in memory and what is on disk, deletion, who is told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    CircleEvent, CommentId, ContactsEvent, FriendshipEvent, FriendshipId, PostEvent, PostId, UserId,
    contacts::{ContactNoted, Notes},
    friendship::FriendAccepted,
    moments::{
        circle::{MomentsSettingsChanged, NoticesRead, Settings, TimelineViewed},
        post::{
            Audience, CommentAdded, CommentDeleted, Draft, LikeTakenBack, PostDeleted, PostLiked, PostPublished,
            ReplyTo,
        },
        visibility::Window,
    },
};
use eventlog::Position;
use projections::{
    Projection,
    moments::{Bounds, MomentsProjection, MomentsView, NoticeKind, Posts, Viewer},
    people::{PeopleProjection, PeopleView},
};
use support::Writer;

/// How far one look goes, with fewer posts than usual for strangers.
fn bounds() -> Bounds {
    Bounds { stranger_posts: 3, ..Bounds::default() }
}

struct World {
    writer: Writer,
    dir: tempfile::TempDir,
    moments: MomentsProjection,
    people: PeopleProjection,
}

/// Both read models.
struct Views {
    moments: Arc<MomentsView>,
    people: Arc<PeopleView>,
    now: chrono::DateTime<chrono::Utc>,
}

impl Views {
    fn seen_by(&self, user: UserId) -> Viewer<'_> {
        self.seen_within(user, bounds())
    }

    fn seen_within(&self, user: UserId, bounds: Bounds) -> Viewer<'_> {
        self.moments.seen_by(user, &self.people, self.now, bounds)
    }

    /// The posts of a timeline, in pages of three.
    fn timeline(&self, user: UserId) -> Vec<PostId> {
        let (mut found, mut before) = (vec![], None);
        loop {
            let page = self.seen_by(user).timeline(before, 3).unwrap();
            found.extend(page.posts.iter().map(|post| post.post));
            before = page.next;
            if !page.more {
                return found;
            }
        }
    }

    fn notices(&self, user: UserId) -> Vec<(NoticeKind, UserId, bool)> {
        let notices = self.seen_by(user).notices(None, 100).unwrap().notices;
        notices.iter().map(|notice| (notice.kind, notice.user, notice.about_me)).collect()
    }
}

fn two_dirs(dir: &tempfile::TempDir) -> (std::path::PathBuf, std::path::PathBuf) {
    let paths = (dir.path().join("moments"), dir.path().join("people"));
    std::fs::create_dir_all(&paths.0).unwrap();
    std::fs::create_dir_all(&paths.1).unwrap();
    paths
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = two_dirs(&dir);
        let (moments, people) = (MomentsProjection::open(&paths.0).unwrap(), PeopleProjection::open(&paths.1).unwrap());
        Self { writer: Writer::new(), dir, moments, people }
    }

    /// The views after everything that was written.
    fn views(&mut self) -> Views {
        let facts = self.writer.facts(self.moments.checkpoint());
        if !facts.is_empty() {
            self.moments.apply(&facts).unwrap();
            self.people.apply(&facts).unwrap();
        }
        Views { moments: self.moments.view(), people: self.people.view(), now: self.writer.now }
    }

    /// The same after closing and opening the rows.
    fn reopened(mut self) -> Self {
        self.views();
        drop((self.moments, self.people));
        let paths = two_dirs(&self.dir);
        let (moments, people) = (MomentsProjection::open(&paths.0).unwrap(), PeopleProjection::open(&paths.1).unwrap());
        Self { moments, people, ..self }
    }

    fn befriend(&mut self, one: UserId, other: UserId) {
        let accepted: FriendshipEvent = FriendAccepted { from: one, chats_only_for: vec![] }.into();
        self.writer.append(format!("friendship-{}", FriendshipId::between(one, other)), Some(other), &[accepted]);
    }

    fn note(&mut self, user: UserId, contact: UserId, notes: Notes) {
        let noted: ContactsEvent = ContactNoted { contact, notes }.into();
        self.writer.append(format!("contacts-{user}"), Some(user), &[noted]);
    }

    fn publish(&mut self, author: UserId, draft: Draft) -> PostId {
        let post = PostId::new();
        self.below(post, author, PostPublished { draft });
        post
    }

    fn post(&mut self, author: UserId) -> PostId {
        self.publish(author, Draft { text: "tea".into(), ..Draft::default() })
    }

    fn below(&mut self, post: PostId, by: UserId, event: impl Into<PostEvent>) -> Position {
        self.writer.append(format!("post-{post}"), Some(by), &[event.into()])
    }

    fn comment(&mut self, post: PostId, by: UserId, reply_to: Option<ReplyTo>) -> CommentId {
        let comment = CommentId::new();
        self.below(post, by, CommentAdded { comment, text: "good".into(), reply_to });
        comment
    }

    fn circle(&mut self, user: UserId, event: impl Into<CircleEvent>) {
        self.writer.append(format!("moments-{user}"), Some(user), &[event.into()]);
    }
}

/// The author of most posts, a friend of theirs, and a friend of both.
fn three_friends() -> (World, [UserId; 3]) {
    let mut world = World::new();
    let people: [UserId; 3] = std::array::from_fn(|_| UserId::new());
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        world.befriend(people[one], people[other]);
    }
    (world, people)
}

#[test]
fn a_timeline_merges_the_posts_of_all_friends_and_its_pages_follow_one_another() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let mut expected = vec![];
    for number in 0..200_usize {
        let author = [mei, lan, lan, lan, jun][number % 5];
        expected.insert(0, world.post(author));
    }
    assert_eq!(world.views().timeline(mei), expected, "also of authors with more posts than memory holds");
    assert_eq!(world.reopened().views().timeline(mei), expected);
}

#[test]
fn the_timeline_goes_on_in_older_posts_although_all_newer_ones_were_deleted() {
    let (mut world, [mei, lan, _]) = three_friends();
    let posts: Vec<PostId> = (0..40).map(|_| world.post(lan)).collect();
    world.views();
    for post in &posts[5..] {
        world.below(*post, lan, PostDeleted {});
    }
    let expected: Vec<PostId> = posts[..5].iter().rev().copied().collect();
    assert_eq!(world.views().timeline(mei), expected);
    assert_eq!(world.reopened().views().timeline(mei), expected);
}

#[test]
fn who_is_skipped_is_left_out_of_the_timeline_and_still_seen_in_the_album() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let (left_out, kept) = (world.post(lan), world.post(jun));
    world.note(mei, lan, Notes { skips_their_moments: true, ..Notes::default() });
    let views = world.views();
    assert_eq!(views.timeline(mei), [kept]);
    assert_eq!(views.seen_by(mei).album(lan, None, 10).unwrap().posts[0].post, left_out);
    assert!(views.seen_by(mei).post(left_out).unwrap().is_some());
}

#[test]
fn only_the_author_is_told_whom_a_post_is_for_and_whom_it_reminds() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let draft = Draft { text: "tea".into(), remind: [lan].into(), ..Draft::default() };
    let post = world.publish(mei, draft);
    let views = world.views();
    let seen = |user: UserId| views.seen_by(user).post(post).unwrap().unwrap();
    assert_eq!((seen(mei).audience, seen(mei).remind), (Some(Audience::Friends), Some([lan].into())));
    for other in [lan, jun] {
        assert_eq!((seen(other).audience, seen(other).remind), (None, None));
        assert_eq!(seen(other).reminds_me, other == lan);
    }
    assert_eq!(views.notices(lan), [(NoticeKind::Reminder, mei, true)]);
    assert_eq!(views.notices(jun), []);
}

#[test]
fn a_stranger_sees_the_latest_posts_bare_and_no_older_one_even_by_its_id() {
    let (mut world, [mei, lan, _]) = three_friends();
    let stranger = UserId::new();
    let posts: Vec<PostId> = (0..5).map(|_| world.post(mei)).collect();
    let hidden = world.publish(mei, Draft { text: "no".into(), audience: Audience::OnlyMe, ..Draft::default() });
    world.below(posts[4], lan, PostLiked {});
    let views = world.views();
    let album = views.seen_by(stranger).album(mei, None, 10).unwrap();
    let found: Vec<PostId> = album.posts.iter().map(|post| post.post).collect();
    assert_eq!((found, album.more), (vec![posts[4], posts[3], posts[2]], false));
    assert!(album.posts.iter().all(|post| post.bare && post.likes.is_empty() && !post.more_likes));
    assert!(views.seen_by(stranger).likes(posts[4], 0, 10).unwrap().unwrap().likes.is_empty());
    assert!(views.seen_by(stranger).post(posts[1]).unwrap().is_none());
    assert!(views.seen_by(stranger).post(hidden).unwrap().is_none());
    assert!(views.timeline(stranger).is_empty());
}

#[test]
fn likes_and_comments_come_with_the_post_and_the_rest_of_them_in_pages() {
    let (mut world, [mei, ..]) = three_friends();
    let post = world.post(mei);
    let fans: Vec<UserId> = (0..120).map(|_| UserId::new()).collect();
    for fan in &fans {
        world.befriend(mei, *fan);
        world.below(post, *fan, PostLiked {});
        world.comment(post, *fan, None);
    }
    let views = world.views();
    let viewer = views.seen_by(mei);
    let shown = viewer.post(post).unwrap().unwrap();
    assert_eq!((shown.likes.len(), shown.more_likes, shown.comments.len(), shown.more_comments), (50, true, 20, true));
    let rest = viewer.likes(post, shown.likes[49].position, 1_000).unwrap().unwrap();
    let users: Vec<UserId> = shown.likes.iter().chain(&rest.likes).map(|like| like.user).collect();
    assert_eq!((users, rest.more), (fans.clone(), false));
    let next = viewer.comments(post, shown.comments[19].position, 100).unwrap().unwrap();
    assert_eq!((next.comments.len(), next.more), (100, false));
    drop(viewer);
    let of_fan = views.seen_by(fans[7]).post(post).unwrap().unwrap();
    assert_eq!(of_fan.likes.iter().map(|like| like.user).collect::<Vec<_>>(), [fans[7]], "fans don't know each other");
    assert!(!of_fan.more_likes, "and are not told that there are more");
}

#[test]
fn a_post_that_was_looked_at_shows_each_change_at_once() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let post = world.post(mei);
    let look = |world: &mut World| {
        let views = world.views();
        let shown = views.seen_by(jun).post(post).unwrap();
        shown.map(|shown| (shown.likes.len(), shown.comments.len()))
    };
    assert_eq!(look(&mut world), Some((0, 0)));
    world.below(post, lan, PostLiked {});
    assert_eq!(look(&mut world), Some((1, 0)));
    let comment = world.comment(post, lan, None);
    assert_eq!(look(&mut world), Some((1, 1)));
    world.below(post, lan, LikeTakenBack {});
    assert_eq!(look(&mut world), Some((0, 1)));
    world.below(post, mei, CommentDeleted { comment });
    assert_eq!(look(&mut world), Some((0, 0)));
    world.below(post, mei, PostDeleted {});
    assert_eq!(look(&mut world), None);
}

#[test]
fn what_was_taken_back_or_deleted_is_gone_with_its_notice() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let post = world.post(mei);
    world.below(post, lan, PostLiked {});
    let comment = world.comment(post, lan, None);
    world.comment(post, jun, Some(ReplyTo { comment, author: lan }));
    assert_eq!(
        world.views().notices(lan),
        [(NoticeKind::Comment, jun, true)],
        "an answer is about who is answered, also below somebody else's post"
    );
    assert_eq!(world.views().notices(mei).len(), 3);
    assert_eq!(world.views().seen_by(lan).interactions(None, 10).unwrap().interactions.len(), 2);
    world.below(post, lan, LikeTakenBack {});
    world.below(post, mei, CommentDeleted { comment });
    assert_eq!(world.views().notices(mei), [(NoticeKind::Comment, jun, true)]);
    assert_eq!(world.views().seen_by(lan).interactions(None, 10).unwrap().interactions.len(), 0);
    world.below(post, mei, PostDeleted {});
    let views = world.views();
    for user in [mei, lan, jun] {
        assert_eq!((views.notices(user), views.timeline(user)), (vec![], vec![]));
        assert!(views.seen_by(user).post(post).unwrap().is_none());
        assert!(views.seen_by(user).interactions(None, 10).unwrap().interactions.is_empty());
    }
}

#[test]
fn a_like_taken_back_and_given_again_in_one_batch_stands_once() {
    let (mut world, [mei, lan, _]) = three_friends();
    let post = world.post(mei);
    world.below(post, lan, PostLiked {});
    world.below(post, lan, LikeTakenBack {});
    let last = world.below(post, lan, PostLiked {});
    let views = world.views();
    let likes = views.seen_by(mei).likes(post, 0, 10).unwrap().unwrap().likes;
    assert_eq!(likes.iter().map(|like| like.position).collect::<Vec<_>>(), [last.0]);
    assert_eq!(views.notices(mei).len(), 1);
}

#[test]
fn common_friends_are_told_who_were_there_among_the_last_hundred() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let post = world.post(mei);
    world.below(post, lan, PostLiked {});
    world.below(post, jun, PostLiked {});
    assert_eq!(world.views().notices(lan), [(NoticeKind::Like, jun, false)]);
    for _ in 0..99 {
        world.comment(post, mei, None);
    }
    let told = world.views().notices(lan).len();
    world.comment(post, jun, None);
    assert_eq!(world.views().notices(lan).len(), told, "a like that is a hundred events ago does not count");
}

#[test]
fn marks_say_what_is_new_and_unread() {
    let (mut world, [mei, lan, _]) = three_friends();
    let post = world.post(mei);
    assert!(!world.views().seen_by(mei).badge().unwrap().has_new, "one's own post is no news");
    assert!(world.views().seen_by(lan).badge().unwrap().has_new);
    let position = world.views().seen_by(lan).post(post).unwrap().unwrap().position;
    world.circle(lan, TimelineViewed { position });
    let like = world.below(post, lan, PostLiked {});
    world.comment(post, lan, None);
    assert!(!world.views().seen_by(lan).badge().unwrap().has_new);
    assert_eq!(world.views().seen_by(mei).badge().unwrap().unread, 2);
    world.circle(mei, NoticesRead { position: like.0 });
    let views = world.reopened().views();
    assert_eq!(views.seen_by(mei).badge().unwrap().unread, 1);
    assert_eq!(views.seen_by(mei).notices(None, 10).unwrap().read, like.0);
}

#[test]
fn unread_notices_are_counted_up_to_a_bound() {
    let (mut world, [mei, lan, _]) = three_friends();
    let post = world.post(mei);
    for _ in 0..120 {
        world.comment(post, lan, None);
    }
    assert_eq!(world.views().seen_by(mei).badge().unwrap().unread, 99);
}

#[test]
fn what_has_just_happened_is_known_with_whom_it_may_be_for() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let post = world.post(mei);
    world.views();
    let like = world.below(post, lan, PostLiked {});
    let comment = world.comment(post, jun, None);
    let views = world.views();
    let told = |views: &Views| -> Vec<BTreeSet<UserId>> {
        let fresh = views.moments.fresh_tidings();
        fresh.iter().map(|tiding| views.moments.told_of(tiding).unwrap()).collect()
    };
    assert_eq!(told(&views), [[mei].into(), [mei, lan].into()], "mei of both, lan of the comment");
    let of_like = &views.moments.fresh_tidings()[0];
    assert_eq!(of_like.position(), like);
    let notice = views.seen_by(mei).notice(of_like).unwrap().unwrap();
    assert_eq!((notice.kind, notice.user, notice.post), (NoticeKind::Like, lan, post));
    for other in [lan, jun] {
        assert!(views.seen_by(other).notice(of_like).unwrap().is_none(), "it is not theirs");
    }
    assert_eq!(views.seen_by(mei).comments(post, 0, 10).unwrap().unwrap().comments[0].comment, comment);
    world.below(post, lan, LikeTakenBack {});
    world.below(post, jun, PostLiked {});
    let views = world.views();
    assert_eq!(told(&views), [[mei, lan].into()], "who was there lately is remembered");
    let of_like = &views.moments.fresh_tidings()[0];
    assert!(views.seen_by(lan).notice(of_like).unwrap().is_none(), "and looked at more closely: lan has left");
}

#[test]
fn who_takes_a_like_back_is_told_no_more_of_what_friends_do_there() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let post = world.post(mei);
    world.below(post, lan, PostLiked {});
    let comment = world.comment(post, jun, None);
    assert_eq!(world.views().notices(lan), [(NoticeKind::Comment, jun, false)]);
    world.below(post, lan, LikeTakenBack {});
    assert_eq!(world.views().notices(lan), []);
    world.below(post, lan, PostLiked {});
    assert_eq!(world.views().notices(lan), [], "what was before is no news");
    world.comment(post, jun, Some(ReplyTo { comment, author: jun }));
    assert_eq!(world.views().notices(lan), [(NoticeKind::Comment, jun, false)]);
}

#[test]
fn of_what_one_did_only_the_latest_has_one_told_of_friends() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let (old, new) = (world.post(mei), world.post(mei));
    for post in [old, new] {
        world.below(post, lan, PostLiked {});
        world.below(post, jun, PostLiked {});
    }
    let views = world.views();
    assert_eq!(views.notices(lan).len(), 2);
    let forgetful = views.seen_within(lan, Bounds { own_deeds: 1, ..bounds() });
    let notices = forgetful.notices(None, 10).unwrap().notices;
    assert_eq!(notices.iter().map(|notice| notice.post).collect::<Vec<_>>(), [new]);
    assert_eq!(forgetful.badge().unwrap().unread, 1);
}

#[test]
fn a_page_ends_early_once_it_has_gone_past_many_hidden_things_and_the_next_goes_on() {
    let (mut world, [mei, lan, _]) = three_friends();
    let first = world.post(lan);
    for _ in 0..10 {
        world.publish(lan, Draft { text: "no".into(), audience: Audience::OnlyMe, ..Draft::default() });
    }
    let last = world.post(lan);
    let views = world.views();
    let viewer = views.seen_within(mei, Bounds { passed_over: 4, ..bounds() });
    let in_pages = |page: &dyn Fn(Option<u64>) -> Posts| {
        let (mut lengths, mut found, mut before) = (vec![], vec![], None);
        loop {
            let page = page(before);
            assert_eq!(page.more, page.next.is_some());
            lengths.push(page.posts.len());
            found.extend(page.posts.iter().map(|post| post.post));
            before = page.next;
            if before.is_none() {
                return (lengths, found);
            }
        }
    };
    let expected = (vec![1, 0, 1], vec![last, first]);
    assert_eq!(in_pages(&|before| viewer.timeline(before, 5).unwrap()), expected);
    assert_eq!(in_pages(&|before| viewer.album(lan, before, 5).unwrap()), expected);
    assert!(viewer.badge().unwrap().has_new);
    drop(viewer);
    let stranger = views.seen_within(UserId::new(), Bounds { passed_over: 4, ..bounds() });
    let bare = stranger.album(lan, None, 5).unwrap();
    assert_eq!((bare.posts.len(), bare.next), (1, None), "strangers are shown the latest, and nowhere to go on");
}

#[test]
fn a_page_of_notices_or_own_deeds_ends_early_as_well() {
    let (mut world, [mei, lan, jun]) = three_friends();
    for _ in 0..6 {
        let post = world.publish(mei, Draft { text: "tea".into(), remind: [lan].into(), ..Draft::default() });
        world.below(post, lan, PostLiked {});
    }
    world.note(mei, lan, Notes { hides_own_moments: true, ..Notes::default() });
    let mine = world.post(lan);
    let own = world.below(mine, lan, PostLiked {});
    let of_friend = world.below(mine, jun, PostLiked {});
    let views = world.views();
    let viewer = views.seen_within(lan, Bounds { passed_over: 4, ..bounds() });
    let page = viewer.interactions(None, 5).unwrap();
    assert_eq!((page.interactions.len(), page.more, page.interactions[0].position), (1, true, own.0));
    let rest = viewer.interactions(page.next, 5).unwrap();
    assert_eq!((rest.interactions.len(), rest.next), (0, None), "two are left, neither is seen");
    let page = viewer.notices(None, 5).unwrap();
    assert_eq!((page.notices.len(), page.more, page.notices[0].position), (1, true, of_friend.0));
    let rest = viewer.notices(page.next, 5).unwrap();
    assert_eq!((rest.notices.len(), rest.next), (0, None));
    assert_eq!(viewer.badge().unwrap().unread, 1);
}

#[test]
fn an_author_behind_whose_window_all_is_ends_nobody_s_page_early() {
    let (mut world, [mei, lan, jun]) = three_friends();
    let kept = world.post(jun);
    for _ in 0..10 {
        world.post(lan);
    }
    world.circle(
        lan,
        MomentsSettingsChanged { settings: Settings { window: Window::ThreeDays, ..Settings::default() } },
    );
    world.writer.pass(chrono::TimeDelta::days(5));
    let views = world.views();
    let page = views.seen_within(mei, Bounds { passed_over: 4, ..bounds() }).timeline(None, 5).unwrap();
    assert_eq!((page.posts.iter().map(|post| post.post).collect::<Vec<_>>(), page.next), (vec![kept], None));
}

#[test]
fn what_is_undone_leaves_no_row() {
    let (mut world, [mei, lan, jun]) = three_friends();
    world.views();
    let count = |world: World| -> (usize, World) {
        let World { writer, dir, moments, people } = world;
        drop(moments);
        let path = two_dirs(&dir).0;
        let rows = MomentsProjection::rows(&path).unwrap().map(Result::unwrap);
        let count = rows.filter(|row| row.keyspace != "meta").count();
        (count, World { writer, moments: MomentsProjection::open(&path).unwrap(), dir, people })
    };
    let post = world.publish(mei, Draft { text: "tea".into(), remind: [lan, jun].into(), ..Draft::default() });
    world.views();
    let (with_post, mut world) = count(world);
    world.below(post, lan, PostLiked {});
    let comment = world.comment(post, lan, None);
    let answer = world.comment(post, jun, Some(ReplyTo { comment, author: lan }));
    world.views();
    let (with_deeds, mut world) = count(world);
    assert!(with_deeds > with_post);
    world.below(post, lan, LikeTakenBack {});
    world.below(post, mei, CommentDeleted { comment });
    world.below(post, jun, CommentDeleted { comment: answer });
    world.views();
    let (undone, mut world) = count(world);
    assert_eq!(undone, with_post);
    world.below(post, lan, PostLiked {});
    world.comment(post, jun, None);
    world.views();
    world.below(post, mei, PostDeleted {});
    world.views();
    assert_eq!(count(world).0, 0);
}
