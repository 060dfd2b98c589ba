//! The questions about people.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConversationId, FriendshipId, UserId,
    contacts::Notes,
    user::{Privacy, Profile},
};
use parking_lot::RwLock;

use super::{
    answers::{ContactRow, DeviceRow, PersonRow, RequestDirection, RequestRow, TagRow},
    relations::{Relations, Request, Tie},
    rows::{PersonRecord, Tables},
};
use crate::ProjectionError;

/// A registered person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// Their handle.
    pub handle: String,
    /// What they show of themselves.
    pub profile: Profile,
    /// How they are found and added.
    pub privacy: Privacy,
    /// When they registered.
    pub registered_at: DateTime<Utc>,
}

/// People as queries see them. Every method that reads profiles fails when the rows can't be read.
pub struct PeopleView {
    tables: Tables,
    pub(super) relations: RwLock<Relations>,
}

impl PeopleView {
    pub(super) fn new(tables: Tables, relations: Relations) -> Self {
        Self { tables, relations: RwLock::new(relations) }
    }

    /// A person.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn person(&self, user: UserId) -> Result<Option<Person>, ProjectionError> {
        let person = |record: PersonRecord| Person {
            user,
            handle: record.handle,
            profile: record.profile,
            privacy: record.privacy,
            registered_at: record.registered_at,
        };
        Ok(self.tables.person(user)?.map(person))
    }

    /// Whose a handle is, whatever its case.
    fn user_by_handle(&self, handle: &str) -> Result<Option<UserId>, ProjectionError> {
        // fjall panics at an empty key.
        if handle.is_empty() {
            return Ok(None);
        }
        self.tables.holder_of(&handle.to_ascii_lowercase())
    }

    /// The devices that a person is logged in with, oldest first.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>, ProjectionError> {
        let stored = self.tables.devices_of(user)?.into_iter();
        let row = |(device, record): (_, super::rows::DeviceRecord)| DeviceRow {
            device,
            name: record.name,
            added_at: record.added_at,
        };
        let mut devices: Vec<DeviceRow> = stored.map(row).collect();
        devices.sort_by_key(|row| (row.added_at, row.device));
        Ok(devices)
    }

    /// Whether `holder` has `other` among the contacts.
    #[must_use]
    pub fn holds(&self, holder: UserId, other: UserId) -> bool {
        self.relations.read().tie(holder, other).is_some()
    }

    /// Whether each has the other among the contacts.
    #[must_use]
    pub fn is_mutual(&self, one: UserId, other: UserId) -> bool {
        let relations = self.relations.read();
        relations.tie(one, other).is_some() && relations.tie(other, one).is_some()
    }

    /// How many contacts a person has.
    #[must_use]
    pub fn friend_count(&self, user: UserId) -> usize {
        self.relations.read().tie_count(user)
    }

    /// Whether `user` has blocked `person`.
    #[must_use]
    pub fn blocks(&self, user: UserId, person: UserId) -> bool {
        self.relations.read().block(user, person).is_some()
    }

    /// What `user` noted about a contact.
    #[must_use]
    pub fn notes_on(&self, user: UserId, contact: UserId) -> Notes {
        let relations = self.relations.read();
        let notes = relations.note(user, contact).cloned().unwrap_or_default();
        Notes { chats_only: relations.is_chats_only(user, contact), ..notes }
    }

    /// All contacts of a person, starred ones first, then by the name shown.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn contacts_of(&self, user: UserId) -> Result<Vec<ContactRow>, ProjectionError> {
        let ties: Vec<(UserId, Tie)> = self.relations.read().ties_of(user).collect();
        let rows = ties.into_iter().map(|(other, tie)| self.contact_row(user, other, tie));
        let mut rows = rows.filter_map(Result::transpose).collect::<Result<Vec<ContactRow>, _>>()?;
        rows.sort_by_cached_key(|row| (Reverse(row.starred), row.shown_name().to_lowercase(), row.user));
        Ok(rows)
    }

    /// One contact of a person.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn contact(&self, user: UserId, other: UserId) -> Result<Option<ContactRow>, ProjectionError> {
        let tie = self.relations.read().tie(user, other);
        tie.map_or(Ok(None), |tie| self.contact_row(user, other, tie))
    }

    /// The contacts of a person whose remark, display name or handle contains a text, whatever its case.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn search_contacts(&self, user: UserId, text: &str, limit: usize) -> Result<Vec<ContactRow>, ProjectionError> {
        let wanted = text.to_lowercase();
        let mut rows = self.contacts_of(user)?;
        rows.retain(|row| {
            let names = [&row.remark, &row.profile.display_name, &row.handle];
            names.iter().any(|name| name.to_lowercase().contains(&wanted))
        });
        rows.truncate(limit);
        Ok(rows)
    }

    /// The person of exactly that handle, whatever its case, as `by` may find them: who is not findable is found by
    /// their own contacts' holders only.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn search_handle(&self, by: UserId, handle: &str) -> Result<Option<PersonRow>, ProjectionError> {
        let Some(user) = self.user_by_handle(handle)? else { return Ok(None) };
        let Some(person) = self.tables.person(user)? else { return Ok(None) };
        let known = by == user || self.holds(by, user);
        Ok((known || person.privacy.findable).then(|| self.person_row(by, user, person)))
    }

    /// A person as `by` sees them; whether `by` may is the caller's concern.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn person_seen_by(&self, by: UserId, user: UserId) -> Result<Option<PersonRow>, ProjectionError> {
        Ok(self.tables.person(user)?.map(|person| self.person_row(by, user, person)))
    }

    /// Whom a person has blocked, the latest first.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn blocked_by(&self, user: UserId) -> Result<Vec<PersonRow>, ProjectionError> {
        let mut blocked: Vec<(UserId, DateTime<Utc>)> = self.relations.read().blocks_of(user).collect();
        blocked.sort_by_key(|(person, since)| (Reverse(*since), *person));
        let row = |(person, _): (UserId, _)| self.person_seen_by(user, person).transpose();
        blocked.into_iter().filter_map(row).collect()
    }

    /// A person's tags, by name.
    #[must_use]
    pub fn tags_of(&self, user: UserId) -> Vec<TagRow> {
        let relations = self.relations.read();
        let counted = |tag| {
            let tagged =
                |(other, _): &(UserId, Tie)| relations.note(user, *other).is_some_and(|n| n.tags.contains(&tag));
            relations.ties_of(user).filter(tagged).count()
        };
        let row = |(tag, name): (_, &str)| TagRow { tag, name: name.to_owned(), count: counted(tag) };
        let mut rows: Vec<TagRow> = relations.tags_of(user).map(row).collect();
        rows.sort_by(|one, other| (&one.name, one.tag).cmp(&(&other.name, other.tag)));
        rows
    }

    /// The friend requests that a person sees waiting, the latest first. One that was declined looks like one that
    /// waits to its sender, until `window` after it was asked; one that never arrived does so for ever, since it ends
    /// like any other that nobody answers.
    ///
    /// # Errors
    /// When the rows can't be read.
    pub fn requests_of(
        &self,
        user: UserId,
        now: DateTime<Utc>,
        window: TimeDelta,
    ) -> Result<Vec<RequestRow>, ProjectionError> {
        let seen: Vec<Request> = {
            let relations = self.relations.read();
            let outgoing = relations.requests_of(user).filter(|request| !request.declined || now - request.at < window);
            let incoming = relations.requests_to(user).filter(|request| relations.is_to_answer(request));
            outgoing.chain(incoming).cloned().collect()
        };
        let rows = seen.into_iter().filter_map(|request| self.request_row(user, request).transpose());
        let mut rows = rows.collect::<Result<Vec<RequestRow>, _>>()?;
        rows.sort_by_key(|row| (Reverse(row.at), row.user));
        Ok(rows)
    }

    /// How many friend requests wait for a person's answer.
    #[must_use]
    pub fn requests_waiting_for(&self, user: UserId) -> usize {
        let relations = self.relations.read();
        relations.requests_to(user).filter(|request| relations.is_to_answer(request)).count()
    }

    /// Whether the request of `from` waits for the answer of `to`.
    #[must_use]
    pub fn request_waits(&self, from: UserId, to: UserId) -> bool {
        let relations = self.relations.read();
        let request = relations.request(FriendshipId::between(from, to));
        request.is_some_and(|request| request.from == from && relations.is_to_answer(request))
    }

    fn contact_row(&self, user: UserId, other: UserId, tie: Tie) -> Result<Option<ContactRow>, ProjectionError> {
        let Some(person) = self.tables.person(other)? else { return Ok(None) };
        let notes = self.notes_on(user, other);
        Ok(Some(ContactRow {
            user: other,
            handle: person.handle,
            profile: person.profile,
            remark: notes.remark,
            starred: notes.starred,
            chats_only: notes.chats_only,
            hides_own_moments: notes.hides_own_moments,
            skips_their_moments: notes.skips_their_moments,
            tags: notes.tags.into_iter().collect(),
            since: tie.since,
            conversation: ConversationId::direct(user, other),
        }))
    }

    fn person_row(&self, by: UserId, user: UserId, person: PersonRecord) -> PersonRow {
        PersonRow {
            user,
            handle: person.handle,
            profile: person.profile,
            contact: self.holds(by, user),
            blocked: self.blocks(by, user),
        }
    }

    fn request_row(&self, user: UserId, request: Request) -> Result<Option<RequestRow>, ProjectionError> {
        let (other, direction) = if request.from == user {
            (request.to, RequestDirection::Outgoing)
        } else {
            (request.from, RequestDirection::Incoming)
        };
        let Some(person) = self.tables.person(other)? else { return Ok(None) };
        Ok(Some(RequestRow {
            user: other,
            handle: person.handle,
            profile: person.profile,
            direction,
            greeting: request.greeting,
            source: request.source,
            at: request.at,
            version: request.version,
        }))
    }
}
