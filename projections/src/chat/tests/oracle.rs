//! Random lives of a few people in a few conversations, checked against a brute-force reading of everything that happened.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ConversationEvent, ConversationId, DeviceId, FriendshipId, InboxEvent, UserId,
    conversation::{
        Content, ConversationOpened, GroupCreated, GroupDisbanded, GroupRenamed, JoinedVia, MemberInvited, MemberLeft,
        MembersJoined, MembersRemoved, MessageRecalled, MessageSent, NicknameSet,
    },
    inbox::{ConversationCleared, ConversationHidden, ConversationRead, MessageDeleted},
};
use eventlog::Position;
use proptest::prelude::*;

use super::{World, blank, users};
use crate::{
    Projection,
    chat::{Anchor, ChatProjection},
};

/// A number that decides what happens, and three that decide to whom.
type Dice = (u8, u8, u8, u8);

/// What happened, as the oracle keeps it: nothing but the events.
enum Happened {
    InConversation(ConversationId, Option<UserId>, ConversationEvent),
    InInbox(UserId, InboxEvent),
}

/// What was shown: position, message number, whether as recalled.
type Shown = (u64, Option<u64>, bool);

/// An event of a conversation: position, who did it, what it is.
type Event<'a> = (u64, Option<UserId>, &'a ConversationEvent);

struct Life {
    world: World,
    people: [UserId; 4],
    conversations: Vec<ConversationId>,
    happened: Vec<(u64, Happened)>,
}

impl Life {
    fn begun() -> Self {
        let people: [UserId; 4] = users();
        let [a, b, c, _] = people;
        let (direct, group, other) = (ConversationId::direct(a, b), ConversationId::new(), ConversationId::new());
        let mut life =
            Self { world: World::new(), people, conversations: vec![direct, group, other], happened: vec![] };
        let pair = FriendshipId::between(a, b);
        life.say(direct, a, ConversationOpened { members: [pair.lower, pair.upper] });
        life.say(group, a, GroupCreated { name: "tea".into(), members: vec![a, b, c] });
        life.say(other, c, GroupCreated { name: String::new(), members: vec![c] });
        life
    }

    fn say(&mut self, id: ConversationId, actor: UserId, event: impl Into<ConversationEvent>) {
        let event = event.into();
        let position = self.world.appended(format!("conversation-{id}"), Some(actor), event.clone());
        self.happened.push((position.0, Happened::InConversation(id, Some(actor), event)));
    }

    fn note(&mut self, user: UserId, event: impl Into<InboxEvent>) {
        let event = event.into();
        let position = self.world.appended(format!("inbox-{user}"), Some(user), event.clone());
        self.happened.push((position.0, Happened::InInbox(user, event)));
    }

