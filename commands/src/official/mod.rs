//! Use cases of official accounts: whose they are, who follows them, what is said between the two, what they publish.

mod add_account_operator;
mod answers;
mod app;
mod article_html;
mod broadcast;
mod change_account_profile;
mod choose_from_menu;
mod follow_account;
mod follower_tags;
mod line;
mod mute_account;
mod note_follower;
mod notify;
mod open_account_conversation;
mod pace;
mod program_media;
mod publish_article;
mod read_article;
mod register_official_account;
mod remove_account_operator;
mod scan_code;
mod scene_code;
mod set_auto_replies;
mod set_menu;
mod told;
mod unfollow_account;
mod verify_account;
mod webhook;
mod write_article;
mod write_to_follower;

use domain::{OfficialAccountId, UserId};

pub use app::{BadToken, IssuedToken};
pub use choose_from_menu::ButtonPlace;
pub use follow_account::Follow;
pub(crate) use pace::Paces;
pub use scan_code::Scan;
pub use scene_code::SceneCode;
pub use write_article::NewArticle;

use crate::{CommandError, Commands};

impl Commands {
    /// Checks that somebody may act for an official account, or read what is the account's.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`], [`domain::Rejection::AccountNotYours`].
    pub async fn check_acting_for(&self, by: UserId, account: OfficialAccountId) -> Result<(), CommandError> {
        Ok(self.streams.official_accounts.look(account, |state| state.check_acting(by)).await??)
    }

    /// Whom an account knows by that name; none where nobody of that name follows it.
    ///
    /// # Errors
    /// When the read model does not answer.
    pub async fn follower(&self, account: OfficialAccountId, openid: &str) -> Result<Option<UserId>, CommandError> {
        self.followers.follower(account, openid).await
    }

    /// Checks that there is such an official account.
    ///
    /// # Errors
    /// [`domain::Rejection::OfficialAccountNotFound`].
    pub async fn check_official_account(&self, account: OfficialAccountId) -> Result<(), CommandError> {
        Ok(self.streams.official_accounts.look(account, domain::OfficialAccount::check_exists).await??)
    }
}
