//! How fast batches are taken in and what they cost on disk. Run by hand, in a release build:
//! `cargo test --release -p projections chat::tests::bars -- --ignored --nocapture`

use std::{sync::Arc, time::Instant};

use domain::{
    ConversationEvent, ConversationId, EventFamily, FriendshipId, UserId,
    conversation::{Content, ConversationOpened, MessageSent},
};
use eventlog::{
    Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position, RecordedEvent, StreamName,
};
use uuid::Uuid;

use super::{World, blank};
use crate::{
    Fact, Projection,
    chat::{ChatProjection, ChatView},
};

const CONVERSATIONS: usize = 1_000;
const MESSAGES: usize = 1_000_000;
const BATCH: usize = 8_192;

fn events(id: ConversationId, pair: FriendshipId, share: usize) -> Vec<(UserId, ConversationEvent)> {
    let opened = ConversationOpened { members: [pair.lower, pair.upper] };
    let mut events = vec![(pair.lower, ConversationEvent::from(opened))];
    for seq in 1..=share as u64 {
        let text = format!("twenty characters {:02}", (seq + id.0.as_u128() as u64) % 100);
        let actor = if seq % 3 == 0 { pair.lower } else { pair.upper };
        events.push((actor, MessageSent { seq, content: Content::Text { text }, ..blank() }.into()));
    }
    events
}

/// A log of direct conversations in which everybody talks in turn.
fn talk() -> (Vec<RecordedEvent>, Vec<FriendshipId>) {
    let log = MemoryLog::new();
    let pairs: Vec<_> = (0..CONVERSATIONS).map(|_| FriendshipId::between(UserId::new(), UserId::new())).collect();
    let id = |pair: &FriendshipId| ConversationId::direct(pair.lower, pair.upper);
    let mut all: Vec<_> =
        pairs.iter().map(|pair| (id(pair), events(id(pair), *pair, MESSAGES / CONVERSATIONS).into_iter())).collect();
    for _ in 0..=MESSAGES / CONVERSATIONS {
        let appends = all.iter_mut().filter_map(|(id, events)| {
            let (actor, event) = events.next()?;
            let command_id = Uuid::now_v7();
            Some(log.append(Append {
                stream: StreamName::new(format!("conversation-{id}")).unwrap(),
                expected: ExpectedVersion::Any,
                time: chrono::Utc::now(),
                actor: Some(actor.0),
                command_id,
                fingerprint: None,
                correlation_id: command_id,
                causation_id: None,
                events: vec![NewEvent {
                    event_id: Uuid::now_v7(),
                    event_type: event.event_type(),
                    schema: event.schema(),
                    encoding: PayloadEncoding::Json,
                    payload: event.to_json().unwrap().into(),
                }],
            }))
        });
        futures::executor::block_on(futures::future::try_join_all(appends)).unwrap();
    }
    (futures::executor::block_on(log.read_all(Position::START, usize::MAX)).unwrap(), pairs)
}

fn disk(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| if entry.path().is_dir() { disk(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

/// Processor time of this thread so far, in seconds: what the machine does besides does not count.
fn thread_seconds() -> f64 {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    nanoseconds.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn measure_reads(view: &ChatView, pairs: &[FriendshipId]) {
    let reading = World::new().reading();
    let start = Instant::now();
    for pair in pairs {
        let id = ConversationId::direct(pair.lower, pair.upper);
        assert_eq!(view.history(pair.upper, id, super::Anchor::Latest, 50, &reading).unwrap().unwrap().len(), 50);
    }
    println!("history, 50 entries: {:.1} us", start.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);
    let start = Instant::now();
    for pair in pairs {
        let page = view.sync(pair.upper, Position(MESSAGES as u64 / 2), 500).unwrap();
        assert_eq!(page.entries.len(), 500);
    }
    println!("sync, 500 entries: {:.1} us", start.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);
    let start = Instant::now();
    for pair in pairs {
        assert_eq!(view.inbox(pair.upper, &reading).unwrap().len(), 1);
    }
    println!("inbox, one conversation: {:.1} us", start.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64);
}

#[test]
#[ignore = "measures; takes long without optimisation"]
fn a_million_messages_are_taken_in() {
    let (records, pairs) = talk();
    for batch in [BATCH, 64] {
        let dir = tempfile::tempdir().unwrap();
        let mut chat = ChatProjection::open(dir.path()).unwrap();
        let facts: Vec<_> = records.iter().map(|record| Arc::new(Fact::new(record.clone()))).collect();
        let start = Instant::now();
        facts.iter().for_each(|fact| assert!(fact.event().is_ok()));
        println!("decoding: {:.0} events/s", facts.len() as f64 / start.elapsed().as_secs_f64());
        let (start, used) = (Instant::now(), thread_seconds());
        facts.chunks(batch).for_each(|batch| chat.apply(batch).unwrap());
        let (wall, used) = (start.elapsed().as_secs_f64(), thread_seconds() - used);
        let count = facts.len() as f64;
        println!("batches of {batch}: {:.0} events/s, {:.0} per second of this thread", count / wall, count / used);
        chat.flush().unwrap();
        measure_reads(&chat.view(), &pairs);
        drop(chat);
        let start = Instant::now();
        drop(ChatProjection::open(dir.path()).unwrap());
        println!("opening: {:.3} s", start.elapsed().as_secs_f64());
        println!("disk: {:.1} bytes an event", disk(dir.path()) as f64 / facts.len() as f64);
    }
}
