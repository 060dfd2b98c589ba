//! Who sees what: the rules of the circle as pure functions, for deciders and read models alike.
//!
//! Judged anew whenever something is read, from what people are to each other then. docs/moments-privacy.md lists the
//! rules one by one, each with its source and its tests.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    circle::Settings,
    post::{Audience, People},
};
use crate::{TagId, UserId};

/// What two people are to each other where Moments are concerned. It has no direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// Each has the other among the contacts.
    pub mutual: bool,
    /// At least one has the other among the contacts.
    pub one_sided: bool,
    /// One of them blocks the other.
    pub blocked: bool,
    /// One of them keeps the other for chats only.
    pub chats_only: bool,
}

impl Bond {
    /// Whether they are friends who share their Moments.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.mutual && !self.blocked && !self.chats_only
    }

    /// Whether each sees what the other says below posts of common friends: also while only one has removed the other.
    #[must_use]
    pub fn is_known(self) -> bool {
        (self.mutual || self.one_sided) && !self.blocked && !self.chats_only
    }
}

/// How an author regards somebody who would see a post.
#[derive(Clone, Copy, Debug)]
pub struct Regard<'a> {
    /// What they are to each other.
    pub bond: Bond,
    /// The author keeps all own Moments from them.
    pub shut_out: bool,
    /// The tags that the author has put on them.
    pub tags: &'a BTreeSet<TagId>,
}

/// How much of a post somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Nothing, not even that it exists.
    Nothing,
    /// The post as a stranger sees it in the author's album: without what others say of it.
    Bare,
    /// The post with all of its likes and comments that the viewer may see.
    Full,
}

/// The most that somebody other than the author sees of any post of an author with these settings.
#[must_use]
pub fn sight_at_most(settings: &Settings, regard: Regard<'_>) -> Sight {
    let Regard { bond, shut_out, .. } = regard;
    if bond.blocked || shut_out || bond.mutual && !bond.is_open() {
        Sight::Nothing
    } else if bond.mutual {
        Sight::Full
    } else if settings.open_to_strangers {
        Sight::Bare
    } else {
        Sight::Nothing
    }
}

/// How much of a post that was published `at` to `audience` somebody other than its author sees at a time.
#[must_use]
pub fn sight(
    viewer: UserId,
    audience: &Audience,
    at: DateTime<Utc>,
    settings: &Settings,
    regard: Regard<'_>,
    now: DateTime<Utc>,
) -> Sight {
    if !settings.window.has(at, now) || !audience.has(viewer, regard.tags) {
        return Sight::Nothing;
    }
    match sight_at_most(settings, regard) {
        Sight::Bare if !audience.has_strangers() => Sight::Nothing,
        sight => sight,
    }
}

impl Audience {
    /// Whether a friend with these tags is meant.
    #[must_use]
    pub fn has(&self, viewer: UserId, tags: &BTreeSet<TagId>) -> bool {
        match self {
            Self::Friends => true,
            Self::OnlyMe => false,
            Self::Share(list) => list.names(viewer, tags),
            Self::Hide(list) => !list.names(viewer, tags),
        }
    }

    /// Whether somebody who is no friend may be meant at all.
    fn has_strangers(&self) -> bool {
        matches!(self, Self::Friends | Self::Hide(_))
    }
}

impl People {
    fn names(&self, viewer: UserId, tags: &BTreeSet<TagId>) -> bool {
        self.people.contains(&viewer) || self.tags.iter().any(|tag| tags.contains(tag))
    }
}

/// Whether `viewer`, who sees a post of `author` in full, sees what `actor` did below it, in answer to `target` or to
/// nobody. `knows` tells whether two different people are known to each other ([`Bond::is_known`]).
///
/// One's own is always seen. Of others one sees what comes from somebody known both to oneself and to the author, and
/// an answer only where the answered person is as well: else it would tell of somebody who is hidden.
pub fn is_shown(
    viewer: UserId,
    author: UserId,
    actor: UserId,
    target: Option<UserId>,
    knows: impl Fn(UserId, UserId) -> bool,
) -> bool {
    let known = |one: UserId, other: UserId| one == other || knows(one, other);
    let common = |person: UserId| known(author, person) && known(viewer, person);
    viewer == actor || (common(actor) && target.is_none_or(common))
}

/// How far back others see a person's posts. Nothing is deleted by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MomentsWindow)]
pub enum Window {
    /// The last three days.
    ThreeDays,
    /// The last month: 30 days.
    Month,
    /// The last half year: 182 days.
    HalfYear,
    /// Everything.
    #[default]
    All,
}

