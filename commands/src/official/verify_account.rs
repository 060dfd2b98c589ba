//! The administrator vouches for who stands behind an official account, or no longer.

use domain::{OfficialAccountEvent, OfficialAccountId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Notes who stands behind an account; without a `subject`, that nobody vouches for it any more.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`]; a name that breaks its rule.
    pub async fn verify_account(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        subject: Option<&str>,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| match subject {
            Some(subject) => state.verify(subject),
            None => state.withdraw_verification(),
        })
        .await
    }
}
