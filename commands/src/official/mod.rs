//! Use cases of official accounts: whose they are, who follows them.

mod add_account_operator;
mod change_account_profile;
mod follow_account;
mod mute_account;
mod register_official_account;
mod remove_account_operator;
mod scan_code;
mod scene_code;
mod unfollow_account;
mod verify_account;

use domain::{OfficialAccountId, UserId};

pub use follow_account::Follow;
pub use scan_code::Scan;
pub use scene_code::SceneCode;

use crate::{CommandError, Commands};

impl Commands {
    /// Checks that somebody may act for an official account, or read what is the account's.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`].
    pub async fn check_acting_for(&self, by: UserId, account: OfficialAccountId) -> Result<(), CommandError> {
        Ok(self.official_accounts.look(account, |state| state.check_acting(by)).await??)
    }

    /// Checks that there is such an official account.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`].
    pub async fn check_official_account(&self, account: OfficialAccountId) -> Result<(), CommandError> {
        Ok(self.official_accounts.look(account, domain::OfficialAccount::check_exists).await??)
    }
}
