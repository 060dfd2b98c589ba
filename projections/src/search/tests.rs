//! What is found and what is not, through the projection.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConversationEvent, ConversationId, EventFamily, UserId,
    conversation::{Content, ContentKind, MessageRecalled, MessageSent},
};
use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position, StreamName};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Hits, Query, SearchError, SearchProjection, query::TEXT_CHARS_MAX};
use crate::{
    chat::VisiblePart,
    runtime::{Fact, Projection, ProjectionError, Row},
};

/// What was said, as a log, and an index of it.
struct Talk {
    log: MemoryLog,
    runtime: tokio::runtime::Runtime,
    projection: SearchProjection,
    seqs: BTreeMap<ConversationId, u64>,
    clock: DateTime<Utc>,
    /// Deleted last, when nothing writes into it any more.
    dir: TempDir,
}

fn text(words: &str) -> Content {
    Content::Text { text: words.to_owned() }
}

fn conversation(number: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(number + 1_000))
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number + 1))
}

/// All of some conversations.
fn all_of(conversations: impl IntoIterator<Item = u128>) -> Vec<VisiblePart> {
    let whole = |number| VisiblePart { conversation: conversation(number), spans: vec![(1, u64::MAX)] };
    conversations.into_iter().map(whole).collect()
}

impl Talk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let projection = SearchProjection::open(dir.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let clock = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Self { log: MemoryLog::default(), runtime, dir, projection, seqs: BTreeMap::new(), clock }
    }

    fn append(&mut self, to: ConversationId, by: UserId, event: &ConversationEvent) -> Position {
        let id = Uuid::now_v7();
        self.clock += TimeDelta::seconds(1);
        let append = Append {
            stream: StreamName::new(format!("conversation-{to}")).unwrap(),
            expected: ExpectedVersion::Any,
            time: self.clock,
            actor: Some(by.0),
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
        };
        self.runtime.block_on(self.log.append(append)).unwrap().position
    }

    fn say_as(&mut self, by: u128, to: u128, content: Content) -> u64 {
        let to = conversation(to);
        let seq = self.seqs.entry(to).or_default();
        *seq += 1;
        let sent =
            MessageSent { seq: *seq, content, reply_to: None, mentions: vec![], mention_all: false, official: None };
        self.append(to, user(by), &sent.into());
        self.seqs[&to]
    }

    fn say(&mut self, to: u128, words: &str) -> u64 {
        self.say_as(0, to, text(words))
    }

    fn recall(&mut self, to: u128, seq: u64) {
        self.append(conversation(to), user(0), &MessageRecalled { seq, silent: false }.into());
    }

    fn facts_after(&self, position: Position) -> Vec<Arc<Fact>> {
        let records = self.runtime.block_on(self.log.read_all(position, 100_000)).unwrap();
        records.into_iter().map(|record| Arc::new(Fact::new(record))).collect()
    }

    /// Takes in whatever the index has not seen.
    fn catch_up(&mut self) {
        let facts = self.facts_after(self.projection.view().applied());
        self.projection.apply(&facts).unwrap();
    }

    fn search(&mut self, query: Query) -> Hits {
        self.catch_up();
        let limit = if query.limit == 0 { 50 } else { query.limit };
        let query = Query { at_least: self.log.last_position(), limit, ..query };
        self.projection.view().search(&query).unwrap()
    }

    /// The numbers of the messages found in conversation 1, newest first.
    fn find(&mut self, text: &str) -> Vec<u64> {
        let query = Query { text: text.to_owned(), visible: all_of([1]), ..Query::default() };
        seqs(&self.search(query))
    }

    fn reopen(self) -> Self {
        let Self { log, runtime, dir, projection, seqs, clock } = self;
        drop(projection);
        let projection = SearchProjection::open(dir.path()).unwrap();
        Self { log, runtime, dir, projection, seqs, clock }
    }
}

fn seqs(hits: &Hits) -> Vec<u64> {
    hits.items.iter().map(|hit| hit.seq).collect()
}

#[test]
fn any_piece_of_a_chinese_sentence_is_found() {
    let mut talk = Talk::new();
    let seq = talk.say(1, "我在北京大学读书，明天去喝茶");
    talk.say(1, "今天下雨");
    for words in ["北京", "京大", "大学", "北京大学", "茶", "京", "学读书，明天", "明天去喝茶", "我"]
    {
        assert_eq!(talk.find(words), [seq], "{words}");
    }
    for words in ["上海", "学大", "\"喝茶明\"", "\"北京读书\""] {
        assert!(talk.find(words).is_empty(), "{words}");
    }
}

