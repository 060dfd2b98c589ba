//! `teahouse bench moments`: timelines and posts while many are stored; then publishing, liking and commenting, durable
//! before it is acknowledged.

use domain::PostId;
use eventlog::StoreKind;

use super::{
    Bench, CONNECTIONS, Place, ceiling, client,
    feed::{COMMENTING_FANS, FANS, FEW, FRIENDS, Feed, HARDLY_ANY, PEOPLE},
    figure::Figure,
    load::{InTurn, Repeated, Traffic, at_pace, closed_loop},
    numbered::{Numbered, PLACE, Series},
    server::{self, Server},
    world::{self, Census, Person},
};
use crate::{audit::source::opened, error::Error, layout::DataDir, settings::Settings};

const NAME: &str = "moments";
/// First pages of the reader with many friends a second.
const PACE: u32 = 500;
/// Queries for the post that many like a second.
const POPULAR_PACE: u32 = 100;
/// Digits are enough for so many requests of one kind.
const KIND: u64 = 100_000_000_000;

/// Measures, with so many posts stored.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench, posts: u64) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, NAME, &comment_body()).await?;
    ceiling.tell(bench.json);
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let feed = fill(bench, &settings, usize::try_from(posts).unwrap_or(usize::MAX)).await?;
    let server = Server::serve(&place.data(), bench.store)?;
    server.until_caught_up().await?;
    let measuring = Measuring { bench, server: &server, posts };
    // What is written last changes none of the pages that are read first.
    measuring.timelines(&feed).await?;
    measuring.popular(&feed).await?;
    measuring.likes_and_comments(&feed, ceiling.per_second).await?;
    measuring.publishing(&feed).await?;
    server.stop()
}

async fn fill(bench: &Bench, settings: &Settings, posts: usize) -> Result<Feed, Error> {
    let people = world::people(settings, Census { loners: PEOPLE, ..Census::default() })?.loners;
    let log = opened(StoreKind::from(bench.store).open(DataDir::new(settings.data.clone()).log(), None))?;
    Feed::write(&log, people, posts).await
}

/// A body as long as those of comments.
fn comment_body() -> String {
    format!(r#"{{"text":"comment {PLACE}"}}"#)
}

/// A like or a comment by somebody, with a key of its own.
fn deed(method: &str, path: &str, by: &Person, body: &str) -> Numbered {
    Numbered::new(client::once(method, path, &by.token, &format!("deed {PLACE}"), body))
}

/// One server under one load after the other.
struct Measuring<'a> {
    bench: &'a Bench,
    server: &'a Server,
    posts: u64,
}

