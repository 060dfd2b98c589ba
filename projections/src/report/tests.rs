//! What a year's report says, through the projection.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    CallEvent, ConversationEvent, ConversationId, EventFamily, UserId,
    call::{CallEnded, CallOutcome},
    conversation::{Content, ContentKind, MessageRecalled, MessageSent},
};
use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position, StreamName};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use uuid::Uuid;

use super::{ConversationCount, KindCount, ReportProjection, YearReport};
use crate::runtime::{Fact, Projection, ProjectionError, Row};

struct Talk {
    log: MemoryLog,
    runtime: tokio::runtime::Runtime,
}

fn conversation(number: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(number + 1_000))
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number + 1))
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn day(date: &str) -> Option<NaiveDate> {
    Some(date.parse().unwrap())
}

fn text() -> Content {
    Content::Text { text: "茶".into() }
}

fn sent(content: Content) -> ConversationEvent {
    MessageSent { seq: 1, content, reply_to: None, mentions: vec![], mention_all: false, official: None }.into()
}

impl Talk {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { log: MemoryLog::default(), runtime }
    }

    fn append(&self, stream: &str, by: Option<UserId>, time: DateTime<Utc>, event: &impl EventFamily) -> Position {
        let id = Uuid::now_v7();
        let append = Append {
            stream: StreamName::new(stream).unwrap(),
            expected: ExpectedVersion::Any,
            time,
            actor: by.map(|by| by.0),
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

    fn say(&self, by: u128, to: u128, time: &str, content: Content) {
        self.append(&format!("conversation-{}", conversation(to)), Some(user(by)), at(time), &sent(content));
    }

    fn facts_after(&self, position: Position) -> Vec<Arc<Fact>> {
        let records = self.runtime.block_on(self.log.read_all(position, 1_000_000)).unwrap();
        records.into_iter().map(|record| Arc::new(Fact::new(record))).collect()
    }

    fn counted(&self) -> Counted {
        let dir = tempfile::tempdir().unwrap();
        let mut projection = ReportProjection::open(dir.path()).unwrap();
        projection.apply(&self.facts_after(Position::START)).unwrap();
        Counted { projection, dir }
    }
}

struct Counted {
    projection: ReportProjection,
    dir: TempDir,
}

impl Counted {
    fn year(&self, by: u128, year: u16) -> YearReport {
        self.projection.view().year(user(by), year).unwrap()
    }

    fn reopen(self) -> Self {
        let Self { projection, dir } = self;
        drop(projection);
        Self { projection: ReportProjection::open(dir.path()).unwrap(), dir }
    }

    fn rows(self) -> Vec<Row> {
        let Self { projection, dir } = self;
        drop(projection);
        ReportProjection::rows(dir.path()).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

fn a_year() -> Talk {
    let talk = Talk::new();
    talk.say(1, 1, "2025-12-31T23:59:59Z", text());
    talk.say(1, 1, "2026-01-01T00:00:00Z", text());
    talk.say(1, 2, "2026-03-05T08:00:00Z", text());
    talk.say(1, 2, "2026-03-05T08:30:00Z", Content::ContactCard { user: user(2) });
    talk.say(1, 2, "2026-12-31T23:00:00Z", text());
    talk.say(2, 1, "2026-03-05T08:00:00Z", text());
    talk
}

fn check_the_year(report: &YearReport) {
    assert_eq!(report.messages, 4);
    let kinds =
        [KindCount { kind: ContentKind::Text, messages: 3 }, KindCount { kind: ContentKind::ContactCard, messages: 1 }];
    assert_eq!(report.by_kind, kinds);
    assert_eq!(report.active_days, 3);
    let days: Vec<_> = report.days.iter().map(|day| (day.date.to_string(), day.messages)).collect();
    let expected = [("2026-01-01", 1), ("2026-03-05", 2), ("2026-12-31", 1)];
    assert_eq!(days, expected.map(|(date, messages)| (date.to_owned(), messages)));
    assert_eq!(report.days[1].by_kind, kinds.map(|kind| KindCount { messages: 1, ..kind }));
    assert_eq!(report.busiest_day, day("2026-03-05"));
    assert_eq!(report.busiest_hour, Some(8));
    assert_eq!((report.by_hour[0], report.by_hour[8], report.by_hour[23]), (1, 2, 1));
    assert_eq!(report.conversations, 2);
    let most = ConversationCount { conversation: conversation(2), messages: 3 };
    assert_eq!(report.most_active_conversation, Some(most));
    assert_eq!(report.first_message_on, day("2026-01-01"));
    assert_eq!(report.first_message_ever_on, day("2025-12-31"));
}

#[test]
fn a_year_counts_what_one_person_sent_in_it() {
    check_the_year(&a_year().counted().year(1, 2026));
}

#[test]
fn a_report_is_the_same_before_and_after_its_counts_are_written_and_in_between() {
    let talk = a_year();
    let mut counted = talk.counted();
    counted.projection.flush().unwrap();
    check_the_year(&counted.year(1, 2026));
    let counted = counted.reopen();
    check_the_year(&counted.year(1, 2026));
    let dir = tempfile::tempdir().unwrap();
    let mut projection = ReportProjection::open(dir.path()).unwrap();
    let facts = talk.facts_after(Position::START);
    projection.apply(&facts[..3]).unwrap();
    projection.idle().unwrap();
    projection.apply(&facts[3..]).unwrap();
    check_the_year(&Counted { projection, dir }.year(1, 2026));
}

#[test]
fn a_year_without_messages_is_empty_and_still_names_the_first_message_ever() {
    let report = a_year().counted().year(1, 2030);
    assert_eq!((report.messages, report.active_days, report.conversations), (0, 0, 0));
    assert_eq!((report.busiest_day, report.busiest_hour, report.most_active_conversation), (None, None, None));
    assert_eq!((report.first_message_on, report.first_message_ever_on), (None, day("2025-12-31")));
    let stranger = a_year().counted().year(9, 2026);
    assert_eq!(stranger.first_message_ever_on, None);
}

#[test]
fn a_recalled_message_stays_counted() {
    let talk = a_year();
    let recalled: ConversationEvent = MessageRecalled { seq: 1, silent: false }.into();
    talk.append(&format!("conversation-{}", conversation(2)), Some(user(1)), at("2026-12-31T23:01:00Z"), &recalled);
    check_the_year(&talk.counted().year(1, 2026));
}

#[test]
fn calls_count_for_all_who_talked_also_where_nothing_was_written() {
    let talk = a_year();
    for (time, seconds) in [("2026-06-01T23:59:30Z", 119), ("2026-12-31T23:59:59Z", 61), ("2025-06-01T00:00:00Z", 600)]
    {
        let talked = if seconds == 61 { vec![user(1), user(9)] } else { vec![user(1)] };
        let ended = CallEnded { told: vec![], outcome: CallOutcome::Completed, talked, seconds };
        talk.append("call-1", Some(user(1)), at(time), &CallEvent::from(ended));
    }
    let counted = talk.counted();
    let check = |counted: &Counted| {
        check_the_year(&counted.year(1, 2026));
        assert_eq!((counted.year(1, 2026).calls, counted.year(1, 2026).call_minutes), (2, 3));
        assert_eq!((counted.year(1, 2025).calls, counted.year(1, 2025).call_minutes), (1, 10));
        assert_eq!((counted.year(9, 2026).calls, counted.year(9, 2026).call_minutes), (1, 1));
        assert_eq!((counted.year(2, 2026).calls, counted.year(9, 2026).messages), (0, 0));
    };
    check(&counted);
    let mut counted = counted;
    counted.projection.flush().unwrap();
    check(&counted.reopen());
}

#[test]
fn of_equals_the_first_day_and_hour_win() {
    let talk = Talk::new();
    talk.say(1, 1, "2026-05-02T09:00:00Z", text());
    talk.say(1, 1, "2026-05-01T10:00:00Z", text());
    let report = talk.counted().year(1, 2026);
    assert_eq!((report.busiest_day, report.busiest_hour), (day("2026-05-01"), Some(9)));
}

#[test]
fn a_leap_year_has_its_29th_of_february_and_366th_day() {
    let talk = Talk::new();
    talk.say(1, 1, "2028-02-29T12:00:00Z", text());
    talk.say(1, 1, "2028-12-31T12:00:00Z", text());
    let report = talk.counted().year(1, 2028);
    let dates: Vec<_> = report.days.iter().map(|day| day.date.to_string()).collect();
    assert_eq!(dates, ["2028-02-29", "2028-12-31"]);
}

#[test]
fn messages_of_the_server_itself_are_nobodys() {
    let talk = Talk::new();
    let stream = format!("conversation-{}", conversation(1));
    talk.append(&stream, None, at("2026-05-02T09:00:00Z"), &sent(text()));
    let mut counted = talk.counted();
    counted.projection.flush().unwrap();
    let keyspaces: Vec<_> = counted.rows().into_iter().map(|row| row.keyspace).collect();
    assert_eq!(keyspaces, ["meta"]);
}

#[test]
fn what_was_not_written_is_counted_again_after_a_crash_and_only_that() {
    let talk = a_year();
    let facts = talk.facts_after(Position::START);
    let dir = tempfile::tempdir().unwrap();
    let mut projection = ReportProjection::open(dir.path()).unwrap();
    projection.apply(&facts[..2]).unwrap();
    projection.idle().unwrap();
    projection.apply(&facts[2..]).unwrap();
    let mut counted = Counted { projection, dir }.reopen();
    assert_eq!(counted.projection.checkpoint(), Position(2));
    let again = talk.facts_after(counted.projection.checkpoint());
    counted.projection.apply(&again).unwrap();
    check_the_year(&counted.year(1, 2026));
}

#[test]
fn a_poison_event_leaves_nothing_of_its_batch() {
    let talk = a_year();
    let position = talk.append("somewhere-else", Some(user(1)), at("2026-05-02T09:00:00Z"), &sent(text()));
    let dir = tempfile::tempdir().unwrap();
    let mut projection = ReportProjection::open(dir.path()).unwrap();
    let refused = projection.apply(&talk.facts_after(Position::START)).unwrap_err();
    assert!(matches!(refused, ProjectionError::Poison { position: at, .. } if at == position));
    assert_eq!(projection.view().year(user(1), 2026).unwrap().messages, 0);
}

#[test]
fn rows_are_the_same_whatever_the_batches_were() {
    let mut rng = StdRng::seed_from_u64(7);
    let talk = Talk::new();
    let start = at("2025-11-01T00:00:00Z");
    for _ in 0..800 {
        let time = start + TimeDelta::minutes(rng.random_range(0..200_000));
        let content = if rng.random_ratio(1, 5) { Content::ContactCard { user: user(1) } } else { text() };
        let to = conversation(rng.random_range(0..10));
        let by = user(rng.random_range(0..6));
        talk.append(&format!("conversation-{to}"), Some(by), time, &sent(content));
    }
    let mut rows = |splits: bool| {
        let dir = tempfile::tempdir().unwrap();
        let mut projection = ReportProjection::open(dir.path()).unwrap();
        let mut facts = talk.facts_after(Position::START);
        while !facts.is_empty() {
            let size = if splits { rng.random_range(1..=100.min(facts.len())) } else { facts.len() };
            projection.apply(&facts.drain(..size).collect::<Vec<_>>()).unwrap();
            if splits && rng.random_ratio(1, 2) {
                projection.idle().unwrap();
            }
        }
        projection.flush().unwrap();
        Counted { projection, dir }.rows()
    };
    let whole = rows(false);
    assert!(whole.len() > 500);
    assert_eq!(whole, rows(true));
    assert_eq!(whole, rows(true));
}
