//! Who is what to whom where Moments are concerned, at one moment.

use std::collections::BTreeSet;

use domain::{
    TagId, UserId,
    moments::visibility::{Bond, Regard},
};
use parking_lot::RwLockReadGuard;

use super::{PeopleView, relations::Relations};

static NO_TAGS: BTreeSet<TagId> = BTreeSet::new();

/// All relations at one moment. Nothing changes while this is held, so it is held for no longer than a page takes, and
/// the view it came from is asked nothing else meanwhile.
pub struct Relationships<'a> {
    relations: RwLockReadGuard<'a, Relations>,
}

impl PeopleView {
    /// All relations as they are now.
    #[must_use]
    pub fn relationships(&self) -> Relationships<'_> {
        Relationships { relations: self.relations.read() }
    }
}

impl Relationships<'_> {
    /// The contacts of a person, in the order of their ids.
    pub fn contacts_of(&self, user: UserId) -> impl Iterator<Item = UserId> {
        self.relations.ties_of(user).map(|(contact, _)| contact)
    }

    /// What two different people are to each other.
    #[must_use]
    pub fn bond(&self, one: UserId, other: UserId) -> Bond {
        let relations = &self.relations;
        let held = [relations.tie(one, other).is_some(), relations.tie(other, one).is_some()];
        Bond {
            mutual: held == [true, true],
            one_sided: held != [false, false],
            blocked: relations.block(one, other).or(relations.block(other, one)).is_some(),
            chats_only: relations.is_chats_only(one, other) || relations.is_chats_only(other, one),
        }
    }

    /// How an author regards somebody else.
    #[must_use]
    pub fn regard(&self, author: UserId, viewer: UserId) -> Regard<'_> {
        let notes = self.relations.note(author, viewer);
        Regard {
            bond: self.bond(author, viewer),
            shut_out: notes.is_some_and(|notes| notes.hides_own_moments),
            tags: notes.map_or(&NO_TAGS, |notes| &notes.tags),
        }
    }

    /// Whether a person leaves an author's Moments out of the own timeline.
    #[must_use]
    pub fn skips(&self, user: UserId, author: UserId) -> bool {
        self.relations.note(user, author).is_some_and(|notes| notes.skips_their_moments)
    }
}
