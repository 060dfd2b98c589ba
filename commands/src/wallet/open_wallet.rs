//! A person opens a wallet.

use domain::WalletEvent;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Opens the caller's wallet with a PIN of six digits.
    ///
    /// # Errors
    /// A PIN that breaks its rule, [`domain::Rejection::WalletOpenAlready`], [`CommandError::Busy`].
    pub async fn open_wallet(&self, caller: &Caller, pin: String) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.streams.wallets.look(user, |wallet| wallet.open(String::new())).await??;
        let verifier = self.pin_verifier(user, &pin).await?;
        self.run(&self.streams.wallets, user, begun, |wallet, _| wallet.open(verifier.clone())).await
    }
}
