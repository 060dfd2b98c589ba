//! Who sees what in Moments, by brute force: written from the table in docs/moments-privacy.md, on plain sets, without
//! the code that it judges. Each rule is named by its number there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CommentId, MediumId, PostId, UserId,
    contacts::Notes,
    moments::{
        circle::Settings,
        post::{Audience, People},
        visibility::Window,
    },
};

/// The numbers in the rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// How many of the latest posts a stranger sees.
    pub stranger_posts: usize,
    /// Those are told of something below a post who did something themselves among the last so many things there.
    pub company: u64,
    /// Of what somebody did themselves, so many of the latest things count for that.
    pub own_deeds: usize,
}

/// How much somebody sees of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    Nothing,
    Bare,
    All,
}

/// A like, or a comment.
#[derive(Clone, Debug)]
pub struct Deed {
    pub position: u64,
    pub actor: UserId,
    pub comment: Option<CommentId>,
    pub answered: Option<UserId>,
    /// Which of all things that happened to the post it was.
    pub version: u64,
}

#[derive(Clone, Debug)]
pub struct Post {
    pub id: PostId,
    pub position: u64,
    pub author: UserId,
    pub at: DateTime<Utc>,
    pub audience: Audience,
    pub remind: BTreeSet<UserId>,
    /// How many things have happened to it.
    pub version: u64,
    /// What stands below it, in the order in which it was done.
    pub deeds: Vec<Deed>,
}

/// Everything that has happened, as plain sets.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub numbers: Numbers,
    pub holds: BTreeSet<(UserId, UserId)>,
    pub began_as_chats_only: BTreeSet<(UserId, UserId)>,
    pub notes: BTreeMap<(UserId, UserId), Notes>,
    pub blocks: BTreeSet<(UserId, UserId)>,
    pub settings: BTreeMap<UserId, Settings>,
    pub covers: BTreeMap<UserId, MediumId>,
    pub viewed: BTreeMap<UserId, u64>,
    pub notices_read: BTreeMap<UserId, u64>,
    /// Those that were not deleted, in the order in which they were published.
    pub posts: Vec<Post>,
}

/// What somebody finds of a post: id, bare, reminded, whether the audience is shown, likes, comments.
pub type Found = (PostId, bool, bool, bool, Vec<u64>, Vec<u64>);

impl Oracle {
    fn settings(&self, user: UserId) -> Settings {
        self.settings.get(&user).copied().unwrap_or_default()
    }

    fn noted(&self, user: UserId, other: UserId) -> Notes {
        let began = self.began_as_chats_only.contains(&(user, other));
        let unnoted = Notes { chats_only: began, ..Notes::default() };
        self.notes.get(&(user, other)).cloned().unwrap_or(unnoted)
    }

    /// Rule 1: each has the other.
    fn friends(&self, one: UserId, other: UserId) -> bool {
        self.holds.contains(&(one, other)) && self.holds.contains(&(other, one))
    }

    /// Rules 7 and 8: a block or "chats only" of either closes both directions.
    fn shut(&self, one: UserId, other: UserId) -> bool {
        self.blocks.contains(&(one, other))
            || self.blocks.contains(&(other, one))
            || self.noted(one, other).chats_only
            || self.noted(other, one).chats_only
    }

    /// Rules 14 and 15: a one-sided removal keeps what was said, a mutual one hides it.
    fn known(&self, one: UserId, other: UserId) -> bool {
        let held = self.holds.contains(&(one, other)) || self.holds.contains(&(other, one));
        one == other || held && !self.shut(one, other)
    }

    /// Rules 2 to 5: for whom the post is.
    fn is_meant(&self, post: &Post, viewer: UserId) -> bool {
        let tags = self.noted(post.author, viewer).tags;
        let names = |list: &People| list.people.contains(&viewer) || !list.tags.is_disjoint(&tags);
        match &post.audience {
            Audience::Friends => true,
            Audience::OnlyMe => false,
            Audience::Share(list) => names(list),
            Audience::Hide(list) => !names(list),
        }
    }

    pub fn sees(&self, viewer: UserId, post: &Post, now: DateTime<Utc>) -> Sees {
        let author = post.author;
        if viewer == author {
            return Sees::All;
        }
        let settings = self.settings(author);
        let days = match settings.window {
            Window::ThreeDays => Some(3),
            Window::Month => Some(30),
            Window::HalfYear => Some(182),
            Window::All => None,
        };
        // Rule 6.
        let too_old = days.is_some_and(|days| now - post.at > TimeDelta::days(days));
        // Rule 9.
        let shut_out = self.noted(author, viewer).hides_own_moments;
        if too_old || shut_out || !self.is_meant(post, viewer) {
            return Sees::Nothing;
        }
        if self.friends(author, viewer) {
            return if self.shut(author, viewer) { Sees::Nothing } else { Sees::All };
        }
        // Rule 11: strangers.
        let blocked = self.blocks.contains(&(author, viewer)) || self.blocks.contains(&(viewer, author));
        let for_anybody = matches!(post.audience, Audience::Friends | Audience::Hide(_));
        if blocked || !settings.open_to_strangers || !for_anybody { Sees::Nothing } else { Sees::Bare }
    }

    /// Rules 12 and 13: what somebody who sees the whole post sees below it.
    pub fn sees_deed(&self, viewer: UserId, post: &Post, deed: &Deed) -> bool {
        let both = |person: UserId| self.known(post.author, person) && self.known(viewer, person);
        viewer == deed.actor || both(deed.actor) && deed.answered.is_none_or(both)
    }

