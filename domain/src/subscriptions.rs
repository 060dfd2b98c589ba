//! Subscriptions: which official accounts one person follows. In the follower's own stream, so that an account that a
//! million people follow at once is no hot spot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    OfficialAccountId, UserId,
    event::{Aggregate, EventMeta, event_family},
    official::Scene,
    policy::OfficialPolicy,
    rejection::Rejection,
};

/// How somebody came upon an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowSource {
    /// By searching.
    #[default]
    Search,
    /// By a code.
    Code,
    /// From a card that somebody sent.
    Card,
    /// From an article.
    Article,
    /// After a payment.
    Payment,
    /// In another way.
    Other,
}

/// The person follows an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFollowed {
    /// Which.
    pub account: OfficialAccountId,
    /// What the account knows the person by.
    pub openid: String,
    /// How they came upon it.
    pub source: FollowSource,
    /// What the code said of where it hangs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
}

/// The person follows an account no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUnfollowed {
    /// Which.
    pub account: OfficialAccountId,
    /// What the account knows the person by.
    pub openid: String,
}

/// What an account sends no longer notifies, or does again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMuted {
    /// Which.
    pub account: OfficialAccountId,
    /// Whether it is muted now.
    pub on: bool,
}

/// A follower read a code of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCodeScanned {
    /// Whose code.
    pub account: OfficialAccountId,
    /// What the account knows the person by.
    pub openid: String,
    /// What the code said of where it hangs.
    pub scene: Scene,
}

event_family! {
    /// Events of a `subscriptions-` stream.
    SubscriptionsEvent {
        "account.followed" => AccountFollowed,
        "account.unfollowed" => AccountUnfollowed,
        "account.muted" => AccountMuted,
        "account.code-scanned" => AccountCodeScanned,
    }
}

/// One account, as a person has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Subscription {
    /// What the account knows the person by: stays the same for ever.
    pub openid: String,
    /// Since when the person follows it; none where they no longer do.
    pub since: Option<DateTime<Utc>>,
    /// Whether what it sends does not notify.
    pub muted: bool,
    /// When the person last followed it or read one of its codes.
    pub met_at: Option<DateTime<Utc>>,
}

/// The accounts of one person.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Subscriptions {
    accounts: BTreeMap<OfficialAccountId, Subscription>,
    /// How many of them are followed now.
    following: usize,
}

impl Subscriptions {
    /// Follows an account. `openid` is what the account is to know the person by, unless it knows them already.
    ///
    /// # Errors
    /// [`Rejection::TooManyFollowed`].
    pub fn follow(
        &self,
        account: OfficialAccountId,
        openid: &str,
        source: FollowSource,
        scene: Option<Scene>,
        policy: &OfficialPolicy,
    ) -> Result<Vec<SubscriptionsEvent>, Rejection> {
        let known = self.accounts.get(&account);
        if known.is_some_and(|known| known.since.is_some()) {
            return Ok(vec![]);
        }
        if self.following >= policy.followed_max {
            return Err(Rejection::TooManyFollowed { max: policy.followed_max });
        }
        let openid = known.map_or_else(|| openid.to_owned(), |known| known.openid.clone());
        Ok(vec![AccountFollowed { account, openid, source, scene }.into()])
    }

    /// Follows an account no longer.
    #[must_use]
    pub fn unfollow(&self, account: OfficialAccountId) -> Vec<SubscriptionsEvent> {
        let followed = self.followed(account);
        let unfollowed = |known: &Subscription| AccountUnfollowed { account, openid: known.openid.clone() }.into();
        followed.map(unfollowed).into_iter().collect()
    }

    /// Mutes or unmutes an account.
    ///
    /// # Errors
    /// [`Rejection::NotFollowed`].
    pub fn mute(&self, account: OfficialAccountId, on: bool) -> Result<Vec<SubscriptionsEvent>, Rejection> {
        let known = self.followed(account).ok_or(Rejection::NotFollowed)?;
        Ok(if known.muted == on { vec![] } else { vec![AccountMuted { account, on }.into()] })
    }

