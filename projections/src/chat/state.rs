//! What this read model holds in memory: who is in which conversation, how far each got, and where conversations stand.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{ConversationId, OfficialAccountId, UserId, conversation::JoinedVia, official::AccountSort};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ConversationKind,
    bytes::{Fields, put_number},
    seat::{Seat, Stay},
};

/// Where a conversation stands: changes with every event of it, and is all that a message changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Version of the last event.
    pub(super) version: u64,
    /// Number of the last message.
    pub(super) seq: u64,
    /// Position of the last event.
    pub(super) position: u64,
    /// Version of the last event that the history tells: a message or a notice.
    pub(super) shown: u64,
    /// The last message that called on everybody.
    pub(super) mention_all: u64,
    /// The last announcement; zero for none.
    pub(super) announcement: u64,
    /// How many messages were taken back: only where there are any, `recalls` has rows to look for.
    pub(super) recalls: u64,
}

impl Head {
    /// The row as `heads` stores it: seven numbers.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(20);
        let Self { version, seq, position, shown, mention_all, announcement, recalls } = *self;
        for number in [version, seq, position, shown, mention_all, announcement, recalls] {
            put_number(&mut row, number);
        }
        row
    }

    /// Reads a stored row.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(row);
        let head = Self {
            version: fields.number()?,
            seq: fields.number()?,
            position: fields.number()?,
            shown: fields.number()?,
            mention_all: fields.number()?,
            announcement: fields.number()?,
            recalls: fields.number()?,
        };
        fields.end()?;
        Some(head)
    }
}

/// Somebody who waits to come into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// Who.
    pub(super) user: UserId,
    /// Whose invitation or code it is.
    pub(super) inviter: UserId,
    /// How they would come in.
    pub(super) via: JoinedVia,
    /// The version of the event that began the wait.
    pub(super) version: u64,
    /// Since when.
    pub(super) since: DateTime<Utc>,
    /// What they said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
}

/// A group. The row in `groups` is the JSON of it without the members, who are found in `seats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// Its name; empty for none.
    pub(super) name: String,
    /// Who owns it.
    pub(super) owner: UserId,
    /// Admins, in the order of appointment.
    pub(super) admins: Vec<UserId>,
    /// Everyone in it, who came first first.
    #[serde(skip)]
    pub(super) members: Arc<Vec<UserId>>,
    /// The version of the last event by which somebody came or went.
    #[serde(skip)]
    pub(super) members_changed: u64,
    /// Who was invited and has not answered.
    pub(super) invited: Vec<Waiting>,
    /// Who would join and has not been let in.
    pub(super) requested: Vec<Waiting>,
    /// Whether members' invitations wait for the owner or an admin.
    pub(super) invite_confirmation: bool,
    /// Whether only owner and admins may speak.
    pub(super) all_muted: bool,
    /// Whether it has ended.
    pub(super) disbanded: bool,
}

impl Group {
    /// Owner and admins.
    pub(super) fn admins(&self) -> impl Iterator<Item = UserId> {
        [self.owner].into_iter().chain(self.admins.iter().copied())
    }
}

/// Of whom a conversation with an official account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountPair {
    /// The account.
    pub(super) account: OfficialAccountId,
    /// The person.
    pub(super) follower: UserId,
    /// Subscription or service account.
    pub(super) sort: AccountSort,
}

/// Of two people, of a group, or with an official account.
#[derive(Clone, Debug)]
pub(super) enum Sort {
    /// Of two people.
    Direct([UserId; 2]),
    /// Of a group.
    Group(Arc<Group>),
    /// With an official account.
    Official(AccountPair),
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// Its id.
    pub(super) id: ConversationId,
    /// Where it stands.
    pub(super) head: Head,
    /// Of whom it is.
    pub(super) sort: Sort,
}

impl Conversation {
    /// The group, if it is one.
    pub(super) fn group(&self) -> Option<&Group> {
        match &self.sort {
            Sort::Direct(_) | Sort::Official(_) => None,
            Sort::Group(group) => Some(group),
        }
    }

    /// The other of the two, if it is direct.
    pub(super) fn peer_of(&self, user: UserId) -> Option<UserId> {
        match self.sort {
            Sort::Direct([one, other]) if one == user => Some(other),
            Sort::Direct([one, other]) if other == user => Some(one),
            _ => None,
        }
    }

    /// The account, if it is with one.
    pub(super) fn official(&self) -> Option<AccountPair> {
        match self.sort {
            Sort::Official(pair) => Some(pair),
            _ => None,
        }
    }

    /// Of two people, of a group, or with an official account.
    pub(super) fn kind(&self) -> ConversationKind {
        match self.sort {
            Sort::Direct(_) => ConversationKind::Direct,
            Sort::Group(_) => ConversationKind::Group,
            Sort::Official(_) => ConversationKind::Official,
        }
    }