#[test]
fn the_words_of_a_chinese_query_may_stand_apart_in_the_message() {
    let mut talk = Talk::new();
    let seq = talk.say(1, "我在北京大学读书");
    talk.say(1, "北京很大");
    assert_eq!(talk.find("北京读书"), [seq]);
    assert_eq!(talk.find("读书 北京"), [seq]);
}

#[test]
fn case_and_full_width_letters_make_no_difference() {
    let mut talk = Talk::new();
    let seq = talk.say(1, "Meet at the TeaHouse, Ｒｏｏｍ ４２");
    assert_eq!(talk.find("teahouse"), [seq]);
    assert_eq!(talk.find("ＴＥＡＨＯＵＳＥ"), [seq]);
    assert_eq!(talk.find("room 42"), [seq]);
    assert!(talk.find("tea").is_empty());
}

#[test]
fn mixed_text_is_found_by_both_of_its_languages() {
    let mut talk = Talk::new();
    let seq = talk.say(1, "今晚用Rust写代码🍵吗");
    for words in ["rust", "写代码", "Rust写代码", "今晚 rust", "🍵"] {
        assert_eq!(talk.find(words), [seq], "{words}");
    }
}

#[test]
fn quoted_words_have_to_stand_side_by_side() {
    let mut talk = Talk::new();
    let apart = talk.say(1, "green and black tea");
    let joined = talk.say(1, "some green tea");
    assert_eq!(talk.find("green tea"), [joined, apart]);
    assert_eq!(talk.find("\"green tea\""), [joined]);
}

#[test]
fn the_newest_messages_come_first() {
    let mut talk = Talk::new();
    for _ in 0..3 {
        talk.say(1, "喝茶");
        talk.catch_up();
        talk.projection.flush().unwrap();
    }
    assert_eq!(talk.find("喝茶"), [3, 2, 1]);
}

#[test]
fn a_recalled_message_is_no_longer_found() {
    let mut talk = Talk::new();
    let kept = talk.say(1, "喝茶");
    let recalled = talk.say(1, "喝茶吧");
    talk.say(2, "喝茶");
    assert_eq!(talk.find("喝茶"), [recalled, kept]);
    talk.recall(1, recalled);
    assert_eq!(talk.find("喝茶"), [kept]);
    assert_eq!(talk.find(""), [kept]);
    let other = talk.search(Query { text: "喝茶".into(), visible: all_of([2]), ..Query::default() });
    assert_eq!(other.items.len(), 1);
}

#[test]
fn only_what_the_searcher_may_see_is_found() {
    let mut talk = Talk::new();
    for _ in 0..10 {
        talk.say(1, "喝茶");
    }
    talk.say(2, "喝茶");
    let visible = vec![VisiblePart { conversation: conversation(1), spans: vec![(2, 3), (6, 8)] }];
    let found = talk.search(Query { text: "喝茶".into(), visible, ..Query::default() });
    assert_eq!(seqs(&found), [8, 7, 6, 3, 2]);
    assert_eq!(talk.search(Query { text: "喝茶".into(), ..Query::default() }), Hits::default());
}

#[test]
fn filters_hold_together() {
    let mut talk = Talk::new();
    talk.say_as(1, 1, text("茶"));
    talk.say_as(2, 1, text("茶"));
    let link = Content::Link { url: "https://tea.example".into(), title: "茶".into(), description: String::new() };
    talk.say_as(2, 1, link);
    talk.say_as(2, 2, text("茶"));
    let query = Query { text: "茶".into(), visible: all_of([1, 2]), ..Query::default() };
    let found = |talk: &mut Talk, query: Query| {
        let hits = talk.search(query);
        hits.items.iter().map(|hit| (hit.conversation.0.as_u128() - 1_000, hit.seq)).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut talk, query.clone()), [(2, 1), (1, 3), (1, 2), (1, 1)]);
    let by_sender = Query { sender: Some(user(2)), ..query.clone() };
    assert_eq!(found(&mut talk, by_sender.clone()), [(2, 1), (1, 3), (1, 2)]);
    let in_one = Query { conversation: Some(conversation(1)), ..by_sender.clone() };
    assert_eq!(found(&mut talk, in_one.clone()), [(1, 3), (1, 2)]);
    assert_eq!(found(&mut talk, Query { kind: Some(ContentKind::Link), ..in_one.clone() }), [(1, 3)]);
    assert_eq!(found(&mut talk, Query { kind: Some(ContentKind::Text), ..in_one }), [(1, 2)]);
    assert_eq!(found(&mut talk, Query { kind: Some(ContentKind::Text), ..query }), [(2, 1), (1, 2), (1, 1)]);
    let elsewhere = Query { conversation: Some(conversation(3)), ..by_sender };
    assert!(found(&mut talk, elsewhere).is_empty());
}

