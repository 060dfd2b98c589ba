//! Who may do what below whose posts, by what people are to each other when they do it.

use chrono::TimeDelta;
use commands::{Caller, CommandError, Committed};
use domain::{
    CommentId, PostEvent, PostId, Rejection, TagId, UserId,
    contacts::Notes,
    moments::{
        circle::Settings,
        post::{Audience, Draft, People},
        visibility::Window,
    },
};
use eventlog::{EventLog, Position};

use super::{keyed, rejection, world::World};

impl World {
    async fn publish(&self, author: UserId, audience: Audience) -> PostId {
        let draft = Draft { text: "First harvest".into(), audience, ..Draft::default() };
        self.commands.publish_post(&Caller::person(author), draft).await.unwrap().0
    }

    async fn like(&self, by: UserId, post: PostId) -> Result<Committed<PostEvent>, CommandError> {
        self.commands.like_post(&Caller::person(by), post).await
    }

    async fn say(&self, by: UserId, post: PostId, reply_to: Option<CommentId>) -> Result<CommentId, CommandError> {
        let said = self.commands.add_comment(&Caller::person(by), post, "Good!".into(), reply_to).await;
        said.map(|(comment, _)| comment)
    }

    async fn note(&self, by: UserId, contact: UserId, change: impl Fn(Notes) -> Notes) {
        self.commands.note_contact(&Caller::person(by), contact, change).await.unwrap();
    }

    async fn tag(&self, by: UserId, name: &str) -> TagId {
        let named = self.commands.name_tag(&Caller::person(by), None, name.into()).await.unwrap();
        match &named.events[..] {
            [(_, domain::ContactsEvent::TagNamed(named))] => named.tag,
            other => panic!("{other:?}"),
        }
    }

    /// Whether somebody sees a post in full. Who doesn't is told of each thing to do with it that there is no such post, and
    /// nothing happens.
    async fn sees(&self, viewer: UserId, post: PostId) -> bool {
        if self.like(viewer, post).await.is_ok() {
            self.commands.take_like_back(&Caller::person(viewer), post).await.unwrap();
            return true;
        }
        let (caller, before) = (Caller::person(viewer), self.log.last_position());
        for post in [post, PostId::new()] {
            let refusals = [
                self.commands.like_post(&caller, post).await,
                self.commands.take_like_back(&caller, post).await,
                self.commands.delete_post(&caller, post).await,
                self.commands.delete_comment(&caller, post, CommentId::new()).await,
                self.commands.add_comment(&caller, post, "Good!".into(), None).await.map(|(_, done)| done),
                self.commands
                    .add_comment(&caller, post, String::new(), Some(CommentId::new()))
                    .await
                    .map(|(_, done)| done),
            ];
            for refused in refusals {
                assert_eq!(rejection(refused), Rejection::PostNotFound);
            }
        }
        assert_eq!(self.log.last_position(), before);
        false
    }
}

#[tokio::test]
async fn who_is_no_friend_of_the_author_finds_no_post() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    let post = world.publish(ann, Audience::Friends).await;
    assert!(world.sees(ann, post).await);
    assert!(!world.sees(bob, post).await);
    world.befriend(bob, ann).await;
    assert!(world.sees(bob, post).await);
    for (leaving, left) in [(bob, ann), (ann, bob)] {
        world.commands.remove_friend(&Caller::person(leaving), left).await.unwrap();
        assert!(!world.sees(bob, post).await);
        world.ask(leaving, left).await.unwrap();
        assert!(world.sees(bob, post).await);
    }
}

#[tokio::test]
async fn a_block_hides_posts_both_ways_until_it_is_lifted() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    world.befriend(bob, ann).await;
    let posts = [world.publish(ann, Audience::Friends).await, world.publish(bob, Audience::Friends).await];
    for (blocking, blocked) in [(ann, bob), (bob, ann)] {
        world.commands.block_person(&Caller::person(blocking), blocked).await.unwrap();
        assert!(!world.sees(bob, posts[0]).await && !world.sees(ann, posts[1]).await);
        world.commands.unblock_person(&Caller::person(blocking), blocked).await.unwrap();
        assert!(world.sees(bob, posts[0]).await && world.sees(ann, posts[1]).await);
    }
}

