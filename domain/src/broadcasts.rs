//! Broadcasts: what an official account says to all of its followers, to those with a tag, or to those whom it names, at once.
//!
//! A broadcast is one event, however many it is for. Who of the followers sees it is judged when they look: who followed the
//! account by then, had the tag by then or was named, and was shown fewer of them in that month than a reader is shown at most.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    MediumId, OfficialAccountId,
    conversation::Content,
    event::{Aggregate, EventMeta, event_family},
    official::AccountSort,
    policy::Policy,
    rejection::{Rejection, check_text},
};

/// Most articles in a broadcast.
const ARTICLES_MAX: usize = 8;
/// Longest text of a broadcast, in characters.
const TEXT_CHARS: usize = 300;
/// Fewest and most followers whom a broadcast names.
const NAMED: std::ops::RangeInclusive<usize> = 2..=10_000;
/// How many of them one event names at most: it has to stay within what an event may hold.
const NAMED_AT_ONCE: usize = 2_000;
/// How many letters an openid has.
const OPENID_CHARS: usize = 28;
/// Most previews a day.
const PREVIEWS_DAY_MAX: usize = 100;

/// For whom a broadcast is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum BroadcastAudience {
    /// For everybody who follows the account.
    #[default]
    All,
    /// For followers with that tag.
    Tag {
        /// The tag's number.
        tag: u32,
    },
    /// For followers whom the account named.
    Named {
        /// How many it named.
        count: u32,
    },
    /// For one follower, to see how it looks.
    Preview,
}

/// For whom the next broadcast is, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastAddressed {
    /// Whose.
    pub account: OfficialAccountId,
    /// The number that the broadcast gets.
    pub number: u64,
    /// What the account knows them by.
    pub openids: Vec<String>,
}

/// An account said something to many at once. The actor is who of its people, or its program, had it sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BroadcastSent {
    /// Whose.
    pub account: OfficialAccountId,
    /// Subscription or service account.
    pub sort: AccountSort,
    /// Its number among the account's: 1, 2, 3 and so on.
    pub number: u64,
    /// What it says: a text or a picture, or one to eight articles.
    pub contents: Vec<Content>,
    /// For whom it is.
    pub audience: BroadcastAudience,
    /// The local day on which it was sent.
    pub day: NaiveDate,
    /// How many broadcasts of a month a reader is shown; none where there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_month_max: Option<u32>,
}

impl BroadcastSent {
    /// Every medium that it names itself.
    pub fn media(&self) -> impl Iterator<Item = MediumId> {
        self.contents.iter().flat_map(|content| content.media().into_iter().map(|(_, medium)| medium))
    }
}

/// A broadcast is shown no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastWithdrawn {
    /// Whose.
    pub account: OfficialAccountId,
    /// Which.
    pub number: u64,
}

event_family! {
    /// Events of a `broadcasts-` stream.
    BroadcastsEvent {
        "broadcast.addressed" => BroadcastAddressed,
        "broadcast.sent" => BroadcastSent,
        "broadcast.withdrawn" => BroadcastWithdrawn,
    }
}

/// What is to be said to many at once.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBroadcast {
    /// What it says.
    pub contents: Vec<Content>,
    /// For whom it is.
    pub to: Addressees,
}

/// For whom a broadcast is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressees {
    /// For everybody who follows the account.
    All,
    /// For followers with the tag of that number.
    Tag(u32),
    /// For 2 to 10,000 followers, by what the account knows them by.
    Named(BTreeSet<String>),
    /// For one follower, by what the account knows them by.
    Preview(String),
}