    /// The row as `conversations` stores it: the id; then the two people of a direct one, or account, person and the
    /// account's sort.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = self.id.0.as_bytes().to_vec();
        match &self.sort {
            Sort::Direct(pair) => pair.iter().for_each(|user| row.extend_from_slice(user.0.as_bytes())),
            Sort::Group(_) => {}
            Sort::Official(AccountPair { account, follower, sort }) => {
                row.extend_from_slice(account.0.as_bytes());
                row.extend_from_slice(follower.0.as_bytes());
                row.push(u8::from(*sort == AccountSort::Service));
            }
        }
        row
    }

    /// Reads a stored row: the id, and of whom it is; none for a group, which has a row of its own.
    pub(super) fn decode(row: &[u8]) -> Option<(ConversationId, Option<Sort>)> {
        let mut fields = Fields::of(row);
        let id = ConversationId(Uuid::from_bytes(fields.array()?));
        if fields.left() == 0 {
            return Some((id, None));
        }
        let one = Uuid::from_bytes(fields.array()?);
        let other = UserId(Uuid::from_bytes(fields.array()?));
        if fields.left() == 0 {
            return Some((id, Some(Sort::Direct([UserId(one), other]))));
        }
        let sort = match fields.array()? {
            [0] => AccountSort::Subscription,
            [1] => AccountSort::Service,
            [_] => return None,
        };
        fields.end()?;
        Some((id, Some(Sort::Official(AccountPair { account: OfficialAccountId(one), follower: other, sort }))))
    }
}

/// What is known of one person.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// Their seats by conversation number.
    pub(super) seats: HashMap<u32, Seat>,
    /// The groups that invited them and have no answer yet, by number, in the order of invitation.
    pub(super) invitations: Vec<u32>,
}

/// Everything held in memory. It is at the checkpoint; rows on disk may be a batch ahead.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Position of the last event taken in.
    pub(super) checkpoint: u64,
    /// Numbers of conversations.
    pub(super) numbers: HashMap<ConversationId, u32>,
    /// Conversations by number.
    pub(super) conversations: Vec<Conversation>,
    /// People by id.
    pub(super) people: HashMap<UserId, Person>,
    /// Whom the events about waiting people in the last batch concern, by position.
    pub(super) concerned: HashMap<u64, Arc<[UserId]>>,
    /// Who went in the last batch, by the number of the group.
    pub(super) departed: HashMap<u32, Vec<UserId>>,
}

impl State {
    /// The conversation of that number.
    pub(super) fn conversation(&self, no: u32) -> Option<&Conversation> {
        self.conversations.get(usize::try_from(no).ok()?)
    }

    /// The conversation of that id, with its number.
    pub(super) fn find(&self, id: ConversationId) -> Option<(u32, &Conversation)> {
        let no = *self.numbers.get(&id)?;
        Some((no, self.conversation(no)?))
    }

    /// A person's seat in a conversation.
    pub(super) fn seat(&self, user: UserId, no: u32) -> Option<&Seat> {
        self.people.get(&user)?.seats.get(&no)
    }

    /// A person's seat in the conversation of that id, and the conversation.
    pub(super) fn seated(&self, user: UserId, id: ConversationId) -> Option<(u32, &Conversation, &Seat)> {
        let (no, conversation) = self.find(id)?;
        Some((no, conversation, self.seat(user, no)?))
    }

    /// Lets people's open invitations follow what is about to become of a conversation.
    pub(super) fn update_invitations(&mut self, no: u32, after: &Conversation) {
        let Sort::Group(after) = &after.sort else { return };
        let before = match self.conversation(no).map(|conversation| &conversation.sort) {
            Some(Sort::Group(before)) if Arc::ptr_eq(before, after) => return,
            Some(Sort::Group(before)) => Some(Arc::clone(before)),
            _ => None,
        };
        for waiting in before.iter().flat_map(|group| &group.invited) {
            if let Some(person) = self.people.get_mut(&waiting.user) {
                person.invitations.retain(|group| *group != no);
            }
        }
        for waiting in &after.invited {
            self.people.entry(waiting.user).or_default().invitations.push(no);
        }
    }

    /// What somebody needs who reads the conversation's rows.
    pub(super) fn reader(&self, user: UserId, id: ConversationId) -> Option<Reader> {
        let (no, conversation, seat) = self.seated(user, id)?;
        Some(Reader::of(user, no, conversation, seat))
    }
}

/// What one person may read of one conversation, as of one moment.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// Who reads.
    pub(super) user: UserId,
    /// The conversation.
    pub(super) id: ConversationId,
    /// Its number.
    pub(super) no: u32,
    /// Where it stands.
    pub(super) head: Head,
    /// When they were in it, oldest first.
    pub(super) stays: Vec<Stay>,
    /// The last message of the history that they cleared.
    pub(super) cleared: u64,
    /// The position at which they cleared it.
    pub(super) cleared_at: u64,
    /// Whether they deleted single messages.
    pub(super) deletions: bool,
}

impl Reader {
    /// The reader in that seat.
    pub(super) fn of(user: UserId, no: u32, conversation: &Conversation, seat: &Seat) -> Self {
        Self {
            user,
            id: conversation.id,
            no,
            head: conversation.head,
            stays: seat.stays().collect(),
            cleared: seat.cleared,
            cleared_at: seat.cleared_at,
            deletions: seat.deletions,
        }
    }

    /// Whether the message lies within their stays and exists.
    pub(super) fn may_see(&self, seq: u64) -> bool {
        (1..=self.head.seq).contains(&seq) && self.stays.iter().any(|stay| stay.has_seq(seq))
    }
}
