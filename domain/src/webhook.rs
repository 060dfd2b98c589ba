//! Webhooks: where an official account is told as JSON what its followers do, and how far it has been told. One stream per
//! account; what there is to tell is in other streams, so an account that hears from a million people writes little here.
//!
//! It is told in the order of the log. What fails is tried again at growing intervals, and what comes later waits; after
//! the last try the webhook is paused until its owner goes on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    OfficialAccountId, UserId,
    event::{Aggregate, EventMeta, event_family},
    rejection::{Rejection, check_web_address},
};

/// After how many seconds it is tried again: the schedule that Standard Webhooks recommends.
const AGAIN_AFTER: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// For how long calls are signed with the secret before as well, in hours.
const OVERLAP_HOURS: i64 = 24;
/// Longest address, in characters.
const URL_CHARS: usize = 500;

/// The account is told there from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSet {
    /// An `http` or `https` address.
    pub url: String,
    /// What stands in the log up to this position is not told.
    pub after: u64,
}

/// The account is told nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRemoved {}

/// What calls are signed with was made anew: it follows from the number and the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecretRenewed {
    /// How often it was by then.
    pub secret: u64,
}

/// Everything up to there was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivered {
    /// The position in the log.
    pub through: u64,
}

/// Something could not be told, and is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookFailed {
    /// Where it stands in the log.
    pub position: u64,
    /// How often it was tried.
    pub times: u32,
    /// What went wrong the last time.
    pub reason: String,
    /// When it is tried again.
    pub next_at: DateTime<Utc>,
}

/// Something could not be told, and nothing more is until the owner goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPaused {
    /// Whose webhook.
    pub account: OfficialAccountId,
    /// Whose account: they are told.
    pub owner: UserId,
    /// Where what was not told stands in the log.
    pub position: u64,
    /// How often it was tried.
    pub times: u32,
    /// What went wrong the last time.
    pub reason: String,
}

/// The owner goes on from there, paused or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRewound {
    /// Everything behind this position is told, also what was told before.
    pub after: u64,
}

event_family! {
    /// Events of a `webhook-` stream.
    WebhookEvent {
        "webhook.set" => WebhookSet,
        "webhook.removed" => WebhookRemoved,
        "webhook.secret-renewed" => WebhookSecretRenewed,
        "webhook.delivered" => WebhookDelivered,
        "webhook.failed" => WebhookFailed,
        "webhook.paused" => WebhookPaused,
        "webhook.rewound" => WebhookRewound,
    }
}

/// What one went by while telling: what came of it counts only if nobody has set the webhook otherwise since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it is told.
    pub url: String,
    /// The numbers of the secrets that calls are signed with, the latest first.
    pub secrets: Vec<u64>,
    /// Up to where it was told before.
    pub through: u64,
    round: u64,
}

/// What could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Where it stands in the log.
    pub position: u64,
    /// What went wrong.
    pub reason: String,
    /// The other side wants to hear nothing any more.
    pub gone: bool,
}

/// Where an account is told, and how far it has been.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where; none where it is told nowhere.
    pub url: Option<String>,
    /// Up to which position of the log everything was told.
    pub through: u64,
    /// How often the next thing has failed.
    pub failures: u32,
    /// What went wrong the last time, while it does.
    pub failure: Option<String>,
    /// When it is tried again, where something failed.
    pub next_at: Option<DateTime<Utc>>,
    /// Since when nothing is told any more.
    pub paused_at: Option<DateTime<Utc>>,
    /// How often its secret was made anew.
    secret: u64,
    /// When the secret took the place of another.
    renewed_at: Option<DateTime<Utc>>,
    /// How often it was set or gone on with.
    round: u64,
}

impl Webhook {
    /// Has the account told there. At first from the end of the log on, which is `last`, and with another secret than
    /// ever before.
    ///
    /// # Errors
    /// An address that breaks its rule.
    pub fn set(&self, url: &str, last: u64) -> Result<Vec<WebhookEvent>, Rejection> {
        check_web_address("url", url, URL_CHARS)?;
        if self.url.as_deref() == Some(url) {
            return Ok(vec![]);
        }
        let set = |after| WebhookSet { url: url.to_owned(), after }.into();
        Ok(match self.url {
            Some(_) => vec![set(self.through)],
            None => vec![WebhookSecretRenewed { secret: self.secret + 1 }.into(), set(last)],
        })
    }

    /// Has the account told nowhere.
    #[must_use]
    pub fn remove(&self) -> Vec<WebhookEvent> {
        if self.url.is_some() { vec![WebhookRemoved {}.into()] } else { vec![] }
    }