#[test]
fn times_filter_from_the_first_to_before_the_last() {
    let mut talk = Talk::new();
    let mut times = vec![];
    for _ in 0..4 {
        talk.say(1, "茶");
        times.push(talk.clock);
    }
    let query = Query { text: "茶".into(), visible: all_of([1]), ..Query::default() };
    let between = Query { from: Some(times[1]), to: Some(times[3]), ..query.clone() };
    assert_eq!(seqs(&talk.search(between)), [3, 2]);
    let long_ago = Query { to: Some(times[0] - TimeDelta::days(10)), ..query.clone() };
    assert!(talk.search(long_ago).items.is_empty());
    let later = Query { from: Some(times[3] + TimeDelta::days(10)), ..query };
    assert!(talk.search(later).items.is_empty());
}

#[test]
fn messages_without_words_are_found_by_filters_alone() {
    let mut talk = Talk::new();
    talk.say(1, "茶");
    let card = talk.say_as(0, 1, Content::ContactCard { user: user(5) });
    let query = Query { visible: all_of([1]), kind: Some(ContentKind::ContactCard), ..Query::default() };
    assert_eq!(seqs(&talk.search(query)), [card]);
    assert_eq!(talk.find(""), [2, 1]);
}

#[test]
fn a_query_of_nothing_but_punctuation_finds_nothing() {
    let mut talk = Talk::new();
    talk.say(1, "，！");
    assert!(talk.find("，！").is_empty());
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let talk = Talk::new();
    let search = |chars| {
        let text = "茶".repeat(chars);
        talk.projection.view().search(&Query { text, visible: all_of([1]), ..Query::default() })
    };
    assert_eq!(search(TEXT_CHARS_MAX), Ok(Hits::default()));
    assert_eq!(search(TEXT_CHARS_MAX + 1), Err(SearchError::TooLong));
}

#[test]
fn a_message_is_found_at_once_by_a_search_that_asks_for_its_position() {
    let mut talk = Talk::new();
    talk.say(1, "first");
    talk.catch_up();
    talk.projection.flush().unwrap();
    talk.say(1, "second");
    talk.catch_up();
    assert!(talk.projection.checkpoint() < talk.log.last_position());
    assert_eq!(talk.find("second"), [2]);
    assert_eq!(talk.projection.checkpoint(), talk.log.last_position());
}

#[test]
fn what_was_not_committed_is_taken_in_again_after_a_crash() {
    let mut talk = Talk::new();
    talk.say(1, "茶");
    talk.catch_up();
    talk.projection.flush().unwrap();
    talk.say(1, "茶");
    talk.catch_up();
    let mut talk = talk.reopen();
    assert_eq!(talk.projection.checkpoint(), Position(1));
    assert_eq!(talk.find("茶"), [2, 1]);
}

#[test]
fn a_poison_event_leaves_nothing_of_its_batch() {
    let mut talk = Talk::new();
    talk.say(1, "茶");
    let sent = MessageSent {
        seq: 1,
        content: text("茶"),
        reply_to: None,
        mentions: vec![],
        mention_all: false,
        official: None,
    };
    let id = Uuid::now_v7();
    let stray = Append {
        stream: StreamName::new("somewhere-else").unwrap(),
        expected: ExpectedVersion::Any,
        time: talk.clock,
        actor: None,
        command_id: id,
        fingerprint: None,
        correlation_id: id,
        causation_id: None,
        events: vec![NewEvent {
            event_id: id,
            event_type: "message.sent",
            schema: 1,
            encoding: PayloadEncoding::Json,
            payload: ConversationEvent::from(sent).to_json().unwrap().into(),
        }],
    };
    let position = talk.runtime.block_on(talk.log.append(stray)).unwrap().position;
    let facts = talk.facts_after(Position::START);
    let refused = talk.projection.apply(&facts).unwrap_err();
    assert!(matches!(refused, ProjectionError::Poison { position: at, .. } if at == position));
    talk.projection.flush().unwrap();
    assert_eq!(talk.projection.checkpoint(), Position::START);
    let found = Query { text: "茶".into(), visible: all_of([1]), ..Query::default() };
    assert!(talk.projection.view().search(&found).unwrap().items.is_empty());
}

/// A talk of many messages, and what a plain scan over them says about a query.
struct Oracle {
    talk: Talk,
    /// Position, conversation, sender, words; recalled ones are taken out.
    said: Vec<(u64, u128, u64, u128, String)>,
}

const WORDS: [&str; 8] = ["北京", "喝茶", "大学", "tea", "rust", "明天", "的", "读书"];

