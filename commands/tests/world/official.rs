//! Official accounts: those who follow them, and what their webhooks are told. None has a program.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    callbacks::{Answer, Callback, CallbackError, CallbackGateway, Notice, Told, WebhookTarget},
    ports::{Followers, ToAnswer},
};
use domain::{
    DomainEvent, OfficialAccountId, SubscriptionsEvent, UserId, broadcasts::BroadcastAudience, official::Happening,
};
use eventlog::RecordedEvent;
use parking_lot::Mutex;

use super::Scan;

#[async_trait]
impl Followers for Scan {
    async fn follower(&self, _: OfficialAccountId, _: &str) -> Result<Option<UserId>, CommandError> {
        Ok(None)
    }

    async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        Ok(vec![])
    }

    async fn to_answer(
        &self,
        _: OfficialAccountId,
        _: &HashSet<UserId>,
        _: usize,
    ) -> Result<Vec<ToAnswer>, CommandError> {
        Ok(vec![])
    }

    async fn audience(&self, _: OfficialAccountId, _: u64, _: BroadcastAudience) -> Result<u64, CommandError> {
        Ok(0)
    }

    async fn accounts_to_notify(&self, _: DateTime<Utc>) -> Result<Vec<OfficialAccountId>, CommandError> {
        Ok(vec![])
    }

    async fn to_notify(
        &self,
        account: OfficialAccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ToAnswer)>, CommandError> {
        let followed = |(record, event): (RecordedEvent, DomainEvent)| match event {
            DomainEvent::Subscriptions(SubscriptionsEvent::AccountFollowed(followed))
                if followed.account == account =>
            {
                let (trigger, follower, at) = (record.event_id(), UserId(record.actor()?), record.time());
                let what = Happening::Followed { scene: followed.scene };
                let item = ToAnswer { trigger, account, follower, openid: followed.openid, at, what };
                Some((record.position().0, item))
            }
            _ => None,
        };
        let all = self.all().into_iter().filter_map(followed);
        Ok(all.filter(|(position, _)| *position > after).take(limit).collect())
    }
}

/// Webhooks that take whatever they are told. There are no programs.
#[derive(Default)]
pub(crate) struct Webhooks(Mutex<Vec<u64>>);

impl Webhooks {
    /// Where in the log stands what they were told, in the order of telling.
    pub(crate) fn told(&self) -> Vec<u64> {
        self.0.lock().clone()
    }
}

#[async_trait]
impl CallbackGateway for Webhooks {
    async fn greet(&self, _: &Callback, _: i64) -> Result<(), CallbackError> {
        Err(CallbackError::Failed("there are no programs".to_owned()))
    }

    async fn tell(&self, _: &Callback, _: &Told, _: i64) -> Result<Answer, CallbackError> {
        Err(CallbackError::Failed("there are no programs".to_owned()))
    }

    async fn notify(&self, _: &WebhookTarget, notice: &Notice, _: i64) -> Result<(), CallbackError> {
        self.0.lock().push(notice.position);
        Ok(())
    }
}
