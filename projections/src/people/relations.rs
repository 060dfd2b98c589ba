//! Who is what to whom: contacts, friend requests, notes, blocks and tags, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    ContactsEvent, EventMeta, FriendshipEvent, FriendshipId, TagId, UserId, contacts::Notes, friendship::Source,
};
use serde::{Deserialize, Serialize};

/// That one person has another among the contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) since: DateTime<Utc>,
}

/// The last friend request of two people: one that waits, or one that was declined and that its sender still sees as
/// waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) from: UserId,
    pub(super) to: UserId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) greeting: String,
    pub(super) source: Source,
    pub(super) at: DateTime<Utc>,
    pub(super) version: u64,
    /// Its receiver never sees it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dropped: bool,
    /// Its receiver said no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) declined: bool,
}

impl Request {
    /// Whether its receiver is to answer it.
    pub(super) fn awaits_answer(&self) -> bool {
        !self.dropped && !self.declined
    }
}

/// A row that an event has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touched {
    Tie(UserId, UserId),
    Beginning(UserId, UserId),
    Request(FriendshipId),
    Note(UserId, UserId),
    Block(UserId, UserId),
    Tag(UserId, TagId),
}

/// By person, then by the other person or thing.
type ByPerson<K, V> = HashMap<UserId, BTreeMap<K, V>>;

/// All relations.
#[derive(Default)]
pub(super) struct Relations {
    ties: ByPerson<UserId, Tie>,
    /// Whom each person got for chats only when they last became friends; also after a removal, for when they are added
    /// back. Notes go before it.
    began_as_chats_only: ByPerson<UserId, ()>,
    requests: HashMap<FriendshipId, Request>,
    /// Whom each person asked.
    asked: HashMap<UserId, BTreeSet<UserId>>,
    /// Who asked each person.
    asking: HashMap<UserId, BTreeSet<UserId>>,
    notes: ByPerson<UserId, Notes>,
    blocks: ByPerson<UserId, DateTime<Utc>>,
    tags: ByPerson<TagId, String>,
    /// What this batch has touched.
    pub(super) touched: BTreeSet<Touched>,
}

impl Relations {
    pub(super) fn ties_of(&self, user: UserId) -> impl Iterator<Item = (UserId, Tie)> {
        self.ties.get(&user).into_iter().flatten().map(|(other, tie)| (*other, *tie))
    }

    pub(super) fn tie(&self, holder: UserId, other: UserId) -> Option<Tie> {
        self.ties.get(&holder)?.get(&other).copied()
    }

    pub(super) fn tie_count(&self, user: UserId) -> usize {
        self.ties.get(&user).map_or(0, BTreeMap::len)
    }

    pub(super) fn request(&self, pair: FriendshipId) -> Option<&Request> {
        self.requests.get(&pair)
    }

    pub(super) fn requests_of(&self, user: UserId) -> impl Iterator<Item = &Request> {
        let asked = self.asked.get(&user).into_iter().flatten();
        asked.filter_map(move |to| self.requests.get(&FriendshipId::between(user, *to)))
    }

    pub(super) fn requests_to(&self, user: UserId) -> impl Iterator<Item = &Request> {
        let asking = self.asking.get(&user).into_iter().flatten();
        asking.filter_map(move |from| self.requests.get(&FriendshipId::between(user, *from)))
    }

    pub(super) fn note(&self, user: UserId, contact: UserId) -> Option<&Notes> {
        self.notes.get(&user)?.get(&contact)
    }

    pub(super) fn blocks_of(&self, user: UserId) -> impl Iterator<Item = (UserId, DateTime<Utc>)> {
        self.blocks.get(&user).into_iter().flatten().map(|(person, since)| (*person, *since))
    }

    pub(super) fn block(&self, user: UserId, person: UserId) -> Option<DateTime<Utc>> {
        self.blocks.get(&user)?.get(&person).copied()
    }

    pub(super) fn tags_of(&self, user: UserId) -> impl Iterator<Item = (TagId, &str)> {
        self.tags.get(&user).into_iter().flatten().map(|(tag, name)| (*tag, name.as_str()))
    }

    pub(super) fn tag(&self, user: UserId, tag: TagId) -> Option<&str> {
        self.tags.get(&user)?.get(&tag).map(String::as_str)
    }

    /// Whether its receiver is to answer that request: they see it, have not said no, and have not blocked who asks.
    pub(super) fn is_to_answer(&self, request: &Request) -> bool {
        request.awaits_answer() && self.block(request.to, request.from).is_none()
    }

    /// Whether `holder` got `other` for chats only when they last became friends.
    pub(super) fn began_as_chats_only(&self, holder: UserId, other: UserId) -> bool {
        self.began_as_chats_only.get(&holder).is_some_and(|others| others.contains_key(&other))
    }

    /// Whether `holder` has `other` for chats only, among the contacts or once they are there.
    pub(super) fn is_chats_only(&self, holder: UserId, other: UserId) -> bool {
        let noted = self.note(holder, other).map(|notes| notes.chats_only);
        noted.unwrap_or_else(|| self.began_as_chats_only(holder, other))
    }

