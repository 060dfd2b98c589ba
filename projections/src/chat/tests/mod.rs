//! Tests of this read model: a small world in which things happen one after another, and what people then see.

mod audience_rules;
mod bars;
mod details_rules;
mod history_rules;
mod inbox_rules;
mod oracle;
mod sync_rules;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConversationEvent, ConversationId, EventFamily, FriendshipId, InboxEvent, UserId,
    conversation::{Content, ConversationOpened, GroupCreated, MessageRecalled, MessageSent},
};
use eventlog::{Append, EventLog, ExpectedVersion, MemoryLog, NewEvent, PayloadEncoding, Position, StreamName};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Anchor, ChatProjection, ChatView, ConversationRow, Entry, Reading};
use crate::{Fact, Projection};

/// A log, a projection that has taken all of it in, and a clock that only moves when told to.
struct World {
    log: MemoryLog,
    dir: TempDir,
    chat: ChatProjection,
    now: DateTime<Utc>,
    seqs: HashMap<ConversationId, u64>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let chat = ChatProjection::open(dir.path()).unwrap();
        let now = DateTime::from_timestamp_micros(1_750_000_000_000_000).unwrap();
        Self { log: MemoryLog::new(), dir, chat, now, seqs: HashMap::new() }
    }

    /// Appends an event and lets the projection take it in.
    fn happens<E: EventFamily>(&mut self, stream: String, actor: Option<UserId>, event: impl Into<E>) -> Position {
        let position = self.appended::<E>(stream, actor, event.into());
        let facts = self.facts_after(self.chat.checkpoint());
        self.chat.apply(&facts).unwrap();
        position
    }

    /// Appends an event only.
    fn appended<E: EventFamily>(&mut self, stream: String, actor: Option<UserId>, event: E) -> Position {
        let command_id = Uuid::now_v7();
        let append = Append {
            stream: StreamName::new(stream).unwrap(),
            expected: ExpectedVersion::Any,
            time: self.now,
            actor: actor.map(|actor| actor.0),
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
        };
        futures::executor::block_on(self.log.append(append)).unwrap().position
    }

    fn facts_after(&self, position: Position) -> Vec<Arc<Fact>> {
        let records = futures::executor::block_on(self.log.read_all(position, 100_000)).unwrap();
        records.into_iter().map(|record| Arc::new(Fact::new(record))).collect()
    }

    fn view(&self) -> Arc<ChatView> {
        self.chat.view()
    }

    fn reading(&self) -> Reading {
        Reading { now: self.now, re_edit: TimeDelta::seconds(300) }
    }

    fn passes(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    /// Something happens in a conversation.
    fn talk(&mut self, id: ConversationId, actor: UserId, event: impl Into<ConversationEvent>) -> Position {
        self.happens::<ConversationEvent>(format!("conversation-{id}"), Some(actor), event)
    }

    /// Somebody does something to their own inbox.
    fn inbox_event(&mut self, user: UserId, event: impl Into<InboxEvent>) -> Position {
        self.happens::<InboxEvent>(format!("inbox-{user}"), Some(user), event)
    }

    fn friends(&mut self, a: UserId, b: UserId) -> ConversationId {
        let (id, pair) = (ConversationId::direct(a, b), FriendshipId::between(a, b));
        self.talk(id, a, ConversationOpened { members: [pair.lower, pair.upper] });
        id
    }

    fn group(&mut self, name: &str, members: &[UserId]) -> ConversationId {
        let id = ConversationId::new();
        self.talk(id, members[0], GroupCreated { name: name.into(), members: members.to_vec() });
        id
    }

    fn next_seq(&mut self, id: ConversationId) -> u64 {
        let seq = self.seqs.entry(id).or_default();
        *seq += 1;
        *seq
    }

    fn says_content(&mut self, id: ConversationId, actor: UserId, content: Content) -> u64 {
        let seq = self.next_seq(id);
        self.talk(id, actor, MessageSent { seq, content, ..blank() });
        seq
    }

    fn says(&mut self, id: ConversationId, actor: UserId, text: &str) -> u64 {
        self.says_content(id, actor, Content::Text { text: text.into() })
    }

    fn replies(&mut self, id: ConversationId, actor: UserId, text: &str, reply_to: u64) -> u64 {
        let seq = self.next_seq(id);
        let content = Content::Text { text: text.into() };
        self.talk(id, actor, MessageSent { seq, content, reply_to: Some(reply_to), ..blank() });
        seq
    }

    fn mentions(&mut self, id: ConversationId, actor: UserId, mentions: &[UserId], mention_all: bool) -> u64 {
        let seq = self.next_seq(id);
        self.talk(id, actor, MessageSent { seq, mentions: mentions.to_vec(), mention_all, ..blank() });
        seq
    }

    fn recalls(&mut self, id: ConversationId, actor: UserId, seq: u64, silent: bool) -> Position {
        self.talk(id, actor, MessageRecalled { seq, silent })
    }

    fn history(&self, user: UserId, id: ConversationId) -> Vec<Entry> {
        self.page(user, id, Anchor::Latest, 100)
    }

    fn page(&self, user: UserId, id: ConversationId, anchor: Anchor, limit: usize) -> Vec<Entry> {
        self.view().history(user, id, anchor, limit, &self.reading()).unwrap().unwrap()
    }

    fn list(&self, user: UserId) -> Vec<ConversationRow> {
        self.view().inbox(user, &self.reading()).unwrap()
    }

    fn row(&self, user: UserId, id: ConversationId) -> ConversationRow {
        self.list(user).into_iter().find(|row| row.id == id).unwrap()
    }

    fn everything(&self, user: UserId) -> Vec<Entry> {
        let page = self.view().sync(user, Position::START, 500).unwrap();
        assert!(!page.more);
        page.entries
    }

    /// Closes the projection and opens it again from its rows.
    fn reopened(mut self) -> Self {
        self.chat.flush().unwrap();
        let Self { log, dir, chat, now, seqs } = self;
        drop(chat);
        let chat = ChatProjection::open(dir.path()).unwrap();
        Self { log, dir, chat, now, seqs }
    }
}

