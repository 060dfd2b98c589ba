//! The runtime: following, catching up, poison, versions, rebuilding, crashes, replay and comparison.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use std::{fs, path::Path, sync::Arc, time::Duration};

use eventlog::{EventLog, Position};
use parking_lot::Mutex;
use projections::{
    Fact,
    runtime::{
        AppliedHook, Difference, Group, GroupBuilder, Kind, Lagging, RebuildError, ReplayError, ReplayOptions, Slot,
        StartError, State, What, compare, replay,
    },
};
use support::{
    Mood, PATIENCE, StrangeLog, Writer,
    tally::{LEISURELY, PANIC, POISON, Tally, TallyView},
};

type Strict = Tally<1, true>;
type Lenient = Tally<1, false>;

fn start<const V: u32>(log: Arc<dyn EventLog>, dir: &Path) -> (Group, Arc<Slot<TallyView>>) {
    let mut group = GroupBuilder::new(log, dir).unwrap();
    let slot = group.add::<Tally<V, false>>(None).unwrap();
    (group.start().unwrap(), slot)
}

fn write(writer: &Writer, events: u64) -> Position {
    (0..events).fold(Position::START, |_, _| writer.odd("things", "test.thing"))
}

async fn taken(slot: &Slot<TallyView>, at: Position) -> Vec<u64> {
    slot.at_least(at, PATIENCE).await.unwrap().taken()
}

fn directories(dir: &Path) -> Vec<String> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let dirs = all.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = dirs.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until a condition holds that only another thread brings about.
fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it never came about");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_projection_takes_in_what_was_there_and_what_comes() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let before = write(&writer, 5_000);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    assert_eq!(taken(&slot, before).await, (1..=5_000).collect::<Vec<_>>());
    let after = write(&writer, 10);
    assert_eq!(taken(&slot, after).await, (1..=5_010).collect::<Vec<_>>());
    assert_eq!(group.status()[0].state, State::Live);
    assert_eq!((group.status()[0].position, group.status()[0].lag), (after.0, 0));
}

#[tokio::test]
async fn a_restart_goes_on_behind_the_checkpoint() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, writer.last()).await;
    drop(group);
    assert!(matches!(slot.now(), Err(Lagging::Stopped { .. })));
    write(&writer, 10);
    let (_group, slot) = start::<1>(writer.log(), dir.path());
    assert_eq!(taken(&slot, writer.last()).await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_view_that_does_not_get_there_in_time_says_how_far_it_is() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let at = write(&writer, 3);
    let (_group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, at).await;
    let wanted = Position(at.0 + 1);
    let lagging = slot.at_least(wanted, Duration::ZERO).await.map(|_| ()).unwrap_err();
    assert_eq!(lagging, Lagging::Late { wanted, applied: at });
    let late = tokio::join!(taken(&slot, wanted), async { write(&writer, 1) }).0;
    assert_eq!(late.len(), 4);
}

#[tokio::test]
async fn a_projection_at_leisure_hurries_for_whoever_waits_for_it() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let before = write(&writer, 3);
    let (_group, slot) = start::<LEISURELY>(writer.log(), dir.path());
    taken(&slot, before).await;
    for round in 1..=20 {
        let at = write(&writer, 1);
        assert_eq!(taken(&slot, at).await.len(), 3 + round);
    }
}

#[tokio::test]
async fn a_poison_event_stops_its_projection_and_only_it() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let mut group = GroupBuilder::new(writer.log(), dir.path()).unwrap();
    let strict = group.add::<Strict>(None).unwrap();
    let lenient = group.add::<Lenient>(None).unwrap();
    let group = group.start().unwrap();
    let good = write(&writer, 3);
    taken(&strict, good).await;
    let poison = writer.odd("things", POISON);
    let last = write(&writer, 3);
    assert_eq!(taken(&lenient, last).await.len(), 7);
    let refused = strict.at_least(poison, PATIENCE).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, Lagging::Stopped { reason } if reason.contains("it tastes bad")));
    let status = group.status();
    assert_eq!(status[0].state, State::Poisoned { at: poison.0, reason: "it tastes bad".into() });
    assert_eq!((status[0].position, status[0].lag), (good.0, 4));
    assert_eq!(status[1].state, State::Live);
}