    /// Takes in that the person read a code of an account that they follow; of others nothing is noted.
    #[must_use]
    pub fn scan(&self, account: OfficialAccountId, scene: &Scene) -> Vec<SubscriptionsEvent> {
        let scanned = |known: &Subscription| {
            AccountCodeScanned { account, openid: known.openid.clone(), scene: scene.clone() }.into()
        };
        self.followed(account).map(scanned).into_iter().collect()
    }

    /// The account as the person has it, if they follow it.
    #[must_use]
    pub fn followed(&self, account: OfficialAccountId) -> Option<&Subscription> {
        self.accounts.get(&account).filter(|known| known.since.is_some())
    }
}

impl Aggregate for Subscriptions {
    type Id = UserId;
    type Event = SubscriptionsEvent;
    const CATEGORY: &'static str = "subscriptions";

    fn evolve(&mut self, event: &SubscriptionsEvent, meta: &EventMeta) {
        match event {
            SubscriptionsEvent::AccountFollowed(followed) => {
                let known = self.accounts.entry(followed.account).or_default();
                known.openid.clone_from(&followed.openid);
                (known.since, known.met_at) = (Some(meta.at), Some(meta.at));
                self.following += 1;
            }
            SubscriptionsEvent::AccountUnfollowed(unfollowed) => {
                // Muting goes with following: who follows again starts anew.
                let known = self.accounts.entry(unfollowed.account).or_default();
                (known.since, known.muted) = (None, false);
                self.following = self.following.saturating_sub(1);
            }
            SubscriptionsEvent::AccountMuted(muted) => {
                self.accounts.entry(muted.account).or_default().muted = muted.on;
            }
            SubscriptionsEvent::AccountCodeScanned(scanned) => {
                self.accounts.entry(scanned.account).or_default().met_at = Some(meta.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn followed(account: OfficialAccountId) -> SubscriptionsEvent {
        AccountFollowed { account, openid: "o1".into(), source: FollowSource::Search, scene: None }.into()
    }

    #[test]
    fn who_comes_back_is_known_by_the_same_openid() {
        let account = OfficialAccountId::new();
        let gone = AccountUnfollowed { account, openid: "o1".into() };
        let state: Subscriptions = given(vec![followed(account), gone.into()]);
        assert!(state.followed(account).is_none());
        let again = state.follow(account, "o2", FollowSource::Search, None, &OfficialPolicy::default()).unwrap();
        assert_eq!(again, [followed(account)]);
    }

    #[test]
    fn following_twice_or_leaving_what_is_not_followed_says_nothing() {
        let (account, policy) = (OfficialAccountId::new(), OfficialPolicy::default());
        let state: Subscriptions = given(vec![followed(account)]);
        assert_eq!(state.follow(account, "o1", FollowSource::Card, None, &policy), Ok(vec![]));
        assert_eq!(Subscriptions::default().unfollow(account), vec![]);
        assert_eq!(Subscriptions::default().mute(account, true), Err(Rejection::NotFollowed));
        assert_eq!(Subscriptions::default().scan(account, &Scene::Number(1)), vec![]);
        assert_eq!(state.scan(account, &Scene::Number(1)).len(), 1);
    }

    #[test]
    fn a_person_follows_so_many_at_most_and_leaving_makes_room() {
        let policy = OfficialPolicy { followed_max: 1, ..OfficialPolicy::default() };
        let [one, other] = [0; 2].map(|_| OfficialAccountId::new());
        let state: Subscriptions = given(vec![followed(one)]);
        let refused = state.follow(other, "o3", FollowSource::Search, None, &policy);
        assert_eq!(refused, Err(Rejection::TooManyFollowed { max: 1 }));
        let state: Subscriptions = given([vec![followed(one)], state.unfollow(one)].concat());
        assert!(state.follow(other, "o3", FollowSource::Search, None, &policy).is_ok());
    }
}
