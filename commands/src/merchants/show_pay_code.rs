//! A person shows a code at the counter.

use domain::{CommandId, WalletEvent};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Issues a code of 18 digits that pays once, within a minute. Only its keyed hash is written down; a repeated request
    /// gets the same code.
    ///
    /// # Errors
    /// [`domain::Rejection::WalletNotOpen`].
    pub async fn show_pay_code(&self, caller: &Caller) -> Result<(String, Committed<WalletEvent>), CommandError> {
        let code = self.secrets.pay_code(caller.key.map_or_else(CommandId::new, |key| key.id));
        let committed = self.issue_pay_code(caller, self.secrets.pay_code_hash(&code)).await?;
        Ok((code, committed))
    }

    async fn issue_pay_code(&self, caller: &Caller, hash: String) -> Result<Committed<WalletEvent>, CommandError> {
        let user = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.wallets, user, begun, |wallet, now| {
            wallet.issue_pay_code(hash.clone(), now, &self.policy.money)
        })
        .await
    }
}