    /// Makes its secret anew. For a day calls are signed with the one before as well.
    ///
    /// # Errors
    /// [`Rejection::WebhookNotFound`].
    pub fn renew_secret(&self) -> Result<Vec<WebhookEvent>, Rejection> {
        self.check_set()?;
        Ok(vec![WebhookSecretRenewed { secret: self.secret + 1 }.into()])
    }

    /// Goes on, behind a position or, without one, where it stopped, and at once. `last` is the end of the log.
    ///
    /// # Errors
    /// [`Rejection::WebhookNotFound`]; [`Rejection::InvalidField`] for a position beyond the log.
    pub fn rewind(&self, after: Option<u64>, last: u64) -> Result<Vec<WebhookEvent>, Rejection> {
        self.check_set()?;
        if after.is_some_and(|after| after > last) {
            return Err(Rejection::InvalidField { field: "from", rule: "must not be beyond the log" });
        }
        let waits = self.paused_at.is_some() || self.next_at.is_some();
        let after = after.or(waits.then_some(self.through));
        Ok(after.into_iter().map(|after| WebhookRewound { after }.into()).collect())
    }

    /// What to go by in telling; none where it is told nothing at this time.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> Option<Delivery> {
        if self.paused_at.is_some() || self.next_at.is_some_and(|next| next > now) {
            return None;
        }
        let url = self.url.clone()?;
        let before = self.old_secret_until().filter(|until| *until > now).map(|_| self.secret.saturating_sub(1));
        let secrets = [self.secret].into_iter().chain(before).collect();
        Some(Delivery { url, secrets, through: self.through, round: self.round })
    }

    /// Until when calls are signed with the secret before as well.
    #[must_use]
    pub fn old_secret_until(&self) -> Option<DateTime<Utc>> {
        self.renewed_at.map(|renewed| renewed + TimeDelta::hours(OVERLAP_HOURS))
    }

    /// Notes what came of telling: up to where it went well, and what could not be told. `whose` is the account's id and owner.
    #[must_use]
    pub fn note(
        &self,
        went_by: &Delivery,
        through: u64,
        undelivered: Option<&Undelivered>,
        (account, owner): (OfficialAccountId, UserId),
        now: DateTime<Utc>,
    ) -> Vec<WebhookEvent> {
        if self.url.is_none() || self.paused_at.is_some() || self.round != went_by.round {
            return vec![];
        }
        let went_on = through > self.through;
        let mut events: Vec<WebhookEvent> = vec![];
        if went_on {
            events.push(WebhookDelivered { through }.into());
        }
        if let Some(Undelivered { position, reason, gone }) = undelivered.cloned() {
            let failures = if went_on { 0 } else { self.failures };
            let again = usize::try_from(failures).ok().and_then(|failures| AGAIN_AFTER.get(failures));
            let times = failures + 1;
            events.push(match again.filter(|_| !gone) {
                Some(seconds) => {
                    WebhookFailed { position, times, reason, next_at: now + TimeDelta::seconds(*seconds) }.into()
                }
                None => WebhookPaused { account, owner, position, times, reason }.into(),
            });
        }
        events
    }

    fn check_set(&self) -> Result<(), Rejection> {
        self.url.as_ref().map(|_| ()).ok_or(Rejection::WebhookNotFound)
    }

    fn begin_anew(&mut self, through: u64) {
        self.through = through;
        self.failures = 0;
        self.failure = None;
        self.next_at = None;
        self.paused_at = None;
    }
}

impl Aggregate for Webhook {
    type Id = OfficialAccountId;
    type Event = WebhookEvent;
    const CATEGORY: &'static str = "webhook";