    /// Takes an event of a `friendship-` stream in.
    pub(super) fn take_friendship(&mut self, pair: FriendshipId, event: &FriendshipEvent, meta: &EventMeta) {
        match event {
            FriendshipEvent::FriendRequested(requested) => {
                if let Some(from) = meta.actor {
                    self.set_request(
                        pair,
                        Some(Request {
                            from,
                            to: requested.to,
                            greeting: requested.greeting.clone(),
                            source: requested.source,
                            at: meta.at,
                            version: meta.version,
                            dropped: requested.dropped,
                            declined: false,
                        }),
                    );
                }
            }
            FriendshipEvent::FriendAccepted(accepted) => {
                self.set_request(pair, None);
                for holder in [accepted.from, pair.other(accepted.from)] {
                    self.add_tie(holder, pair.other(holder), meta.at);
                    self.set_beginning(holder, pair.other(holder), accepted.chats_only_for.contains(&holder));
                }
            }
            FriendshipEvent::FriendDeclined(_) => {
                let declined = self.requests.get(&pair).map(|open| Request { declined: true, ..open.clone() });
                self.set_request(pair, declined);
            }
            FriendshipEvent::FriendRequestExpired(_) => self.set_request(pair, None),
            FriendshipEvent::FriendRemoved(removed) => {
                let holder = pair.other(removed.other);
                self.set_tie(holder, removed.other, None);
            }
            FriendshipEvent::FriendRestored(restored) => {
                self.set_request(pair, None);
                self.add_tie(pair.other(restored.other), restored.other, meta.at);
            }
        }
    }

    /// Takes an event of a `contacts-` stream in.
    pub(super) fn take_contacts(&mut self, user: UserId, event: &ContactsEvent, meta: &EventMeta) {
        match event {
            ContactsEvent::ContactNoted(noted) => {
                // Also empty notes: they say that a contact who began as chats only is so no longer.
                self.set_note(user, noted.contact, Some(noted.notes.clone()));
            }
            ContactsEvent::PersonBlocked(blocked) => self.set_block(user, blocked.person, Some(meta.at)),
            ContactsEvent::PersonUnblocked(unblocked) => self.set_block(user, unblocked.person, None),
            ContactsEvent::TagNamed(named) => self.set_tag(user, named.tag, Some(named.name.clone())),
            ContactsEvent::TagDeleted(deleted) => self.delete_tag(user, deleted.tag),
        }
    }

    fn add_tie(&mut self, holder: UserId, other: UserId, since: DateTime<Utc>) {
        let tie = self.tie(holder, other).unwrap_or(Tie { since });
        self.set_tie(holder, other, Some(tie));
    }

    fn delete_tag(&mut self, user: UserId, tag: TagId) {
        self.set_tag(user, tag, None);
        let tagged = |(_, notes): &(&UserId, &Notes)| notes.tags.contains(&tag);
        let all = self.notes.get(&user).into_iter().flatten().filter(tagged);
        let tagged: Vec<(UserId, Notes)> = all.map(|(contact, notes)| (*contact, notes.clone())).collect();
        for (contact, mut notes) in tagged {
            notes.tags.remove(&tag);
            self.set_note(user, contact, Some(notes));
        }
    }

    pub(super) fn set_tie(&mut self, holder: UserId, other: UserId, tie: Option<Tie>) {
        set(&mut self.ties, holder, other, tie);
        self.touched.insert(Touched::Tie(holder, other));
    }

    pub(super) fn set_beginning(&mut self, holder: UserId, other: UserId, as_chats_only: bool) {
        set(&mut self.began_as_chats_only, holder, other, as_chats_only.then_some(()));
        self.touched.insert(Touched::Beginning(holder, other));
    }

    pub(super) fn set_request(&mut self, pair: FriendshipId, request: Option<Request>) {
        if let Some(former) = self.requests.remove(&pair) {
            unlink(&mut self.asked, former.from, former.to);
            unlink(&mut self.asking, former.to, former.from);
        }
        if let Some(request) = request {
            self.asked.entry(request.from).or_default().insert(request.to);
            self.asking.entry(request.to).or_default().insert(request.from);
            self.requests.insert(pair, request);
        }
        self.touched.insert(Touched::Request(pair));
    }

    pub(super) fn set_note(&mut self, user: UserId, contact: UserId, notes: Option<Notes>) {
        set(&mut self.notes, user, contact, notes);
        self.touched.insert(Touched::Note(user, contact));
    }

    pub(super) fn set_block(&mut self, user: UserId, person: UserId, since: Option<DateTime<Utc>>) {
        set(&mut self.blocks, user, person, since);
        self.touched.insert(Touched::Block(user, person));
    }

    pub(super) fn set_tag(&mut self, user: UserId, tag: TagId, name: Option<String>) {
        set(&mut self.tags, user, tag, name);
        self.touched.insert(Touched::Tag(user, tag));
    }
}

fn set<K: Ord, V>(all: &mut ByPerson<K, V>, user: UserId, key: K, value: Option<V>) {
    match value {
        Some(value) => {
            all.entry(user).or_default().insert(key, value);
        }
        None => {
            if let Some(of_user) = all.get_mut(&user) {
                of_user.remove(&key);
                if of_user.is_empty() {
                    all.remove(&user);
                }
            }
        }
    }
}

fn unlink(all: &mut HashMap<UserId, BTreeSet<UserId>>, user: UserId, other: UserId) {
    if let Some(of_user) = all.get_mut(&user) {
        of_user.remove(&other);
        if of_user.is_empty() {
            all.remove(&user);
        }
    }
}
