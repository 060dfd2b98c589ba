//! Rebuilt rows are the rows: random histories, folded in one go, in random batches, with crashes and reopenings in
//! between, and by the running server, give the same bytes in every read model.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use chrono::TimeDelta;
use eventlog::{EventLog, Position};
use projections::{
    Fact, Projection, ReadModelOptions, ReadModels,
    articles::ArticlesProjection,
    broadcasts::BroadcastsProjection,
    calls::CallsProjection,
    chat::ChatProjection,
    commands::CommandIndexProjection,
    deadlines::{DeadlinesProjection, WaitKind},
    group_calls::GroupCallsProjection,
    media::MediaProjection,
    moments::MomentsProjection,
    official::OfficialProjection,
    people::PeopleProjection,
    read_models::kinds,
    report::ReportProjection,
    runtime::{Difference, ReplayOptions, Row, State, compare, replay},
    search::SearchProjection,
    stickers::StickersProjection,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use support::{Mood, PATIENCE, StrangeLog, history::History};

fn history(seed: u64, steps: usize) -> History {
    let mut history = History::new(seed, 7);
    (0..steps).for_each(|_| history.step());
    history
}

fn rows<P: Projection>(dir: &Path) -> Vec<Row> {
    P::rows(dir).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
}

/// What a kill would leave of an open directory: a copy of a moment in which nothing was written in the background.
fn copy(from: &Path, to: &Path) {
    loop {
        let before = files(from);
        let copied = before.iter().try_for_each(|(name, _)| {
            let target = to.join(name);
            fs::create_dir_all(target.parent().unwrap())?;
            fs::copy(from.join(name), target).map(drop)
        });
        if copied.is_ok() && files(from) == before {
            return;
        }
        fs::remove_dir_all(to).unwrap();
    }
}

/// All files in a directory and below, with what changes when they do.
fn files(dir: &Path) -> Vec<(PathBuf, (u64, SystemTime))> {
    let mut files = vec![];
    let mut below = vec![dir.to_owned()];
    while let Some(next) = below.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            // What goes in the meantime is missed, and the second look tells.
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                below.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(dir).unwrap().to_owned();
                files.push((name, (about.len(), about.modified().unwrap())));
            }
        }
    }
    files.sort();
    files
}

/// Folds in one batch.
fn whole<P: Projection>(facts: &[Arc<Fact>]) -> Vec<Row> {
    let dir = tempfile::tempdir().unwrap();
    let mut projection = P::open(dir.path()).unwrap();
    projection.apply(facts).unwrap();
    projection.flush().unwrap();
    drop(projection);
    rows::<P>(dir.path())
}

/// Folds in random batches; now and then the process is killed, and another one goes on with what it left.
fn in_pieces<P: Projection>(facts: &[Arc<Fact>], seed: u64) -> Vec<Row> {
    let root = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = |life: u32| -> PathBuf { root.path().join(life.to_string()) };
    let mut life = 0;
    fs::create_dir(dir(life)).unwrap();
    let mut projection = P::open(&dir(life)).unwrap();
    let mut at = 0;
    while at < facts.len() {
        let batch = facts.len().min(at + rng.random_range(1..=60));
        projection.apply(&facts[at..batch]).unwrap();
        at = batch;
        match rng.random_range(0..10) {
            0 => projection.idle().unwrap(),
            1 => {
                copy(&dir(life), &dir(life + 1));
                life += 1;
                projection = P::open(&dir(life)).unwrap();
                let checkpoint = projection.checkpoint();
                at = facts.partition_point(|fact| fact.position() <= checkpoint);
            }
            _ => {}
        }
    }
    projection.flush().unwrap();
    drop(projection);
    rows::<P>(&dir(life))
}