#[tokio::test]
async fn chats_only_hides_posts_both_ways_and_shutting_out_one_way() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    world.befriend(bob, ann).await;
    let posts = [world.publish(ann, Audience::Friends).await, world.publish(bob, Audience::Friends).await];
    for (noting, noted) in [(ann, bob), (bob, ann)] {
        for on in [true, false] {
            world.note(noting, noted, |notes| Notes { chats_only: on, ..notes }).await;
            assert_eq!(world.sees(bob, posts[0]).await, !on);
            assert_eq!(world.sees(ann, posts[1]).await, !on);
        }
    }
    world.note(ann, bob, |notes| Notes { hides_own_moments: true, skips_their_moments: true, ..notes }).await;
    assert!(!world.sees(bob, posts[0]).await);
    // Whose Moments one skips are out of one's timeline only.
    assert!(world.sees(ann, posts[1]).await);
}

#[tokio::test]
async fn an_audience_goes_by_the_tags_that_people_have_now() {
    let world = World::new();
    let [ann, bob, cat] = [world.person("ann").await, world.person("bob").await, world.person("cat").await];
    for friend in [bob, cat] {
        world.befriend(friend, ann).await;
    }
    let family = world.tag(ann, "family").await;
    let list = || People { people: [cat].into(), tags: [family].into() };
    let [share, hide] =
        [world.publish(ann, Audience::Share(list())).await, world.publish(ann, Audience::Hide(list())).await];
    assert!(!world.sees(bob, share).await && world.sees(bob, hide).await);
    assert!(world.sees(cat, share).await && !world.sees(cat, hide).await);
    world.note(ann, bob, |notes| Notes { tags: [family].into(), ..notes }).await;
    assert!(world.sees(bob, share).await && !world.sees(bob, hide).await);
    world.commands.delete_tag(&Caller::person(ann), family).await.unwrap();
    assert!(!world.sees(bob, share).await && world.sees(bob, hide).await);
    let only_me = world.publish(ann, Audience::OnlyMe).await;
    assert!(world.sees(ann, only_me).await && !world.sees(bob, only_me).await);
}

#[tokio::test]
async fn an_audience_names_tags_of_the_author_only() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    let foreign = world.tag(bob, "family").await;
    let audience = Audience::Share(People { tags: [foreign].into(), ..People::default() });
    let draft = Draft { text: "tea".into(), audience, ..Draft::default() };
    let refused = world.commands.publish_post(&Caller::person(ann), draft.clone()).await;
    assert_eq!(rejection(refused), Rejection::TagNotFound);
    assert!(world.commands.publish_post(&Caller::person(bob), draft).await.is_ok());
}

#[tokio::test]
async fn behind_the_window_a_post_is_the_authors_alone_until_it_is_widened() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    world.befriend(bob, ann).await;
    let post = world.publish(ann, Audience::Friends).await;
    let set = async |window| {
        let change = |present: Settings| Settings { window, ..present };
        world.commands.change_moments_settings(&Caller::person(ann), change).await.unwrap();
    };
    set(Window::ThreeDays).await;
    assert!(world.sees(bob, post).await);
    assert!(world.commands.advance_clock(TimeDelta::days(4)));
    assert!(!world.sees(bob, post).await && world.sees(ann, post).await);
    set(Window::Month).await;
    assert!(world.sees(bob, post).await);
}

