//! The fold: a batch of events, taken in beside the state that queries read.
//!
//! Nothing that queries see changes before the batch's rows are written: the fold works on copies of what it touches,
//! rows are made of the copies' last state, and then the copies take their places. So readers never wait for the disk,
//! never see what could still be lost, and a conversation that got a thousand messages in a batch is written once.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use domain::{
    ConversationEvent, ConversationId, DomainEvent, EventMeta, InboxEvent, SubscriptionsEvent, UserId,
    conversation::{AccountConversationOpened, Content, MessageRecalled, MessageSent},
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    kind::{Kind, Showing},
    personal::{concerned, event_row, personal},
    rows::{EventRow, Recall, deleted_key, personal_key, recall_key, seat_key, timeline_key},
    seat::Seat,
    state::{AccountPair, Conversation, Head, Sort, State},
    tables::Tables,
};
use crate::{Fact, ProjectionError};

/// A batch on its way in.
pub(super) struct Fold<'a> {
    base: &'a State,
    /// Numbers of the conversations that began in this batch.
    numbers: HashMap<ConversationId, u32>,
    conversations: HashMap<u32, Conversation>,
    /// Groups in which more changed than where they stand.
    groups: BTreeSet<u32>,
    seats: HashMap<(UserId, u32), Seat>,
    concerned: HashMap<u64, Arc<[UserId]>>,
    departed: HashMap<u32, Vec<UserId>>,
    timeline: Vec<([u8; 12], Vec<u8>)>,
    recalls: Vec<([u8; 12], Recall)>,
    deleted: Vec<[u8; 28]>,
    personal: Vec<([u8; 24], Vec<u8>)>,
}

/// What a batch changed in memory.
pub(super) struct Changes {
    checkpoint: u64,
    numbers: HashMap<ConversationId, u32>,
    conversations: Vec<(u32, Conversation)>,
    seats: HashMap<(UserId, u32), Seat>,
    concerned: HashMap<u64, Arc<[UserId]>>,
    departed: HashMap<u32, Vec<UserId>>,
}

impl<'a> Fold<'a> {
    /// An empty batch on top of a state.
    pub(super) fn on(base: &'a State) -> Self {
        Self {
            base,
            numbers: HashMap::new(),
            conversations: HashMap::new(),
            groups: BTreeSet::new(),
            seats: HashMap::new(),
            concerned: HashMap::new(),
            departed: HashMap::new(),
            timeline: vec![],
            recalls: vec![],
            deleted: vec![],
            personal: vec![],
        }
    }

    /// Takes one more event in.
    pub(super) fn take(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.stream_id("conversation").map(ConversationId) {
            Some(id) => self.take_conversation_event(id, fact),
            None => self.take_personal_event(fact),
        }
    }

    fn take_conversation_event(&mut self, id: ConversationId, fact: &Fact) -> Result<(), ProjectionError> {
        let DomainEvent::Conversation(event) = fact.decoded()? else {
            return Err(fact.poison("it is not an event of a conversation"));
        };
        let kind = Kind::named(fact.event_type()).ok_or_else(|| fact.poison("its type is not known here"))?;
        let meta = fact.meta();
        let no = match self.number(id) {
            Some(no) => no,
            None => self.begin(id, event).ok_or_else(|| fact.poison("its conversation has not begun"))?,
        };
        if kind.showing() == Showing::Waiting {
            self.tell_concerned(no, event, kind, fact);
        }
        match event {
            ConversationEvent::MessageSent(sent) => self.message_sent(no, sent, &meta),
            ConversationEvent::MessageRecalled(recalled) => self.message_recalled(no, recalled, &meta),
            other => self.take_group_event(no, other, &meta),
        }
        let Some(conversation) = self.conversation(no) else { return Ok(()) };
        let head = &mut conversation.head;
        head.version = meta.version;
        head.position = fact.position().0;
        let showing = kind.showing();
        if matches!(showing, Showing::Message | Showing::Notice) {
            head.shown = meta.version;
        }
        let reply_to = match event {
            ConversationEvent::MessageSent(sent) => sent.reply_to.unwrap_or(0),
            _ => 0,
        };
        let row = EventRow {
            kind,
            position: fact.position().0,
            seq: head.seq,
            at_micros: meta.at.timestamp_micros(),
            id: fact.record.event_id(),
            actor: meta.actor,
            conversation: None,
            reply_to,
            // What concerns only some stands in their personal feeds.
            payload: if showing == Showing::Waiting { &[] } else { fact.record.payload() },
        };
        self.timeline.push((timeline_key(no, meta.version), row.encode()));
        Ok(())
    }