fn batches_do_not_show<P: Projection>() {
    for seed in 0..3 {
        let history = history(seed, 900);
        let facts = history.writer.facts(Position::START);
        let expected = whole::<P>(&facts);
        assert!(expected.len() > 1, "the history leaves rows");
        for split in 0..3 {
            let found = in_pieces::<P>(&facts, 100 * seed + split);
            assert!(
                found == expected,
                "{}: history {seed}, split {split}: {:?}",
                P::NAME,
                first_difference(&found, &expected)
            );
        }
    }
}

fn first_difference<'a>(found: &'a [Row], expected: &'a [Row]) -> Option<(Option<&'a Row>, Option<&'a Row>)> {
    let longest = found.len().max(expected.len());
    (0..longest).map(|at| (found.get(at), expected.get(at))).find(|(one, other)| one != other)
}

#[test]
fn the_rows_of_chat_do_not_show_batches_or_crashes() {
    batches_do_not_show::<ChatProjection>();
}

#[test]
fn the_rows_of_people_do_not_show_batches_or_crashes() {
    batches_do_not_show::<PeopleProjection>();
}

#[test]
fn the_rows_of_the_command_index_do_not_show_batches_or_crashes() {
    batches_do_not_show::<CommandIndexProjection>();
}

#[test]
fn the_rows_of_deadlines_do_not_show_batches_or_crashes() {
    batches_do_not_show::<DeadlinesProjection>();
}

#[test]
fn the_rows_of_media_do_not_show_batches_or_crashes() {
    batches_do_not_show::<MediaProjection>();
}

#[test]
fn the_rows_of_moments_do_not_show_batches_or_crashes() {
    batches_do_not_show::<MomentsProjection>();
}

#[test]
fn the_rows_of_official_accounts_do_not_show_batches_or_crashes() {
    batches_do_not_show::<OfficialProjection>();
}

#[test]
fn the_rows_of_articles_do_not_show_batches_or_crashes() {
    batches_do_not_show::<ArticlesProjection>();
}

#[test]
fn the_rows_of_broadcasts_do_not_show_batches_or_crashes() {
    batches_do_not_show::<BroadcastsProjection>();
}

#[test]
fn the_rows_of_the_report_do_not_show_batches_or_crashes() {
    batches_do_not_show::<ReportProjection>();
}

#[test]
fn the_rows_of_search_do_not_show_batches_or_crashes() {
    batches_do_not_show::<SearchProjection>();
}

#[test]
fn the_rows_of_calls_do_not_show_batches_or_crashes() {
    batches_do_not_show::<CallsProjection>();
}

#[test]
fn the_rows_of_groups_calls_do_not_show_batches_or_crashes() {
    batches_do_not_show::<GroupCallsProjection>();
}

#[test]
fn the_rows_of_stickers_do_not_show_batches_or_crashes() {
    batches_do_not_show::<StickersProjection>();
}

#[test]
fn relations_and_waits_are_those_that_the_domain_reckons() {
    for seed in 10..14 {
        let history = history(seed, 1_500);
        let dir = tempfile::tempdir().unwrap();
        let (people_dir, deadlines_dir) = (dir.path().join("people"), dir.path().join("deadlines"));
        fs::create_dir(&people_dir).unwrap();
        fs::create_dir(&deadlines_dir).unwrap();
        let people = history.writer.fold::<PeopleProjection>(&people_dir).view();
        for one in &history.people {
            for other in &history.people {
                assert_eq!(people.holds(*one, *other), history.holds(*one, *other));
                assert_eq!(people.blocks(*one, *other), history.blocks(*one, *other));
                assert_eq!(people.notes_on(*one, *other), history.notes_on(*one, *other));
            }
        }
        let deadlines = history.writer.fold::<DeadlinesProjection>(&deadlines_dir).view();
        let kinds = [WaitKind::FriendRequest, WaitKind::Invitation, WaitKind::JoinRequest];
        let after = history.writer.now + TimeDelta::seconds(1);
        let all = kinds.iter().flat_map(|kind| deadlines.open_since(*kind, after, usize::MAX));
        let mut waiting: Vec<_> = all.map(|item| (item.wait, item.version)).collect();
        waiting.sort_unstable();
        assert_eq!(waiting, history.waiting());
        assert!(!waiting.is_empty());
    }
}