impl Addressees {
    fn check(&self) -> Result<(), Rejection> {
        let invalid = |rule| Err(Rejection::InvalidField { field: "openids", rule });
        let is_openid = |text: &str| {
            text.len() == OPENID_CHARS && text.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"-_".contains(&sign))
        };
        match self {
            Self::Named(openids) if !NAMED.contains(&openids.len()) => invalid("2 to 10,000 of them"),
            Self::Named(openids) if !openids.iter().all(|openid| is_openid(openid)) => invalid("one is none"),
            Self::Preview(openid) if !is_openid(openid) => invalid("it is none"),
            _ => Ok(()),
        }
    }

    fn audience(&self) -> BroadcastAudience {
        match self {
            Self::All => BroadcastAudience::All,
            Self::Tag(tag) => BroadcastAudience::Tag { tag: *tag },
            Self::Named(openids) => {
                BroadcastAudience::Named { count: u32::try_from(openids.len()).unwrap_or(u32::MAX) }
            }
            Self::Preview(_) => BroadcastAudience::Preview,
        }
    }

    /// The events that say whom a broadcast names.
    fn addressed(self, account: OfficialAccountId, number: u64) -> Vec<BroadcastsEvent> {
        let openids: Vec<String> = match self {
            Self::All | Self::Tag(_) => vec![],
            Self::Named(openids) => openids.into_iter().collect(),
            Self::Preview(openid) => vec![openid],
        };
        let part = |openids: &[String]| BroadcastAddressed { account, number, openids: openids.to_vec() }.into();
        openids.chunks(NAMED_AT_ONCE).map(part).collect()
    }
}

impl NewBroadcast {
    fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        self.to.check()?;
        let articles = self.contents.iter().filter(|content| matches!(content, Content::Article(_))).count();
        let invalid = |rule| Rejection::InvalidField { field: "contents", rule };
        match self.contents.as_slice() {
            [Content::Text { text }] => {
                check_text("text", text, TEXT_CHARS)?;
                self.contents.iter().try_for_each(|content| content.check_sent(policy))
            }
            [Content::Picture(_)] => Ok(()),
            [] => Err(invalid("must not be empty")),
            several if several.len() > ARTICLES_MAX => Err(invalid("at most 8 articles in one broadcast")),
            several if articles == several.len() => Ok(()),
            [_] => Err(Rejection::ContentNotAllowed),
            _ => Err(invalid("several contents are articles, all of them")),
        }
    }
}

/// When a broadcast was sent, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    day: NaiveDate,
    to_all: bool,
    #[serde(default)]
    preview: bool,
}

fn month(day: NaiveDate) -> (i32, u32) {
    (day.year(), day.month())
}

/// The broadcasts of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Broadcasts {
    /// The number of the last one.
    last: u64,
    /// When those were sent that still count towards a quota.
    sent: VecDeque<Sent>,
    withdrawn: BTreeSet<u64>,
}

impl Broadcasts {
    /// Sends one. A subscription account sends so many a day; a service account so many to all in a calendar month, and so
    /// many a day to followers with a tag or whom it names, of which each reader is shown so many in a month all the same.
    /// Previews count by themselves.
    ///
    /// # Errors
    /// Contents that can't be broadcast; [`Rejection::BroadcastsSpent`].
    pub fn send(
        &self,
        (account, sort): (OfficialAccountId, AccountSort),
        new: NewBroadcast,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<BroadcastsEvent>, Rejection> {
        new.check(policy)?;
        let rules = &policy.official;
        let day = (now + TimeDelta::minutes(rules.day_offset_minutes)).date_naive();
        let audience = new.to.audience();
        let (to_all, preview) = (audience == BroadcastAudience::All, audience == BroadcastAudience::Preview);
        let today = || self.sent.iter().filter(|sent| sent.day == day && sent.preview == preview);
        let (spent, max, of) = match sort {
            _ if preview => (today().count(), PREVIEWS_DAY_MAX, "day"),
            AccountSort::Subscription => (today().count(), rules.broadcasts_day_max, "day"),
            AccountSort::Service if to_all => {
                let this_month = self.sent.iter().filter(|sent| sent.to_all && month(sent.day) == month(day));
                (this_month.count(), rules.broadcasts_month_max, "month")
            }
            AccountSort::Service => (today().filter(|sent| !sent.to_all).count(), rules.tag_broadcasts_day_max, "day"),
        };
        if spent >= max {
            return Err(Rejection::BroadcastsSpent { max, of });
        }
        let reader_month_max = match sort {
            _ if preview => None,
            AccountSort::Subscription => None,
            AccountSort::Service => u32::try_from(rules.broadcasts_month_max).ok(),
        };
        let NewBroadcast { contents, to } = new;
        let number = self.last + 1;
        let mut events = to.addressed(account, number);
        events.push(BroadcastSent { account, sort, number, contents, audience, day, reader_month_max }.into());
        Ok(events)
    }

    /// Takes one back: nobody is shown it any longer. What it took of the quota stays taken.
    ///
    /// # Errors
    /// [`Rejection::BroadcastNotFound`].
    pub fn withdraw(&self, account: OfficialAccountId, number: u64) -> Result<Vec<BroadcastsEvent>, Rejection> {
        if number == 0 || number > self.last || self.withdrawn.contains(&number) {
            return Err(Rejection::BroadcastNotFound);
        }
        Ok(vec![BroadcastWithdrawn { account, number }.into()])
    }
}

impl Aggregate for Broadcasts {
    type Id = OfficialAccountId;
    type Event = BroadcastsEvent;
    const CATEGORY: &'static str = "broadcasts";

