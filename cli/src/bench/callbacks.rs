//! Calls of accounts' programs: how many a second a quick one is told, and how long it takes until it is told, also while
//! a hundred others are dead.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Bench, CONNECTIONS, Place,
    client::Connection,
    figure::Figure,
    load::{WARM_UP, at_pace},
    messages::Talk,
    official::{done, failed, id_at},
    program::{Program, Watched},
    server::{self, Server},
    world::{self, AT_ONCE, Census, Person},
};
use crate::error::Error;

const NAME: &str = "official";
/// Followers who talk with the quick program.
const TALKERS: usize = 512;
/// Programs that answer nothing.
const DEAD: usize = 100;
/// Followers of each of them.
const DEAD_TALKERS: usize = 4;
/// Accounts that are opened at the same time.
const OPENING: usize = 4;
/// What followers say a second to the quick program while it is measured how much it is told, all together. More than that
/// would only measure how messages and calls share the machine.
const OFFERED: u32 = 3_000;
/// What followers say a second to the quick program while it is measured how long it takes, all together.
const PACE: u32 = 200;
/// What followers say a second to the dead programs, all together.
const DEAD_PACE: u32 = 100;
/// When nothing was told for so long, nothing more comes.
const QUIET: Duration = Duration::from_secs(2);
/// How often it is looked whether everything was told.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Somebody in a conversation with an account, by its id.
type Talker = (String, Person);

/// Measures.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let census = Census { loners: TALKERS + 1 + DEAD * (DEAD_TALKERS + 1), ..Census::default() };
    let people = world::people(&settings, census)?.loners;
    let (quick, dead) = people.split_at(TALKERS + 1);
    let server = Server::serve(&place.data(), bench.store)?;
    let program = Program::start().await.map_err(failed)?;
    let talkers = staffed(&server, quick, &program.quick()).await?;
    let measuring = Measuring { bench, server: &server, program: &program, talkers };
    measuring.most().await?.tell(bench.json);
    measuring.until_told(1_000_000_000, "the call").await?.tell(bench.json);
    let silent = program.silent();
    let dead = dead.chunks(DEAD_TALKERS + 1).map(|people| staffed(&server, people, &silent));
    let dead: Vec<Vec<Talker>> = stream::iter(dead).buffered(OPENING).try_collect().await?;
    let dead = Talk::with_accounts(&dead.concat(), 1);
    let (seconds, process) = (bench.seconds, server.process());
    let calls_of_dead = at_pace(server.address, process, dead, DEAD_PACE, seconds);
    let case = format!("the call beside {DEAD} dead programs");
    let (dead, told) = tokio::join!(calls_of_dead, measuring.until_told(2_000_000_000, &case));
    let mut told = told?;
    told.errors += dead?.errors;
    told.tell(bench.json);
    server.stop()
}

/// Has the first of these open an account with a program there, and the others follow it and talk with it.
async fn staffed(server: &Server, people: &[Person], url: &str) -> Result<Vec<Talker>, Error> {
    let Some((owner, followers)) = people.split_first() else { return Ok(vec![]) };
    let mut connection = Connection::open(server.address).await.map_err(failed)?;
    let opened = r#"{"sort":"service","name":"Tea Bot"}"#;
    let opened = done(&mut connection, "POST", "/v1/official-accounts", owner, opened).await?;
    let account = format!("/v1/official-accounts/{}", id_at(&opened, "account")?);
    let callback = format!(r#"{{"url":"{url}","mode":"plain"}}"#);
    done(&mut connection, "PUT", &format!("{account}/callback"), owner, &callback).await?;
    let talkers = followers.iter().map(|follower| talker(server, &account, follower));
    stream::iter(talkers).buffered(AT_ONCE).try_collect().await
}

async fn talker(server: &Server, account: &str, follower: &Person) -> Result<Talker, Error> {
    let mut connection = Connection::open(server.address).await.map_err(failed)?;
    done(&mut connection, "PUT", &format!("{account}/follow"), follower, "{}").await?;
    let opened = done(&mut connection, "PUT", &format!("{account}/conversation"), follower, "").await?;
    Ok((id_at(&opened, "conversation")?.to_string(), follower.clone()))
}

/// One server and the program that it calls, under one load after the other.
struct Measuring<'a> {
    bench: &'a Bench,
    server: &'a Server,
    program: &'a Program,
    talkers: Vec<Talker>,
}

impl Measuring<'_> {
    /// How much it is told a second.
    async fn most(&self) -> Result<Figure, Error> {
        let (server, seconds) = (self.server, self.bench.seconds);
        let begin = Instant::now() + WARM_UP;
        let told = async {
            sleep_until(begin).await;
            let before = self.program.told.lock().times;
            sleep_until(begin + Duration::from_secs(seconds)).await;
            self.program.told.lock().times - before
        };
        let talks = Talk::with_accounts(&self.talkers, CONNECTIONS);
        let (answered, told) = tokio::join!(at_pace(server.address, server.process(), talks, OFFERED, seconds), told);
        let answered = answered?;
        let case = format!("calls of a quick program, {OFFERED} messages/s");
        let mut figure = Figure::new(NAME, case, told, Duration::from_secs(seconds));
        figure.errors = answered.errors;
        figure.cpu_percent = Some(answered.cpu_percent);
        figure.rss_mib = Some(answered.rss_mib);
        self.until_told_all().await;
        Ok(figure)
    }

    /// From sending a message to the call. The numbers of the messages begin with `first`.
    async fn until_told(&self, first: u64, whom: &str) -> Result<Figure, Error> {
        let (server, seconds) = (self.server, self.bench.seconds);
        let watched = |talk: Talk| Watched { talk: talk.starting_at(first), told: self.program.told.clone() };
        let talks = Talk::with_accounts(&self.talkers, CONNECTIONS).into_iter().map(watched).collect();
        let answered = at_pace(server.address, server.process(), talks, PACE, seconds).await?;
        self.until_told_all().await;
        let mut told = self.program.told.lock();
        let mut took = std::mem::take(&mut told.took);
        let case = format!("from a message to {whom}, at {PACE}/s");
        let mut figure = Figure::new(NAME, case, took.count(), WARM_UP + Duration::from_secs(seconds));
        // What was never told is an error.
        figure.errors = answered.errors + std::mem::take(&mut told.waiting).len() as u64;
        figure.cpu_percent = Some(answered.cpu_percent);
        Ok(figure.with_latencies(&mut took))
    }

    /// Waits until nothing more is told.
    async fn until_told_all(&self) {
        let (mut times, mut since) = (0, Instant::now());
        while since.elapsed() < QUIET {
            sleep(LOOK_EVERY).await;
            let now = self.program.told.lock().times;
            if now != times {
                (times, since) = (now, Instant::now());
            }
        }
    }
}
