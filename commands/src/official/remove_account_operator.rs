//! Somebody acts for an official account no longer.

use domain::{OfficialAccountEvent, OfficialAccountId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes an operator's part in the caller's account away, or the caller's own part.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountOwnerOnly`],
    /// [`domain::Rejection::AccountNotYours`].
    pub async fn remove_account_operator(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        user: UserId,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| state.remove_operator(by, user)).await
    }
}
