//! The adapter for a cluster where things go wrong: connections, nodes, answers, other writers.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{
    collections::HashSet,
    net::SocketAddr,
    os::fd::OwnedFd,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use eventlog::{
    AppendError, Appended, ClusterError, ClusterLog, ClusterOptions, EventLog,
    ExpectedVersion::{After, Any, Exact, NoStream},
    Position, ReadError, RecordedEvent,
};
use logserver::{Fault, Journal, LogServer, Options, journal::system_event, wire::Expected};
use rustix::{
    io::Errno,
    net::{SocketAddrAny, getpeername, sockopt::tcp_nodelay},
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};
use support::{append, append_events, event, everything, stream, verified};
use tempfile::TempDir;
use uuid::Uuid;

/// A server and where its journal is.
struct World {
    server: LogServer,
    journal: Arc<Journal>,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&journal_in(dir.path()), false).unwrap();
        let server = LogServer::start(journal.clone(), Options::default()).await.unwrap();
        Self { server, journal, dir }
    }

    async fn log(&self) -> Arc<ClusterLog> {
        open(self.server.url()).await.unwrap()
    }
}

fn journal_in(dir: &Path) -> std::path::PathBuf {
    dir.join("journal")
}

/// Opens with patience for a slow machine: what is to be given up is opened by [`impatient`].
async fn open(url: impl Into<String>) -> Result<Arc<ClusterLog>, ClusterError> {
    open_with(ClusterOptions { patience: Duration::from_secs(20), ..ClusterOptions::new(url) }).await
}

async fn impatient(url: impl Into<String>) -> Result<Arc<ClusterLog>, ClusterError> {
    let (patience, start_patience) = (Duration::from_millis(400), Duration::from_millis(400));
    open_with(ClusterOptions { patience, start_patience, ..ClusterOptions::new(url) }).await
}

async fn open_with(options: ClusterOptions) -> Result<Arc<ClusterLog>, ClusterError> {
    tokio::task::spawn_blocking(move || ClusterLog::open(&options)).await.unwrap()
}