    fn in_conversation(&self, id: ConversationId) -> impl DoubleEndedIterator<Item = Event<'_>> {
        self.happened.iter().filter_map(move |(position, happened)| match happened {
            Happened::InConversation(at, actor, event) if *at == id => Some((*position, *actor, event)),
            _ => None,
        })
    }

    fn in_inbox(&self, user: UserId) -> impl Iterator<Item = (u64, &InboxEvent)> {
        self.happened.iter().filter_map(move |(position, happened)| match happened {
            Happened::InInbox(of, event) if *of == user => Some((*position, event)),
            _ => None,
        })
    }

    fn last_seq(&self, id: ConversationId) -> u64 {
        self.in_conversation(id).filter(|(.., event)| matches!(event, ConversationEvent::MessageSent(_))).count() as u64
    }

    /// The events that lie within the stays of somebody, and whether they are in it now.
    fn within(&self, user: UserId, id: ConversationId) -> (Vec<Event<'_>>, bool) {
        use ConversationEvent as E;
        let (mut within, mut inside) = (vec![], false);
        for (position, actor, event) in self.in_conversation(id) {
            let before = inside;
            match event {
                E::ConversationOpened(opened) => inside = opened.members.contains(&user),
                E::GroupCreated(created) => inside = created.members.contains(&user),
                E::MembersJoined(joined) => inside |= joined.members.contains(&user),
                E::MemberLeft(_) => inside &= actor != Some(user),
                E::MembersRemoved(removed) => inside &= !removed.members.contains(&user),
                E::GroupDisbanded(_) => inside = false,
                _ => {}
            }
            if before || inside {
                within.push((position, actor, event));
            }
        }
        (within, inside)
    }

    fn is_in(&self, user: UserId, id: ConversationId) -> bool {
        self.within(user, id).1
    }

    fn recalled(&self, id: ConversationId) -> BTreeMap<u64, bool> {
        let recalls = self.in_conversation(id).filter_map(|(.., event)| match event {
            ConversationEvent::MessageRecalled(recalled) => Some((recalled.seq, recalled.silent)),
            _ => None,
        });
        recalls.collect()
    }

    fn deleted(&self, user: UserId, id: ConversationId) -> BTreeSet<u64> {
        let deleted = self.in_inbox(user).filter_map(|(_, event)| match event {
            InboxEvent::MessageDeleted(deleted) if deleted.conversation == id => Some(deleted.seq),
            _ => None,
        });
        deleted.collect()
    }

    /// The last message cleared, and at which position.
    fn cleared(&self, user: UserId, id: ConversationId) -> (u64, u64) {
        let cleared = self.in_inbox(user).filter_map(|(position, event)| match event {
            InboxEvent::ConversationCleared(cleared) if cleared.conversation == id => Some((cleared.seq, position)),
            _ => None,
        });
        cleared.last().unwrap_or((0, 0))
    }

    /// Everything in a conversation that somebody may see; with what only devices are told, if `quiet`.
    fn shown(&self, user: UserId, id: ConversationId, quiet: bool) -> Vec<Shown> {
        use ConversationEvent as E;
        let (recalled, deleted) = (self.recalled(id), self.deleted(user, id));
        let (cleared, cleared_at) = self.cleared(user, id);
        let said_before = |position: u64| {
            let before = self.in_conversation(id).filter(|(at, ..)| *at < position);
            before.filter(|(.., event)| matches!(event, E::MessageSent(_))).count() as u64
        };
        let shown = self.within(user, id).0.into_iter().filter_map(|(position, _, event)| match event {
            E::MessageSent(sent) => {
                let gone = sent.seq <= cleared || deleted.contains(&sent.seq) || recalled.get(&sent.seq) == Some(&true);
                (!gone).then_some((position, Some(sent.seq), recalled.contains_key(&sent.seq)))
            }
            E::MemberInvited(_) => None,
            E::MessageRecalled(_) | E::ConversationOpened(_) | E::NicknameSet(_) => {
                quiet.then_some((position, None, false))
            }
            _ => {
                let seq = said_before(position);
                let gone = seq < cleared || seq == cleared && position < cleared_at;
                (!gone).then_some((position, None, false))
            }
        });
        shown.collect()
    }

    /// Everything that somebody's devices are told.
    fn told(&self, user: UserId) -> Vec<Shown> {
        let conversations = self.conversations.iter().flat_map(|id| self.shown(user, *id, true));
        let own = self.in_inbox(user).map(|(position, _)| (position, None, false));
        let invitations = self.happened.iter().filter_map(|(position, happened)| match happened {
            Happened::InConversation(_, _, ConversationEvent::MemberInvited(invited)) => {
                (invited.user == user || invited.inviter == user).then_some((*position, None, false))
            }
            _ => None,
        });
        let mut told: Vec<_> = conversations.chain(own).chain(invitations).collect();
        told.sort_unstable();
        told
    }

    fn unread(&self, user: UserId, id: ConversationId) -> u64 {
        let (within, inside) = self.within(user, id);
        let mut sent = 0;
        let (mut stay_begins, mut last) = (0, 0);
        for (position, actor, event) in within {
            match event {
                ConversationEvent::MessageSent(message) => {
                    last = message.seq;
                    sent = if actor == Some(user) { message.seq } else { sent };
                }
                ConversationEvent::MembersJoined(joined) if joined.members.contains(&user) => {
                    let before = self.in_conversation(id).filter(|(at, ..)| *at < position);
                    let said = before.filter(|(.., event)| matches!(event, ConversationEvent::MessageSent(_)));
                    stay_begins = said.count() as u64;
                    last = stay_begins;
                }
                _ => {}
            }
        }
        let last = if inside { self.last_seq(id) } else { last };
        let read = self.in_inbox(user).filter_map(|(_, event)| match event {
            InboxEvent::ConversationRead(read) if read.conversation == id => Some(read.seq),
            _ => None,
        });
        let seen = read.max().unwrap_or(0).max(sent).max(stay_begins).max(self.cleared(user, id).0);
        let vanished = self.recalled(id).into_iter().filter(|(seq, silent)| *silent && seen < *seq && *seq <= last);
        last.saturating_sub(seen) - vanished.count() as u64
    }

    /// Lets something happen that the rules allow, or nothing.
    fn live(&mut self, (what, one, two, three): Dice) {
        let user = self.people[usize::from(one) % self.people.len()];
        let other = self.people[usize::from(two) % self.people.len()];
        let id = self.conversations[usize::from(three) % self.conversations.len()];
        let (inside, direct) = (self.is_in(user, id), id == self.conversations[0]);
        let disbanded =
            self.in_conversation(id).any(|(.., event)| matches!(event, ConversationEvent::GroupDisbanded(_)));
        let last = self.last_seq(id);
        let some_seq = if last == 0 { 0 } else { u64::from(two) % last + 1 };
        match what % 24 {
            0..=8 if inside => self.message(id, user, two),
            9..=10 if inside && some_seq > 0 => self.recall(id, user, some_seq),
            11..=12 if !direct && !disbanded && !self.is_in(other, id) && inside => {
                self.say(id, user, MembersJoined { members: vec![other], inviter: user, via: JoinedVia::Code });
            }
            13 if !direct && inside => self.say(id, user, MemberLeft { successor: None }),
            14 if !direct && inside && self.is_in(other, id) => {
                self.say(id, user, MembersRemoved { members: vec![other] });
            }
            15 if !direct && inside => self.say(id, user, GroupRenamed { name: two.to_string() }),
            16 if !direct && inside => self.say(id, user, NicknameSet { nickname: two.to_string() }),
            17 if !direct && inside && user != other => {
                self.say(id, user, MemberInvited { user: other, inviter: user })
            }
            18 if !direct && inside && two > 240 => self.say(id, user, GroupDisbanded {}),
            19..=20 if inside && some_seq > 0 => {
                self.note(user, ConversationRead { conversation: id, seq: some_seq, device: DeviceId::new() });
            }
            21 if inside && some_seq > self.cleared(user, id).0 => {
                self.note(user, ConversationCleared { conversation: id, seq: some_seq });
            }
            22 if inside && some_seq > 0 => self.note(user, MessageDeleted { conversation: id, seq: some_seq }),
            23 if inside => self.note(user, ConversationHidden { conversation: id, seq: last }),
            _ => {}
        }
    }

    fn message(&mut self, id: ConversationId, user: UserId, dice: u8) {
        let seq = self.last_seq(id) + 1;
        let content = match dice % 5 {
            0 => Content::Pat { target: user, suffix: String::new() },
            _ => Content::Text { text: dice.to_string() },
        };
        let reply_to = (dice % 3 == 1 && seq > 1).then(|| u64::from(dice) % (seq - 1) + 1);
        self.say(id, user, MessageSent { seq, content, reply_to, ..blank() });
    }

    fn recall(&mut self, id: ConversationId, user: UserId, seq: u64) {
        let silent = self.in_conversation(id).find_map(|(_, actor, event)| match event {
            ConversationEvent::MessageSent(sent) if sent.seq == seq && actor == Some(user) => {
                Some(matches!(sent.content, Content::Pat { .. }))
            }
            _ => None,
        });
        if let Some(silent) = silent.filter(|_| !self.recalled(id).contains_key(&seq)) {
            self.say(id, user, MessageRecalled { seq, silent });
        }
    }

    fn agrees(&self, dice: &[Dice]) {
        for user in self.people {
            self.sync_agrees(user, dice);
            for id in &self.conversations {
                self.history_agrees(user, *id, dice);
            }
            for row in self.world.list(user) {
                assert_eq!(row.unread, self.unread(user, row.id));
                let last = row.last.map(|entry| (entry.position, entry.seq, entry.recalled));
                assert_eq!(last, self.shown(user, row.id, false).last().copied());
            }
        }
    }

    fn sync_agrees(&self, user: UserId, dice: &[Dice]) {
        let told = self.told(user);
        let end = self.world.chat.checkpoint().0;
        for (start, limit, ..) in dice.iter().take(6).chain([&(0, 255, 0, 0)]) {
            let start = u64::from(*start) % (end + 1);
            let limit = usize::from(*limit) % 20 + 1;
            let (mut after, mut got) = (start, vec![]);
            loop {
                let page = self.world.view().sync(user, Position(after), limit).unwrap();
                assert!(page.entries.len() <= limit && (page.next > after || !page.more));
                got.extend(page.entries.iter().map(|entry| (entry.position, entry.seq, entry.recalled)));
                after = page.next;
                if !page.more {
                    break;
                }
            }
            assert_eq!(after, end);
            let expected: Vec<_> = told.iter().filter(|(position, ..)| *position > start).copied().collect();
            assert_eq!(got, expected, "sync of {user} after {start} in pages of {limit}");
        }
    }

    fn history_agrees(&self, user: UserId, id: ConversationId, dice: &[Dice]) {
        let whole = self.shown(user, id, false);
        let page = |anchor, limit| {
            let page = self.world.view().history(user, id, anchor, limit, &self.world.reading()).unwrap();
            page.map(|entries| {
                entries.iter().map(|entry| (entry.position, entry.seq, entry.recalled)).collect::<Vec<_>>()
            })
        };
        if self.within(user, id).0.is_empty() {
            assert_eq!(page(Anchor::Latest, 10), None);
            return;
        }
        assert_eq!(page(Anchor::Latest, 100).unwrap(), last_of(&whole, 100));
        for (one, two, ..) in dice.iter().take(6) {
            let limit = usize::from(*one) % 12 + 1;
            let seq = u64::from(*two) % (self.last_seq(id) + 3);
            let at = self.position_of(id, seq);
            let (before, behind): (Vec<Shown>, Vec<Shown>) = whole.iter().partition(|(position, ..)| *position < at);
            assert_eq!(page(Anchor::Before(seq), limit).unwrap(), last_of(&before, limit));
            assert_eq!(page(Anchor::BeforePosition(Position(at)), limit).unwrap(), last_of(&before, limit));
            let mut around = last_of(&before, limit / 2);
            around.extend(behind.iter().take(limit - around.len()));
            assert_eq!(page(Anchor::Around(seq), limit).unwrap(), around);
            let after: Vec<_> = behind.into_iter().filter(|(position, ..)| *position > at).take(limit).collect();
            assert_eq!(page(Anchor::After(seq), limit).unwrap(), after);
            assert_eq!(page(Anchor::AfterPosition(Position(at)), limit).unwrap(), after);
        }
    }

    /// The position of a message; before everything and behind everything where there is no such message.
    fn position_of(&self, id: ConversationId, seq: u64) -> u64 {
        let found = self.in_conversation(id).find_map(|(position, _, event)| match event {
            ConversationEvent::MessageSent(sent) if sent.seq == seq => Some(position),
            _ => None,
        });
        found.unwrap_or(if seq == 0 { 0 } else { u64::MAX - 1 })
    }
}