    fn evolve(&mut self, event: &WebhookEvent, meta: &EventMeta) {
        match event {
            WebhookEvent::WebhookSet(set) => {
                self.url = Some(set.url.clone());
                self.round += 1;
                self.begin_anew(set.after);
            }
            WebhookEvent::WebhookRemoved(_) => {
                self.url = None;
                self.renewed_at = None;
                self.begin_anew(self.through);
            }
            WebhookEvent::WebhookSecretRenewed(renewed) => {
                self.secret = renewed.secret;
                self.renewed_at = self.url.as_ref().map(|_| meta.at);
            }
            WebhookEvent::WebhookDelivered(delivered) => self.begin_anew(delivered.through),
            WebhookEvent::WebhookFailed(failed) => {
                self.failures = failed.times;
                self.failure = Some(failed.reason.clone());
                self.next_at = Some(failed.next_at);
            }
            WebhookEvent::WebhookPaused(paused) => {
                self.failures = paused.times;
                self.failure = Some(paused.reason.clone());
                self.next_at = None;
                self.paused_at = Some(meta.at);
            }
            WebhookEvent::WebhookRewound(rewound) => {
                self.round += 1;
                self.begin_anew(rewound.after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://tea.example/hook";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn take(state: &mut Webhook, events: &[WebhookEvent], seconds: i64) {
        let meta = EventMeta { actor: None, at: at(seconds), version: 1 };
        events.iter().for_each(|event| state.evolve(event, &meta));
    }

    fn set() -> Webhook {
        let mut state = Webhook::default();
        let events = state.set(URL, 100).unwrap();
        take(&mut state, &events, 0);
        state
    }

    /// Fails once, at that time, and gives what is noted.
    fn fail(state: &mut Webhook, through: u64, gone: bool, seconds: i64) -> Vec<WebhookEvent> {
        let went_by = state.due(at(seconds)).unwrap();
        let failure = Undelivered { position: 200, reason: "status 500".into(), gone };
        let whose = (OfficialAccountId::new(), UserId::new());
        let events = state.note(&went_by, through, Some(&failure), whose, at(seconds));
        take(state, &events, seconds);
        events
    }

    #[test]
    fn what_fails_is_tried_ten_times_over_three_days_and_then_nothing_is_until_the_owner_goes_on() {
        let mut state = set();
        let mut now = 0;
        for seconds in AGAIN_AFTER {
            let events = fail(&mut state, 100, false, now);
            assert!(matches!(events[..], [WebhookEvent::WebhookFailed(_)]), "{events:?}");
            assert_eq!(state.due(at(now + seconds - 1)), None);
            now += seconds;
        }
        let events = fail(&mut state, 100, false, now);
        assert!(matches!(&events[..], [WebhookEvent::WebhookPaused(paused)] if paused.times == 10), "{events:?}");
        assert_eq!(state.due(at(now * 9)), None);
        let events = state.rewind(None, 500).unwrap();
        take(&mut state, &events, now);
        assert_eq!((state.due(at(now)).map(|due| due.through), state.failures), (Some(100), 0));
    }

    #[test]
    fn what_was_told_before_a_failure_counts_and_the_tries_begin_anew() {
        let mut state = set();
        fail(&mut state, 100, false, 0);
        let events = fail(&mut state, 150, false, 5);
        assert!(matches!(&events[..], [WebhookEvent::WebhookDelivered(_), WebhookEvent::WebhookFailed(failed)]
            if failed.times == 1));
        assert_eq!(state.through, 150);
        assert!(matches!(&fail(&mut state, 150, true, 10)[..], [WebhookEvent::WebhookPaused(_)]));
    }

    #[test]
    fn what_came_of_telling_counts_only_if_the_owner_has_not_gone_back_since() {
        let mut state = set();
        let went_by = state.due(at(0)).unwrap();
        let events = state.rewind(Some(7), 500).unwrap();
        take(&mut state, &events, 1);
        let whose = (OfficialAccountId::new(), UserId::new());
        assert_eq!(state.note(&went_by, 300, None, whose, at(2)), vec![]);
        assert_eq!(state.through, 7);
        assert_eq!(state.rewind(None, 500), Ok(vec![]));
        assert!(state.rewind(Some(501), 500).is_err());
    }

    #[test]
    fn calls_are_signed_with_the_secret_before_for_a_day_and_never_with_one_from_before_it_was_removed() {
        let mut state = set();
        assert_eq!(state.due(at(0)).unwrap().secrets, [1]);
        let events = state.renew_secret().unwrap();
        take(&mut state, &events, 10);
        assert_eq!(state.due(at(10 + 86_399)).unwrap().secrets, [2, 1]);
        assert_eq!(state.due(at(10 + 86_400)).unwrap().secrets, [2]);
        let events = state.remove();
        take(&mut state, &events, 20);
        assert_eq!((state.due(at(20)), state.renew_secret()), (None, Err(Rejection::WebhookNotFound)));
        let events = state.set(URL, 900).unwrap();
        take(&mut state, &events, 30);
        let due = state.due(at(30)).unwrap();
        assert_eq!((due.secrets, due.through), (vec![3], 900));
    }

    #[test]
    fn another_address_goes_on_where_the_one_before_stopped() {
        let mut state = set();
        fail(&mut state, 150, true, 0);
        assert_eq!(state.set(URL, 900), Ok(vec![]));
        let events = state.set("https://tea.example/other", 900).unwrap();
        assert_eq!(events, [WebhookSet { url: "https://tea.example/other".into(), after: 150 }.into()]);
        take(&mut state, &events, 1);
        assert_eq!(state.due(at(1)).map(|due| due.through), Some(150));
        assert!(state.set("ftp://tea.example", 900).is_err());
    }
}