impl Oracle {
    fn new(seed: u64, messages: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut talk = Talk::new();
        let mut said: Vec<(u64, u128, u64, u128, String)> = vec![];
        for _ in 0..messages {
            if rng.random_ratio(1, 20) && !said.is_empty() {
                let (_, to, seq, ..) = said.remove(rng.random_range(0..said.len()));
                talk.recall(to, seq);
                continue;
            }
            let count = rng.random_range(1..5);
            let words = (0..count).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect::<Vec<_>>().join(" ");
            let (to, by) = (rng.random_range(0..30), rng.random_range(0..5));
            let seq = talk.say_as(by, to, text(&words));
            said.push((talk.log.last_position().0, to, seq, by, words));
        }
        Self { talk, said }
    }

    /// Takes everything in, by batches and commits of random sizes.
    fn take_in(&mut self, seed: u64, largest: usize) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut facts = self.talk.facts_after(Position::START);
        while !facts.is_empty() {
            let batch: Vec<_> = facts.drain(..rng.random_range(1..=largest.min(facts.len()))).collect();
            self.talk.projection.apply(&batch).unwrap();
            if rng.random_ratio(1, 3) {
                self.talk.projection.flush().unwrap();
            }
        }
        self.talk.projection.flush().unwrap();
    }

    fn expected(&self, query: &Query) -> Vec<u64> {
        let wanted: Vec<&str> = query.text.split_whitespace().collect();
        let visible = |to: u128, seq: u64| {
            query.visible.iter().any(|visible| {
                visible.conversation == conversation(to)
                    && visible.spans.iter().any(|(first, last)| (*first..=*last).contains(&seq))
            })
        };
        let matches = self.said.iter().rev().filter(|(_, to, seq, by, words)| {
            let has = |word: &&str| words.split(' ').any(|said| said == *word);
            wanted.iter().all(has) && visible(*to, *seq) && query.sender.is_none_or(|sender| sender == user(*by))
        });
        matches.map(|(position, ..)| *position).collect()
    }

    fn random_query(&self, rng: &mut StdRng) -> Query {
        let words = rng.random_range(0..3);
        let text = (0..words).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect::<Vec<_>>().join(" ");
        let visible = (0..30).filter_map(|number| {
            let first = rng.random_range(1..10);
            let spans = vec![(first, first + 4), (first + 8, u64::MAX)];
            rng.random_ratio(1, 2).then(|| VisiblePart { conversation: conversation(number), spans })
        });
        let visible = visible.collect();
        let sender = rng.random_ratio(1, 3).then(|| user(rng.random_range(0..5)));
        Query { text, visible, sender, limit: rng.random_range(1..=50), ..Query::default() }
    }
}

/// Walks through all pages of random queries and compares with the plain scan.
fn check_pages(oracle: &Oracle, queries: usize) {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..queries {
        let mut query = oracle.random_query(&mut rng);
        let mut found = vec![];
        loop {
            let hits = oracle.talk.projection.view().search(&query).unwrap();
            assert!(hits.items.len() <= query.limit);
            found.extend(hits.items.iter().map(|hit| hit.position.0));
            let Some(next) = hits.next else { break };
            query.before = Some(next);
        }
        query.before = None;
        assert_eq!(found, oracle.expected(&query), "{query:?}");
    }
}

#[test]
fn pages_of_any_size_give_together_what_a_plain_scan_finds() {
    let mut oracle = Oracle::new(1, 1_500);
    oracle.take_in(2, 60);
    check_pages(&oracle, 60);
}

#[test]
fn large_segments_are_searched_from_their_end_without_a_gap() {
    let mut oracle = Oracle::new(4, 20_000);
    oracle.take_in(5, 20_000);
    check_pages(&oracle, 10);
}

#[test]
fn a_rebuilt_index_holds_the_same_rows_however_it_was_built() {
    let rows = |seed| {
        let mut oracle = Oracle::new(1, 600);
        oracle.take_in(seed, 100);
        let Talk { dir, projection, .. } = oracle.talk;
        drop(projection);
        SearchProjection::rows(dir.path()).unwrap().collect::<Result<Vec<Row>, _>>().unwrap()
    };
    let (one, other) = (rows(1), rows(2));
    assert_eq!(one.len(), 601);
    assert!(one.is_sorted());
    assert_eq!(one, other);
}

#[test]
fn rows_tell_of_any_difference_in_words_or_sender() {
    let rows = |by, words: &str| {
        let mut talk = Talk::new();
        talk.say_as(by, 1, text(words));
        talk.catch_up();
        talk.projection.flush().unwrap();
        let Talk { dir, projection, .. } = talk;
        drop(projection);
        SearchProjection::rows(dir.path()).unwrap().collect::<Result<Vec<Row>, _>>().unwrap()
    };
    let one = rows(1, "北京");
    assert_eq!(one, rows(1, "北京"));
    assert_ne!(one, rows(1, "京北"));
    assert_ne!(one, rows(2, "北京"));
}