    fn evolve(&mut self, event: &BroadcastsEvent, _meta: &EventMeta) {
        match event {
            BroadcastsEvent::BroadcastSent(sent) => {
                self.last = sent.number;
                let (to_all, preview) =
                    (sent.audience == BroadcastAudience::All, sent.audience == BroadcastAudience::Preview);
                // Of days that are over only what was for all counts still, and of months that are over nothing.
                let now = sent.day;
                self.sent.retain(|sent| sent.day == now || (sent.to_all && month(sent.day) == month(now)));
                self.sent.push_back(Sent { day: sent.day, to_all, preview });
            }
            BroadcastsEvent::BroadcastAddressed(_) => {}
            BroadcastsEvent::BroadcastWithdrawn(withdrawn) => {
                self.withdrawn.insert(withdrawn.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ArticleId, article::ArticleCard, testing::given};

    fn text() -> NewBroadcast {
        NewBroadcast { contents: vec![Content::Text { text: "tea".into() }], to: Addressees::All }
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    /// How many of the broadcasts at these times are taken.
    fn taken(sort: AccountSort, to: &Addressees, times: &[&str]) -> usize {
        let (account, policy) = (OfficialAccountId::new(), Policy::default());
        let mut past = vec![];
        for time in times {
            let new = NewBroadcast { to: to.clone(), ..text() };
            let sent = given::<Broadcasts>(past.clone()).send((account, sort), new, &policy, at(time));
            past.extend(sent.unwrap_or_default());
        }
        past.iter().filter(|event| matches!(event, BroadcastsEvent::BroadcastSent(_))).count()
    }

    #[test]
    fn a_subscription_account_broadcasts_once_a_local_day() {
        let all = Addressees::All;
        // Midnight is at 16:00 UTC, eight hours ahead of it.
        let times = ["2026-03-01T15:00:00Z", "2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", "2026-03-02T15:59:59Z"];
        assert_eq!(taken(AccountSort::Subscription, &all, &times), 2);
        assert_eq!(taken(AccountSort::Subscription, &Addressees::Tag(100), &times), 2);
    }

    #[test]
    fn a_service_account_broadcasts_to_all_four_times_a_calendar_month() {
        let times = ["2026-03-30T00:00:00Z"; 5];
        assert_eq!(taken(AccountSort::Service, &Addressees::All, &times), 4);
        assert_eq!(taken(AccountSort::Service, &Addressees::Tag(100), &times), 5);
        let over = [times.as_slice(), &["2026-03-31T16:00:00Z"]].concat();
        assert_eq!(taken(AccountSort::Service, &Addressees::All, &over), 5);
        // Whatever was sent to others in between.
        let mut state = Broadcasts::default();
        let mut send = |to: Addressees, time: &str| {
            let new = NewBroadcast { to, ..text() };
            let of = (OfficialAccountId(uuid::Uuid::from_u128(1)), AccountSort::Service);
            let events = state.send(of, new, &Policy::default(), at(time)).unwrap_or_default();
            let meta = EventMeta { actor: None, at: at(time), version: 1 };
            events.iter().for_each(|event| state.evolve(event, &meta));
            !events.is_empty()
        };
        let sent: Vec<bool> = ["01", "02", "03", "04", "05"]
            .map(|day| {
                let time = format!("2026-03-{day}T00:00:00Z");
                assert!(send(Addressees::Tag(100), &time) && send(Addressees::Preview("o".repeat(28)), &time));
                send(Addressees::All, &time)
            })
            .into();
        assert_eq!(sent, [true, true, true, true, false]);
    }

    #[test]
    fn previews_count_by_themselves() {
        let day = ["2026-03-01T00:00:00Z"; 101];
        assert_eq!(taken(AccountSort::Subscription, &Addressees::Preview("o".repeat(28)), &day), 100);
        let mut state = Broadcasts::default();
        for to in [Addressees::Preview("o".repeat(28)), Addressees::All] {
            let new = NewBroadcast { to, ..text() };
            let of = (OfficialAccountId::new(), AccountSort::Subscription);
            let events = state.send(of, new, &Policy::default(), at("2026-03-01T00:00:00Z")).unwrap();
            let meta = EventMeta { actor: None, at: at("2026-03-01T00:00:00Z"), version: 1 };
            events.iter().for_each(|event| state.evolve(event, &meta));
        }
        assert_eq!(state.last, 2);
    }

    #[test]
    fn ten_thousand_are_named_by_events_that_are_small_enough() {
        let names = |count: usize| Addressees::Named((0..count).map(|number| format!("o{number:027}")).collect());
        let send = |to| {
            let of = (OfficialAccountId::new(), AccountSort::Service);
            let new = NewBroadcast { to, ..text() };
            Broadcasts::default().send(of, new, &Policy::default(), at("2026-03-01T00:00:00Z"))
        };
        let events = send(names(10_000)).unwrap();
        assert_eq!(events.len(), 6);
        assert!(events.iter().all(|event| crate::EventFamily::to_json(event).unwrap().len() < 64 * 1024));
        assert!(matches!(events.last(), Some(BroadcastsEvent::BroadcastSent(sent))
            if sent.audience == BroadcastAudience::Named { count: 10_000 }));
        for wrong in [names(1), names(10_001), Addressees::Preview("?".repeat(28))] {
            assert!(send(wrong).is_err());
        }
    }

    #[test]
    fn a_broadcast_is_a_text_a_picture_or_articles() {
        let account = (OfficialAccountId::new(), AccountSort::Service);
        let send = |contents| {
            let new = NewBroadcast { contents, to: Addressees::All };
            Broadcasts::default().send(account, new, &Policy::default(), at("2026-03-01T00:00:00Z"))
        };
        let article = || Content::Article(ArticleCard { article: ArticleId::new(), front: None });
        let words = |count: usize| Content::Text { text: "x".repeat(count) };
        assert!(send(vec![words(300)]).is_ok());
        assert!(send((0..8).map(|_| article()).collect()).is_ok());
        let pat = Content::Pat { target: crate::UserId::new(), suffix: String::new() };
        let wrong =
            [vec![], vec![words(301)], vec![words(1), article()], (0..9).map(|_| article()).collect(), vec![pat]];
        for wrong in wrong {
            assert!(send(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_was_withdrawn_is_not_there_to_be_withdrawn_again() {
        let account = OfficialAccountId::new();
        let now = at("2026-03-01T00:00:00Z");
        let sent =
            Broadcasts::default().send((account, AccountSort::Service), text(), &Policy::default(), now).unwrap();
        let state: Broadcasts = given(sent.clone());
        assert_eq!(state.withdraw(account, 2), Err(Rejection::BroadcastNotFound));
        let withdrawn = state.withdraw(account, 1).unwrap();
        let state: Broadcasts = given([sent, withdrawn].concat());
        assert_eq!(state.withdraw(account, 1), Err(Rejection::BroadcastNotFound));
    }
}