fn blank() -> MessageSent {
    let content = Content::Text { text: "x".into() };
    MessageSent { seq: 0, content, reply_to: None, mentions: vec![], mention_all: false, official: None }
}

fn users<const N: usize>() -> [UserId; N] {
    std::array::from_fn(|_| UserId::new())
}

fn seqs(entries: &[Entry]) -> Vec<Option<u64>> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn types(entries: &[Entry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.event_type).collect()
}

fn data(entry: &Entry) -> Value {
    entry.data.as_ref().map_or(Value::Null, |data| serde_json::from_str(data.get()).unwrap())
}

fn text(entry: &Entry) -> Value {
    data(entry)["content"]["text"].clone()
}

#[test]
fn an_entry_is_written_as_its_fields_and_nothing_else() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    world.says(id, a, "tea?");
    let entries = world.history(b, id);
    let entry = serde_json::to_value(&entries[0]).unwrap();
    let expected = json!({
        "position": 2,
        "type": "message.sent",
        "at": "2025-06-15T15:06:40Z",
        "actor": a,
        "conversation": id,
        "seq": 1,
        "id": entries[0].id,
        "data": { "seq": 1, "content": { "kind": "text", "text": "tea?" } },
    });
    assert_eq!(entry, expected);
    world.recalls(id, a, 1, false);
    let recalled = serde_json::to_value(&world.history(b, id)[0]).unwrap();
    assert_eq!((&recalled["data"], &recalled["recalled"]), (&Value::Null, &json!(true)));
}

#[test]
fn membership_questions_are_answered_from_the_latest_events() {
    let [a, b, c, stranger] = users();
    let mut world = World::new();
    let direct = world.friends(a, b);
    let group = world.group("tea", &[a, b, c]);
    let view = world.view();
    assert!(view.is_member(a, direct) && !view.is_member(c, direct));
    assert_eq!(view.peer_of(b, direct), Some(a));
    assert_eq!(view.peer_of(c, direct), None);
    assert!(view.share_group(b, c) && !view.share_group(a, stranger));
    assert_eq!(*view.members(group), [a, b, c]);
    world.says(group, a, "x");
    world.talk(group, c, domain::conversation::MemberLeft { successor: None });
    assert!(!view.is_member(c, group) && !view.share_group(b, c));
    assert!(view.knows(c, group) && !view.knows(stranger, group));
    assert_eq!(*view.members(group), [a, b]);
    assert_eq!(view.last_seq(group), 1);
    let spans = |user| view.conversations_of(user).into_iter().map(|part| part.spans).collect::<Vec<_>>();
    assert_eq!(spans(c), [[(1, 1)]]);
    assert!(spans(stranger).is_empty());
    world.says(group, a, "y");
    assert_eq!(spans(c), [[(1, 1)]]);
}

#[test]
fn an_event_that_can_not_be_taken_in_is_named_and_changes_nothing() {
    let [a, b] = users();
    let mut world = World::new();
    let id = world.friends(a, b);
    let known = world.chat.checkpoint();
    world.appended::<ConversationEvent>(
        format!("conversation-{id}"),
        Some(a),
        MessageSent { seq: 1, ..blank() }.into(),
    );
    let nowhere = ConversationId::new();
    let lost = MessageSent { seq: 1, ..blank() };
    let position = world.appended::<ConversationEvent>(format!("conversation-{nowhere}"), Some(a), lost.into());
    let refused = world.chat.apply(&world.facts_after(known)).unwrap_err();
    assert!(matches!(refused, crate::ProjectionError::Poison { position: at, .. } if at == position));
    assert_eq!((world.chat.checkpoint(), world.view().last_seq(id)), (known, 0));
    assert_eq!(world.reopened().chat.checkpoint(), known);
}