#[tokio::test]
async fn a_projection_that_panics_fails_and_the_others_go_on() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let mut group = GroupBuilder::new(writer.log(), dir.path()).unwrap();
    let strict = group.add::<Strict>(None).unwrap();
    let lenient = group.add::<Lenient>(None).unwrap();
    let group = group.start().unwrap();
    writer.odd("things", PANIC);
    assert_eq!(taken(&lenient, write(&writer, 1)).await.len(), 2);
    assert!(matches!(strict.at_least(Position(1), PATIENCE).await, Err(Lagging::Stopped { .. })));
    assert_eq!(group.status()[0].state, State::Failed { reason: "it panicked".into() });
}

#[tokio::test]
async fn a_damaged_log_stops_the_projections_where_the_damage_is() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let log = StrangeLog::over(&writer.log, Mood::Damaged(Position(6)));
    let (group, slot) = start::<1>(log, dir.path());
    let stopped = slot.at_least(Position(10), PATIENCE).await.map(|_| ()).unwrap_err();
    assert!(matches!(stopped, Lagging::Stopped { reason } if reason.contains("damaged at position 6")));
    assert_eq!(group.status()[0].position, 6);
}

#[tokio::test]
async fn a_log_that_can_not_be_reached_is_asked_again() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let log = StrangeLog::over(&writer.log, Mood::Away);
    let (group, slot) = start::<1>(Arc::clone(&log) as Arc<dyn EventLog>, dir.path());
    eventually(|| *log.reads.lock() > 0);
    assert_eq!(group.status()[0].state, State::CatchingUp);
    log.set(Mood::Fine);
    assert_eq!(taken(&slot, Position(10)).await.len(), 10);
}

#[tokio::test]
async fn a_projection_of_a_new_version_is_built_beside_the_old_one_and_then_takes_over() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, writer.last()).await;
    drop(group);
    assert_eq!(directories(dir.path()), ["lenient-v1-g1"]);

    let log = StrangeLog::over(&writer.log, Mood::Holding(Position(4)));
    let (group, slot) = start::<2>(Arc::clone(&log) as Arc<dyn EventLog>, dir.path());
    eventually(|| slot.position() == Position(4));
    assert!(matches!(slot.now(), Err(Lagging::CatchingUp { applied: Position(4) })));
    assert_eq!(group.status()[0].state, State::CatchingUp);
    assert_eq!(directories(dir.path()), ["lenient-v1-g1", "lenient-v2-g2"]);
    log.set(Mood::Fine);
    assert_eq!(taken(&slot, Position(10)).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(directories(dir.path()), ["lenient-v2-g2"]);
    assert_eq!(group.status()[0].version, 2);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_version_change_leaves_the_old_rows_valid() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, writer.last()).await;
    drop(group);
    let log = StrangeLog::over(&writer.log, Mood::Holding(Position(4)));
    let (group, slot) = start::<2>(Arc::clone(&log) as Arc<dyn EventLog>, dir.path());
    eventually(|| slot.position() == Position(4));
    drop(group);

    // The old code finds its rows complete although the log can't be read.
    let away = StrangeLog::over(&writer.log, Mood::Away);
    let (group, slot) = start::<1>(away, dir.path());
    assert_eq!(taken(&slot, Position(10)).await.len(), 10);
    drop(group);
}

#[tokio::test]
async fn a_build_that_was_interrupted_is_gone_on_with() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let log = StrangeLog::over(&writer.log, Mood::Holding(Position(4)));
    let (group, slot) = start::<1>(Arc::clone(&log) as Arc<dyn EventLog>, dir.path());
    eventually(|| slot.position() == Position(4));
    drop(group);
    let (group, slot) = start::<1>(log, dir.path());
    assert_eq!(slot.position(), Position(4));
    drop(group);
}

#[tokio::test]
async fn rows_ahead_of_the_log_are_rebuilt() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, writer.last()).await;
    drop(group);
    let other = Writer::new();
    write(&other, 4);
    let (_group, slot) = start::<1>(other.log(), dir.path());
    assert_eq!(taken(&slot, Position(4)).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn rows_that_can_not_be_opened_are_rebuilt() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), dir.path());
    taken(&slot, writer.last()).await;
    drop(group);
    fs::write(dir.path().join("lenient-v1-g1/taken"), "1 2 what 4").unwrap();
    let (_group, slot) = start::<1>(writer.log(), dir.path());
    assert_eq!(taken(&slot, writer.last()).await.len(), 10);
}

