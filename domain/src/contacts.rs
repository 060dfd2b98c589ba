//! Contacts: one person's own view of others. Nobody else learns of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    TagId, UserId,
    event::{Aggregate, EventMeta, event_family},
    policy::Policy,
    rejection::{Rejection, check_line, check_name},
};

/// What one person notes about a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The name they use for the contact.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// Kept at the top of the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
    /// Chats only: neither sees the other's Moments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chats_only: bool,
    /// The contact is kept from one's own Moments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hides_own_moments: bool,
    /// The contact's Moments are left out of one's own timeline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skips_their_moments: bool,
    /// The tags put on the contact.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<TagId>,
}

/// The notes on a contact were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNoted {
    /// About whom.
    pub contact: UserId,
    /// The whole new notes.
    #[serde(flatten)]
    pub notes: Notes,
}

/// A person was blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonBlocked {
    /// Who.
    pub person: UserId,
}

/// A person is no longer blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonUnblocked {
    /// Who.
    pub person: UserId,
}

/// A tag was made or given another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagNamed {
    /// The tag.
    pub tag: TagId,
    /// Its name now.
    pub name: String,
}

/// A tag was deleted, and taken off everybody who had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagDeleted {
    /// The tag.
    pub tag: TagId,
}

event_family! {
    /// Events of a `contacts-` stream.
    ContactsEvent {
        "contact.noted" => ContactNoted,
        "person.blocked" => PersonBlocked,
        "person.unblocked" => PersonUnblocked,
        "tag.named" => TagNamed,
        "tag.deleted" => TagDeleted,
    }
}

/// One person's view of others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contacts {
    notes: BTreeMap<UserId, Notes>,
    blocked: BTreeSet<UserId>,
    tags: BTreeMap<TagId, String>,
}

impl Contacts {
    /// Whether that person is blocked.
    #[must_use]
    pub fn blocks(&self, person: UserId) -> bool {
        self.blocked.contains(&person)
    }

    /// What was noted about a contact, if anything ever was.
    #[must_use]
    pub fn noted(&self, contact: UserId) -> Option<&Notes> {
        self.notes.get(&contact)
    }

    /// What is noted about a contact who began as chats only or not.
    #[must_use]
    pub fn notes_on(&self, contact: UserId, began_as_chats_only: bool) -> Notes {
        let unnoted = || Notes { chats_only: began_as_chats_only, ..Notes::default() };
        self.noted(contact).cloned().unwrap_or_else(unnoted)
    }

    /// Changes the notes on a contact who began as chats only or not. `change` makes the new notes of the present ones.
    ///
    /// # Errors
    /// A remark that is too long, a tag that does not exist.
    pub fn note(
        &self,
        contact: UserId,
        began_as_chats_only: bool,
        change: impl Fn(Notes) -> Notes,
        policy: &Policy,
    ) -> Result<Vec<ContactsEvent>, Rejection> {
        let present = self.notes_on(contact, began_as_chats_only);
        let notes = change(present.clone());
        if notes.remark.len() > policy.remark_bytes {
            return Err(Rejection::TooLong { field: "remark", max: policy.remark_bytes, unit: "bytes" });
        }
        check_line("remark", &notes.remark, policy.remark_bytes)?;
        if notes.tags.iter().any(|tag| !self.tags.contains_key(tag)) {
            return Err(Rejection::TagNotFound);
        }
        if notes == present {
            return Ok(vec![]);
        }
        Ok(vec![ContactNoted { contact, notes }.into()])
    }

    /// Blocks a person.
    ///
    /// # Errors
    /// [`Rejection::TooManyBlocked`].
    pub fn block(&self, person: UserId, policy: &Policy) -> Result<Vec<ContactsEvent>, Rejection> {
        if self.blocks(person) {
            return Ok(vec![]);
        }
        if self.blocked.len() >= policy.blocked_max {
            return Err(Rejection::TooManyBlocked { max: policy.blocked_max });
        }
        Ok(vec![PersonBlocked { person }.into()])
    }

    /// Lifts a block.
    #[must_use]
    pub fn unblock(&self, person: UserId) -> Vec<ContactsEvent> {
        if self.blocks(person) { vec![PersonUnblocked { person }.into()] } else { vec![] }
    }

    /// Makes a tag, or names an existing one anew.
    ///
    /// # Errors
    /// A name that breaks its rule or belongs to another tag, [`Rejection::TooManyTags`].
    pub fn name_tag(&self, tag: TagId, name: String, policy: &Policy) -> Result<Vec<ContactsEvent>, Rejection> {
        check_name("name", &name, 20)?;
        if self.tags.get(&tag) == Some(&name) {
            return Ok(vec![]);
        }
        if self.tags.iter().any(|(other, taken)| *other != tag && *taken == name) {
            return Err(Rejection::TagNameTaken);
        }
        if !self.tags.contains_key(&tag) && self.tags.len() >= policy.tags_max {
            return Err(Rejection::TooManyTags { max: policy.tags_max });
        }
        Ok(vec![TagNamed { tag, name }.into()])
    }