    fn begin(&mut self, id: ConversationId, event: &ConversationEvent) -> Option<u32> {
        let sort = match event {
            ConversationEvent::ConversationOpened(opened) => Sort::Direct(opened.members),
            ConversationEvent::AccountConversationOpened(opened) => {
                let AccountConversationOpened { account, follower, sort } = *opened;
                Sort::Official(AccountPair { account, follower, sort })
            }
            ConversationEvent::GroupCreated(created) => Sort::Group(Arc::new(Self::founded(created)?)),
            _ => return None,
        };
        let no = u32::try_from(self.base.conversations.len() + self.numbers.len()).ok()?;
        self.numbers.insert(id, no);
        self.conversations.insert(no, Conversation { id, head: Head::default(), sort });
        Some(no)
    }

    fn message_sent(&mut self, no: u32, sent: &MessageSent, meta: &EventMeta) {
        if let Some(conversation) = self.conversation(no) {
            conversation.head.seq = sent.seq;
            if sent.mention_all {
                conversation.head.mention_all = sent.seq;
            }
            if matches!(sent.content, Content::Announcement { .. }) {
                conversation.head.announcement = sent.seq;
            }
        }
        if let Some(seat) = meta.actor.and_then(|actor| self.seat(actor, no)) {
            seat.sent = sent.seq;
        }
        for user in &sent.mentions {
            if let Some(seat) = self.seat(*user, no).filter(|seat| seat.stay.is_open()) {
                seat.mention = sent.seq;
            }
        }
    }

    fn message_recalled(&mut self, no: u32, recalled: &MessageRecalled, meta: &EventMeta) {
        let recall = Recall { at_micros: meta.at.timestamp_micros(), silent: recalled.silent };
        self.recalls.push((recall_key(no, recalled.seq), recall));
        let Some(conversation) = self.conversation(no) else { return };
        let head = &mut conversation.head;
        head.recalls += 1;
        // What was taken back calls on nobody any more.
        for mark in [&mut head.mention_all, &mut head.announcement] {
            if *mark == recalled.seq {
                *mark = 0;
            }
        }
        let members = conversation.group().map(|group| Arc::clone(&group.members)).unwrap_or_default();
        for user in members.iter() {
            let called_on = self.peek_seat(*user, no).is_some_and(|seat| seat.mention == recalled.seq);
            if let Some(seat) = self.seat(*user, no).filter(|_| called_on) {
                seat.mention = 0;
            }
        }
    }