#[test]
fn two_processes_can_not_use_one_directory() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (group, _slot) = start::<1>(writer.log(), dir.path());
    let refused = GroupBuilder::new(writer.log(), dir.path()).map(|_| ());
    assert!(matches!(refused, Err(StartError::InUse(_))));
    drop(group);
    assert!(GroupBuilder::new(writer.log(), dir.path()).is_ok());
}

fn collecting() -> (Arc<Mutex<Vec<u64>>>, AppliedHook<TallyView>) {
    let seen = Arc::new(Mutex::new(vec![]));
    let into = Arc::clone(&seen);
    let hook = move |view: &TallyView, facts: &[Arc<Fact>]| {
        let last = facts.last().unwrap().position().0;
        assert!(view.taken().last().is_some_and(|taken| *taken >= last), "the hook comes after the view");
        into.lock().extend(facts.iter().map(|fact| fact.position().0));
    };
    (seen, Arc::new(hook))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_while_serving_answers_all_the_time_and_the_hook_sees_each_event_once() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 1_000);
    let (seen, hook) = collecting();
    let mut group = GroupBuilder::new(writer.log(), dir.path()).unwrap();
    let slot = group.add::<Lenient>(Some(hook)).unwrap();
    let group = group.start().unwrap();
    taken(&slot, Position(1_000)).await;
    let mut expected = vec![];
    for round in 0..5 {
        let rebuilt = eventually_begins(&group);
        let before = slot.now().unwrap();
        let finished = tokio::spawn(rebuilt);
        while !finished.is_finished() {
            let at = write(&writer, 1);
            expected.push(at.0);
            let view = slot.at_least(at, PATIENCE).await.unwrap();
            assert_eq!(view.taken().len() as u64, at.0);
            assert!(slot.now().is_ok());
            tokio::task::yield_now().await;
        }
        finished.await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&before, &slot.now().unwrap()), "another view has taken over in round {round}");
    }
    let at = write(&writer, 1);
    expected.push(at.0);
    taken(&slot, at).await;
    eventually(|| seen.lock().len() == expected.len());
    assert_eq!(*seen.lock(), expected);
    eventually(|| directories(dir.path()).len() == 1);
    assert_eq!(group.status()[0].rebuilding, None);
    drop(group);
    let (_group, slot) = start::<1>(writer.log(), dir.path());
    assert_eq!(taken(&slot, at).await, (1..=at.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_follower_gets_each_event_from_the_start_on_once_whatever_becomes_of_the_projections() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let seen = Arc::new(Mutex::new(vec![]));
    let into = Arc::clone(&seen);
    let mut group = GroupBuilder::new(writer.log(), dir.path()).unwrap();
    let strict = group.add::<Strict>(None).unwrap();
    let follow = move |facts: &[Arc<Fact>]| into.lock().extend(facts.iter().map(|fact| fact.position().0));
    group.follow("follower", Duration::ZERO, Box::new(follow)).unwrap();
    let group = group.start().unwrap();
    let poison = writer.odd("things", POISON);
    assert!(strict.at_least(poison, PATIENCE).await.is_err());
    let last = write(&writer, 100);
    eventually(|| seen.lock().last() == Some(&last.0));
    assert_eq!(*seen.lock(), (poison.0..=last.0).collect::<Vec<_>>());
    drop(group);
}

/// A rebuild can't begin while the rows before the last one are being cleared away.
fn eventually_begins(group: &Group) -> futures::future::BoxFuture<'static, Result<(), RebuildError>> {
    let mut begun = None;
    eventually(|| match group.rebuild("lenient") {
        Ok(rebuilt) => {
            begun = Some(rebuilt);
            true
        }
        Err(RebuildError::Underway) => false,
        Err(error) => panic!("{error}"),
    });
    begun.unwrap()
}

#[tokio::test]
async fn a_rebuild_that_is_stopped_in_the_middle_leaves_the_old_rows_valid() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let log = StrangeLog::over(&writer.log, Mood::Fine);
    let (group, slot) = start::<1>(Arc::clone(&log) as Arc<dyn EventLog>, dir.path());
    taken(&slot, Position(10)).await;
    log.set(Mood::Holding(Position(4)));
    let rebuilt = group.rebuild("lenient").unwrap();
    assert!(matches!(group.rebuild("lenient"), Err(RebuildError::Underway)));
    assert!(matches!(group.rebuild("nothing"), Err(RebuildError::Unknown)));
    eventually(|| group.status()[0].rebuilding == Some(4));
    assert_eq!(slot.now().unwrap().taken().len(), 10);
    drop(group);
    assert!(matches!(rebuilt.await, Err(RebuildError::Ended { at: 4, .. })));
    let away = StrangeLog::over(&writer.log, Mood::Away);
    let (_group, slot) = start::<1>(away, dir.path());
    assert_eq!(taken(&slot, Position(10)).await.len(), 10);
}