fn differences(one: &Path, other: &Path) -> (u64, Vec<Difference>) {
    let mut all = vec![];
    let compared = compare(&kinds(), one, other, &mut |difference| all.push(difference)).unwrap();
    (compared, all)
}

async fn served(models: &ReadModels, at: Position) {
    models.chat.at_least(at, PATIENCE).await.unwrap();
    models.people.at_least(at, PATIENCE).await.unwrap();
    models.commands.at_least(at, PATIENCE).await.unwrap();
    models.deadlines.at_least(at, PATIENCE).await.unwrap();
    models.media.at_least(at, PATIENCE).await.unwrap();
    models.moments.at_least(at, PATIENCE).await.unwrap();
    models.report.at_least(at, PATIENCE).await.unwrap();
    models.search.at_least(at, PATIENCE).await.unwrap();
    models.stickers.at_least(at, PATIENCE).await.unwrap();
    models.calls.at_least(at, PATIENCE).await.unwrap();
    models.group_calls.at_least(at, PATIENCE).await.unwrap();
    models.official.at_least(at, PATIENCE).await.unwrap();
    models.articles.at_least(at, PATIENCE).await.unwrap();
    models.broadcasts.at_least(at, PATIENCE).await.unwrap();
    models.shops.at_least(at, PATIENCE).await.unwrap();
    models.wallet.at_least(at, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_replay_aside_gives_the_rows_of_the_running_server_also_after_rebuilds() {
    let (live, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut history = history(20, 600);
    let log = history.writer.log();
    let models = ReadModels::start(Arc::clone(&log), live.path(), ReadModelOptions::default()).unwrap();
    served(&models, history.writer.last()).await;
    let rebuilt: Vec<_> = kinds().iter().map(|kind| models.rebuild(kind.name).unwrap()).collect();
    for _ in 0..300 {
        history.step();
        tokio::task::yield_now().await;
    }
    for rebuilt in rebuilt {
        rebuilt.await.unwrap();
    }
    (0..100).for_each(|_| history.step());
    let last = history.writer.last();
    served(&models, last).await;
    assert!(models.is_ready());
    assert!(models.status().iter().all(|status| (status.position, status.lag) == (last.0, 0)));
    models.stop();
    assert!(models.status().iter().all(|status| status.state == State::Stopped));
    drop(models);

    let options = ReplayOptions { to: last, only: None, as_far_as: Some(live.path().to_owned()) };
    let done = replay(&kinds(), &log, aside.path(), &options, &|_, _| {}).unwrap();
    assert_eq!(done.len(), kinds().len());
    assert!(done.iter().all(|part| part.position == last && part.stopped.is_none()), "{done:?}");
    let (compared, found) = differences(live.path(), aside.path());
    assert_eq!(found, []);
    assert!(compared > 1_000, "{compared} rows");
}

#[tokio::test]
async fn a_query_waits_while_the_read_models_are_built_and_readiness_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let history = history(30, 100);
    let log = StrangeLog::over(&history.writer.log, Mood::Holding(Position(5)));
    let strange: Arc<dyn EventLog> = Arc::clone(&log) as _;
    let models = ReadModels::start(strange, dir.path(), ReadModelOptions::default()).unwrap();
    assert!(!models.is_ready());
    assert!(models.people.now().is_err());
    let waiting = models.people.at_least(Position::START, PATIENCE);
    let (view, ()) = tokio::join!(waiting, async { log.set(Mood::Fine) });
    assert!(view.unwrap().person(history.people[0]).unwrap().is_some());
    served(&models, history.writer.last()).await;
    assert!(models.is_ready());
}
