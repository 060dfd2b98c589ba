//! Official accounts, of which there are none in these tests.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    callbacks::{Answer, Callback, CallbackError, CallbackGateway, Notice, Told, WebhookTarget},
    ports::{Followers, ToAnswer},
};
use domain::{OfficialAccountId, UserId, broadcasts::BroadcastAudience};

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

    async fn to_notify(&self, _: OfficialAccountId, _: u64, _: usize) -> Result<Vec<(u64, ToAnswer)>, CommandError> {
        Ok(vec![])
    }
}

/// Programs, none of which answers.
pub(super) struct NoPrograms;

#[async_trait]
impl CallbackGateway for NoPrograms {
    async fn greet(&self, _: &Callback, _: i64) -> Result<(), CallbackError> {
        Err(CallbackError::Failed("there are no programs".to_owned()))
    }

    async fn tell(&self, _: &Callback, _: &Told, _: i64) -> Result<Answer, CallbackError> {
        Err(CallbackError::Failed("there are no programs".to_owned()))
    }

    async fn notify(&self, _: &WebhookTarget, _: &Notice, _: i64) -> Result<(), CallbackError> {
        Err(CallbackError::Failed("there are no programs".to_owned()))
    }
}