impl Measuring<'_> {
    async fn timelines(&self, feed: &Feed) -> Result<(), Error> {
        let page = |reader: &Person| client::get("/v1/moments/timeline?limit=20", &reader.token);
        let traffic = (0..CONNECTIONS).map(|_| Repeated(page(&feed.sociable))).collect();
        let case = format!("timeline, {FRIENDS} friends, {} posts, at {PACE}/s", self.posts);
        self.paced(traffic, PACE, case).await?;
        let requests: Vec<Vec<u8>> = feed.readers.iter().map(page).collect();
        let traffic = (0..CONNECTIONS).map(|turn| InTurn { requests: requests.clone(), turn }).collect();
        self.looped(traffic, format!("timeline, {FEW} friends")).await?.tell(self.bench.json);
        Ok(())
    }

    async fn popular(&self, feed: &Feed) -> Result<(), Error> {
        let path = format!("/v1/moments/posts/{}", feed.popular);
        let seen_by = [
            ("", &feed.sociable, "who knows all"),
            ("", &feed.shy, "who knows none"),
            ("/likes?limit=1000", &feed.sociable, "who knows all"),
            ("/comments?limit=1000", &feed.sociable, "who knows all"),
        ];
        for (rest, reader, knowing) in seen_by {
            let request = client::get(&format!("{path}{rest}"), &reader.token);
            let traffic = (0..CONNECTIONS).map(|_| Repeated(request.clone())).collect();
            let case = format!("post{rest}, {FANS} likes, {COMMENTING_FANS} comments, by {knowing}");
            self.paced(traffic, POPULAR_PACE, case).await?;
        }
        Ok(())
    }

    async fn likes_and_comments(&self, feed: &Feed, ceiling: f64) -> Result<(), Error> {
        let like = |post: &PostId| format!("/v1/moments/posts/{post}/like");
        let comment = |post: &PostId| format!("/v1/moments/posts/{post}/comments");
        // All are liked, then all likes are taken back, and so on: a second like would be nothing to do.
        let likes = ["PUT", "DELETE"].into_iter().flat_map(|method| {
            feed.to_like.iter().map(move |(who, by, post)| (*who, deed(method, &like(post), by, "")))
        });
        let likes = self.looped(Series::shared_out(likes, CONNECTIONS, 0), "likes, given and taken back").await?;
        likes.with_ceiling(ceiling).tell(self.bench.json);
        let body = comment_body();
        let comments = feed.to_like.iter().map(|(who, by, post)| (*who, deed("POST", &comment(post), by, &body)));
        let comments = self.looped(Series::shared_out(comments, CONNECTIONS, KIND), "comments").await?;
        comments.with_ceiling(ceiling).tell(self.bench.json);
        let popular = ["DELETE", "PUT"].into_iter().flat_map(|method| {
            feed.fans.iter().enumerate().map(move |(who, by)| (who, deed(method, &like(&feed.popular), by, "")))
        });
        let case = format!("likes of the post with {FANS} and {COMMENTING_FANS} comments");
        let popular = self.looped(Series::shared_out(popular, CONNECTIONS, 2 * KIND), case).await?;
        popular.with_ceiling(ceiling).tell(self.bench.json);
        Ok(())
    }

    async fn publishing(&self, feed: &Feed) -> Result<(), Error> {
        let body = format!(r#"{{"text":"First harvest {PLACE}"}}"#);
        let posts = |by: &Person, round: u64| {
            // One number for all connections and rounds: a key belongs to the person.
            let share = |number: u64| {
                let request = deed("POST", "/v1/moments/posts", by, &body);
                let first = (round * CONNECTIONS as u64 + number) * KIND / CONNECTIONS as u64;
                Series::shared_out(std::iter::once((0, request)), 1, first)
            };
            (0..CONNECTIONS as u64).flat_map(share).collect::<Vec<_>>()
        };
        // The log grows under way and the machine is not always the same: one before and after the other, so that neither
        // has the better half of the time.
        let (server, seconds) = (self.server, self.bench.seconds);
        let half = async |round| {
            let traffic = posts(&feed.shy, round);
            closed_loop(server.address, server.process(), traffic, seconds.div_ceil(2)).await
        };
        let before = half(0).await?;
        let many = closed_loop(server.address, server.process(), posts(&feed.sociable, 0), seconds).await?;
        let few = before.and(half(1).await?);
        let case = format!("posts by an author with {HARDLY_ANY} friends");
        let few = few.figure(NAME, case, 2 * seconds.div_ceil(2));
        few.tell(self.bench.json);
        let case = format!("posts by an author with {FRIENDS} friends, against that");
        many.figure(NAME, case, seconds).with_ceiling(few.per_second).tell(self.bench.json);
        Ok(())
    }

    async fn paced(&self, traffic: Vec<impl Traffic>, per_second: u32, case: String) -> Result<(), Error> {
        let (server, seconds) = (self.server, self.bench.seconds);
        let answered = at_pace(server.address, server.process(), traffic, per_second, seconds).await?;
        answered.figure(NAME, case, seconds).tell(self.bench.json);
        Ok(())
    }

    async fn looped(&self, traffic: Vec<impl Traffic>, case: impl Into<String>) -> Result<Figure, Error> {
        let (server, seconds) = (self.server, self.bench.seconds);
        let answered = closed_loop(server.address, server.process(), traffic, seconds).await?;
        Ok(answered.figure(NAME, case, seconds))
    }
}
