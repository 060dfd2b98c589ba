//! `teahouse bench official`: an article that many have read, broadcasts to many followers, and many who follow one account
//! at the same time. With `callbacks`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use domain::{
    Aggregate, ArticleId, OfficialAccountId, Reading, ReadingEvent, ReadingId, Subscriptions, SubscriptionsEvent,
    UserId,
    reading::ArticleRead,
    subscriptions::{AccountFollowed, FollowSource},
};
use eventlog::{Append, DiskLog, EventLog, ExpectedVersion, StoreKind};
use futures::future::try_join_all;
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{
    Bench, CONNECTIONS, Place, callbacks, ceiling,
    client::{self, Connection},
    direct,
    figure::Figure,
    latency::Latencies,
    load::{Repeated, at_pace, closed_loop},
    messages::numbers_in,
    numbered::{Numbered, PLACE, Series},
    server::{self, Server},
    sockets,
    world::{self, Census, Person},
};
use crate::{audit::source::opened, error::Error, layout::DataDir, settings::Settings};

const NAME: &str = "official";
/// Followers who are connected when a broadcast is sent, at most.
const ONLINE: usize = 10_000;
/// Broadcasts that are sent.
const BROADCASTS: u64 = 10;
/// Requests for the article a second.
const PACE: u32 = 500;
/// Appends under way at the same time while the log is filled.
const AT_ONCE: usize = 4_096;
/// How long the last pushes of a broadcast may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether all have come.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// After this time nothing is written any more that a broadcast has written.
const SETTLING: Duration = Duration::from_secs(2);
/// What somebody says who follows an account.
const FOLLOW: &str = r#"{"source":"search"}"#;

/// Measures, with so many followers, each of whom has read the article.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench, followers: u64) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, NAME, FOLLOW).await?;
    ceiling.tell(bench.json);
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let online = usize::try_from(followers).map_or(ONLINE, |followers| ONLINE.min(followers));
    let people = world::people(&settings, Census { loners: online + 1, ..Census::default() })?.loners;
    let Some((owner, readers)) = people.split_first() else { return Err(failed("there is nobody")) };
    let server = Server::serve(&place.data(), bench.store)?;
    let brand = Brand::open(&server, owner).await?;
    server.stop()?;
    fill(bench, &settings, &brand, readers, followers).await?;
    let server = Server::serve(&place.data(), bench.store)?;
    server.until_caught_up().await?;
    let measuring = Measuring { bench, server: &server, brand: &brand, followers };
    measuring.article().await?;
    measuring.broadcasts(readers).await?;
    measuring.following(readers).await?.with_ceiling(ceiling.per_second).tell(bench.json);
    server.stop()?;
    callbacks::run(bench).await
}

/// Says what failed.
pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::failed("the official account", error)
}

/// The account that is measured.
struct Brand {
    owner: Person,
    account: OfficialAccountId,
    article: ArticleId,
}

impl Brand {
    async fn open(server: &Server, owner: &Person) -> Result<Self, Error> {
        let mut connection = Connection::open(server.address).await.map_err(failed)?;
        let opened = r#"{"sort":"service","name":"Tea News"}"#;
        let opened = done(&mut connection, "POST", "/v1/official-accounts", owner, opened).await?;
        let account = OfficialAccountId(id_at(&opened, "account")?);
        let drafts = format!("/v1/official-accounts/{account}/drafts");
        let body = "<p>First harvest of the year, picked before the rain.</p>".repeat(100);
        let draft = format!(r#"{{"title":"Spring tea","body":"{body}"}}"#);
        let article = ArticleId(id_at(&done(&mut connection, "POST", &drafts, owner, &draft).await?, "article")?);
        done(&mut connection, "POST", &format!("{drafts}/{article}/publish"), owner, "").await?;
        Ok(Self { owner: owner.clone(), account, article })
    }
}

/// Has something done, and gives the answer.
///
/// # Errors
/// When it is refused.
pub(super) async fn done(
    connection: &mut Connection,
    method: &str,
    path: &str,
    by: &Person,
    body: &str,
) -> Result<Value, Error> {
    let request = client::request(method, path, &by.token, body);
    let (status, answer) = connection.exchange(&request).await.map_err(failed)?;
    match status {
        200..=299 => serde_json::from_slice(answer).map_err(failed),
        _ => Err(failed(String::from_utf8_lossy(answer))),
    }
}

/// An id in an answer.
///
/// # Errors
/// When there is none.
pub(super) fn id_at(answer: &Value, field: &str) -> Result<Uuid, Error> {
    let id = answer.get(field).and_then(Value::as_str).unwrap_or_default();
    Uuid::try_parse(id).map_err(failed)
}

/// Writes followers straight into the log, and that they have read the article.
async fn fill(
    bench: &Bench,
    settings: &Settings,
    brand: &Brand,
    readers: &[Person],
    followers: u64,
) -> Result<(), Error> {
    let log = opened(StoreKind::from(bench.store).open(DataDir::new(settings.data.clone()).log(), None))?;
    let known = readers.iter().map(|reader| reader.user);
    let others = (readers.len() as u64..followers).map(|_| UserId::new());
    let appends = known.chain(others).zip(0..).flat_map(|(user, number)| brand.reader(user, number));
    write(&log, appends).await
}

impl Brand {
    fn reader(&self, user: UserId, number: u64) -> [Result<Append, Error>; 2] {
        let (account, article, at) = (self.account, self.article, Utc::now());
        let openid = format!("o{number:027}");
        let followed = AccountFollowed { account, openid, source: FollowSource::Search, scene: None };
        let stream = format!("{}-{user}", Subscriptions::CATEGORY);
        let followed = SubscriptionsEvent::from(followed);
        let followed = direct::append(stream, ExpectedVersion::Any, user, at, std::slice::from_ref(&followed));
        let stream = format!("{}-{}", Reading::CATEGORY, ReadingId { article, reader: user });
        let read = ReadingEvent::from(ArticleRead { article, account });
        [followed, direct::append(stream, ExpectedVersion::Any, user, at, std::slice::from_ref(&read))]
    }
}

async fn write(log: &Arc<DiskLog>, appends: impl Iterator<Item = Result<Append, Error>>) -> Result<(), Error> {
    let mut appends = appends.peekable();
    while appends.peek().is_some() {
        let some = appends.by_ref().take(AT_ONCE);
        let pending = some.map(|append| Ok(log.append(append?))).collect::<Result<Vec<_>, Error>>()?;
        try_join_all(pending).await.map_err(|error| Error::failed("the log", error))?;
    }
    Ok(())
}

/// One server under one load after the other.
struct Measuring<'a> {
    bench: &'a Bench,
    server: &'a Server,
    brand: &'a Brand,
    followers: u64,
}

