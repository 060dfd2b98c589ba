//! A person chooses when transfers arrive.

use domain::WalletEvent;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Chooses how long the caller's transfers wait after they were accepted.
    ///
    /// # Errors
    /// A time that can't be chosen, [`domain::Rejection::WalletNotOpen`].
    pub async fn choose_arrival(&self, caller: &Caller, seconds: i64) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.wallets, user, begun, |wallet, _| wallet.choose_arrival(seconds, &self.policy.money))
            .await
    }
}
