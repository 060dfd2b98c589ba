//! A person proves the PIN for payments to come.

use domain::WalletEvent;
use ledger::Money;

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Proves the PIN for one payment of any permitted amount, or for several up to a sum, from the calling device.
    ///
    /// # Errors
    /// [`domain::Rejection::WalletNotOpen`], [`domain::Rejection::WrongPin`], [`domain::Rejection::PinLocked`],
    /// [`CommandError::Busy`].
    pub async fn authorize_spending(
        &self,
        caller: &Caller,
        pin: String,
        up_to: Option<Money>,
    ) -> Result<Committed<WalletEvent>, CommandError> {
        let (user, device) = (caller.user()?, Self::device_of(caller)?);
        let begun = begin!(self, caller);
        if let Some(up_to) = up_to {
            self.policy.money.check_amount(up_to)?;
        }
        let verifier = self.prove_pin(user, &pin).await?;
        let authorization = self.secrets.authorization(begun.id);
        self.run(&self.streams.wallets, user, begun, |wallet, now| {
            wallet.authorize(authorization, device, up_to, &verifier, now, &self.policy.money)
        })
        .await
    }
}
