//! How fast messages are indexed, what they cost on disk and how long searches take. Run by hand, in a release build:
//! `cargo test --release -p projections bars -- --ignored --nocapture`

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta};
use domain::{
    ConversationEvent, ConversationId, EventFamily, UserId,
    conversation::{Content, MessageSent},
};
use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position, StreamName};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::{Query, SearchProjection, SearchView};
use crate::{
    chat::VisiblePart,
    runtime::{Fact, Projection},
};

pub(crate) const MESSAGES: usize = 1_000_000;
pub(crate) const BATCH: usize = 4_096;
const CONVERSATIONS: u128 = 1_000;
const PEOPLE: u128 = 2_000;
/// People who talk in one conversation.
const MEMBERS: u128 = 8;
const WORDS: usize = 20_000;

/// Words of two Chinese characters, every fifth an English one. Lower numbers are picked more often.
fn word(number: usize) -> String {
    if number % 5 == 4 {
        return format!("word{number} ");
    }
    let sign = |number: usize| char::from_u32(0x4e00 + number as u32 % 3_000).unwrap();
    [sign(number * 7), sign(number * 31 + number / 60)].iter().collect()
}

fn text(words: &[String], rng: &mut StdRng) -> String {
    let mut text = String::new();
    while text.chars().count() < 19 {
        let rank = (WORDS as f64).powf(rng.random::<f64>()) as usize;
        text.push_str(&words[rank - 1]);
    }
    text
}

fn conversation(number: u128) -> ConversationId {
    // Like real ids, they differ in all of their bits.
    ConversationId(Uuid::from_u128((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
}

pub(crate) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128((number + 1).wrapping_mul(0xd134_2543_de82_ef95_2545_f491_4f6c_dd1d)))
}

/// A million messages of 20 characters, decoded as another projection would have left them.
pub(crate) fn facts() -> Vec<Arc<Fact>> {
    let mut rng = StdRng::seed_from_u64(1);
    let words: Vec<String> = (0..WORDS).map(word).collect();
    let log = MemoryLog::new();
    let mut seqs = vec![0; CONVERSATIONS as usize];
    let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    for first in (0..MESSAGES).step_by(1_000) {
        let appends = (first..first + 1_000).map(|number| {
            let to = rng.random_range(0..CONVERSATIONS);
            let seq = &mut seqs[to as usize];
            *seq += 1;
            let content = Content::Text { text: text(&words, &mut rng) };
            let sent = MessageSent {
                seq: *seq,
                content,
                reply_to: None,
                mentions: vec![],
                mention_all: false,
                official: None,
            };
            let event = ConversationEvent::from(sent);
            let id = Uuid::from_u128(number as u128);
            log.append(Append {
                stream: StreamName::new(format!("conversation-{}", conversation(to))).unwrap(),
                expected: ExpectedVersion::Any,
                time: start + TimeDelta::microseconds(number as i64 * 50 + rng.random_range(0..50)),
                actor: Some(user((2 * to + rng.random_range(0..MEMBERS)) % PEOPLE).0),
                command_id: id,
                fingerprint: None,
                correlation_id: id,
                causation_id: None,
                events: vec![NewEvent {
                    event_id: id,
                    event_type: event.event_type(),
                    schema: event.schema(),
                    encoding: PayloadEncoding::Json,
                    payload: event.to_json().unwrap().into(),
                }],
            })
        });
        futures::executor::block_on(futures::future::try_join_all(appends)).unwrap();
    }
    let records = futures::executor::block_on(log.read_all(Position::START, usize::MAX)).unwrap();
    let facts: Vec<Arc<Fact>> = records.into_iter().map(|record| Arc::new(Fact::new(record))).collect();
    let began = Instant::now();
    assert!(facts.iter().all(|fact| fact.event().is_ok()));
    println!("decoding alone: {:.0} facts/s", facts.len() as f64 / began.elapsed().as_secs_f64());
    facts
}

/// Processor time of this process.
pub(crate) fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks =
        |at: usize| stat.rsplit(')').next().unwrap().split_whitespace().nth(at).unwrap().parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

pub(crate) fn disk(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| if entry.path().is_dir() { disk(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

/// Takes all facts in and says how fast.
pub(crate) fn measure<P: Projection>(facts: &[Arc<Fact>], dir: &Path) -> P {
    let mut projection = P::open(dir).unwrap();
    let (began, busy) = (Instant::now(), cpu());
    facts.chunks(BATCH).for_each(|batch| projection.apply(batch).unwrap());
    projection.flush().unwrap();
    let (taken, busy) = (began.elapsed(), cpu().saturating_sub(busy));
    let per_second = |time: Duration| facts.len() as f64 / time.as_secs_f64();
    println!(
        "{}: {:.0} messages/s, {:.0} per second of processor time, {} bytes each on disk",
        P::NAME,
        per_second(taken),
        per_second(busy),
        disk(dir) / facts.len() as u64
    );
    projection
}

fn measure_search(view: &SearchView, what: &str, query: &Query) {
    let began = Instant::now();
    let hits = view.search(query).unwrap();
    let first = began.elapsed();
    let began = Instant::now();
    (0..20).for_each(|_| drop(view.search(query).unwrap()));
    println!("{what}: {} hits, {first:?} at first, then {:?}", hits.items.len(), began.elapsed() / 20);
}

fn measure_searches(view: &SearchView) {
    let parts = |count| {
        (0..count)
            .map(|number| VisiblePart { conversation: conversation(number), spans: vec![(1, u64::MAX)] })
            .collect()
    };
    let all: Vec<VisiblePart> = parts(CONVERSATIONS);
    let one: Vec<VisiblePart> = parts(1);
    let of = |text: String, visible: &[VisiblePart]| Query {
        text,
        visible: visible.to_vec(),
        limit: 50,
        ..Query::default()
    };
    measure_search(view, "most frequent word, 1,000 conversations", &of(word(0), &all));
    measure_search(view, "most frequent word, 1 conversation", &of(word(0), &one));
    measure_search(view, "frequent English word, 1,000 conversations", &of(word(4), &all));
    measure_search(view, "rare word, 1,000 conversations", &of(word(15_003), &all));
    measure_search(view, "rare word, 1 conversation", &of(word(15_003), &one));
    measure_search(view, "three words, 1,000 conversations", &of(format!("{} {} {}", word(3), word(5), word(9)), &all));
    measure_search(view, "one sign, 1,000 conversations", &of(word(1).chars().take(1).collect(), &all));
    measure_search(view, "no text, 1,000 conversations", &of(String::new(), &all));
    let by = Query { sender: Some(user(7)), ..of(word(0), &all) };
    measure_search(view, "most frequent word by one person", &by);
}

#[test]
#[ignore = "a measurement"]
fn a_million_messages() {
    let facts = facts();
    let dir = tempfile::tempdir().unwrap();
    let (most, rest) = facts.split_at(MESSAGES - 20_000);
    let mut projection: SearchProjection = measure(most, dir.path());
    measure_searches(&projection.view());
    let mut waits = vec![];
    for thousand in rest.chunks(1_000) {
        // Messages that were not committed, then a search that wants to see them all.
        projection.apply(thousand).unwrap();
        let began = Instant::now();
        let visible = vec![VisiblePart { conversation: conversation(1), spans: vec![(1, 9)] }];
        let at_least = thousand[999].position();
        projection.view().search(&Query { visible, at_least, ..Query::default() }).unwrap();
        assert_eq!(projection.checkpoint(), at_least);
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    println!("a search that waits for a thousand messages: median {:?}, worst {:?}", waits[10], waits[19]);
}
