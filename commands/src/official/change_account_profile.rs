//! What people see of an official account is changed.

use domain::{OfficialAccountEvent, OfficialAccountId, official::AccountProfile};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Takes a new profile of an account that the caller acts for. `change` makes it of the present one.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`]; fields that break their
    /// rules.
    pub async fn change_account_profile(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        change: impl Fn(&AccountProfile) -> AccountProfile,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| {
            state.change_profile(by, change(&state.profile))
        })
        .await
    }
}