impl Measuring<'_> {
    async fn article(&self) -> Result<(), Error> {
        for rest in ["", "/page"] {
            let request = client::get(&format!("/v1/articles/{}{rest}", self.brand.article), "");
            let traffic = (0..CONNECTIONS).map(|_| Repeated(request.clone())).collect();
            let (server, seconds) = (self.server, self.bench.seconds);
            let answered = at_pace(server.address, server.process(), traffic, PACE, seconds).await?;
            let case = format!("article{rest}, {} readers counted, at {PACE}/s", self.followers);
            answered.figure(NAME, case, seconds).tell(self.bench.json);
        }
        Ok(())
    }

    /// From sending a broadcast to its answer, and to the last of those who are connected.
    async fn broadcasts(&self, readers: &[Person]) -> Result<(), Error> {
        let heard = Arc::new(AtomicU64::new(0));
        let mut listeners = JoinSet::new();
        for reader in readers {
            let socket = sockets::connect(self.server.address, reader).await?;
            let heard = heard.clone();
            listeners.spawn(sockets::each_text(socket, move |text| {
                heard.fetch_add(numbers_in(text).count() as u64, Ordering::Relaxed);
            }));
        }
        let path = format!("/v1/official-accounts/{}/broadcasts", self.brand.account);
        let (mut accepted, mut seen) = (Latencies::default(), Latencies::default());
        let (mut missing, mut told, mut written) = (0, 0, 0);
        for number in 0..BROADCASTS {
            sleep(SETTLING).await;
            // Another one each time: a server closes connections that are silent for as long as all this takes.
            let mut connection = Connection::open(self.server.address).await.map_err(failed)?;
            let before = self.server.process().written_bytes();
            let body = format!(r#"{{"contents":[{{"kind":"text","text":"message {number:012}"}}]}}"#);
            let begun = Instant::now();
            done(&mut connection, "POST", &path, &self.brand.owner, &body).await?;
            accepted.add(begun.elapsed());
            told += readers.len() as u64;
            while heard.load(Ordering::Relaxed) < told && begun.elapsed() < PATIENCE {
                sleep(LOOK_EVERY).await;
            }
            seen.add(begun.elapsed());
            missing += told.saturating_sub(heard.load(Ordering::Relaxed));
            told = heard.load(Ordering::Relaxed);
            sleep(SETTLING).await;
            written += self.server.process().written_bytes().saturating_sub(before);
        }
        listeners.abort_all();
        let figure = |case: String, latencies: &mut Latencies| {
            Figure::new(NAME, case, BROADCASTS, latencies.sum()).with_latencies(latencies)
        };
        let mut answered = figure(format!("broadcast to {} followers, accepted", self.followers), &mut accepted);
        answered.disk_bytes_per_item = Some(written as f64 / BROADCASTS as f64);
        answered.tell(self.bench.json);
        let mut pushed = figure(format!("the same, seen by the last of {} connected", readers.len()), &mut seen);
        pushed.errors = missing;
        pushed.rss_mib = Some(self.server.process().resident_mib());
        pushed.tell(self.bench.json);
        Ok(())
    }

    /// Followers leave and come back.
    async fn following(&self, readers: &[Person]) -> Result<Figure, Error> {
        let path = format!("/v1/official-accounts/{}/follow", self.brand.account);
        let requests = [("DELETE", ""), ("PUT", FOLLOW)].into_iter().flat_map(|(method, body)| {
            readers.iter().enumerate().map({
                let path = &path;
                move |(number, by)| {
                    let request = client::once(method, path, &by.token, &format!("deed {PLACE}"), body);
                    (number, Numbered::new(request))
                }
            })
        });
        let traffic = Series::shared_out(requests, CONNECTIONS.min(readers.len()), 0);
        let (server, seconds) = (self.server, self.bench.seconds);
        let answered = closed_loop(server.address, server.process(), traffic, seconds).await?;
        Ok(answered.figure(NAME, "unfollowing and following one account", seconds))
    }
}
