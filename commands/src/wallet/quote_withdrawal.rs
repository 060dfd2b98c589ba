//! What a withdrawal would cost.

use domain::{Rejection, UserId, hold::Payer, wallet::WithdrawalQuote};
use ledger::Money;

use crate::{CommandError, Commands};

impl Commands {
    /// What withdrawing an amount would cost somebody now. Nothing is reserved: another withdrawal may change it.
    ///
    /// # Errors
    /// [`Rejection::WalletNotOpen`], an amount that breaks its rule; when the stream can't be read.
    pub async fn withdrawal_quote(&self, user: UserId, amount: Money) -> Result<WithdrawalQuote, CommandError> {
        let policy = &self.policy.money;
        policy.check_amount(amount)?;
        let available = self.available(Payer::Person(user)).await?;
        let quote = |wallet: &domain::Wallet| {
            if !wallet.is_open() {
                return Err(Rejection::WalletNotOpen);
            }
            wallet.withdrawal_quote(amount, available, policy).map_err(Rejection::from_money)
        };
        Ok(self.streams.wallets.look(user, quote).await??)
    }
}
