//! People who know each other, and what they posted, liked and said, written straight into the log.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Aggregate, CommentId, EventFamily, Friendship, FriendshipId, Post, PostEvent, PostId,
    friendship::{FriendAccepted, FriendRequested, Source},
    moments::post::{CommentAdded, Draft, PostLiked, PostPublished, ReplyTo},
};
use eventlog::{Append, DiskLog, EventLog, ExpectedVersion};
use futures::future::try_join_all;

use super::{direct, world::Person};
use crate::error::Error;

/// Friends of the one reader who has many.
pub(super) const FRIENDS: usize = 5_000;
/// Of those, how many posted this month.
const RECENT: usize = 500;
/// What each of these posted this month.
const POSTS_THIS_MONTH: usize = 20;
/// Readers with fewer friends.
const READERS: usize = 8;
/// The friends of each of those; a tenth of them posted this month, as with the other reader.
pub(super) const FEW: usize = 200;
/// Friends of an author who has hardly any.
pub(super) const HARDLY_ANY: usize = 5;
/// Of those who posted this month everybody knows so many on either side, as if they stood in a ring.
const NEIGHBOURS: usize = 10;
/// So many of the newest posts are liked and commented on by neighbours: one page of anybody has no others.
const TALKED_ABOUT: usize = 2_000;
/// Comments on each of those, the last one an answer to the first.
const COMMENTS: usize = 5;
/// Who wrote the post that is liked by many, among the friends.
const FAMOUS: usize = 600;
/// The first of those who like it, among the friends.
const FANS_FROM: usize = 1_000;
/// How many like it.
pub(super) const FANS: usize = 2_000;
/// How many of those say something.
pub(super) const COMMENTING_FANS: usize = 1_000;
/// Appends under way at the same time.
const AT_ONCE: usize = 4_096;
/// How many people there are.
pub(super) const PEOPLE: usize = FRIENDS + READERS + 2;

/// The people, and what they posted.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    /// Has all the others for friends but the readers.
    pub(super) sociable: Person,
    /// Have fewer.
    pub(super) readers: Vec<Person>,
    /// Has hardly any friends, the famous one among them and none who likes that one's post.
    pub(super) shy: Person,
    /// Posts that are talked about, each with friends of its author who have not liked it, and their numbers.
    pub(super) to_like: Vec<(usize, Person, PostId)>,
    /// The post that many like, and who does.
    pub(super) popular: PostId,
    pub(super) fans: Vec<Person>,
}

impl Feed {
    /// Writes so many posts, and who knows whom.
    ///
    /// # Errors
    /// When there are too few people, or the log fails.
    pub(super) async fn write(log: &Arc<DiskLog>, mut people: Vec<Person>, posts: usize) -> Result<Self, Error> {
        let few = || Error::Failed("the posts: there are too few people".to_owned());
        let readers = people.split_off(FRIENDS.min(people.len()));
        let [sociable, shy, readers @ ..] = readers.as_slice() else { return Err(few()) };
        let friends = people.as_slice();
        let (famous, recent) = friends.get(FAMOUS).zip(friends.get(..RECENT)).ok_or_else(few)?;
        let fans = friends.get(FANS_FROM..FANS_FROM + FANS).ok_or_else(few)?;
        let pen = Pen { log, begin: Utc::now() - TimeDelta::days(400) };

        let of_sociable = friends.iter().map(|friend| (sociable, friend));
        let of_famous = fans.iter().map(|fan| (famous, fan));
        let of_shy = friends.iter().skip(FAMOUS).take(HARDLY_ANY).map(|friend| (shy, friend));
        let ring = (0..RECENT).flat_map(|one| (1..=NEIGHBOURS).map(move |step| (one, (one + step) % RECENT)));
        let ring = ring.filter_map(|(one, other)| recent.get(one).zip(recent.get(other)));
        let each = FEW / 10;
        let of_readers = readers.iter().zip(0..).flat_map(|(reader, number)| {
            let posting = recent.iter().skip(number * each).take(each);
            let silent = friends.iter().skip(RECENT + number * (FEW - each)).take(FEW - each);
            posting.chain(silent).map(move |friend| (reader, friend))
        });
        let pairs = of_sociable.chain(of_famous).chain(of_shy).chain(ring).chain(of_readers);
        pen.write(pairs.flat_map(|(one, other)| pen.befriend(one, other))).await?;

        let this_month = RECENT * POSTS_THIS_MONTH;
        let older = posts.saturating_sub(this_month);
        let old = (0..older).zip(friends.iter().cycle()).map(|(number, author)| {
            let at = pen.begin + TimeDelta::days(1) + spread(TimeDelta::days(368), number, older);
            pen.publish(PostId::new(), author, at)
        });
        pen.write(old).await?;
        let popular = pen.popular(famous, fans).await?;
        let ids: Vec<PostId> = (0..this_month).map(|_| PostId::new()).collect();
        let new = ids.iter().zip(recent.iter().cycle()).zip(0..).map(|((id, author), number)| {
            let at = pen.begin + TimeDelta::days(371) + spread(TimeDelta::days(28), number, this_month);
            pen.publish(*id, author, at)
        });
        pen.write(new).await?;

        let talked_about = || ids.iter().copied().zip((0..RECENT).cycle()).skip(this_month - TALKED_ABOUT);
        let at = Utc::now() - TimeDelta::hours(1);
        let talk = talked_about().flat_map(|(post, author)| pen.talk(post, neighbours(recent, author, 1), at));
        pen.write(talk).await?;
        // Those on the other side have said nothing yet.
        let to_like = talked_about().flat_map(|(post, author)| {
            neighbours(recent, author, RECENT - NEIGHBOURS).map(move |(number, person)| (number, person.clone(), post))
        });
        Ok(Self {
            sociable: sociable.clone(),
            readers: readers.to_vec(),
            shy: shy.clone(),
            to_like: to_like.collect(),
            popular,
            fans: fans.to_vec(),
        })
    }
}

