//! An owner lets somebody act for the official account.

use domain::{OfficialAccountEvent, OfficialAccountId, Rejection, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Lets a person act for the caller's official account.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`], [`Rejection::PersonNotFound`],
    /// [`Rejection::TooManyOperators`].
    pub async fn add_account_operator(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        user: UserId,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let exists = self.streams.users.look(user, domain::User::is_registered).await?;
        self.run(&self.streams.official_accounts, account, begun, |state, _| {
            let added = state.add_operator(by, user, &self.policy.official)?;
            if exists { Ok(added) } else { Err(Rejection::PersonNotFound) }
        })
        .await
    }
}
