//! The menu of an official account is changed.

use domain::{OfficialAccountEvent, OfficialAccountId, official::Menu};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Gives an account that the caller acts for another menu; none takes the present one away.
    ///
    /// # Errors
    /// A menu beyond its bounds; [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`].
    pub async fn set_account_menu(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        menu: Option<Menu>,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| state.set_menu(by, menu.clone())).await
    }
}
