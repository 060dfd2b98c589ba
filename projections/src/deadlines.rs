//! What falls due later: friend requests, invitations to groups and requests to join that nobody has answered yet.
//!
//! The list is what a process manager works through: it asks for what has waited too long, and each item names the
//! version that opened the wait, so that a wait begun anew is not mistaken for the old one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{ConversationEvent, ConversationId, DomainEvent, EventMeta, FriendshipEvent, FriendshipId, UserId};
use eventlog::Position;
use fjall::Keyspace;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, id_at, number, number_at},
};

const OPEN: &str = "open";

/// What kind of answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitKind {
    /// A person's, to a friend request.
    FriendRequest,
    /// A person's, to an invitation to a group.
    Invitation,
    /// A group's, to a request to join.
    JoinRequest,
}

/// Whose answer to what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// One of the two asked the other to be friends.
    FriendRequest(FriendshipId),
    /// The person was invited to the group.
    Invitation(ConversationId, UserId),
    /// The person would join the group.
    JoinRequest(ConversationId, UserId),
}

impl Wait {
    /// What kind it is.
    #[must_use]
    pub fn kind(self) -> WaitKind {
        match self {
            Self::FriendRequest(_) => WaitKind::FriendRequest,
            Self::Invitation(..) => WaitKind::Invitation,
            Self::JoinRequest(..) => WaitKind::JoinRequest,
        }
    }

    fn key(self) -> Vec<u8> {
        let (code, one, other) = match self {
            Self::FriendRequest(pair) => (0, pair.lower.0, pair.upper.0),
            Self::Invitation(conversation, user) => (1, conversation.0, user.0),
            Self::JoinRequest(conversation, user) => (2, conversation.0, user.0),
        };
        [&[code], one.as_bytes().as_slice(), other.as_bytes()].concat()
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        let (one, other) = (id_at(key, 1)?, id_at(key, 17)?);
        match key.first()? {
            0 => Some(Self::FriendRequest(FriendshipId::between(UserId(one), UserId(other)))),
            1 => Some(Self::Invitation(ConversationId(one), UserId(other))),
            2 => Some(Self::JoinRequest(ConversationId(one), UserId(other))),
            _ => None,
        }
    }
}

/// Something that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// For whose answer to what.
    pub wait: Wait,
    /// Version, in the stream that decides, of the event that began the wait.
    pub version: u64,
    /// When the wait began.
    pub since: DateTime<Utc>,
}

/// The list as queries see it.
#[derive(Default)]
pub struct DeadlinesView {
    list: RwLock<List>,
}

impl DeadlinesView {
    /// What has waited since before a time, oldest first, at most `limit`.
    #[must_use]
    pub fn open_since(&self, kind: WaitKind, before: DateTime<Utc>, limit: usize) -> Vec<Item> {
        let list = self.list.read();
        let due =
            list.by_age.range((kind, DateTime::<Utc>::MIN_UTC, FIRST_WAIT)..(kind, before, FIRST_WAIT)).take(limit);
        due.filter_map(|(_, since, wait)| {
            list.open.get(wait).map(|open| Item { wait: *wait, version: open.version, since: *since })
        })
        .collect()
    }

    /// Since when the oldest of a kind has waited.
    #[must_use]
    pub fn oldest(&self, kind: WaitKind) -> Option<DateTime<Utc>> {
        let list = self.list.read();
        let first = list.by_age.range((kind, DateTime::<Utc>::MIN_UTC, FIRST_WAIT)..).next()?;
        (first.0 == kind).then_some(first.1)
    }

    /// How many of a kind wait.
    #[must_use]
    pub fn count(&self, kind: WaitKind) -> usize {
        self.list.read().open.keys().filter(|wait| wait.kind() == kind).count()
    }
}

/// Before every other wait in their order.
const FIRST_WAIT: Wait = Wait::FriendRequest(FriendshipId { lower: UserId(Uuid::nil()), upper: UserId(Uuid::nil()) });

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    since: DateTime<Utc>,
    version: u64,
}

/// What waits, by whom and by age.
#[derive(Default)]
struct List {
    open: BTreeMap<Wait, Open>,
    by_age: BTreeSet<(WaitKind, DateTime<Utc>, Wait)>,
    /// What this batch has touched.
    touched: BTreeSet<Wait>,
}

impl List {
    fn begin(&mut self, wait: Wait, meta: &EventMeta) {
        self.end(wait);
        self.by_age.insert((wait.kind(), meta.at, wait));
        self.open.insert(wait, Open { since: meta.at, version: meta.version });
        self.touched.insert(wait);
    }

    fn end(&mut self, wait: Wait) {
        if let Some(open) = self.open.remove(&wait) {
            self.by_age.remove(&(wait.kind(), open.since, wait));
            self.touched.insert(wait);
        }
    }

