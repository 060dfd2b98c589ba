//! Broadcasts: what an official account says to all of its followers, or to those with a tag, at once.
//!
//! A broadcast is one event, however many it is for. Who of the followers sees it is judged when they look: who followed the
//! account by then, had the tag by then, and was shown fewer of them in that month than a reader is shown at most.

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
/// For how many days it is remembered what was sent to all, which counts by the month, and to tags, which counts by the day.
const DAYS_TO_ALL: i64 = 31;
const DAYS_TO_TAGS: i64 = 1;

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
    pub audience: BroadcastAudience,
}

impl NewBroadcast {
    fn check(&self, policy: &Policy) -> Result<(), Rejection> {
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

/// On which days some broadcasts were sent, the earliest first: as many as the quotas let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sent(VecDeque<NaiveDate>);

impl Sent {
    /// One more was sent; what was sent more than so many days before it is forgotten.
    fn take(&mut self, day: NaiveDate, days: i64) {
        self.0.push_back(day);
        while self.0.front().is_some_and(|first| *first + TimeDelta::days(days) < day) {
            self.0.pop_front();
        }
    }

    fn on(&self, day: NaiveDate) -> usize {
        self.0.iter().filter(|sent| **sent == day).count()
    }

    fn in_month_of(&self, day: NaiveDate) -> usize {
        let month = |day: &NaiveDate| (day.year(), day.month());
        self.0.iter().filter(|sent| month(sent) == month(&day)).count()
    }
}

/// The broadcasts of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Broadcasts {
    /// The number of the last one.
    last: u64,
    /// What was sent to all in the last month, and to tags on the last days.
    to_all: Sent,
    to_tags: Sent,
    withdrawn: BTreeSet<u64>,
}

impl Broadcasts {
    /// Sends one. A subscription account sends so many a day; a service account so many to all in a calendar month, and so
    /// many a day to followers with a tag, of which each reader is shown so many in a month all the same.
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
        let to_all = new.audience == BroadcastAudience::All;
        let (spent, max, of) = match sort {
            AccountSort::Subscription => (self.to_all.on(day) + self.to_tags.on(day), rules.broadcasts_day_max, "day"),
            AccountSort::Service if to_all => (self.to_all.in_month_of(day), rules.broadcasts_month_max, "month"),
            AccountSort::Service => (self.to_tags.on(day), rules.tag_broadcasts_day_max, "day"),
        };
        if spent >= max {
            return Err(Rejection::BroadcastsSpent { max, of });
        }
        let reader_month_max = match sort {
            AccountSort::Subscription => None,
            AccountSort::Service => u32::try_from(rules.broadcasts_month_max).ok(),
        };
        let NewBroadcast { contents, audience } = new;
        let number = self.last + 1;
        Ok(vec![BroadcastSent { account, sort, number, contents, audience, day, reader_month_max }.into()])
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
    const SHAPE: u32 = 2;

    fn evolve(&mut self, event: &BroadcastsEvent, _meta: &EventMeta) {
        match event {
            BroadcastsEvent::BroadcastSent(sent) => {
                self.last = sent.number;
                match sent.audience {
                    BroadcastAudience::All => self.to_all.take(sent.day, DAYS_TO_ALL),
                    BroadcastAudience::Tag { .. } => self.to_tags.take(sent.day, DAYS_TO_TAGS),
                }
            }
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
        NewBroadcast { contents: vec![Content::Text { text: "tea".into() }], audience: BroadcastAudience::All }
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    /// How many of the broadcasts at these times are taken.
    fn taken(sort: AccountSort, audience: BroadcastAudience, times: &[&str]) -> usize {
        let (account, policy) = (OfficialAccountId::new(), Policy::default());
        let mut past = vec![];
        for time in times {
            let new = NewBroadcast { audience, ..text() };
            let sent = given::<Broadcasts>(past.clone()).send((account, sort), new, &policy, at(time));
            past.extend(sent.unwrap_or_default());
        }
        past.len()
    }

    #[test]
    fn a_subscription_account_broadcasts_once_a_local_day() {
        let all = BroadcastAudience::All;
        // Midnight is at 16:00 UTC, eight hours ahead of it.
        let times = ["2026-03-01T15:00:00Z", "2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", "2026-03-02T15:59:59Z"];
        assert_eq!(taken(AccountSort::Subscription, all, &times), 2);
        assert_eq!(taken(AccountSort::Subscription, BroadcastAudience::Tag { tag: 100 }, &times), 2);
    }

    #[test]
    fn a_service_account_broadcasts_to_all_four_times_a_calendar_month() {
        let times = ["2026-03-30T00:00:00Z"; 5];
        assert_eq!(taken(AccountSort::Service, BroadcastAudience::All, &times), 4);
        assert_eq!(taken(AccountSort::Service, BroadcastAudience::Tag { tag: 100 }, &times), 5);
        let over = [times.as_slice(), &["2026-03-31T16:00:00Z"]].concat();
        assert_eq!(taken(AccountSort::Service, BroadcastAudience::All, &over), 5);
    }

    #[test]
    fn what_is_sent_to_tags_takes_nothing_of_what_is_remembered_of_the_month() {
        let of = (OfficialAccountId::new(), AccountSort::Service);
        let policy = Policy::default();
        let mut state = Broadcasts::default();
        let mut send = |audience, time: DateTime<Utc>| {
            let new = NewBroadcast { audience, ..text() };
            let sent = state.send(of, new, &policy, time)?;
            let meta = EventMeta { actor: None, at: time, version: 1 };
            sent.iter().for_each(|event| state.evolve(event, &meta));
            Ok::<_, Rejection>(())
        };
        let begin = at("2026-03-01T00:00:00Z");
        (0..4).for_each(|_| send(BroadcastAudience::All, begin).unwrap());
        for day in 0..11 {
            (0..100).for_each(|_| send(BroadcastAudience::Tag { tag: 100 }, begin + TimeDelta::days(day)).unwrap());
        }
        let end = at("2026-03-31T15:59:59Z");
        assert_eq!(send(BroadcastAudience::All, end), Err(Rejection::BroadcastsSpent { max: 4, of: "month" }));
        send(BroadcastAudience::All, end + TimeDelta::seconds(1)).unwrap();
    }

    #[test]
    fn a_broadcast_is_a_text_a_picture_or_articles() {
        let account = (OfficialAccountId::new(), AccountSort::Service);
        let send = |contents| {
            let new = NewBroadcast { contents, audience: BroadcastAudience::All };
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
