//! Access tokens of official accounts' programs. Nothing of a token is kept but its number: it is genuine under the server's
//! key, and good as long as it is the latest of its series, or was until a few minutes ago.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    OfficialAccountId,
    event::{Aggregate, EventMeta, event_family},
};

/// A program got a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTokenIssued {
    /// Whether of the series whose tokens stay the same while they are good.
    pub stable: bool,
    /// Its number in its series, from 1.
    pub number: u64,
}

event_family! {
    /// Events of an `app-tokens-` stream.
    AppTokensEvent {
        "app-token.issued" => AppTokenIssued,
    }
}

/// How long a token is good.
pub const TOKEN_SECONDS: i64 = 7_200;
/// How long it is still good after the next one was issued.
const OVERLAP_SECONDS: i64 = 300;

/// The latest token of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// Its number; zero where there was none.
    pub number: u64,
    /// When it was issued.
    pub issued_at: Option<DateTime<Utc>>,
}

impl Latest {
    /// For how many seconds it is still good, one that has begun counted as a whole one: of a token that is issued just now
    /// programs expect to hear of all two hours.
    #[must_use]
    pub fn seconds_left(&self, now: DateTime<Utc>) -> i64 {
        let left = self.issued_at.map_or(0, |at| (at + TimeDelta::seconds(TOKEN_SECONDS) - now).num_milliseconds());
        (left.max(0) + 999) / 1_000
    }
}

/// What is known of a genuine token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It is good.
    Good,
    /// Another one was issued since.
    Replaced,
    /// Its time is over.
    Expired,
}

/// The tokens of one account's program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AppTokens {
    ordinary: Latest,
    stable: Latest,
}

impl AppTokens {
    /// The latest token of a series.
    #[must_use]
    pub fn latest(&self, stable: bool) -> Latest {
        if stable { self.stable } else { self.ordinary }
    }

    /// Issues a token. Of the stable series the present one stays while it is good, unless a new one is insisted on.
    #[must_use]
    pub fn issue(&self, stable: bool, insist: bool, now: DateTime<Utc>) -> Vec<AppTokensEvent> {
        let latest = self.latest(stable);
        // In its last minutes a stable token makes room for the next one, so that who asks has one that lasts.
        if stable && !insist && latest.seconds_left(now) > OVERLAP_SECONDS {
            return vec![];
        }
        vec![AppTokenIssued { stable, number: latest.number + 1 }.into()]
    }

    /// How a genuine token stands that was issued then. One that is later than any known here was issued by another node.
    #[must_use]
    pub fn state_of(&self, stable: bool, number: u64, issued_at: DateTime<Utc>, now: DateTime<Utc>) -> TokenState {
        let latest = self.latest(stable);
        let replaced = latest.issued_at.filter(|_| latest.number > number);
        let overlap = TimeDelta::seconds(OVERLAP_SECONDS);
        match replaced {
            _ if now - issued_at >= TimeDelta::seconds(TOKEN_SECONDS) => TokenState::Expired,
            Some(at) if latest.number > number + 1 || now - at >= overlap => TokenState::Replaced,
            _ => TokenState::Good,
        }
    }
}

impl Aggregate for AppTokens {
    type Id = OfficialAccountId;
    type Event = AppTokensEvent;
    const CATEGORY: &'static str = "app-tokens";

    fn evolve(&mut self, event: &AppTokensEvent, meta: &EventMeta) {
        let AppTokensEvent::AppTokenIssued(issued) = event;
        let latest = Latest { number: issued.number, issued_at: Some(meta.at) };
        if issued.stable {
            self.stable = latest;
        } else {
            self.ordinary = latest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_token_is_good_for_two_hours_and_a_while_beside_the_next_one() {
        let one: AppTokens = given(AppTokens::default().issue(false, false, at(0)));
        assert_eq!(one.state_of(false, 1, at(0), at(7_199)), TokenState::Good);
        assert_eq!(one.state_of(false, 1, at(0), at(7_200)), TokenState::Expired);
        let mut two = one.clone();
        let meta = EventMeta { actor: None, at: at(1_000), version: 2 };
        one.issue(false, false, at(1_000)).iter().for_each(|event| two.evolve(event, &meta));
        assert_eq!(two.state_of(false, 1, at(0), at(1_299)), TokenState::Good);
        assert_eq!(two.state_of(false, 1, at(0), at(1_300)), TokenState::Replaced);
        assert_eq!(two.state_of(false, 2, at(1_000), at(1_300)), TokenState::Good);
        assert_eq!(two.state_of(false, 3, at(1_200), at(1_300)), TokenState::Good, "of another node");
        assert_eq!(two.state_of(true, 1, at(0), at(10)), TokenState::Good, "of the other series");
    }

    #[test]
    fn a_stable_token_stays_until_its_last_minutes_unless_a_new_one_is_insisted_on() {
        let state: AppTokens = given(AppTokens::default().issue(true, false, at(0)));
        assert_eq!(state.issue(true, false, at(6_899)), vec![]);
        assert_eq!(state.issue(true, false, at(6_900)).len(), 1);
        assert_eq!(state.issue(true, true, at(1)).len(), 1);
        let left = |millis| state.latest(true).seconds_left(DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis));
        assert_eq!((left(0), left(3), left(7_199_001), left(7_200_000)), (7_200, 7_200, 1, 0));
        assert_eq!(state.issue(false, false, at(1)).len(), 1);
    }
}