/// The neighbours of somebody in the ring from `step` places on, with their numbers.
fn neighbours(recent: &[Person], of: usize, step: usize) -> impl Iterator<Item = (usize, &Person)> {
    let numbers = (0..NEIGHBOURS).map(move |further| (of + step + further) % RECENT);
    numbers.filter_map(|number| Some((number, recent.get(number)?)))
}

/// The place of one of many in a time.
fn spread(time: TimeDelta, number: usize, of: usize) -> TimeDelta {
    time / i32::try_from(of.max(1)).unwrap_or(i32::MAX) * i32::try_from(number).unwrap_or(i32::MAX)
}

/// Writes into the log.
struct Pen<'a> {
    log: &'a Arc<DiskLog>,
    /// Before everything.
    begin: DateTime<Utc>,
}

impl Pen<'_> {
    async fn write(&self, appends: impl Iterator<Item = Result<Append, Error>>) -> Result<(), Error> {
        let mut appends = appends.peekable();
        while appends.peek().is_some() {
            let some = appends.by_ref().take(AT_ONCE);
            let pending = some.map(|append| Ok(self.log.append(append?))).collect::<Result<Vec<_>, Error>>()?;
            try_join_all(pending).await.map_err(|error| Error::failed("the log", error))?;
        }
        Ok(())
    }

    fn befriend(&self, one: &Person, other: &Person) -> [Result<Append, Error>; 2] {
        let stream = || format!("{}-{}", Friendship::CATEGORY, FriendshipId::between(one.user, other.user));
        let asked = FriendRequested { to: other.user, greeting: String::new(), source: Source::Search, dropped: false };
        let accepted = FriendAccepted { from: one.user, chats_only_for: vec![] };
        [
            append(stream(), one, self.begin, &domain::FriendshipEvent::from(asked)),
            append(stream(), other, self.begin, &domain::FriendshipEvent::from(accepted)),
        ]
    }

    fn publish(&self, post: PostId, author: &Person, at: DateTime<Utc>) -> Result<Append, Error> {
        let text = "First harvest of the year, picked before the rain and drunk on the southern hill".to_owned();
        let draft = Draft { text, ..Draft::default() };
        append(stream_of(post), author, at, &PostEvent::from(PostPublished { draft }))
    }

    /// What those people do below a post: each likes it, some say something.
    fn talk<'a>(
        &self,
        post: PostId,
        people: impl Iterator<Item = (usize, &'a Person)>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Append, Error>> {
        let (mut appends, mut first) = (vec![], None);
        for (said, (_, person)) in people.enumerate() {
            appends.push(append(stream_of(post), person, at, &PostEvent::from(PostLiked {})));
            if said < COMMENTS {
                let reply_to = first.filter(|_| said + 1 == COMMENTS);
                let added = comment(reply_to);
                first.get_or_insert(ReplyTo { comment: added.comment, author: person.user });
                appends.push(append(stream_of(post), person, at, &PostEvent::from(added)));
            }
        }
        appends
    }

    /// A post that many like.
    async fn popular(&self, author: &Person, fans: &[Person]) -> Result<PostId, Error> {
        let (post, at) = (PostId::new(), self.begin + TimeDelta::days(370));
        let likes = fans.iter().map(|fan| append(stream_of(post), fan, at, &PostEvent::from(PostLiked {})));
        let commenting = fans.iter().take(COMMENTING_FANS);
        let comments = commenting.map(|fan| append(stream_of(post), fan, at, &PostEvent::from(comment(None))));
        self.write(std::iter::once(self.publish(post, author, at)).chain(likes).chain(comments)).await?;
        Ok(post)
    }
}

fn append(stream: String, by: &Person, at: DateTime<Utc>, event: &impl EventFamily) -> Result<Append, Error> {
    direct::append(stream, ExpectedVersion::Any, by.user, at, std::slice::from_ref(event))
}

fn comment(reply_to: Option<ReplyTo>) -> CommentAdded {
    CommentAdded { comment: CommentId::new(), text: "Which hill was it, and is any left?".to_owned(), reply_to }
}

fn stream_of(post: PostId) -> String {
    format!("{}-{post}", Post::CATEGORY)
}