/// Waits for something that comes about by itself.
async fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it never came about");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_lost_is_there_once_and_acknowledged() {
    let world = World::new().await;
    let log = world.log().await;
    let faults = [
        Fault::CutBeforeCommit,
        Fault::CutAfterCommit,
        Fault::Unavailable,
        Fault::UnavailableAfterCommit,
        Fault::CutAfterCommit,
        Fault::UnavailableAfterCommit,
    ];
    for (before, fault) in (0..).zip(faults) {
        world.server.faults.order(fault, 1 + usize::try_from(before % 2).unwrap());
        let appended = log.append(append("s", Exact(before), "x")).await;
        assert_eq!(
            appended.map(|appended| (appended.version, appended.repeated)),
            Ok((before + 1, false)),
            "{fault:?}"
        );
    }
    assert_eq!(verified(log.as_ref()).await.len(), faults.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_never_answered_is_tried_again() {
    let world = World::new().await;
    let options = ClusterOptions { patience: Duration::from_secs(10), ..ClusterOptions::new(world.server.url()) };
    let log = open_with(options).await.unwrap();
    for (before, fault) in [(0, Fault::Hang), (1, Fault::HangAfterCommit)] {
        world.server.faults.order(fault, 1);
        assert_eq!(log.append(append("s", Exact(before), "x")).await.map(|appended| appended.version), Ok(before + 1));
    }
    assert_eq!(verified(log.as_ref()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_could_not_connect_at_first_is_replaced() {
    let world = World::new().await;
    world.server.faults.mute(true);
    let url = format!("{}&gossipTimeout=100", world.server.url());
    let opening = tokio::spawn(open(url));
    until(|| world.server.faults.calls().greetings > 3).await;
    world.server.faults.mute(false);
    let log = opening.await.unwrap().unwrap();
    assert_eq!(log.append(append("s", NoStream, "x")).await.unwrap().version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_said_to_be_absent() {
    let world = World::new().await;
    let url = world.server.url();
    world.server.stop().await;
    assert!(matches!(impatient(url).await, Err(ClusterError::Absent(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_died_is_left_for_another() {
    let first = World::new().await;
    let others = Options { members: vec![], ..Options::default() };
    let second = LogServer::start(first.journal.clone(), others).await.unwrap();
    let url = format!("esdb://127.0.0.1:{},127.0.0.1:{}?tls=false", first.server.port, second.port);
    let log = open(url).await.unwrap();
    log.append(append("s", NoStream, "a")).await.unwrap();
    // Each tells of itself only, so that the client is at one of them: the other one must do when that one dies.
    let was_at_first = first.server.faults.calls().appends > 0;
    let World { server, dir: _dir, .. } = first;
    let (dead, alive) = if was_at_first { (server, second) } else { (second, server) };
    dead.stop().await;
    assert_eq!(log.append(append("s", Exact(1), "b")).await.unwrap().version, 2);
    assert!(alive.faults.calls().appends > 0);
    until(|| log.refusing_writes().is_none()).await;
    assert_eq!(verified(log.as_ref()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_names_its_leader_is_left_for_it() {
    let leader = World::new().await;
    let options = Options { leader: Some(leader.server.port), ..Options::default() };
    let follower = LogServer::start(leader.journal.clone(), options).await.unwrap();
    let log = open(follower.url()).await.unwrap();
    assert_eq!(log.append(append("s", NoStream, "a")).await.unwrap().version, 1);
    assert_eq!(leader.server.faults.calls().appends, 1);
    assert_eq!(verified(log.as_ref()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_understood_in_either_shape() {
    let world = World::new().await;
    let (one, other) = (world.log().await, world.log().await);
    for as_status in [false, true] {
        let name = if as_status { "status" } else { "message" };
        world.server.faults.conflicts_as_status(as_status);
        one.append(append(name, NoStream, "a")).await.unwrap();
        // This one knows nothing of the stream yet, so that it is the server that refuses.
        let refused = other.append(append(name, NoStream, "b")).await;
        assert_eq!(refused, Err(AppendError::Conflict { stream: stream(name), expected: NoStream, actual: 1 }));
    }
    assert_eq!(verified(one.as_ref()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_of_nearly_a_mebibyte_is_taken_whole_and_a_larger_one_refused() {
    let world = World::new().await;
    let log = world.log().await;
    let events: Vec<_> = (0..15).map(|n| event(vec![b'a' + n; eventlog::port::MAX_PAYLOAD_BYTES])).collect();
    let appended = log.append(append_events("s", NoStream, events.clone())).await.unwrap();
    assert_eq!(appended.version, 15);
    let more = [events.as_slice(), &events[..2]].concat();
    let refused = log.append(append_events("t", NoStream, more)).await;
    assert!(matches!(refused, Err(AppendError::Invalid(_))));
    // Many that wait together are parted again where they would be too large.
    let waiting: Vec<_> =
        (0..40).map(|n| log.append(append("u", Exact(n), vec![b'x'; eventlog::port::MAX_PAYLOAD_BYTES]))).collect();
    for appended in waiting {
        appended.await.unwrap();
    }
    let there = verified(log.as_ref()).await;
    assert_eq!(there.len(), 55);
    assert!(there.iter().zip(&events).all(|(there, event)| there.payload_bytes() == event.payload));
}

#[tokio::test(flavor = "multi_thread")]
async fn small_packets_to_the_server_leave_at_once_also_after_the_connection_was_cut() {
    let world = World::new().await;
    let log = world.log().await;
    let mut version = 0;
    for _ in 0..2 {
        let (mut prompt, mut late) = (0, 0);
        loop {
            let began = Instant::now();
            log.append(append("s", Exact(version), "x")).await.unwrap();
            version += 1;
            let slow = began.elapsed() >= Duration::from_millis(30);
            (prompt, late) = if slow { (0, late + 1) } else { (prompt + 1, late) };
            if prompt == PROMPT {
                // This system puts no acknowledgement off, so that nothing is to be done.
                break;
            }
            assert!(late < LATE, "packets still wait after {late} calls that took long");
            let Some(connections) = connections_to(world.server.port) else {
                println!("not looked at: this system lets no process at its own sockets");
                return;
            };
            if !connections.is_empty() && connections.iter().all(|socket| tcp_nodelay(socket).unwrap()) {
                break;
            }
        }
        world.server.cut();
    }
}

/// After so many appends in a row that took no time none is expected to.
const PROMPT: u32 = 3_000;
/// After so many that took long the sockets were looked at often enough. Some take long for other reasons.
const LATE: u32 = 300;

/// The sockets of this process that are connected to a port; none where the system does not let it at them.
fn connections_to(port: u16) -> Option<Vec<OwnedFd>> {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    // Files are left alone: another name for one would keep its lock.
    let sockets = entries.filter(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
    });
    let numbers: Vec<_> = sockets.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect();
    let mut connections = Vec::new();
    for number in numbers {
        match pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) {
            // It was closed since it was listed.
            Err(Errno::BADF) => {}
            Err(_) => return None,
            Ok(socket) if getpeername(&socket).ok().flatten().is_some_and(|peer| is_at(peer, port)) => {
                connections.push(socket);
            }
            Ok(_) => {}
        }
    }
    Some(connections)
}

fn is_at(peer: SocketAddrAny, port: u16) -> bool {
    SocketAddr::try_from(peer).is_ok_and(|peer| peer.port() == port)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_break_off_leave_no_gap_and_no_double() {
    let world = World::new().await;
    let log = world.log().await;
    let mut following = log.subscribe(Position::START);
    let mut seen = Vec::new();
    for round in 0..20 {
        let faults = [Fault::ReadEndsAfter(3), Fault::ReadCutAfter(2), Fault::ReadUnavailable, Fault::ReadEndsAfter(0)];
        world.server.faults.order(faults[round % 4], 1);
        let events = (0..7).map(|n| event(format!("{round}.{n}"))).collect();
        log.append(append_events("s", Any, events)).await.unwrap();
    }
    while seen.len() < 140 {
        seen.extend(following.next().await.unwrap().iter().cloned());
    }
    assert_eq!(seen, verified(log.as_ref()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confirmed_by_a_read_that_ends_early_is_not_written_again() {
    let world = World::new().await;
    let patience = Duration::from_secs(5);
    let log = open_with(ClusterOptions { patience, ..ClusterOptions::new(world.server.url()) }).await.unwrap();
    log.append(append("s", Any, "0")).await.unwrap();
    // The feed hangs in its next look, so that what comes is confirmed by reads of the stream; the second of those breaks off.
    let reads = world.server.faults.calls().reads;
    world.server.faults.order(Fault::ReadHang, 1);
    until(|| world.server.faults.calls().reads > reads).await;
    world.server.faults.order(Fault::ReadEndsAfter(usize::MAX), 1);
    world.server.faults.order(Fault::ReadEndsAfter(1), 1);
    // While the first is under way two more come, which go together.
    world.server.faults.slow(Duration::from_millis(100));
    let first = log.append(append("s", Any, "1"));
    let appends = world.server.faults.calls().appends;
    until(|| world.server.faults.calls().appends > appends).await;
    let (second, third) = (log.append(append("s", Any, "2")), log.append(append("s", Any, "3")));
    let versions = [first.await, second.await, third.await].map(|appended| appended.unwrap().version);
    assert_eq!(versions, [2, 3, 4]);
    let (mut following, mut seen) = (log.subscribe(Position::START), Vec::new());
    while seen.last().is_none_or(|last: &RecordedEvent| last.position() < log.last_position()) {
        seen.extend(following.next().await.unwrap().iter().cloned());
    }
    let payloads: Vec<_> = seen.iter().map(|event| event.payload().to_vec()).collect();
    assert_eq!(payloads, [b"0", b"1", b"2", b"3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_shares_its_last_event_with_a_shorter_stream_is_a_conflict_at_once() {
    let world = World::new().await;
    let log = world.log().await;
    let last = event("last");
    log.append(append_events("s", Any, vec![last.clone()])).await.unwrap();
    let reads = world.server.faults.calls().reads;
    let longer = log.append(append_events("s", Any, vec![event("first"), last])).await;
    assert!(matches!(longer, Err(AppendError::Conflict { actual: 1, .. })), "{longer:?}");
    // It was not asked again and again for what can't be there. The feed looks meanwhile.
    assert!(world.server.faults.calls().reads < reads + 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_written_to_again() {
    let World { server, journal, dir } = World::new().await;
    let (port, url) = (server.port, server.url());
    // What is refused while the server is away takes that long.
    let patience = Duration::from_secs(3);
    let log = open_with(ClusterOptions { patience, ..ClusterOptions::new(&url) }).await.unwrap();
    log.append(append("s", NoStream, "a")).await.unwrap();
    server.stop().await;
    drop(journal);
    let refused = log.append(append("s", Exact(1), "b")).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    until(|| log.refusing_writes().is_some()).await;
    assert!(matches!(log.read_stream(&stream("s"), 0, 9).await, Err(ReadError::Unavailable(_))));
    assert_eq!(log.last_position(), log.last_position());

    let journal = Journal::open(&journal_in(dir.path()), false).unwrap();
    let _server = LogServer::start(journal, Options { port, ..Options::default() }).await.unwrap();
    until(|| log.refusing_writes().is_none()).await;
    let appended = log.append(append("s", Exact(1), "c")).await.unwrap();
    assert_eq!(appended.version, 2);
    let payloads: Vec<_> = verified(log.as_ref()).await.iter().map(|event| event.payload().to_vec()).collect();
    assert_eq!(payloads, [b"a", b"c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_submits_behind_its_own_event_is_refused_when_another_nodes_event_came_instead() {
    let world = World::new().await;
    let (one, other) = (world.log().await, world.log().await);
    one.append(append("s", NoStream, "a")).await.unwrap();
    other.append(append("s", Exact(1), "theirs")).await.unwrap();
    let mine = append("s", Exact(1), "mine");
    let behind = append("s", After { version: 2, event_id: mine.events[0].event_id }, "behind mine");
    let (mine, behind) = (one.append(mine), one.append(behind));
    assert!(matches!(mine.await, Err(AppendError::Conflict { actual: 2, .. })));
    assert!(matches!(behind.await, Err(AppendError::Conflict { actual: 2, .. })));
    until(|| one.last_position() == other.last_position()).await;
    assert_eq!(verified(one.as_ref()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_through_two_nodes_is_there_once_and_the_chain_goes_on() {
    let world = World::new().await;
    let (one, other) = (world.log().await, world.log().await);
    let first = append("s", NoStream, "first attempt");
    let mut second = append("s", NoStream, "second attempt");
    second.events[0].event_id = first.events[0].event_id;
    let written = one.append(first).await.unwrap();
    let repeated = Appended { repeated: true, ..written };
    assert_eq!(other.append(second).await, Ok(repeated));
    other.append(append("s", Exact(1), "b")).await.unwrap();
    one.append(append("s", Exact(2), "c")).await.unwrap();
    let there = verified(one.as_ref()).await;
    let payloads: Vec<_> = there.iter().map(|event| event.payload().to_vec()).collect();
    assert_eq!(payloads, [b"first attempt".to_vec(), b"b".to_vec(), b"c".to_vec()]);
    until(|| other.last_position() == one.last_position()).await;
    assert_eq!(everything(other.as_ref(), 2).await.unwrap(), there);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_passed_over() {
    let world = World::new().await;
    let other = |name: &str| {
        world.journal.append(
            name.to_owned(),
            Expected::Any(Default::default()),
            vec![system_event("$statsCollected"), system_event("somebody-elses")],
        )
    };
    other("$stats").await.unwrap();
    let log = world.log().await;
    assert_eq!(log.last_position(), Position::START);
    let mut following = log.subscribe(Position::START);
    for n in 0..5 {
        other("$stats").await.unwrap();
        other("elsewhere").await.unwrap();
        log.append(append("s", Exact(n), "x")).await.unwrap();
    }
    for _ in 0..300 {
        other("$stats").await.unwrap();
    }
    let there = verified(log.as_ref()).await;
    assert_eq!(there.len(), 5);
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.extend(following.next().await.unwrap().iter().cloned());
    }
    assert_eq!(seen, there);
    let again = world.log().await;
    assert_eq!(again.last_position(), log.last_position());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_tampered_with_is_found() {
    let world = World::new().await;
    let log = world.log().await;
    log.append(append("s", NoStream, "genuine")).await.unwrap();
    let (genuine, _) = world.journal.stream("s", 0, 1).unwrap();
    let mut forged = genuine[0].proposed.as_ref().clone();
    forged.id = Some(Uuid::now_v7().into());
    world.journal.append("s".to_owned(), Expected::Revision(0), vec![forged]).await.unwrap();
    let read = log.read_stream(&stream("s"), 0, 9).await;
    assert!(matches!(read, Err(ReadError::Damaged { .. })), "{read:?}");
    until(|| log.refusing_writes().is_some_and(|reason| reason.contains("damaged"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_where_no_event_begins_is_refused_and_no_client_replaced_for_it() {
    let world = World::new().await;
    let log = world.log().await;
    let appended = log.append(append("s", NoStream, "x")).await.unwrap();
    for before in 1..5 {
        let read = log.read_all(Position(appended.position.0 - before), 9).await;
        assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
    }
    assert_eq!(log.append(append("s", Exact(1), "y")).await.unwrap().version, 2);
    assert_eq!(world.server.faults.calls().greetings, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_batches_nor_subscriptions_of_the_client_are_used() {
    let world = World::new().await;
    let log = world.log().await;
    let appends: Vec<_> = (0..100).map(|n| log.append(append(&format!("s{}", n % 7), Any, "x"))).collect();
    for appended in appends {
        appended.await.unwrap();
    }
    let calls = world.server.faults.calls();
    assert_eq!((calls.batch_streams, calls.subscriptions), (0, 0));
    assert!((7..=100).contains(&calls.appends), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_can_not_be_used_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let refused = |url: String| async { impatient(url).await.map(drop).unwrap_err() };
    for url in ["", "esdb://", "http://127.0.0.1:2113", "esdb://127.0.0.1:2113?nodePreference=nobody"] {
        assert_eq!(refused(url.to_owned()).await, ClusterError::Address, "{url}");
    }
    let secret = refused("esdb://admin:pass word@:x?tls=false".to_owned()).await.to_string();
    assert!(!secret.contains("pass word"));
    let unverified = "esdb://127.0.0.1:2113?tls=true&tlsVerifyCert=false";
    assert_eq!(refused(unverified.to_owned()).await, ClusterError::Unverified);
    for path in ["/nowhere.pem".to_owned(), empty.display().to_string()] {
        let roots = refused(format!("esdb://127.0.0.1:2113?tlsCaFile={path}")).await;
        assert!(matches!(&roots, ClusterError::Roots(reason) if reason.contains(&path)), "{roots}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_each_acknowledged_event_is_there_once_for_every_node() {
    const WRITERS: u64 = 6;
    const EACH: u64 = 40;
    let world = World::new().await;
    let nodes = [world.log().await, world.log().await];
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = nodes[usize::try_from(writer % 2).unwrap()].clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..EACH {
                    // Half of them write to streams that the other node writes to as well.
                    let name = if n % 2 == 0 { "shared".to_owned() } else { format!("own-{writer}") };
                    let append = append(&name, Any, format!("{writer}.{n}"));
                    let id = append.events[0].event_id;
                    acknowledged.push((id, log.append(append).await.unwrap()));
                }
                acknowledged
            })
        })
        .collect();
    let faults = [
        Fault::CutBeforeCommit,
        Fault::CutAfterCommit,
        Fault::UnavailableAfterCommit,
        Fault::ReadCutAfter(2),
        Fault::Unavailable,
        Fault::ReadEndsAfter(1),
    ];
    for round in 0..60 {
        world.server.faults.order(faults[round % faults.len()], 1);
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    until(|| nodes[0].last_position() == nodes[1].last_position()).await;
    let there = verified(nodes[0].as_ref()).await;
    assert_eq!(there, verified(nodes[1].as_ref()).await);
    let ids: HashSet<_> = there.iter().map(|event| event.event_id()).collect();
    assert_eq!((ids.len(), there.len() as u64), (there.len(), WRITERS * EACH));
    for (id, appended) in acknowledged {
        let event = there.iter().find(|event| event.event_id() == id).unwrap();
        assert_eq!((event.position(), event.version()), (appended.position, appended.version));
    }
}
