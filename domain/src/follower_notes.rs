//! What an official account notes of its followers: tags that it makes, and which of them, with what remark, each has.
//!
//! The tags are one stream an account; the notes one stream a follower, so that none grows with the number of followers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    ConversationId, OfficialAccountId,
    event::{Aggregate, EventMeta, event_family},
    policy::OfficialPolicy,
    rejection::{Rejection, check_line, check_name},
};

/// The number of an account's first tag; WeChat keeps those below for itself.
const FIRST_TAG: u32 = 100;
/// Longest name of a tag and longest remark, in characters.
const NAME_CHARS: usize = 30;
const REMARK_CHARS: usize = 30;

/// A tag was made, or has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerTagNamed {
    /// Its number.
    pub tag: u32,
    /// Its name.
    pub name: String,
}

/// A tag is no more; nobody has it any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerTagDeleted {
    /// Its number, which no other tag gets.
    pub tag: u32,
}

event_family! {
    /// Events of a `follower-tags-` stream.
    FollowerTagsEvent {
        "follower-tag.named" => FollowerTagNamed,
        "follower-tag.deleted" => FollowerTagDeleted,
    }
}

/// The tags of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FollowerTags {
    names: BTreeMap<u32, String>,
    /// The highest number that there ever was.
    last: u32,
}

impl FollowerTags {
    /// Makes a tag.
    ///
    /// # Errors
    /// A name that breaks its rule; [`Rejection::TagNameTaken`], [`Rejection::TooManyTags`].
    pub fn make(&self, name: &str, policy: &OfficialPolicy) -> Result<Vec<FollowerTagsEvent>, Rejection> {
        self.check_name(None, name)?;
        if self.names.len() >= policy.follower_tags_max {
            return Err(Rejection::TooManyTags { max: policy.follower_tags_max });
        }
        let tag = self.last.max(FIRST_TAG - 1) + 1;
        Ok(vec![FollowerTagNamed { tag, name: name.to_owned() }.into()])
    }

    /// Gives a tag another name.
    ///
    /// # Errors
    /// A name that breaks its rule; [`Rejection::TagNameTaken`], [`Rejection::TagNotFound`].
    pub fn rename(&self, tag: u32, name: &str) -> Result<Vec<FollowerTagsEvent>, Rejection> {
        let present = self.names.get(&tag).ok_or(Rejection::TagNotFound)?;
        self.check_name(Some(tag), name)?;
        let named = FollowerTagNamed { tag, name: name.to_owned() };
        Ok(if present == name { vec![] } else { vec![named.into()] })
    }

    /// Deletes a tag.
    ///
    /// # Errors
    /// [`Rejection::TagNotFound`].
    pub fn delete(&self, tag: u32) -> Result<Vec<FollowerTagsEvent>, Rejection> {
        if self.has(tag) { Ok(vec![FollowerTagDeleted { tag }.into()]) } else { Err(Rejection::TagNotFound) }
    }

    /// Whether there is such a tag.
    #[must_use]
    pub fn has(&self, tag: u32) -> bool {
        self.names.contains_key(&tag)
    }

    fn check_name(&self, tag: Option<u32>, name: &str) -> Result<(), Rejection> {
        check_name("name", name, NAME_CHARS)?;
        let taken = self.names.iter().any(|(other, known)| known == name && Some(*other) != tag);
        if taken { Err(Rejection::TagNameTaken) } else { Ok(()) }
    }
}

impl Aggregate for FollowerTags {
    type Id = OfficialAccountId;
    type Event = FollowerTagsEvent;
    const CATEGORY: &'static str = "follower-tags";

    fn evolve(&mut self, event: &FollowerTagsEvent, _meta: &EventMeta) {
        match event {
            FollowerTagsEvent::FollowerTagNamed(named) => {
                self.names.insert(named.tag, named.name.clone());
                self.last = self.last.max(named.tag);
            }
            FollowerTagsEvent::FollowerTagDeleted(deleted) => {
                self.names.remove(&deleted.tag);
            }
        }
    }
}

/// An account notes something of a follower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerNoted {
    /// Which account.
    pub account: OfficialAccountId,
    /// What it knows the follower by.
    pub openid: String,
    /// Its own name for them; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// All the tags that they have from now on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<u32>,
}

event_family! {
    /// Events of a `follower-notes-` stream.
    FollowerNotesEvent {
        "follower.noted" => FollowerNoted,
    }
}