    fn end_all_of(&mut self, conversation: ConversationId) {
        let all = UserId(Uuid::nil())..=UserId(Uuid::max());
        let invitations = Wait::Invitation(conversation, *all.start())..=Wait::Invitation(conversation, *all.end());
        let requests = Wait::JoinRequest(conversation, *all.start())..=Wait::JoinRequest(conversation, *all.end());
        let ended: Vec<Wait> =
            self.open.range(invitations).chain(self.open.range(requests)).map(|(wait, _)| *wait).collect();
        ended.into_iter().for_each(|wait| self.end(wait));
    }

    fn take_friendship(&mut self, pair: FriendshipId, event: &FriendshipEvent, meta: &EventMeta) {
        let wait = Wait::FriendRequest(pair);
        match event {
            FriendshipEvent::FriendRequested(_) => self.begin(wait, meta),
            FriendshipEvent::FriendAccepted(_)
            | FriendshipEvent::FriendDeclined(_)
            | FriendshipEvent::FriendRequestExpired(_)
            | FriendshipEvent::FriendRestored(_) => self.end(wait),
            FriendshipEvent::FriendRemoved(_) => {}
        }
    }

    fn take_conversation(&mut self, conversation: ConversationId, event: &ConversationEvent, meta: &EventMeta) {
        match event {
            ConversationEvent::MemberInvited(invited) => {
                self.end(Wait::JoinRequest(conversation, invited.user));
                self.begin(Wait::Invitation(conversation, invited.user), meta);
            }
            ConversationEvent::JoinRequested(request) => {
                self.begin(Wait::JoinRequest(conversation, request.user), meta);
            }
            ConversationEvent::InvitationClosed(closed) => self.end(Wait::Invitation(conversation, closed.user)),
            ConversationEvent::JoinRequestClosed(closed) => self.end(Wait::JoinRequest(conversation, closed.user)),
            ConversationEvent::MembersJoined(joined) => {
                for member in &joined.members {
                    self.end(Wait::Invitation(conversation, *member));
                    self.end(Wait::JoinRequest(conversation, *member));
                }
            }
            ConversationEvent::GroupDisbanded(_) => self.end_all_of(conversation),
            _ => {}
        }
    }

    fn take(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Friendship(event) => self.take_friendship(fact.pair()?, event, &fact.meta()),
            DomainEvent::Conversation(event) => {
                let id =
                    fact.stream_id("conversation").ok_or_else(|| fact.poison("the stream names no conversation"))?;
                self.take_conversation(ConversationId(id), event, &fact.meta());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether an event of this type can begin or end a wait.
fn matters(event_type: &str) -> bool {
    matches!(
        event_type,
        "friend.requested"
            | "friend.accepted"
            | "friend.declined"
            | "friend.request-expired"
            | "friend.restored"
            | "group.member-invited"
            | "group.join-requested"
            | "group.invitation-closed"
            | "group.join-request-closed"
            | "group.members-joined"
            | "group.disbanded"
    )
}

/// Folds the list.
pub struct DeadlinesProjection {
    store: RowStore,
    rows: Keyspace,
    view: Arc<DeadlinesView>,
}

impl Projection for DeadlinesProjection {
    const NAME: &'static str = "deadlines";
    const VERSION: u32 = 1;
    type View = DeadlinesView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let rows = store.keyspace(OPEN)?;
        let mut list = List::default();
        for row in rows.iter() {
            let (key, value) = row.into_inner()?;
            let parsed = Wait::from_key(&key).zip(open_of(&value));
            let (wait, open) = parsed.ok_or(ProjectionError::DamagedRow { keyspace: OPEN })?;
            list.by_age.insert((wait.kind(), open.since, wait));
            list.open.insert(wait, open);
        }
        Ok(Self { store, rows, view: Arc::new(DeadlinesView { list: RwLock::new(list) }) })
    }

    fn view(&self) -> Arc<DeadlinesView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        {
            let mut list = self.view.list.write();
            for fact in batch.iter().filter(|fact| matters(fact.event_type())) {
                list.take(fact)?;
            }
            for wait in std::mem::take(&mut list.touched) {
                match list.open.get(&wait) {
                    Some(open) => rows.insert(&self.rows, wait.key(), value_of(open)),
                    None => rows.remove(&self.rows, wait.key()),
                }
            }
        }
        self.store.commit(rows, last)
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}

fn value_of(open: &Open) -> Vec<u8> {
    [open.since.timestamp_micros().to_be_bytes(), open.version.to_be_bytes()].concat()
}

fn open_of(value: &[u8]) -> Option<Open> {
    let since = DateTime::from_timestamp_micros(number(value)?.cast_signed())?;
    Some(Open { since, version: number_at(value, 8)? })
}