fn last_of(entries: &[Shown], count: usize) -> Vec<Shown> {
    entries[entries.len().saturating_sub(count)..].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_and_catching_up_show_what_a_reading_of_everything_shows(
        dice in prop::collection::vec(any::<Dice>(), 1..120),
        batches in prop::collection::vec(1_usize..20, 1..40),
    ) {
        let mut life = Life::begun();
        dice.iter().for_each(|dice| life.live(*dice));
        let facts = life.world.facts_after(Position::START);
        let one_by_one = tempfile::tempdir().unwrap();
        let mut slow = ChatProjection::open(one_by_one.path()).unwrap();
        facts.iter().for_each(|fact| slow.apply(std::slice::from_ref(fact)).unwrap());
        let mut rest = facts.as_slice();
        for size in batches.iter().cycle() {
            let (batch, left) = rest.split_at((*size).min(rest.len()));
            life.world.chat.apply(batch).unwrap();
            rest = left;
            if rest.is_empty() {
                break;
            }
        }
        life.agrees(&dice);
        life.world = life.world.reopened();
        life.agrees(&dice);
        let dir = life.world.dir.path().to_owned();
        drop((slow, life.world.chat));
        let rows = |dir: &std::path::Path| ChatProjection::rows(dir).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        prop_assert_eq!(rows(one_by_one.path()), rows(&dir));
    }
}