    fn take_personal_event(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let Some(personal) = personal(fact)? else { return Ok(()) };
        let row = personal.row.encode();
        for user in personal.people {
            self.personal.push((personal_key(user, personal.row.position), row.clone()));
        }
        match fact.decoded()? {
            DomainEvent::Inbox(event) => {
                if let Some(id) = fact.stream_id("inbox") {
                    self.take_inbox_event(UserId(id), event, fact.position().0);
                }
            }
            DomainEvent::Subscriptions(event) => {
                if let Some(id) = fact.stream_id("subscriptions") {
                    self.take_subscription(UserId(id), event);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Who mutes an official account has the conversation with it muted; muting goes with following.
    fn take_subscription(&mut self, user: UserId, event: &SubscriptionsEvent) {
        let (account, on) = match event {
            SubscriptionsEvent::AccountMuted(muted) => (muted.account, muted.on),
            SubscriptionsEvent::AccountUnfollowed(unfollowed) => (unfollowed.account, false),
            SubscriptionsEvent::AccountFollowed(_) | SubscriptionsEvent::AccountCodeScanned(_) => return,
        };
        let Some(no) = self.number(ConversationId::with_account(account, user)) else { return };
        if let Some(seat) = self.seat(user, no) {
            seat.account_muted = on;
        }
    }

    fn take_inbox_event(&mut self, user: UserId, event: &InboxEvent, position: u64) {
        let Some(no) = self.number(event.conversation()) else { return };
        let Some(seat) = self.seat(user, no) else { return };
        match event {
            InboxEvent::ConversationRead(read) => seat.read = seat.read.max(read.seq),
            InboxEvent::ConversationPinned(pinned) => seat.pinned = pinned.on,
            InboxEvent::ConversationMuted(muted) => seat.muted = muted.on,
            InboxEvent::ConversationHidden(hidden) => seat.hidden = hidden.seq.saturating_add(1),
            InboxEvent::ConversationCleared(cleared) => {
                seat.cleared = cleared.seq;
                seat.cleared_at = position;
            }
            InboxEvent::MessageDeleted(deleted) => {
                seat.deletions = true;
                self.deleted.push(deleted_key(user, no, deleted.seq));
            }
        }
    }

    /// Puts an event about somebody who waits into the feeds of those whom it concerns.
    fn tell_concerned(&mut self, no: u32, event: &ConversationEvent, kind: Kind, fact: &Fact) {
        let Some(conversation) = self.conversation(no) else { return };
        let id = conversation.id;
        let people = conversation.group().map(|group| concerned(group, event, fact)).unwrap_or_default();
        let row = event_row(fact, kind, Some(id), fact.record.payload().into());
        let encoded = row.encode();
        for user in &people {
            self.personal.push((personal_key(*user, row.position), encoded.clone()));
        }
        self.concerned.insert(row.position, people.into());
    }

    fn number(&self, id: ConversationId) -> Option<u32> {
        self.base.numbers.get(&id).or_else(|| self.numbers.get(&id)).copied()
    }

    /// The conversation, to be changed.
    pub(super) fn conversation(&mut self, no: u32) -> Option<&mut Conversation> {
        match self.conversations.entry(no) {
            Entry::Occupied(touched) => Some(touched.into_mut()),
            Entry::Vacant(untouched) => self.base.conversation(no).map(|before| untouched.insert(before.clone())),
        }
    }

    /// Notes that more of the group changed than where it stands.
    pub(super) fn group_changed(&mut self, no: u32) {
        self.groups.insert(no);
    }

    /// The seat, to be changed.
    pub(super) fn seat(&mut self, user: UserId, no: u32) -> Option<&mut Seat> {
        match self.seats.entry((user, no)) {
            Entry::Occupied(touched) => Some(touched.into_mut()),
            Entry::Vacant(untouched) => self.base.seat(user, no).map(|before| untouched.insert(before.clone())),
        }
    }

    /// Gives somebody a seat.
    pub(super) fn take_seat(&mut self, user: UserId, no: u32, seat: Seat) {
        self.seats.insert((user, no), seat);
    }

    /// Notes who went, for those who push what happened while they were there.
    pub(super) fn note_departed(&mut self, no: u32, users: &[UserId]) {
        self.departed.entry(no).or_default().extend_from_slice(users);
    }

    fn peek_seat(&self, user: UserId, no: u32) -> Option<&Seat> {
        self.seats.get(&(user, no)).or_else(|| self.base.seat(user, no))
    }

    /// Puts the rows of everything touched into `batch`, and gives what is to change in memory once they are written.
    pub(super) fn finish(
        mut self,
        batch: &mut WriteBatch,
        tables: &Tables,
        checkpoint: u64,
    ) -> Result<Changes, ProjectionError> {
        // In key order, neighbours meet in the write buffer: that halves the cost of the insertions.
        self.timeline.sort_unstable_by_key(|(key, _)| *key);
        for (key, row) in self.timeline {
            batch.insert(&tables.timeline, key, row);
        }
        for (key, recall) in self.recalls {
            batch.insert(&tables.recalls, key, recall.encode());
        }
        for key in self.deleted {
            batch.insert(&tables.deleted, key, []);
        }
        for (key, row) in self.personal {
            batch.insert(&tables.personal, key, row);
        }
        for ((user, no), seat) in &self.seats {
            batch.insert(&tables.seats, seat_key(*user, *no), seat.encode());
        }
        let mut conversations: Vec<_> = self.conversations.into_iter().collect();
        conversations.sort_unstable_by_key(|(no, _)| *no);
        for (no, conversation) in &conversations {
            let key = no.to_be_bytes();
            batch.insert(&tables.heads, key, conversation.head.encode());
            if self.numbers.contains_key(&conversation.id) {
                batch.insert(&tables.conversations, key, conversation.encode());
            }
            if let Some(group) = conversation.group().filter(|_| self.groups.contains(no)) {
                let row = serde_json::to_vec(group).map_err(|error| ProjectionError::Storage(error.to_string()))?;
                batch.insert(&tables.groups, key, row);
            }
        }
        let Self { numbers, seats, concerned, departed, .. } = self;
        Ok(Changes { checkpoint, numbers, conversations, seats, concerned, departed })
    }
}

impl State {
    /// Lets a batch take effect for queries: its rows are written.
    pub(super) fn merge(&mut self, changes: Changes) {
        self.numbers.extend(changes.numbers);
        for (no, conversation) in changes.conversations {
            self.update_invitations(no, &conversation);
            match usize::try_from(no).ok().and_then(|at| self.conversations.get_mut(at)) {
                Some(place) => *place = conversation,
                // Fresh ones come in the order of their numbers.
                None => self.conversations.push(conversation),
            }
        }
        for ((user, no), seat) in changes.seats {
            self.people.entry(user).or_default().seats.insert(no, seat);
        }
        self.concerned = changes.concerned;
        self.departed = changes.departed;
        self.checkpoint = changes.checkpoint;
    }
}