#[tokio::test]
async fn a_poisoned_projection_stays_stopped_when_its_rebuild_meets_the_same_event() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let mut group = GroupBuilder::new(writer.log(), dir.path()).unwrap();
    let strict = group.add::<Strict>(None).unwrap();
    let group = group.start().unwrap();
    let poison = writer.odd("things", POISON);
    assert!(strict.at_least(poison, PATIENCE).await.is_err());
    let rebuilt = group.rebuild("strict").unwrap().await;
    assert!(matches!(rebuilt, Err(RebuildError::Ended { state: State::Poisoned { at: 1, .. }, .. })));
    assert!(matches!(group.status()[0].state, State::Poisoned { .. }));
}

fn both() -> [Kind; 2] {
    [Kind::of::<Strict>(), Kind::of::<Lenient>()]
}

fn to(position: Position) -> ReplayOptions {
    ReplayOptions { to: position, only: None, as_far_as: None }
}

fn differences(one: &Path, other: &Path) -> Vec<Difference> {
    let mut all = vec![];
    compare(&both(), one, other, &mut |difference| all.push(difference)).unwrap();
    all
}

#[test]
fn a_replay_goes_as_far_as_it_is_told_and_can_go_on_later() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 10_000);
    let told = Mutex::new(vec![]);
    let progress = |position: Position, events| told.lock().push((position.0, events));
    let done = replay(&both(), &writer.log(), dir.path(), &to(Position(6_000)), &progress).unwrap();
    assert_eq!(
        done.iter().map(|part| (part.position.0, part.stopped.clone())).collect::<Vec<_>>(),
        [(6_000, None), (6_000, None)]
    );
    assert_eq!(told.lock().last(), Some(&(6_000, 6_000)));
    let only = ReplayOptions { only: Some("lenient".into()), ..to(Position(7_000)) };
    let done = replay(&both(), &writer.log(), dir.path(), &only, &|_, _| {}).unwrap();
    assert_eq!((done.len(), done[0].name, done[0].position), (1, "lenient", Position(7_000)));
    let unknown = ReplayOptions { only: Some("nothing".into()), ..to(Position(1)) };
    let refused = replay(&both(), &writer.log(), dir.path(), &unknown, &|_, _| {});
    assert!(matches!(refused, Err(ReplayError::Unknown(_))));
}

#[test]
fn a_replay_tells_which_projection_stopped_and_builds_the_others() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    write(&writer, 3);
    writer.odd("things", POISON);
    let last = write(&writer, 3);
    let done = replay(&both(), &writer.log(), dir.path(), &to(last), &|_, _| {}).unwrap();
    assert_eq!(done[0].stopped.as_deref(), Some("the event at position 4: it tastes bad"));
    assert_eq!((done[1].position, done[1].stopped.clone()), (last, None));
}

#[tokio::test]
async fn a_comparison_finds_nothing_in_a_faithful_copy_and_names_the_rows_that_differ() {
    let (writer, live, aside) = (Writer::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&writer, 10);
    let (group, slot) = start::<1>(writer.log(), live.path());
    taken(&slot, Position(10)).await;
    drop(group);
    write(&writer, 10);
    let as_far = ReplayOptions { as_far_as: Some(live.path().to_owned()), ..to(writer.last()) };
    let done = replay(&both(), &writer.log(), aside.path(), &as_far, &|_, _| {}).unwrap();
    assert_eq!(
        (done.len(), done[0].position),
        (1, Position(10)),
        "as far as the live ones, and none that are not there"
    );
    assert_eq!(differences(live.path(), aside.path()), []);

    fs::write(live.path().join("lenient-v1-g1/taken"), "1 2 4 5 6 7 8 9 10 11").unwrap();
    let row = |position: u64, what| Difference {
        projection: "lenient",
        keyspace: "taken".into(),
        key: position.to_be_bytes().to_vec(),
        what,
    };
    assert_eq!(differences(live.path(), aside.path()), [row(3, What::OnlyInSecond), row(11, What::OnlyInFirst)]);
}