impl Window {
    /// Whether a post of that time lies within it now.
    #[must_use]
    pub fn has(self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let days = match self {
            Self::ThreeDays => 3,
            Self::Month => 30,
            Self::HalfYear => 182,
            Self::All => return true,
        };
        now - at <= TimeDelta::days(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NONE: BTreeSet<TagId> = BTreeSet::new();
    const FRIENDS: Bond = Bond { mutual: true, one_sided: true, blocked: false, chats_only: false };

    fn seen(audience: &Audience, settings: &Settings, regard: Regard<'_>, days: i64) -> Sight {
        let at = DateTime::UNIX_EPOCH;
        sight(UserId::new(), audience, at, settings, regard, at + TimeDelta::days(days))
    }

    fn of(bond: Bond) -> Regard<'static> {
        Regard { bond, shut_out: false, tags: &NONE }
    }

    #[test]
    fn friends_see_a_post_unless_they_are_blocked_kept_for_chats_or_shut_out() {
        let settings = Settings::default();
        assert_eq!(seen(&Audience::Friends, &settings, of(FRIENDS), 0), Sight::Full);
        for bond in [Bond { blocked: true, ..FRIENDS }, Bond { chats_only: true, ..FRIENDS }] {
            assert_eq!(seen(&Audience::Friends, &settings, of(bond), 0), Sight::Nothing);
        }
        let shut_out = Regard { shut_out: true, ..of(FRIENDS) };
        assert_eq!(seen(&Audience::Friends, &settings, shut_out, 0), Sight::Nothing);
    }

    #[test]
    fn a_tag_counts_as_it_is_put_on_people_now() {
        let tag = TagId::new();
        let list = People { people: BTreeSet::new(), tags: [tag].into() };
        let tags: BTreeSet<TagId> = [tag].into();
        let tagged = Regard { tags: &tags, ..of(FRIENDS) };
        let settings = Settings::default();
        assert_eq!(seen(&Audience::Share(list.clone()), &settings, tagged, 0), Sight::Full);
        assert_eq!(seen(&Audience::Share(list.clone()), &settings, of(FRIENDS), 0), Sight::Nothing);
        assert_eq!(seen(&Audience::Hide(list.clone()), &settings, tagged, 0), Sight::Nothing);
        assert_eq!(seen(&Audience::Hide(list), &settings, of(FRIENDS), 0), Sight::Full);
    }

    #[test]
    fn a_post_behind_the_window_is_seen_again_when_the_window_is_widened() {
        for (window, days) in [(Window::ThreeDays, 3), (Window::Month, 30), (Window::HalfYear, 182)] {
            let narrow = Settings { window, ..Settings::default() };
            assert_eq!(seen(&Audience::Friends, &narrow, of(FRIENDS), days), Sight::Full);
            assert_eq!(seen(&Audience::Friends, &narrow, of(FRIENDS), days + 1), Sight::Nothing);
            assert_eq!(seen(&Audience::Friends, &Settings::default(), of(FRIENDS), days + 1), Sight::Full);
        }
    }

    #[test]
    fn a_stranger_sees_a_bare_post_where_the_author_allows_it() {
        let open = Settings { open_to_strangers: true, ..Settings::default() };
        let closed = Settings { open_to_strangers: false, ..Settings::default() };
        for bond in [Bond::default(), Bond { one_sided: true, ..Bond::default() }] {
            assert_eq!(seen(&Audience::Friends, &open, of(bond), 0), Sight::Bare);
            assert_eq!(seen(&Audience::Friends, &closed, of(bond), 0), Sight::Nothing);
            assert_eq!(seen(&Audience::OnlyMe, &open, of(bond), 0), Sight::Nothing);
            assert_eq!(seen(&Audience::Share(People::default()), &open, of(bond), 0), Sight::Nothing);
        }
        let blocked = Bond { blocked: true, ..Bond::default() };
        assert_eq!(seen(&Audience::Friends, &open, of(blocked), 0), Sight::Nothing);
    }

    #[test]
    fn an_answer_needs_both_to_be_known_to_the_viewer_and_to_the_author() {
        let [author, viewer, actor, target] = std::array::from_fn(|_| UserId::new());
        let all = |_, _| true;
        assert!(is_shown(viewer, author, actor, Some(target), all));
        for (one, other) in [(viewer, actor), (viewer, target), (author, actor), (author, target)] {
            let but_these = |a: UserId, b: UserId| (a, b) != (one, other) && (b, a) != (one, other);
            assert!(!is_shown(viewer, author, actor, Some(target), but_these));
        }
        assert!(is_shown(actor, author, actor, Some(target), |_, _| false), "one's own stays");
        assert!(is_shown(author, author, actor, None, all), "the author sees all who are known");
    }
}