    /// Whether the tag exists.
    #[must_use]
    pub fn has_tag(&self, tag: TagId) -> bool {
        self.tags.contains_key(&tag)
    }

    /// Deletes a tag.
    ///
    /// # Errors
    /// [`Rejection::TagNotFound`].
    pub fn delete_tag(&self, tag: TagId) -> Result<Vec<ContactsEvent>, Rejection> {
        if !self.has_tag(tag) {
            return Err(Rejection::TagNotFound);
        }
        Ok(vec![TagDeleted { tag }.into()])
    }
}

impl Aggregate for Contacts {
    type Id = UserId;
    type Event = ContactsEvent;
    const CATEGORY: &'static str = "contacts";

    fn evolve(&mut self, event: &ContactsEvent, _meta: &EventMeta) {
        match event {
            ContactsEvent::ContactNoted(noted) => {
                // Also empty notes: they say that a contact who began as chats only is so no longer.
                self.notes.insert(noted.contact, noted.notes.clone());
            }
            ContactsEvent::PersonBlocked(blocked) => {
                self.blocked.insert(blocked.person);
            }
            ContactsEvent::PersonUnblocked(unblocked) => {
                self.blocked.remove(&unblocked.person);
            }
            ContactsEvent::TagNamed(named) => {
                self.tags.insert(named.tag, named.name.clone());
            }
            ContactsEvent::TagDeleted(deleted) => {
                self.tags.remove(&deleted.tag);
                self.notes.values_mut().for_each(|notes| {
                    notes.tags.remove(&deleted.tag);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn a_remark_is_limited_in_bytes_not_characters() {
        let (contact, policy) = (UserId::new(), Policy::default());
        let notes = |length| Notes { remark: "茶".repeat(length), ..Notes::default() };
        assert!(Contacts::default().note(contact, false, |_| notes(32), &policy).is_ok());
        assert!(Contacts::default().note(contact, false, |_| notes(33), &policy).is_err());
    }

    #[test]
    fn a_deleted_tag_is_taken_off_everybody() {
        let (contact, tag) = (UserId::new(), TagId::new());
        let notes = Notes { tags: [tag].into(), starred: true, ..Notes::default() };
        let state = given::<Contacts>(vec![
            TagNamed { tag, name: "family".into() }.into(),
            ContactNoted { contact, notes }.into(),
            TagDeleted { tag }.into(),
        ]);
        assert!(state.notes_on(contact, false).tags.is_empty());
        assert!(state.notes_on(contact, false).starred);
        assert_eq!(state.delete_tag(tag), Err(Rejection::TagNotFound));
    }

    #[test]
    fn a_tag_that_does_not_exist_can_not_be_put_on_anybody() {
        let notes = Notes { tags: [TagId::new()].into(), ..Notes::default() };
        let refused = Contacts::default().note(UserId::new(), false, |_| notes.clone(), &Policy::default());
        assert_eq!(refused, Err(Rejection::TagNotFound));
    }

    #[test]
    fn a_contact_who_began_as_chats_only_can_be_made_a_full_friend_and_stays_one() {
        let (contact, policy) = (UserId::new(), Policy::default());
        let full = |notes: Notes| Notes { chats_only: false, ..notes };
        let events = Contacts::default().note(contact, true, full, &policy).unwrap();
        assert_eq!(events, vec![ContactNoted { contact, notes: Notes::default() }.into()]);
        let state = given::<Contacts>(events);
        assert!(!state.notes_on(contact, true).chats_only);
        assert_eq!(state.note(contact, true, full, &policy), Ok(vec![]));
    }

    #[test]
    fn two_tags_can_not_share_a_name() {
        let state = given::<Contacts>(vec![TagNamed { tag: TagId::new(), name: "work".into() }.into()]);
        let refused = state.name_tag(TagId::new(), "work".into(), &Policy::default());
        assert_eq!(refused, Err(Rejection::TagNameTaken));
    }

    #[test]
    fn the_block_list_has_a_limit() {
        let policy = Policy { blocked_max: 1, ..Policy::default() };
        let (one, two) = (UserId::new(), UserId::new());
        let state = given::<Contacts>(vec![PersonBlocked { person: one }.into()]);
        assert_eq!(state.block(one, &policy), Ok(vec![]));
        assert_eq!(state.block(two, &policy), Err(Rejection::TooManyBlocked { max: 1 }));
        assert_eq!(state.unblock(one).len(), 1);
    }
}