/// What an account notes of one follower. Its stream is named by the conversation of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowerNotes {
    /// The account's own name for them.
    pub remark: String,
    /// The tags that they have; some may be no more.
    pub tags: BTreeSet<u32>,
}

/// What is to change of the notes on a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotesChange {
    /// Another remark.
    pub remark: Option<String>,
    /// Tags that they are to have.
    pub add: BTreeSet<u32>,
    /// Tags that they are to have no longer.
    pub remove: BTreeSet<u32>,
}

impl FollowerNotes {
    /// Changes them. `has` tells whether there is a tag.
    ///
    /// # Errors
    /// A remark that breaks its rule; [`Rejection::TagNotFound`], [`Rejection::TooManyTags`].
    pub fn change(
        &self,
        (account, openid): (OfficialAccountId, &str),
        change: &NotesChange,
        has: impl Fn(u32) -> bool,
        policy: &OfficialPolicy,
    ) -> Result<Vec<FollowerNotesEvent>, Rejection> {
        let remark = change.remark.clone().unwrap_or_else(|| self.remark.clone());
        check_line("remark", &remark, REMARK_CHARS)?;
        if !change.add.iter().all(|tag| has(*tag)) {
            return Err(Rejection::TagNotFound);
        }
        // What is no more takes no room.
        let kept = self.tags.iter().chain(&change.add).filter(|tag| !change.remove.contains(tag) && has(**tag));
        let tags: BTreeSet<u32> = kept.copied().collect();
        if tags.len() > policy.tags_per_follower_max {
            return Err(Rejection::TooManyTags { max: policy.tags_per_follower_max });
        }
        if remark == self.remark && tags == self.tags {
            return Ok(vec![]);
        }
        Ok(vec![FollowerNoted { account, openid: openid.to_owned(), remark, tags }.into()])
    }
}

impl Aggregate for FollowerNotes {
    type Id = ConversationId;
    type Event = FollowerNotesEvent;
    const CATEGORY: &'static str = "follower-notes";

    fn evolve(&mut self, FollowerNotesEvent::FollowerNoted(noted): &FollowerNotesEvent, _meta: &EventMeta) {
        self.remark.clone_from(&noted.remark);
        self.tags.clone_from(&noted.tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn tags_have_names_of_their_own_and_numbers_that_do_not_come_again() {
        let policy = OfficialPolicy { follower_tags_max: 2, ..OfficialPolicy::default() };
        let mut past = FollowerTags::default().make("vip", &policy).unwrap();
        assert_eq!(past, [FollowerTagNamed { tag: 100, name: "vip".into() }.into()]);
        let state: FollowerTags = given(past.clone());
        assert_eq!(state.make("vip", &policy), Err(Rejection::TagNameTaken));
        assert_eq!(state.rename(100, "vip"), Ok(vec![]));
        assert_eq!(state.rename(101, "x"), Err(Rejection::TagNotFound));
        past.extend(state.delete(100).unwrap());
        past.extend(given::<FollowerTags>(past.clone()).make("new", &policy).unwrap());
        let state: FollowerTags = given(past.clone());
        assert!(state.has(101) && !state.has(100));
        past.extend(state.make("other", &policy).unwrap());
        assert_eq!(given::<FollowerTags>(past).make("more", &policy), Err(Rejection::TooManyTags { max: 2 }));
    }

    #[test]
    fn notes_change_by_what_is_added_and_removed_and_tags_that_are_no_more_take_no_room() {
        let policy = OfficialPolicy { tags_per_follower_max: 2, ..OfficialPolicy::default() };
        let about = (OfficialAccountId::new(), "o1");
        let add = |tags: &[u32]| NotesChange { add: tags.iter().copied().collect(), ..NotesChange::default() };
        let all = |_| true;
        let noted = FollowerNotes::default().change(about, &add(&[100, 101]), all, &policy).unwrap();
        let state: FollowerNotes = given(noted);
        assert_eq!(state.change(about, &add(&[100]), all, &policy), Ok(vec![]));
        assert_eq!(state.change(about, &add(&[102]), all, &policy), Err(Rejection::TooManyTags { max: 2 }));
        assert!(state.change(about, &add(&[102]), |tag| tag != 101, &policy).is_ok());
        assert_eq!(state.change(about, &add(&[103]), |tag| tag != 103, &policy), Err(Rejection::TagNotFound));
        let remark = NotesChange { remark: Some("x".repeat(31)), ..NotesChange::default() };
        assert!(state.change(about, &remark, all, &policy).is_err());
    }
}