    fn found(&self, viewer: UserId, post: &Post, sees: Sees) -> Found {
        let below = |comments: bool| -> Vec<u64> {
            let seen = |deed: &&Deed| sees == Sees::All && self.sees_deed(viewer, post, deed);
            let deeds = post.deeds.iter().filter(|deed| deed.comment.is_some() == comments).filter(seen);
            deeds.map(|deed| deed.position).collect()
        };
        let reminded = sees == Sees::All && post.remind.contains(&viewer);
        (post.id, sees == Sees::Bare, reminded, post.author == viewer, below(false), below(true))
    }

    fn newest_first(&self) -> impl Iterator<Item = &Post> {
        self.posts.iter().rev()
    }

    pub fn timeline(&self, viewer: UserId, now: DateTime<Utc>) -> Vec<Found> {
        let shown = |post: &&Post| {
            // Rule 10.
            let skipped = post.author != viewer && self.noted(viewer, post.author).skips_their_moments;
            self.sees(viewer, post, now) == Sees::All && !skipped
        };
        self.newest_first().filter(shown).map(|post| self.found(viewer, post, Sees::All)).collect()
    }

    pub fn album(&self, viewer: UserId, author: UserId, now: DateTime<Utc>) -> Vec<Found> {
        let posts = self.newest_first().filter(|post| post.author == author);
        let seen = posts.map(|post| (post, self.sees(viewer, post, now)));
        let mut found: Vec<Found> = seen
            .filter(|(_, sees)| *sees != Sees::Nothing)
            .map(|(post, sees)| self.found(viewer, post, sees))
            .collect();
        if author != viewer && !self.friends(author, viewer) {
            found.truncate(self.numbers.stranger_posts);
        }
        found
    }

    /// Rule 27: the cover is for whoever may see any post at all.
    pub fn cover(&self, viewer: UserId, author: UserId) -> Option<MediumId> {
        let blocked = self.blocks.contains(&(author, viewer)) || self.blocks.contains(&(viewer, author));
        let friends = self.friends(author, viewer);
        let may_see = viewer == author
            || !self.noted(author, viewer).hides_own_moments
                && if friends {
                    !self.shut(author, viewer)
                } else {
                    !blocked && self.settings(author).open_to_strangers
                };
        self.covers.get(&author).copied().filter(|_| may_see)
    }

    pub fn post(&self, viewer: UserId, id: PostId, now: DateTime<Utc>) -> Option<Found> {
        let post = self.posts.iter().find(|post| post.id == id)?;
        self.album(viewer, post.author, now).into_iter().find(|(found, ..)| *found == id)
    }

    /// Positions of what somebody did below posts that they see whole, the latest first.
    pub fn interactions(&self, viewer: UserId, now: DateTime<Utc>) -> Vec<u64> {
        let seen = self.posts.iter().filter(|post| self.sees(viewer, post, now) == Sees::All);
        let own = seen.flat_map(|post| post.deeds.iter().filter(|deed| deed.actor == viewer));
        let mut positions: Vec<u64> = own.map(|deed| deed.position).collect();
        positions.sort_unstable_by(|one, other| other.cmp(one));
        positions
    }

    /// Positions of the latest of what somebody did, and what stands.
    fn latest_deeds(&self, user: UserId) -> BTreeSet<u64> {
        let own = self.posts.iter().flat_map(|post| post.deeds.iter()).filter(|deed| deed.actor == user);
        let mut positions: Vec<u64> = own.map(|deed| deed.position).collect();
        positions.sort_unstable_by(|one, other| other.cmp(one));
        positions.into_iter().take(self.numbers.own_deeds).collect()
    }

    /// Rules 16 to 20: positions of notices and whether each is about the viewer, the latest first.
    pub fn notices(&self, viewer: UserId, now: DateTime<Utc>) -> Vec<(u64, bool)> {
        let (mut notices, latest) = (vec![], self.latest_deeds(viewer));
        for post in self.posts.iter().filter(|post| self.sees(viewer, post, now) == Sees::All) {
            if post.remind.contains(&viewer) && post.author != viewer {
                notices.push((post.position, true));
            }
            let own = || post.deeds.iter().filter(|deed| latest.contains(&deed.position));
            for deed in post.deeds.iter().filter(|deed| deed.actor != viewer) {
                let about_me = post.author == viewer || deed.answered == Some(viewer);
                let last = |own: &Deed| own.version + self.numbers.company;
                let was_there = own().any(|own| own.version < deed.version && deed.version <= last(own));
                let told = about_me || was_there && !self.settings(viewer).only_about_me;
                if told && self.sees_deed(viewer, post, deed) {
                    notices.push((deed.position, about_me));
                }
            }
        }
        notices.sort_unstable_by(|one, other| other.cmp(one));
        notices
    }

    /// Whether there is something new, and how many notices are unread.
    pub fn badge(&self, viewer: UserId, now: DateTime<Utc>) -> (bool, usize) {
        let viewed = self.viewed.get(&viewer).copied().unwrap_or_default();
        let newer = self.posts.iter().filter(|post| post.position > viewed && post.author != viewer);
        let new: BTreeSet<PostId> = newer.map(|post| post.id).collect();
        let read = self.notices_read.get(&viewer).copied().unwrap_or_default();
        let unread = self.notices(viewer, now).iter().filter(|(position, _)| *position > read).count();
        (self.timeline(viewer, now).iter().any(|(id, ..)| new.contains(id)), unread.min(99))
    }
}
