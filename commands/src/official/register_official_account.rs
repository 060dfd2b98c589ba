//! A person opens an official account.

use domain::{
    OfficialAccountEvent, OfficialAccountId,
    official::{AccountProfile, AccountSort},
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Registers an official account, whose owner the caller is; gives its id.
    ///
    /// # Errors
    /// Fields that break their rules.
    pub async fn register_official_account(
        &self,
        caller: &Caller,
        sort: AccountSort,
        profile: AccountProfile,
    ) -> Result<(OfficialAccountId, Committed<OfficialAccountEvent>), CommandError> {
        let account = OfficialAccountId(caller.id_of_made());
        Ok((account, self.open_account(caller, account, sort, profile).await?))
    }

    async fn open_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        sort: AccountSort,
        profile: AccountProfile,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let owner = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| {
            state.register(account, sort, profile.clone(), owner)
        })
        .await
    }
}
