//! Counting messages and calls.

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{
    CallEvent, ConversationEvent, ConversationId, DomainEvent, GroupCallEvent, UserId, conversation::ContentKind,
    group_call::Talked,
};
use eventlog::Position;
use fjall::{Keyspace, OwnedWriteBatch};
use parking_lot::RwLock;

use super::{
    rows::{
        by_hour_bytes, by_kind_bytes, conversation_key, day_key, read_by_hour, read_by_kind, read_count, read_talked,
        talked_bytes, year_key,
    },
    tally::{Tally, YearTally, add},
    view::{ReportView, Tables},
};
use crate::{
    rows::RowStore,
    runtime::{Fact, Projection, ProjectionError},
};

/// Rows that wait at most; bounds memory and how long readers are held up while they are written.
const WAITING_ROWS: usize = 16_384;
/// Positions that wait at most: what a restart may have to count again.
const WAITING_POSITIONS: u64 = 200_000;

/// Counts what people send, and how long they talk.
pub struct ReportProjection {
    store: RowStore,
    view: Arc<ReportView>,
    /// The last event counted, on disk or not.
    applied: Position,
}

impl Projection for ReportProjection {
    const NAME: &'static str = "report";
    const VERSION: u32 = 2;
    type View = ReportView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables {
            days: store.keyspace("days")?,
            hours: store.keyspace("hours")?,
            conversations: store.keyspace("conversations")?,
            calls: store.keyspace("calls")?,
        };
        let applied = store.checkpoint();
        Ok(Self { store, view: Arc::new(ReportView { tables, tally: RwLock::default() }), applied })
    }

    fn view(&self) -> Arc<ReportView> {
        self.view.clone()
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        // All are read before the first is counted: a poison event leaves nothing half counted.
        let sent = batch.iter().filter_map(|fact| Sent::of(fact).transpose());
        let sent = sent.collect::<Result<Vec<Sent>, _>>()?;
        let calls = batch.iter().filter_map(|fact| EndedCall::of(fact).transpose());
        let calls = calls.collect::<Result<Vec<_>, _>>()?;
        let waiting = {
            let mut tally = self.view.tally.write();
            sent.iter().for_each(|sent| tally.count(sent.sender, sent.conversation, sent.kind, sent.at));
            for EndedCall { talked, at } in calls {
                talked.iter().for_each(|one| tally.count_call(one.user, one.seconds, at));
            }
            tally.rows
        };
        self.applied = last;
        if waiting >= WAITING_ROWS || last.0.saturating_sub(self.checkpoint().0) >= WAITING_POSITIONS {
            self.write()?;
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ProjectionError> {
        self.write()
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.write()?;
        self.store.flush()
    }
}

/// A message to be counted.
struct Sent {
    sender: UserId,
    conversation: ConversationId,
    kind: ContentKind,
    at: DateTime<Utc>,
}

impl Sent {
    fn of(fact: &Fact) -> Result<Option<Self>, ProjectionError> {
        if fact.event_type() != "message.sent" {
            return Ok(None);
        }
        let DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) = fact.decoded()? else { return Ok(None) };
        let Some(conversation) = fact.stream_id("conversation").map(ConversationId) else {
            return Err(fact.poison("a message outside of a conversation's stream"));
        };
        let (kind, at) = (sent.content.kind(), fact.at());
        Ok(fact.actor().map(|sender| Self { sender, conversation, kind, at }))
    }
}

/// The end of a call.
struct EndedCall {
    /// Who talked, for how long.
    talked: Vec<Talked>,
    at: DateTime<Utc>,
}

impl EndedCall {
    fn of(fact: &Fact) -> Result<Option<Self>, ProjectionError> {
        if !matches!(fact.event_type(), "call.ended" | "group-call.ended") {
            return Ok(None);
        }
        let talked = match fact.decoded()? {
            DomainEvent::Call(CallEvent::CallEnded(ended)) => {
                ended.talked.iter().map(|user| Talked { user: *user, seconds: ended.seconds }).collect()
            }
            DomainEvent::GroupCall(GroupCallEvent::GroupCallEnded(ended)) => ended.talked.clone(),
            _ => return Ok(None),
        };
        Ok(Some(Self { talked, at: fact.at() }))
    }
}

impl ReportProjection {
    /// Writes what waits, and the checkpoint.
    fn write(&mut self) -> Result<(), ProjectionError> {
        if self.applied == self.checkpoint() {
            return Ok(());
        }
        let mut batch = self.store.batch();
        {
            // Only this thread writes counts, so they stay as they are until they are taken out below.
            let tally = self.view.tally.read();
            for ((user, year), counts) in &tally.years {
                add_to_rows(&mut batch, &self.view.tables, *user, *year, counts)?;
            }
        }
        let mut tally = self.view.tally.write();
        self.store.commit(batch, self.applied)?;
        *tally = Tally::default();
        Ok(())
    }
}

fn add_to_rows(
    batch: &mut OwnedWriteBatch,
    tables: &Tables,
    user: UserId,
    year: u16,
    tally: &YearTally,
) -> Result<(), ProjectionError> {
    for (day, more) in &tally.days {
        let key = day_key(user, year, *day);
        let mut counts = before(&tables.days, "days", &key, read_by_kind)?.unwrap_or_default();
        add(&mut counts, more);
        batch.insert(&tables.days, key, by_kind_bytes(&counts));
    }
    let key = year_key(user, year);
    if !tally.days.is_empty() {
        let mut hours = before(&tables.hours, "hours", &key, read_by_hour)?.unwrap_or_default();
        add(&mut hours, &tally.hours);
        batch.insert(&tables.hours, key.clone(), by_hour_bytes(&hours));
    }
    if tally.talked.calls > 0 {
        let mut talked = before(&tables.calls, "calls", &key, read_talked)?.unwrap_or_default();
        talked.add(tally.talked);
        batch.insert(&tables.calls, key, talked_bytes(talked));
    }
    for (conversation, more) in &tally.conversations {
        let key = conversation_key(user, year, *conversation);
        let count = before(&tables.conversations, "conversations", &key, read_count)?.unwrap_or_default();
        batch.insert(&tables.conversations, key, count.saturating_add(*more).to_be_bytes());
    }
    Ok(())
}

/// What a row said before.
fn before<T>(
    table: &Keyspace,
    keyspace: &'static str,
    key: &[u8],
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>, ProjectionError> {
    let row = table.get(key)?;
    row.map(|row| read(&row).ok_or(ProjectionError::DamagedRow { keyspace })).transpose()
}
