//! What is left of a person's limits.

use domain::{Rejection, UserId, wallet::LimitsLeft};

use crate::{CommandError, Commands};

impl Commands {
    /// What somebody may still spend now.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`]; when the stream can't be read.
    pub async fn limits_left(&self, user: UserId) -> Result<LimitsLeft, CommandError> {
        let (now, policy) = (self.now(), &self.policy.money);
        let left = |wallet: &domain::Wallet| wallet.is_open().then(|| wallet.limits_left(now, policy));
        Ok(self.streams.wallets.look(user, left).await?.ok_or(Rejection::WalletNotOpen)?)
    }
}
