//! Official accounts, of which there are none in these tests.

use async_trait::async_trait;
use commands::{
    CommandError,
    ports::{Followers, ToAnswer},
};
use domain::{OfficialAccountId, UserId};

use super::Scan;

#[async_trait]
impl Followers for Scan {
    async fn follower(&self, _: OfficialAccountId, _: &str) -> Result<Option<UserId>, CommandError> {
        Ok(None)
    }

    async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        Ok(vec![])
    }

    async fn to_answer(&self, _: OfficialAccountId, _: usize) -> Result<Vec<ToAnswer>, CommandError> {
        Ok(vec![])
    }
}