#[tokio::test]
async fn only_a_comment_that_one_sees_is_answered_or_deleted() {
    let world = World::new();
    let [ann, bob, cat] = [world.person("ann").await, world.person("bob").await, world.person("cat").await];
    for friend in [bob, cat] {
        world.befriend(friend, ann).await;
    }
    let post = world.publish(ann, Audience::Friends).await;
    let first = world.say(bob, post, None).await.unwrap();
    let answer = world.say(ann, post, Some(first)).await.unwrap();
    let delete = async |by, comment| world.commands.delete_comment(&Caller::person(by), post, comment).await;
    // The answer is hidden as well: it would tell of whom it answers.
    for hidden in [first, answer, CommentId::new()] {
        assert_eq!(rejection(world.say(cat, post, Some(hidden)).await), Rejection::CommentNotFound);
        assert_eq!(rejection(delete(cat, hidden).await), Rejection::CommentNotFound);
    }
    world.befriend(bob, cat).await;
    for shown in [first, answer] {
        assert!(world.say(cat, post, Some(shown)).await.is_ok());
        assert_eq!(rejection(delete(cat, shown).await), Rejection::NotTheAuthor);
    }
    // Removed by one side, they still know each other; removed by both they don't.
    world.commands.remove_friend(&Caller::person(bob), cat).await.unwrap();
    assert!(world.say(cat, post, Some(first)).await.is_ok());
    world.commands.remove_friend(&Caller::person(cat), bob).await.unwrap();
    assert_eq!(rejection(world.say(cat, post, Some(first)).await), Rejection::CommentNotFound);
    delete(bob, first).await.unwrap();
    delete(ann, answer).await.unwrap();
    assert_eq!(rejection(delete(bob, first).await), Rejection::CommentNotFound);
}

#[tokio::test]
async fn a_post_is_deleted_by_its_author_and_is_gone_for_everybody() {
    let world = World::new();
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    world.befriend(bob, ann).await;
    let post = world.publish(ann, Audience::Friends).await;
    assert_eq!(rejection(world.commands.delete_post(&Caller::person(bob), post).await), Rejection::NotTheAuthor);
    world.commands.delete_post(&Caller::person(ann), post).await.unwrap();
    for world in [&world, &world.restarted()] {
        assert!(!world.sees(bob, post).await && !world.sees(ann, post).await);
    }
}

#[tokio::test]
async fn a_repeated_key_names_the_same_post_and_comment() {
    let world = World::new();
    let ann = world.person("ann").await;
    let draft = || Draft { text: "tea".into(), ..Draft::default() };
    let (post, first) = world.commands.publish_post(&keyed(ann, "p", 1), draft()).await.unwrap();
    let (comment, _) = world.commands.add_comment(&keyed(ann, "c", 1), post, "Good!".into(), None).await.unwrap();
    let before = world.log.last_position();
    for world in [&world, &world.restarted()] {
        let (again, repeated) = world.commands.publish_post(&keyed(ann, "p", 1), draft()).await.unwrap();
        assert_eq!((again, repeated.position, repeated.at), (post, first.position, first.at));
        let again = world.commands.add_comment(&keyed(ann, "c", 1), post, "Good!".into(), None).await.unwrap();
        assert_eq!(again.0, comment);
        let other = world.commands.publish_post(&keyed(ann, "p", 2), draft()).await;
        assert!(matches!(other, Err(CommandError::KeyReused)));
        assert_eq!(world.log.last_position(), before);
    }
    let (other, _) = world.commands.publish_post(&keyed(ann, "q", 1), draft()).await.unwrap();
    assert_ne!(other, post);
}

#[tokio::test]
async fn marks_are_written_when_they_move_ahead() {
    let world = World::new();
    let ann = Caller::person(world.person("ann").await);
    for (position, written) in [(1, 1), (1, 0), (0, 0), (2, 1)] {
        let viewed = world.commands.view_timeline(&ann, Position(position)).await.unwrap();
        let read = world.commands.read_notices(&ann, Position(position)).await.unwrap();
        assert_eq!((viewed.events.len(), read.events.len()), (written, written));
    }
}
